/** The step that alerts which stand ask for, once it is due. Pure. */

import { cooldownEndMs, unhurried } from '../decision/gates.ts'
import type { Request } from '../decision/request.ts'
import type { ScalingState } from '../decision/state.ts'
import type { Policy } from '../policy/policy.ts'
import { largestStep } from './alert-plan.ts'
import type { StandingAlert } from './alert-state.ts'

export interface StandingInput {
  /** Of the service, suspended ones too. */
  readonly alerts: readonly StandingAlert[]
  readonly policy: Policy
  readonly replicas: number
  readonly state: ScalingState | undefined
  readonly nowMs: number
}

/** Up beats down. `undefined`: nothing stands, or its cooldown is not over; decide() judges it again when it is written. */
export function dueStanding({ alerts, policy, replicas, state, nowMs }: StandingInput): Request | undefined {
  if (policy.onFiring !== 'repeat') return undefined
  const active = alerts.filter((alert) => !alert.suspended && !isOverruled(alert, state))
  const direction = active.some((alert) => alert.direction === 'up') ? 'up' : 'down'
  const chosen = active.filter((alert) => alert.direction === direction)
  const [first] = chosen
  if (first === undefined || cooldownEndMs(direction, unhurried(policy), state, nowMs) !== undefined) return undefined
  const steps = chosen.map((alert) => alert.by)
  const by = largestStep(steps, direction, { replicas, policy })
  const note = `alert ${first.name || first.alertId}${chosen.length > 1 ? ` and ${chosen.length - 1} more` : ''} stands`
  return { kind: 'standing', origin: 'alert', direction, ...(by && { by }), note }
}

/** A count set by call is newer than its news: it is suspended, though that may not have been written yet. */
export function isOverruled({ newsAtMs }: Pick<StandingAlert, 'newsAtMs'>, state: ScalingState | undefined): boolean {
  return state?.cause === 'set' && newsAtMs <= state.atMs
}
