/** The source of the steps that alerts which stand ask for, and what a notification changes of what stands. Pure. */

import type { ServiceObservation } from '../../swarm/services.ts'
import { cooldownEndMs } from '../decision/gates.ts'
import { STEP_TRAITS, type Traits } from '../decision/request.ts'
import type { RequestSource } from '../decision/request-source.ts'
import type { ScalingState } from '../decision/state.ts'
import type { BoundPolicy } from '../policy/policies.ts'
import { type AlertWish, largestStep } from './alert-plan.ts'
import {
  type AlertState,
  alertsOf,
  alertTtlMs,
  end,
  newsEveryMs,
  type StandingAlert,
  stand,
  standingKey,
} from './alert-state.ts'
import { alertId, alertName, type Digest } from './alert-words.ts'
import type { Notification } from './notification.ts'

/** The least time between two steps of standing alerts. */
const STANDING_MS = 15_000

const SOURCE = 'alerts'

/** Of a step of an alert that stands; the notification that makes it stand asks for the first one. */
export const STANDING_TRAITS: Traits = { ...STEP_TRAITS, cooldown: { leastMs: STANDING_MS }, source: SOURCE }

/** Up beats down. Nothing is due before the cooldown is over; decide() judges it again when it is written. */
export function createAlertSource(alerts: { current(): AlertState }): RequestSource {
  return {
    name: SOURCE,
    due({ observation, policy, state }, nowMs) {
      if (policy.onFiring !== 'repeat') return undefined
      const known = alertsOf(alerts.current(), observation.id)
      const active = known.filter((alert) => !alert.suspended && !isOverruled(alert, state))
      const direction = active.some((alert) => alert.direction === 'up') ? 'up' : 'down'
      const chosen = active.filter((alert) => alert.direction === direction)
      const [first] = chosen
      if (first === undefined) return undefined
      if (cooldownEndMs(direction, { policy, state, nowMs, leastMs: STANDING_MS }) !== undefined) return undefined
      const steps = chosen.map((alert) => alert.by)
      const by = largestStep(steps, direction, { replicas: observation.replicas, policy })
      const more = chosen.length > 1 ? ` and ${chosen.length - 1} more` : ''
      const note = `alert ${first.name || first.alertId}${more} stands`
      const names = chosen.map(({ name }) => name).filter((name) => name !== '')
      const asked = { kind: 'step', origin: 'alert', direction, alerts: names, note, traits: STANDING_TRAITS } as const
      return { ...asked, ...(by && { by }) }
    },
  }
}

/** A count set by call is newer than its news: it is suspended, though that may not have been written yet. */
export function isOverruled({ newsAtMs }: Pick<StandingAlert, 'newsAtMs'>, state: ScalingState | undefined): boolean {
  return state?.cause === 'set' && newsAtMs <= state.atMs
}

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
