/** Alerts that stand (autoscaler.on-firing=repeat), from notification to count, with several controllers of one Swarm in memory. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readNotification } from '../../../src/autoscaling/notification.ts'
import { STATE_LABEL } from '../../../src/autoscaling/observation.ts'
import type { FiringAlerts } from '../../../src/autoscaling/ports.ts'
import { encodeState } from '../../../src/autoscaling/state.ts'
import { Fault } from '../../../src/foundation/errors.ts'
import { state, up } from '../../support/builders.ts'
import { type MemoryOptions, memoryAlertStore, memoryController } from '../../support/memory-controller.ts'
import { type AlertOver, alert, alertmanager, grafana } from '../../support/notifications.ts'

const T0 = Date.UTC(2026, 0, 31, 12)
const SECOND = 1000
const MINUTE = 60 * SECOND
const clock = {
  get nowMs() {
    return Date.now()
  },
}

const labels = (over: Record<string, string> = {}) => ({
  'autoscaler.enable': 'true',
  'autoscaler.max': '100',
  'autoscaler.cooldown': '30s',
  'autoscaler.on-firing': 'repeat',
  ...over,
})

const settle = async (ms = 0) => await vi.advanceTimersByTimeAsync(ms)

/** One Swarm, with as many controllers as are asked for. */
function start(over: Record<string, string> = {}, options: MemoryOptions & { readonly controllers?: number } = {}) {
  const store = memoryAlertStore()
  const shared = { alertStore: store.alertStore, ...options }
  const first = memoryController(clock, shared)
  const { swarm } = first
  swarm.add({ labels: labels(over) })
  const another = () => memoryController(clock, { ...shared, swarm })
  const others = Array.from({ length: (options.controllers ?? 1) - 1 }, another)
  const receive = async (body: unknown, controller = first) => {
    const notification = readNotification(body)
    if (notification === undefined) throw new Error('no notification')
    const answer = controller.alerts.receive(notification)
    // Refusals are looked at after the time has passed.
    answer.catch(() => {})
    await settle(10)
    return await answer
  }
  return {
    ...{ swarm, store, another, receive, controllers: [first, ...others], controller: first },
    replicas: () => swarm.service('id-web')?.replicas,
    alerts: () => first.catalog.get('web').alerts,
    condition: () => first.catalog.get('web').conditions.find(({ type }) => type === 'AlertStanding'),
  }
}

const firing = (name = 'a', over: AlertOver = {}) => alertmanager([alert({ fingerprint: name, ...over })])
const resolved = (name = 'a', over: AlertOver = {}) => firing(name, { status: 'resolved', ...over })

