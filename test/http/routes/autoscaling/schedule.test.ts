import { expect, it } from 'vitest'
import type { Week } from '../../../../src/autoscaling/autoscaler.ts'
import { readPolicy } from '../../../../src/autoscaling/policy/read-policy.ts'
import { anAutoscaler, fakeCatalog, T0 } from '../../../support/use-cases/fake-use-cases.ts'
import { server } from '../../../support/use-cases/http.ts'
import { memoryController } from '../../../support/use-cases/memory-controller.ts'

const URL = '/v1/autoscaler/web/schedule'

const office = {
  'autoscaler.enable': 'true',
  'autoscaler.max': '10',
  'autoscaler.schedule.office.from': '0 8 * * *',
  'autoscaler.schedule.office.for': '10h',
  'autoscaler.schedule.office.tz': 'Europe/Oslo',
  'autoscaler.schedule.office.min': '6',
}

it('GET /v1/autoscaler/<name>/schedule shows the windows as written and the bounds that come of them', async () => {
  const { observation } = anAutoscaler()
  const week: Week = {
    ...{ observation, reading: readPolicy({ serviceName: 'web', labels: office }) },
    ...{ nowMs: T0, zone: 'Europe/Oslo', fromMs: T0 - 1000, untilMs: T0 + 1000, isCut: false },
    stretches: [{ fromMs: T0 - 1000, untilMs: T0 + 1000, bounds: { min: 6, max: 10, source: 'schedule.office' } }],
  }
  const answer = await server({ catalog: fakeCatalog([anAutoscaler()], { week: () => week }) }).inject(URL)
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toEqual({
    ...{ autoscaler: 'web', service: 'web', tz: 'Europe/Oslo', cut: false },
    ...{ now: '2026-01-31T12:00:00.000Z', from: '2026-01-31T11:59:59.000Z', until: '2026-01-31T12:00:01.000Z' },
    windows: [{ name: 'office', from: '0 8 * * *', for: '10h', tz: 'Europe/Oslo', min: 6 }],
    stretches: [
      {
        ...{ from: '2026-01-31T11:59:59.000Z', until: '2026-01-31T12:00:01.000Z' },
        ...{ min: 6, max: 10, source: 'schedule.office' },
      },
    ],
  })
})

it('the week begins with the last midnight of the zone that all windows have, and with that of UTC where they have several', () => {
  // 00:30 in Oslo, an hour before midnight in UTC.
  const clock = { nowMs: Date.parse('2026-01-31T23:30:00Z') }
  const { swarm, catalog } = memoryController(clock)
  swarm.add({ labels: office })
  expect(catalog.week('web')).toMatchObject({
    ...{ zone: 'Europe/Oslo', nowMs: clock.nowMs },
    ...{ fromMs: Date.parse('2026-01-31T23:00:00Z'), untilMs: Date.parse('2026-02-07T23:00:00Z') },
  })
  const night = { 'night.from': '0 22 * * *', 'night.for': '8h', 'night.max': '7' }
  const second = Object.entries(night).map(([field, text]) => [`autoscaler.schedule.${field}`, text])
  swarm.add({ labels: { ...office, ...Object.fromEntries(second) } })
  expect(catalog.week('web')).toMatchObject({ zone: 'UTC', fromMs: Date.parse('2026-01-31T00:00:00Z') })
})

it('a policy that is not valid has no week: 422, with the field that is wrong', async () => {
  const issue = { severity: 'error', field: 'autoscaler.max', message: 'required' } as const
  const reading = { optedIn: true, name: 'web', fields: {}, issues: [issue] }
  const broken = anAutoscaler('web', { reading })
  const answer = await server({ catalog: fakeCatalog([broken], { week: () => undefined }) }).inject(URL)
  expect([answer.statusCode, answer.json().code]).toEqual([422, 'invalid-policy'])
  expect(answer.json().detail).toContain('autoscaler.max: required')
})
