import { describe, expect, it } from 'vitest'
import { encodeState } from '../../../../src/autoscaling/decision/state.ts'
import type { FiringAlerts } from '../../../../src/autoscaling/ports.ts'
import { STATE_LABEL } from '../../../../src/swarm/services.ts'
import { state } from '../../../support/builders/autoscaling.ts'
import { alert, grafana } from '../../../support/builders/notifications.ts'
import { firing, labels, MINUTE, SECOND, settle, start, T0, withClock } from './standing-alerts-story.ts'

withClock()

describe('an alert that stood ends', () => {
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

describe('an alert that stands is suspended until its next notification', () => {
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
    await controller.scaler.pause('web', { scope: 'both' })
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
    await controller.scaler.pause('web', { scope: 'both' })
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

  it('keeps what it has beyond its time to live, and lets it stand 6 h when it cannot be asked', async () => {
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
    // Thirteen hours of a writer that wakes each second: some seconds of processor time.
  }, 90_000)

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
