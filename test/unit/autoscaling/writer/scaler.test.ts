import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAlertSource } from '../../../../src/autoscaling/alerts/alert-source.ts'
import type { Scaler } from '../../../../src/autoscaling/autoscaler.ts'
import { boundsSource, createRestoreSource } from '../../../../src/autoscaling/decision/request-source.ts'
import { encodeState } from '../../../../src/autoscaling/decision/state.ts'
import { createDecisionLog } from '../../../../src/autoscaling/feed/decision-log.ts'
import { createPolicies } from '../../../../src/autoscaling/policy/policies.ts'
import { createCatalog } from '../../../../src/autoscaling/views/catalog.ts'
import { createScaler } from '../../../../src/autoscaling/writer/scaler.ts'
import { createServiceWriters } from '../../../../src/autoscaling/writer/service-writers.ts'
import type { WriterContext } from '../../../../src/autoscaling/writer/writer-context.ts'
import type { Fault } from '../../../../src/foundation/errors.ts'
import { STATE_LABEL } from '../../../../src/swarm/services.ts'
import { down, key, state, up } from '../../../support/builders/autoscaling.ts'
import { createMemorySwarm } from '../../../support/swarm/services.ts'
import { alertBook } from '../../../support/use-cases/alerts.ts'

const labels = (over: Record<string, string> = {}) => ({
  'autoscaler.enable': 'true',
  'autoscaler.max': '1000',
  'autoscaler.cooldown': '0',
  ...over,
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }

function start(settings: Partial<WriterContext['settings']> = {}) {
  const now = () => Date.now()
  const swarm = createMemorySwarm(now)
  swarm.add({ labels: labels() })
  const log = createDecisionLog()
  const { services, sharedState } = swarm
  const policies = createPolicies({
    services,
    files: { list: () => [], problems: () => [], onChange: () => () => {} },
    logger: silent,
  })
  let writes = 0
  const alerts = alertBook()
  const deps = {
    services,
    sharedState,
    alerts,
    sources: [createRestoreSource(sharedState), boundsSource, createAlertSource(alerts)],
    policies,
    log,
    listener: { decided() {}, wrote() {}, observed() {} },
    logger: silent,
    now,
    newWriteId: () => `write-${++writes}`,
    settings: { dryRun: false, dedupWindowMs: 60_000, patienceMs: 3000, ...settings },
  }
  const writers = createServiceWriters(deps)
  const catalog = createCatalog({ ...deps, writeUnknown: writers.writeUnknown })
  const scaler = createScaler({ ...deps, writers, catalog })
  return { swarm, scaler, catalog, replicas: () => swarm.service('id-web')?.replicas }
}

const fault = (code: Fault['code']) => expect.objectContaining({ name: 'Fault', code })
const settle = async (ms = 0) => await vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  vi.useFakeTimers({
    now: 1_767_225_600_000,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
  })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('calls', () => {
  it('that come together share writes, and each is answered with its own step', async () => {
    const { swarm, scaler, replicas } = start()
    const answers = Promise.all(Array.from({ length: 20 }, async () => await scaler.request('web', up())))
    await settle(100)
    expect((await answers).map(({ from, to }) => [from, to])).toEqual(
      Array.from({ length: 20 }, (_, i) => [i + 3, i + 4]),
    )
    expect(replicas()).toBe(23)
    expect(swarm.calls.writes).toBeLessThanOrEqual(2)
  })

  it('are decided again on what another writer left, and give up after five conflicts', async () => {
    const { swarm, scaler, replicas } = start()
    swarm.failNextWrites('conflict', 'conflict')
    const answer = scaler.request('web', up())
    await settle(1000)
    expect(await answer).toMatchObject({ outcome: 'scaled', from: 3, to: 4 })
    expect(swarm.calls.writes).toBe(3)

    swarm.failNextWrites('conflict', 'conflict', 'conflict', 'conflict', 'conflict')
    const refused = expect(scaler.request('web', up())).rejects.toEqual(fault('conflicts-exhausted'))
    await settle(1000)
    await refused
    expect(replicas()).toBe(4)
  })

  it('up and down together are both carried out and remembered', async () => {
    const { scaler, replicas } = start()
    const both = Promise.all([scaler.request('web', up()), scaler.request('web', up()), scaler.request('web', down())])
    await settle(100)
    expect((await both).map(({ from, to }) => [from, to])).toEqual([
      [3, 4],
      [4, 5],
      [5, 4],
    ])
    expect(replicas()).toBe(4)
  })

  it('for a service removed between read and write are answered: unknown', async () => {
    const { swarm, scaler } = start()
    const refused = expect(scaler.request('web', up())).rejects.toEqual(fault('unknown-autoscaler'))
    swarm.remove('id-web')
    await settle(100)
    await refused
    await expect(scaler.request('web', up())).rejects.toEqual(fault('unknown-autoscaler'))
  })

  it('find no autoscaler by a prefix of its name or of its id, and no ambiguous one', async () => {
    const { swarm, scaler } = start()
    for (const name of ['we', 'id-web', 'WEB', 'web ']) {
      await expect(scaler.request(name, up())).rejects.toEqual(fault('unknown-autoscaler'))
    }
    swarm.add({ id: 'id-2', name: 'web2', labels: labels({ 'autoscaler.name': 'web' }) })
    await expect(scaler.request('web', up())).rejects.toEqual(fault('ambiguous-name'))
  })

  it('are refused while Swarm is not in sync, and while stopping', async () => {
    const { swarm, scaler } = start()
    swarm.setSync({ inSync: false, reason: 'no leader' })
    await expect(scaler.request('web', up())).rejects.toEqual(fault('not-in-sync'))
    swarm.setSync({ inSync: true, reason: '' })
    swarm.failNextWrites('hang')
    const accepted = scaler.request('web', up())
    const stopped = scaler.stop()
    await expect(scaler.request('web', up())).rejects.toEqual(fault('shutting-down'))
    swarm.thaw()
    await settle(10)
    expect(await accepted).toMatchObject({ outcome: 'scaled', to: 4 })
    await stopped
  })

  it('that the engine never took are answered: nothing changed', async () => {
    const { swarm, scaler, replicas } = start()
    swarm.failNextWrites('unsent')
    await expect(scaler.request('web', up())).rejects.toEqual(fault('engine-unavailable'))
    swarm.failNextWrites('rejected')
    await expect(scaler.request('web', up())).rejects.toEqual(fault('write-rejected'))
    expect(replicas()).toBe(3)
  })
})

describe('a write without an answer', () => {
  it('is unknown to its caller, and the same key again is one step, had it been in force', async () => {
    const { swarm, scaler, replicas } = start()
    swarm.failNextWrites('lost-after')
    await expect(scaler.request('web', up({ key: key('k') }))).rejects.toEqual(fault('write-unknown'))
    const again = scaler.request('web', up({ key: key('k') }))
    await settle(500)
    expect(await again).toMatchObject({ outcome: 'held', code: 'duplicate', from: 3, to: 4 })
    expect(replicas()).toBe(4)
  })

  it('is one step too, had it been lost', async () => {
    const { swarm, scaler, replicas } = start()
    swarm.failNextWrites('lost-before')
    await expect(scaler.request('web', up({ key: key('k') }))).rejects.toEqual(fault('write-unknown'))
    const again = scaler.request('web', up({ key: key('k') }))
    await settle(2500)
    expect(await again).toMatchObject({ outcome: 'scaled', from: 3, to: 4 })
    expect(replicas()).toBe(4)
  })

  it('is one step too, if it comes into force after the call was repeated', async () => {
    const { swarm, scaler, catalog, replicas } = start()
    swarm.failNextWrites('late')
    await expect(scaler.request('web', up({ key: key('k') }))).rejects.toEqual(fault('write-unknown'))
    const unknown = catalog.get('web').conditions.find(({ type }) => type === 'WriteUnknown')
    expect(unknown?.status).toBe(true)
    const again = scaler.request('web', up({ key: key('k') }))
    await settle(300)
    swarm.thaw()
    await settle(500)
    expect(await again).toMatchObject({ outcome: 'held', code: 'duplicate' })
    expect(replicas()).toBe(4)
  })

  it('keeps later callers waiting only as long as their patience', async () => {
    const { swarm, scaler } = start({ patienceMs: 900 })
    swarm.failNextWrites('hang')
    const first = expect(scaler.request('web', up())).rejects.toEqual(fault('write-unknown'))
    await settle(10)
    const second = expect(scaler.request('web', up())).rejects.toEqual(fault('engine-unavailable'))
    await settle(1000)
    await Promise.all([first, second])
  })
})

describe('after a deploy', () => {
  const scaledTo = (to: number) => ({ replicas: to, labels: labels({ [STATE_LABEL]: encodeState(state({ to })) }) })

  it('the count comes back at once when the task template is the same', async () => {
    const { swarm, replicas } = start()
    swarm.change('id-web', scaledTo(7))
    swarm.change('id-web', { replicas: 2, labels: labels() })
    await settle(100)
    expect(replicas()).toBe(7)
    expect(swarm.shared().restores.size).toBe(0)
  })

  it('the count waits for the rollout, across a second deploy, and survives a restart of the controller', async () => {
    const { swarm, scaler, replicas } = start()
    swarm.change('id-web', scaledTo(7))
    swarm.change('id-web', { replicas: 2, labels: labels(), updateState: 'updating' })
    await settle(100)
    swarm.change('id-web', { replicas: 2, labels: labels(), updateState: 'paused' })
    await settle(5000)
    expect(replicas()).toBe(2)
    expect(swarm.shared().restores.get('id-web')).toMatchObject({ replicas: 7 })
    await expect(scaler.request('web', up())).resolves.toMatchObject({ outcome: 'held', code: 'rollout' })
    swarm.change('id-web', { updateState: 'completed' }, { previous: true })
    await settle(100)
    expect(replicas()).toBe(7)
    expect(swarm.shared().restores.size).toBe(0)
  })

  it('nothing is written before what ran is kept', async () => {
    const { swarm, scaler, replicas } = start()
    swarm.change('id-web', scaledTo(7))
    swarm.failSharedState(true)
    swarm.change('id-web', { replicas: 2, labels: labels() })
    await expect(scaler.request('web', up())).rejects.toEqual(fault('engine-unavailable'))
    expect(replicas()).toBe(2)
    swarm.failSharedState(false)
    await settle(1100)
    expect(replicas()).toBe(7)
  })

  it('a person who scales by hand has the last word', async () => {
    const { swarm, replicas } = start()
    swarm.change('id-web', scaledTo(7))
    swarm.change('id-web', { replicas: 2, labels: labels(), updateState: 'paused' })
    await settle(100)
    const previous = { replicas: 2, stateLabel: undefined, sameTemplate: true, sameButCount: true }
    swarm.change('id-web', { replicas: 4, previous })
    await settle(2000)
    expect(replicas()).toBe(4)
    expect(swarm.shared().restores.size).toBe(0)
  })

  it('with on-deploy=accept the new count stays', async () => {
    const { swarm, replicas } = start()
    const accepting = labels({ 'autoscaler.on-deploy': 'accept' })
    swarm.change('id-web', scaledTo(7))
    swarm.change('id-web', { replicas: 2, labels: accepting })
    await settle(3000)
    expect(replicas()).toBe(2)
    expect(swarm.shared().restores.size).toBe(0)
  })
})

describe('a count that is not ours', () => {
  it('is accepted inside the bounds, and corrected outside them after 10 s', async () => {
    const { swarm, replicas } = start()
    await settle(1000)
    swarm.change('id-web', { replicas: 500 })
    await settle(15_000)
    expect(replicas()).toBe(500)
    swarm.change('id-web', { replicas: 1500 })
    await settle(9000)
    expect(replicas()).toBe(1500)
    await settle(2500)
    expect(replicas()).toBe(1000)
  })

  it('is corrected at once when the bounds were edited', async () => {
    const { swarm, catalog, replicas } = start()
    await settle(20_000)
    swarm.change('id-web', { labels: labels({ 'autoscaler.max': '2' }) })
    await settle(1000)
    expect(replicas()).toBe(2)
    expect(catalog.decisions('web')[0]).toMatchObject({ outcome: 'scaled', from: 3, to: 2 })
  })
})

describe('a count of 0', () => {
  const withMin = (min: string) => labels({ 'autoscaler.min': min })

  it.each([
    { name: 'that a step made', go: async (scaler: Scaler) => await scaler.request('web', down({ by: 9 })) },
    {
      name: 'that was asked for by name',
      go: async (scaler: Scaler) => await scaler.request('web', { kind: 'set', origin: 'call', replicas: 0 }),
    },
  ])('$name ends with the bounds that allowed it', async ({ go }) => {
    const { swarm, scaler, catalog, replicas } = start()
    swarm.change('id-web', { labels: withMin('0') })
    await go(scaler)
    expect(replicas()).toBe(0)
    await settle(2000)
    expect(replicas()).toBe(0)
    const { labels: written = {} } = swarm.service('id-web') ?? {}
    swarm.change('id-web', { labels: { ...written, 'autoscaler.min': '1' } })
    await settle(2000)
    expect(replicas()).toBe(1)
    expect(catalog.get('web').conditions.find(({ type }) => type === 'Maintenance')).toMatchObject({ status: false })
    await expect(scaler.request('web', up())).resolves.toMatchObject({ outcome: 'scaled', from: 1, to: 2 })
  })

  it('that a person set stays, and is told of', async () => {
    const { swarm, scaler, catalog, replicas } = start()
    swarm.change('id-web', { replicas: 0 })
    await settle(20_000)
    expect(replicas()).toBe(0)
    await expect(scaler.request('web', up())).resolves.toMatchObject({ outcome: 'held', code: 'maintenance' })
    expect(catalog.get('web').conditions.find(({ type }) => type === 'Maintenance')).toMatchObject({ status: true })
  })

  it('of ours comes back after a deploy, as every other count does; a person’s does not', async () => {
    const { swarm, scaler, replicas } = start()
    swarm.change('id-web', { labels: withMin('0') })
    await scaler.request('web', down({ by: 9 }))
    await settle(10)
    swarm.change('id-web', { replicas: 3, labels: withMin('0') })
    expect(replicas()).toBe(3)
    await settle(15_000)
    expect(replicas()).toBe(0)
    await scaler.request('web', up({ by: 2 }))
    swarm.change('id-web', { replicas: 0 })
    await settle(10)
    swarm.change('id-web', { replicas: 3, labels: withMin('0') })
    await settle(15_000)
    expect(replicas()).toBe(3)
  })
})

describe('a pause by call', () => {
  it('is what the last one says, whatever was before', async () => {
    const { swarm, scaler } = start()
    const pause = () => swarm.shared().pauses.get('id-web')
    await scaler.pause('web', { scope: 'both', reason: 'for good' })
    await scaler.pause('web', { scope: 'up', forMs: 60_000 })
    expect(pause()).toEqual({ scope: 'up', sinceMs: Date.now(), untilMs: Date.now() + 60_000 })
    await expect(scaler.request('web', down())).resolves.toMatchObject({ outcome: 'scaled' })
  })

  it('holds one direction until it is resumed, and goes with its service', async () => {
    const { swarm, scaler } = start()
    await scaler.pause('web', { scope: 'up' })
    await expect(scaler.request('web', up())).resolves.toMatchObject({ outcome: 'held', code: 'paused' })
    await expect(scaler.request('web', down())).resolves.toMatchObject({ outcome: 'scaled' })
    await scaler.pause('web', { scope: 'both', forMs: 60_000 })
    expect(swarm.shared().pauses.get('id-web')).toMatchObject({ scope: 'both' })
    await scaler.resume('web', 'up')
    expect(swarm.shared().pauses.get('id-web')).toMatchObject({ scope: 'down' })
    swarm.remove('id-web')
    await settle(10)
    expect(swarm.shared().pauses.size).toBe(0)
  })
})

describe('a pause of everything', () => {
  const held = { outcome: 'held', code: 'paused', reason: expect.stringMatching(/^everything is paused via API/) }

  it('holds whatever is asked of whichever service, those that come later too, and ends with what is due', async () => {
    const { swarm, scaler, replicas } = start()
    await scaler.pauseAll({ scope: 'both', by: 'ole' })
    swarm.add({ id: 'id-late', name: 'late', labels: labels() })
    await expect(scaler.request('web', up())).resolves.toMatchObject(held)
    await expect(scaler.request('web', down())).resolves.toMatchObject(held)
    await expect(scaler.request('late', up())).resolves.toMatchObject(held)
    await expect(scaler.request('web', { kind: 'set', origin: 'call', replicas: 7 })).resolves.toMatchObject(held)
    expect(scaler.explain('web', up()).decision).toMatchObject(held)
    // A person may, and what the policy makes of it waits.
    swarm.change('id-web', { replicas: 9, labels: labels({ 'autoscaler.max': '5' }) })
    await settle(15_000)
    expect(replicas()).toBe(9)
    expect(swarm.calls.writes).toBe(0)
    await scaler.resumeAll('both')
    await settle(10)
    expect(replicas()).toBe(5)
  })

  it('ends by itself, and brings back then what a deploy has reset meanwhile', async () => {
    const { swarm, scaler, replicas } = start()
    swarm.change('id-web', { replicas: 7, labels: labels({ [STATE_LABEL]: encodeState(state({ to: 7 })) }) })
    await scaler.pauseAll({ scope: 'both', forMs: 60_000 })
    swarm.change('id-web', { replicas: 2, labels: labels() })
    await settle(30_000)
    expect(replicas()).toBe(2)
    await settle(40_000)
    expect(replicas()).toBe(7)
  })

  it('leaves single pauses as they are, and a single resume leaves it', async () => {
    const { swarm, scaler } = start()
    swarm.add({ id: 'id-api', name: 'api', labels: labels() })
    await scaler.pause('web', { scope: 'both' })
    await scaler.pauseAll({ scope: 'both' })
    await scaler.pause('api', { scope: 'both' })
    await scaler.resume('api', 'both')
    await expect(scaler.request('api', up())).resolves.toMatchObject(held)
    await scaler.resumeAll('both')
    await expect(scaler.request('api', up())).resolves.toMatchObject({ outcome: 'scaled' })
    await expect(scaler.request('web', up())).resolves.toMatchObject({
      code: 'paused',
      reason: expect.stringMatching(/^paused via API/),
    })
  })

  it('is refused like a single one while the controller stops', async () => {
    const { scaler } = start()
    const stopped = scaler.stop()
    await expect(scaler.pauseAll({ scope: 'both' })).rejects.toEqual(fault('shutting-down'))
    await expect(scaler.resumeAll('both')).rejects.toEqual(fault('shutting-down'))
    await stopped
  })
})
