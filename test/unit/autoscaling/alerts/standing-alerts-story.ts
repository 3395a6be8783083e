/** Alerts that stand (autoscaler.on-firing=repeat), from notification to count, with several controllers of one Swarm in memory. */
import { afterEach, beforeEach, vi } from 'vitest'
import { readNotification } from '../../../../src/autoscaling/alerts/notification.ts'
import { type AlertOver, alert, alertmanager } from '../../../support/builders/notifications.ts'
import { type MemoryOptions, memoryAlertStore, memoryController } from '../../../support/use-cases/memory-controller.ts'

export const T0 = Date.UTC(2026, 0, 31, 12)
export const SECOND = 1000
export const MINUTE = 60 * SECOND
const clock = {
  get nowMs() {
    return Date.now()
  },
}

export const labels = (over: Record<string, string> = {}) => ({
  'autoscaler.enable': 'true',
  'autoscaler.max': '100',
  'autoscaler.cooldown': '30s',
  'autoscaler.on-firing': 'repeat',
  ...over,
})

export const settle = async (ms = 0) => await vi.advanceTimersByTimeAsync(ms)

/** One Swarm, with as many controllers as are asked for. */
export function start(
  over: Record<string, string> = {},
  options: MemoryOptions & { readonly controllers?: number } = {},
) {
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

export const firing = (name = 'a', over: AlertOver = {}) => alertmanager([alert({ fingerprint: name, ...over })])
export const resolved = (name = 'a', over: AlertOver = {}) => firing(name, { status: 'resolved', ...over })

/** A clock that only the test moves, from T0 on. */
export function withClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({
      now: T0,
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
}
