/** The source of the steps that alerts which stand ask for, once one is due. Pure. */

import { cooldownEndMs } from '../decision/gates.ts'
import { STEP_TRAITS, type Traits } from '../decision/request.ts'
import type { RequestSource } from '../decision/request-source.ts'
import type { ScalingState } from '../decision/state.ts'
import { largestStep } from './alert-plan.ts'
import type { AlertState, StandingAlert } from './alert-state.ts'
import { alertsOf } from './standing-changes.ts'

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
      return { kind: 'step', origin: 'alert', direction, ...(by && { by }), note, traits: STANDING_TRAITS }
    },
  }
}

/** A count set by call is newer than its news: it is suspended, though that may not have been written yet. */
export function isOverruled({ newsAtMs }: Pick<StandingAlert, 'newsAtMs'>, state: ScalingState | undefined): boolean {
  return state?.cause === 'set' && newsAtMs <= state.atMs
}
