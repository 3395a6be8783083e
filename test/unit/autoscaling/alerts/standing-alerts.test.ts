import { describe, expect, it } from 'vitest'
import { readNotification } from '../../../../src/autoscaling/alerts/notification.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import { up } from '../../../support/builders/autoscaling.ts'
import { alert, alertmanager } from '../../../support/builders/notifications.ts'
import { memoryAlertStore } from '../../../support/use-cases/memory-controller.ts'
import { firing, labels, MINUTE, resolved, SECOND, settle, start, withClock } from './standing-alerts-story.ts'

withClock()

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
    await controller.scaler.pause('web', { scope: 'up' })
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
  it('waits until what stands is kept, and is a fault if it cannot be', async () => {
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