beforeEach(() => {
  vi.useFakeTimers({
    now: T0,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
  })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('an alert that stands', () => {
  it('is one step at once and one each cooldown, until it resolves', async () => {
    const { receive, replicas, alerts, condition } = start()
    expect(await receive(firing())).toMatchObject([{ decision: { outcome: 'scaled', from: 3, to: 4 } }])
    expect(alerts()).toMatchObject([{ alertId: 'a', direction: 'up', name: 'HighLoad', suspended: false }])
    expect(condition()).toMatchObject({ status: true, reason: expect.stringContaining('HighLoad') })
    await settle(29 * SECOND)
    expect(replicas()).toBe(4)
    await settle(2 * SECOND)
    expect(replicas()).toBe(5)
    await settle(4 * MINUTE)
    expect(replicas()).toBe(13)
    await receive(resolved())
    expect(alerts()).toEqual([])
    expect(condition()).toMatchObject({ status: false })
    await settle(10 * MINUTE)
    expect(replicas()).toBe(13)
  })

  it('that arrives in the cooldown takes its step when that is over', async () => {
    const { receive, controller, replicas } = start()
    const call = controller.scaler.request('web', up())
    await settle(10 * SECOND)
    await call
    expect(await receive(firing())).toMatchObject([{ decision: { outcome: 'held', code: 'cooldown' } }])
    expect(replicas()).toBe(4)
    await settle(21 * SECOND)
    expect(replicas()).toBe(5)
  })

  it('steps no more often than each 15 s, without any cooldown and with notifications all the time', async () => {
    const { receive, replicas } = start({ 'autoscaler.cooldown': '0' })
    for (let n = 0; n < 59; n += 1) {
      await receive(firing(`alert-${n}`))
      await settle(SECOND - 10)
    }
    expect(replicas()).toBe(3 + 4)
  })

  it('takes the largest by of all that stand, and is not asked for by those that ask for less', async () => {
    const { receive, replicas } = start()
    await receive(firing('a', { labels: { scale: 'down' } }))
    expect(replicas()).toBe(2)
    await receive(firing('b', { labels: { by: '2' } }))
    await receive(firing('c', { labels: { by: '5' } }))
    expect(replicas()).toBe(4)
    await settle(31 * SECOND)
    expect(replicas()).toBe(9)
    await receive(resolved('c'))
    await settle(31 * SECOND)
    expect(replicas()).toBe(11)
    await receive(resolved('b'))
    await settle(31 * SECOND)
    expect(replicas()).toBe(10)
  })

  it('stays at the maximum and writes nothing there', async () => {
    const { receive, swarm, store, controller, alerts, replicas } = start({ 'autoscaler.max': '5' })
    await receive(firing())
    await settle(2 * MINUTE)
    expect(replicas()).toBe(5)
    const [writes, kept] = [swarm.calls.writes, store.calls.writes]
    await settle(5 * MINUTE)
    for (let n = 0; n < 60; n += 1) expect(await receive(firing())).toMatchObject([{ decision: { code: 'at-max' } }])
    expect([swarm.calls.writes, store.calls.writes]).toEqual([writes, kept + 1])
    expect(alerts()).toHaveLength(1)
    const told = controller.catalog.decisions('web').filter(({ reason }) => reason.includes('max'))
    expect(told.length).toBeLessThan(65)
    swarm.change('id-web', { labels: { ...swarm.service('id-web')?.labels, 'autoscaler.max': '6' } })
    await settle(2 * SECOND)
    expect(replicas()).toBe(6)
  })

  it('is held by a pause and a rollout, and goes on after them', async () => {
    const { receive, swarm, controller, replicas } = start()
    await receive(firing())
    await controller.scaler.pause('web', 'up')
    await settle(MINUTE)
    expect(replicas()).toBe(4)
    await controller.scaler.resume('web', 'both')
    await settle(SECOND)
    expect(replicas()).toBe(5)
    swarm.change('id-web', { updateState: 'updating' })
    await settle(MINUTE)
    expect(replicas()).toBe(5)
    swarm.change('id-web', { updateState: 'completed' })
    await settle(SECOND)
    expect(replicas()).toBe(6)
  })

  it('is no step where on-firing is step, which is the default', async () => {
    const { receive, alerts, replicas } = start({ 'autoscaler.on-firing': 'step' })
    await receive(firing())
    await settle(10 * MINUTE)
    expect([replicas(), alerts()]).toEqual([4, []])
  })

  it('is kept standing by a group that is sent again because others resolved', async () => {
    const { receive, replicas, alerts } = start()
    const group = (b: 'firing' | 'resolved') =>
      alertmanager([alert({ fingerprint: 'a' }), alert({ fingerprint: 'b', status: b })])
    await receive(group('firing'))
    await settle(SECOND)
    expect(await receive(group('resolved'))).toMatchObject([{ decision: { code: 'resolved' } }, {}])
    expect(alerts().map(({ alertId }) => alertId)).toEqual(['a'])
    await settle(31 * SECOND)
    expect(replicas()).toBe(5)
  })

  it('for down holds back a resolved alert’s step down no more than one for up does', async () => {
    const { receive, replicas } = start({ 'autoscaler.on-resolved': 'down', 'autoscaler.cooldown': '0' })
    await receive(firing('a'))
    await receive(firing('b'))
    expect(await receive(resolved('a'))).toMatchObject([{ decision: { code: 'resolved' } }])
    expect(await receive(resolved('b'))).toMatchObject([{ decision: { outcome: 'scaled', from: 4, to: 3 } }])
    expect(replicas()).toBe(3)
  })
})

describe('several controllers', () => {
  it('take one step each cooldown between them, whichever was told', async () => {
    const { receive, controllers, replicas } = start({ 'autoscaler.cooldown': '0' }, { controllers: 3 })
    for (const controller of controllers) await receive(firing(), controller)
    expect(replicas()).toBe(4)
    await settle(2 * SECOND)
    for (let n = 5; n <= 14; n += 1) {
      await settle(15 * SECOND)
      expect(replicas()).toBe(n)
    }
    await receive(resolved(), controllers[2])
    await settle(5 * MINUTE)
    expect(replicas()).toBe(14)
  })

  it('started again go on where the last one stopped', async () => {
    const { receive, controller, another, replicas, swarm } = start()
    await receive(firing())
    await controller.stop()
    await settle(5 * MINUTE)
    expect(replicas()).toBe(4)
    const next = another()
    await settle(2 * SECOND)
    expect(replicas()).toBe(5)
    expect(next.catalog.get('web').alerts).toHaveLength(1)
    await settle(31 * SECOND)
    expect(swarm.service('id-web')?.replicas).toBe(6)
  })

  it('remember a group for one another, and across a restart', async () => {
    const { receive, controller, another, replicas } = start({
      'autoscaler.on-firing': 'step',
      'autoscaler.cooldown': '0',
    })
    await receive(alertmanager([alert({ fingerprint: 'a' }), alert({ fingerprint: 'b' })]))
    await settle(2 * SECOND)
    await controller.stop()
    const answer = await receive(
      alertmanager([alert({ fingerprint: 'a' }), alert({ fingerprint: 'b', status: 'resolved' })]),
      another(),
    )
    expect(answer).toMatchObject([{ decision: { code: 'resolved' } }, { decision: { code: 'resolved' } }])
    expect(replicas()).toBe(4)
  })
})

describe('the answer to a notification', () => {
  it('waits until what stands is kept, and is a fault if it can not be', async () => {
    const { receive, store, alerts, replicas } = start()
    store.fails(new Fault('engine-unavailable', 'away', { retryAfterMs: 1000 }))
    await expect(receive(firing())).rejects.toMatchObject({ code: 'engine-unavailable' })
    expect(alerts()).toEqual([])
    store.fails(undefined)
    expect(await receive(firing())).toMatchObject([{ decision: { code: 'duplicate', from: 3, to: 4 } }])
    expect(alerts()).toHaveLength(1)
    expect(replicas()).toBe(4)
  })

  it('says of each alert that would stand that the engine refuses it for good, and steps all the same', async () => {
    const { receive, swarm, store } = start()
    swarm.add({ id: 'id-api', name: 'api', labels: labels({ 'autoscaler.on-firing': 'step' }) })
    store.fails(new Fault('write-rejected', 'forbidden by a proxy'))
    const api = alert({ fingerprint: 'b', labels: { service: 'api' } })
    expect(await receive(alertmanager([alert(), api]))).toMatchObject([
      { kind: 'error', code: 'write-rejected', detail: 'forbidden by a proxy' },
      { decision: { outcome: 'scaled' } },
    ])
  })

  it('does not wait for what is remembered of groups', async () => {
    const { receive, store } = start({ 'autoscaler.on-firing': 'step' })
    store.fails(new Fault('engine-unavailable', 'away'))
    expect(await receive(firing('a'))).toMatchObject([{ decision: { outcome: 'scaled' } }])
    expect(await receive(firing('b'))).toMatchObject([{ decision: { code: 'cooldown' } }])
  })

  it('is a fault in less than a second when the engine hangs', async () => {
    const hanging: (() => void)[] = []
    const update = () => new Promise<void>((resolve) => hanging.push(resolve))
    const alertStore = { ...memoryAlertStore().alertStore, update }
    const { controller } = start({}, { alertStore })
    const notification = readNotification(firing())
    if (notification === undefined) throw new Error('no notification')
    const refused = expect(controller.alerts.receive(notification)).rejects.toMatchObject({
      code: 'engine-unavailable',
    })
    await settle(950)
    await refused
    for (const resume of hanging) resume()
  })

  it('costs a write when something begins or ends, and else one for a tenth of its time to live', async () => {
    const { receive, store } = start({ 'autoscaler.alert-ttl': '1h', 'autoscaler.max': '4' })
    await receive(firing())
    await settle(2 * SECOND)
    const before = store.calls.writes
    for (let n = 0; n < 59; n += 1) {
      await settle(MINUTE)
      await receive(firing())
    }
    expect(store.calls.writes - before).toBeLessThanOrEqual(10)
  })
})

describe('it ends', () => {
  it.each([
    ['after 30 min without news by default', undefined, 30],
    ['after its own time to live', '2m', 2],
  ])('%s', async (_name, ttl, minutes) => {
    const { receive, alerts } = start(ttl === undefined ? {} : { 'autoscaler.alert-ttl': ttl })
    await receive(firing())
    await settle(minutes * MINUTE - 5 * SECOND)
    expect(alerts()).toHaveLength(1)
    await receive(firing('a', { startsAt: '2026-01-31T12:01:00Z' }))
    await settle(minutes * MINUTE - 5 * SECOND)
    expect(alerts()).toHaveLength(1)
    await settle(10 * SECOND)
    expect(alerts()).toEqual([])
  })

  it('by call, until its next notification', async () => {
    const { receive, controller, alerts, replicas } = start()
    await receive(firing())
    await receive(firing('b', { labels: { scale: 'down' } }))
    const ended = await controller.alerts.end('web')
    expect(ended.alerts).toEqual([])
    await settle(5 * MINUTE)
    expect(replicas()).toBe(4)
    await receive(firing())
    expect([alerts().length, replicas()]).toEqual([1, 5])
    await expect(controller.alerts.end('nobody')).rejects.toMatchObject({ code: 'unknown-autoscaler' })
  })

  it('with its service', async () => {
    const { receive, swarm, store } = start()
    await receive(firing())
    swarm.remove('id-web')
    await settle(2 * SECOND)
    expect(store.alertStore.current().standing.size).toBe(0)
  })

  it('with a service that was removed while no controller ran', async () => {
    const { receive, controller, another, swarm, store } = start()
    await receive(firing())
    await controller.stop()
    swarm.remove('id-web')
    swarm.setSync({ inSync: false, reason: 'not read yet' })
    another()
    await settle(2 * SECOND)
    expect(store.alertStore.current().standing.size).toBe(1)
    swarm.setSync({ inSync: true, reason: '' })
    await settle(2 * SECOND)
    expect(store.alertStore.current().standing.size).toBe(0)
  })

  it('when its policy no longer says repeat', async () => {
    const { receive, swarm, alerts } = start()
    await receive(firing())
    swarm.change('id-web', { labels: labels({ 'autoscaler.on-firing': 'step' }) })
    await settle(2 * SECOND)
    expect(alerts()).toEqual([])
  })

  it('when its data are gone', async () => {
    const { receive, alerts } = start()
    await receive(grafana([alert()]))
    expect(alerts()).toHaveLength(1)
    await receive(grafana([alert({ annotations: { grafana_state_reason: 'NoData' } })]))
    expect(alerts()).toEqual([])
  })
})

describe('it is suspended until its next notification', () => {
  it('by PUT replicas', async () => {
    const { receive, controllers, alerts, replicas, store } = start({}, { controllers: 2 })
    await receive(firing())
    await settle(MINUTE)
    const set = controllers[1]?.scaler.request('web', { kind: 'set', origin: 'call', replicas: 2 })
    await settle(10)
    await set
    await settle(10 * MINUTE)
    expect(replicas()).toBe(2)
    expect(alerts()).toMatchObject([{ suspended: true }])
    expect(store.alertStore.current().standing.size).toBe(1)
    await receive(firing())
    expect(alerts()).toMatchObject([{ suspended: false }])
    await settle(MINUTE)
    expect(replicas()).toBeGreaterThan(2)
  })

  it('not by one that was held', async () => {
    const { receive, controller, alerts } = start()
    await receive(firing())
    await controller.scaler.pause('web', 'both')
    const held = controller.scaler.request('web', { kind: 'set', origin: 'call', replicas: 2 })
    await settle(10)
    expect(await held).toMatchObject({ code: 'paused' })
    expect(alerts()).toMatchObject([{ suspended: false }])
  })

  it('by a person’s count, also one set while no controller ran', async () => {
    for (const running of [true, false]) {
      const { receive, controller, another, swarm, replicas, store } = start()
      await receive(firing())
      await settle(MINUTE)
      if (!running) await controller.stop()
      swarm.change('id-web', { replicas: 20 })
      if (!running) another()
      await settle(10 * MINUTE)
      expect(replicas()).toBe(20)
      expect([...store.alertStore.current().standing.values()]).toMatchObject([{ suspended: true }])
    }
  })

  it('but not again by a restart after that notification, nor by an edit of labels', async () => {
    const { receive, controller, another, swarm, store } = start({ 'autoscaler.max': '4' })
    await receive(firing())
    swarm.change('id-web', { replicas: 2 })
    await settle(SECOND)
    await controller.scaler.pause('web', 'both')
    await receive(firing())
    const isSuspended = () => [...store.alertStore.current().standing.values()].map(({ suspended }) => suspended)
    expect(isSuspended()).toEqual([false])
    swarm.change('id-web', { labels: { ...swarm.service('id-web')?.labels, other: 'label' } })
    await settle(2 * SECOND)
    expect(isSuspended()).toEqual([false])
    await controller.stop()
    another()
    await settle(2 * SECOND)
    expect(isSuspended()).toEqual([false])
  })

  it('by a deploy whose count is accepted, not by one that is undone', async () => {
    for (const onDeploy of ['accept', 'restore']) {
      const { receive, swarm, alerts } = start({ 'autoscaler.on-deploy': onDeploy })
      await receive(firing())
      const scaled = labels({ 'autoscaler.on-deploy': onDeploy, [STATE_LABEL]: encodeState(state({ to: 9 })) })
      swarm.change('id-web', { replicas: 9, labels: scaled })
      await settle(SECOND)
      swarm.change('id-web', { replicas: 3, labels: labels({ 'autoscaler.on-deploy': onDeploy }) })
      await settle(SECOND)
      expect(alerts()).toMatchObject([{ suspended: onDeploy === 'accept' }])
    }
  })
})

describe('Alertmanager, asked once a minute', () => {
  const asked = () => {
    let fingerprints: string[] = []
    let startedAtMs: number | undefined = T0 - 60 * MINUTE
    let failure: Error | undefined
    let times = 0
    const alertmanager: FiringAlerts = {
      async ask() {
        times += 1
        if (failure !== undefined) throw failure
        return { fingerprints: new Set(fingerprints), ...(startedAtMs !== undefined && { startedAtMs }) }
      },
    }
    return {
      alertmanager,
      times: () => times,
      says(...now: string[]) {
        fingerprints = now
        failure = undefined
      },
      startedAt(atMs: number | undefined) {
        startedAtMs = atMs
      },
      isAway() {
        failure = new Error('ECONNREFUSED')
      },
    }
  }

  it('ends what it does not have', async () => {
    const it = asked()
    const { receive, alerts } = start({}, { alertmanager: it.alertmanager })
    it.says('a')
    await receive(firing('a'))
    await receive(firing('b'))
    await settle(61 * SECOND)
    expect(alerts().map(({ alertId }) => alertId)).toEqual(['a'])
  })

  it('keeps what it has beyond its time to live, and lets it stand 6 h when it can not be asked', async () => {
    const it = asked()
    const { receive, alerts } = start({ 'autoscaler.max': '4' }, { alertmanager: it.alertmanager })
    it.says('a')
    await receive(firing('a'))
    await settle(7 * 60 * MINUTE)
    expect(alerts()).toHaveLength(1)
    it.isAway()
    await settle(5 * 60 * MINUTE)
    expect(alerts()).toHaveLength(1)
    await settle(61 * MINUTE)
    expect(alerts()).toEqual([])
  })

  it('is not believed right after its start, unless it has notified the alert itself', async () => {
    const it = asked()
    const { receive, alerts } = start({}, { alertmanager: it.alertmanager })
    await receive(firing('a'))
    await settle(30 * SECOND)
    it.startedAt(Date.now())
    await receive(firing('b'))
    await settle(31 * SECOND)
    expect(alerts().map(({ alertId }) => alertId)).toEqual(['a'])
    await settle(3 * MINUTE)
    expect(alerts()).toHaveLength(1)
    await settle(2 * MINUTE)
    expect(alerts()).toEqual([])
  })

  it('is believed when it does not say when it started', async () => {
    const it = asked()
    it.startedAt(undefined)
    const { receive, alerts } = start({}, { alertmanager: it.alertmanager })
    await receive(firing('a'))
    await settle(61 * SECOND)
    expect(alerts()).toEqual([])
  })

  it('is not asked for alerts of Grafana, nor when nothing stands', async () => {
    const it = asked()
    const { receive, alerts } = start({}, { alertmanager: it.alertmanager })
    await settle(5 * MINUTE)
    await receive(grafana([alert()]))
    await settle(5 * MINUTE)
    expect([it.times(), alerts().length]).toEqual([0, 1])
  })

  it('leaves a suspended alert suspended', async () => {
    const it = asked()
    const { receive, swarm, alerts } = start({}, { alertmanager: it.alertmanager })
    it.says('a')
    await receive(firing('a'))
    swarm.change('id-web', { replicas: 20 })
    await settle(7 * 60 * MINUTE)
    expect(alerts()).toMatchObject([{ suspended: true }])
  })
})
