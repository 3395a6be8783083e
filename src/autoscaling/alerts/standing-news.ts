/** What a notification changes of what stands. Pure. */

import type { ServiceObservation } from '../../swarm/services.ts'
import type { ScalingState } from '../decision/state.ts'
import type { BoundPolicy } from '../policy/policies.ts'
import type { AlertWish } from './alert-plan.ts'
import { isOverruled } from './alert-source.ts'
import { type AlertState, standingKey } from './alert-state.ts'
import { alertTtlMs, newsEveryMs } from './alert-time.ts'
import { alertId, alertName, type Digest } from './alert-words.ts'
import type { Notification } from './notification.ts'
import { end, stand } from './standing-changes.ts'

export interface StandingNews {
  readonly notification: Notification
  /** By service. */
  readonly groups: Iterable<{ readonly autoscaler: BoundPolicy; readonly wishes: readonly AlertWish[] }>
  readonly digest: Digest
  readonly nowMs: number
  readonly asksAlertmanager: boolean
  readonly stateOf: (observation: ServiceObservation) => ScalingState | undefined
}

/**
 * May be applied more than once; absent: nothing here can stand. What has resolved, or is no longer measured, ends wherever
 * it stands.
 */
export function standingNews(
  state: AlertState,
  { notification, groups, digest, nowMs, asksAlertmanager, stateOf }: StandingNews,
): ((state: AlertState) => AlertState) | undefined {
  const ended = new Set<string>()
  const news: ((state: AlertState) => AlertState)[] = []
  for (const { autoscaler, wishes } of groups) {
    const { policy } = autoscaler.reading
    for (const { alert, direction, by, firing, noData } of wishes) {
      const id = alertId(alert, digest)
      if (!firing || noData !== undefined) ended.add(id)
      else if (policy?.onFiring === 'repeat') {
        const standing = {
          serviceId: autoscaler.observation.id,
          direction,
          alertId: id,
          source: notification.sender,
          name: alertName(alert),
          startsAt: alert.startsAt.slice(0, 40),
          ...(by && { by }),
          sinceMs: nowMs,
          newsAtMs: nowMs,
          replicas: autoscaler.observation.replicas,
          suspended: false,
        }
        const everyMs = newsEveryMs(alertTtlMs(policy, asksAlertmanager))
        news.push((state) => {
          const before = state.standing.get(standingKey(standing))
          const isDue = before !== undefined && isOverruled(before, stateOf(autoscaler.observation))
          return stand(state, standing, isDue ? 0 : everyMs)
        })
      }
    }
  }
  const ends = [...state.standing.values()].some(({ alertId }) => ended.has(alertId))
  if (news.length === 0 && !ends) return undefined
  return (state) => {
    const left = ended.size === 0 ? state : end(state, (alert) => ended.has(alert.alertId))
    return news.reduce((next, change) => change(next), left)
  }
}
