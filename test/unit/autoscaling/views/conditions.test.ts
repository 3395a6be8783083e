/** Since when a condition holds, what it says of a pause, and defaults as they are here. */
import { beforeEach, expect, it } from 'vitest'
import type { ConditionType } from '../../../../src/autoscaling/autoscaler.ts'
import { memoryController } from '../../../support/use-cases/memory-controller.ts'

const T0 = Date.UTC(2026, 0, 31, 11)
const clock = { nowMs: T0 }
beforeEach(() => {
  clock.nowMs = T0
})
const labels = { 'autoscaler.enable': 'true', 'autoscaler.max': '9' }

function start() {
  const controller = memoryController(clock)
  controller.swarm.add({ replicas: 2, labels })
  const condition = (type: ConditionType) =>
    controller.catalog.get('web').conditions.find((one) => one.type === type) ?? expect.fail()
  return { ...controller, condition }
}

it('is when it came to be so, though nobody asked before', () => {
  const { swarm, condition } = start()
  clock.nowMs += 60_000
  swarm.change('id-web', { updateState: 'paused' })
  clock.nowMs += 3_600_000
  expect(condition('RolloutSettled')).toMatchObject({ status: false, sinceMs: T0 + 60_000 })
})

it('of a pause is when somebody paused, and it says until when, which way, who and why', async () => {
  const { scaler, condition } = start()
  clock.nowMs += 60_000
  const forMs = 37 * 60_000
  await scaler.pause('web', { scope: 'both', forMs, by: 'ops', reason: 'the database moves' })
  clock.nowMs += 60_000
  expect(condition('Paused')).toEqual({
    type: 'Paused',
    status: true,
    reason: 'paused via API until 2026-01-31T11:38:00Z (up and down) by ops: the database moves',
    sinceMs: T0 + 60_000,
  })
  const { reason } = await scaler.request('web', { kind: 'step', direction: 'up', origin: 'call' })
  expect(reason).toBe('paused via API until 2026-01-31T11:38:00Z (up and down) by ops: the database moves')
  await scaler.resume('web', 'up')
  expect(condition('Paused').reason).toBe('paused via API until 2026-01-31T11:38:00Z (down) by ops: the database moves')
  await scaler.resume('web', 'both')
  expect(condition('Paused')).toMatchObject({ status: false, reason: 'not paused' })
})

it('of a pause of everything stands beside that of the service, and each says what it is', async () => {
  const { scaler, catalog, condition } = start()
  await scaler.pause('web', { scope: 'down', forMs: 60_000, by: 'ole' })
  clock.nowMs += 10_000
  expect(await scaler.pauseAll({ scope: 'both', forMs: 600_000, by: 'ops', reason: 'the database moves' })).toEqual({
    ...{ scope: 'both', sinceMs: T0 + 10_000, untilMs: T0 + 610_000, by: 'ops', reason: 'the database moves' },
  })
  expect(condition('Paused')).toMatchObject({
    reason:
      'everything is paused via API until 2026-01-31T11:10:10Z (up and down) by ops: the database moves; paused via API until 2026-01-31T11:01:00Z (down) by ole',
    sinceMs: T0,
  })
  await scaler.resume('web', 'both')
  expect(condition('Paused')).toMatchObject({ status: true, reason: expect.stringMatching(/^everything is paused/) })
  expect(catalog.get('web').pause).toBeUndefined()
  expect(await scaler.resumeAll('up')).toMatchObject({ scope: 'down' })
  expect(await scaler.resumeAll('both')).toBeUndefined()
  expect(condition('Paused')).toMatchObject({ status: false })
})

it('of a pause that has ended is over, and the pause is not shown any more, though nothing was written since', async () => {
  const { scaler, catalog, condition } = start()
  await scaler.pause('web', { scope: 'up', forMs: 60_000 })
  await scaler.pauseAll({ scope: 'up', forMs: 60_000 })
  expect(catalog.get('web').pause).toMatchObject({ scope: 'up' })
  clock.nowMs += 60_000
  expect(catalog.get('web').pause).toBeUndefined()
  expect(scaler.pausedAll()).toBeUndefined()
  expect(condition('Paused').status).toBe(false)
})

it('that ends as time passes is noted when somebody looks now and then', async () => {
  const { scaler, catalog, condition } = start()
  await scaler.pause('web', { scope: 'up', forMs: 60_000 })
  clock.nowMs += 61_000
  expect(catalog.get('web').pause).toBeUndefined()
  catalog.noteConditions()
  clock.nowMs += 3_600_000
  expect(condition('Paused')).toMatchObject({ status: false, sinceMs: T0 + 61_000 })
})

it('shows how long an alert stands without news as it is here, not as a choice', () => {
  const { catalog } = start()
  expect(catalog.get('web').reading.fields['alert-ttl']).toEqual({ value: '30m', source: 'default' })
})
