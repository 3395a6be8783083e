/**
 * What an autoscaler does unasked: return a count that a deploy reset, keep the bounds that a person wrote, and carry out the
 * alerts that stand. Pure.
 */
import type { StandingAlert } from '../alerts/alert-state.ts'
import { dueStanding } from '../alerts/standing.ts'
import type { Request } from '../decision/request.ts'
import type { PendingRestore } from '../decision/shared-state.ts'
import type { ScalingState } from '../decision/state.ts'
import type { ServiceObservation } from '../observation.ts'
import type { Policy } from '../policy/policy.ts'

/** How long a person's count outside the bounds is left alone: time to finish what they are doing, and to see the reason. */
export const PERSON_GRACE_MS = 10_000

export interface CorrectionInput {
  readonly observation: ServiceObservation
  /** Absent: invalid, and then nothing is done unasked. */
  readonly policy: Policy | undefined
  readonly state: ScalingState | undefined
  readonly pending: PendingRestore | undefined
  /** Alerts that stand. */
  readonly alerts: readonly StandingAlert[]
  /** When this controller first saw the current count. */
  readonly countSeenAtMs: number
  readonly nowMs: number
}

/** The request to make now, if any. */
export function dueCorrection(input: CorrectionInput): Request | undefined {
  const { observation, policy, pending } = input
  if (policy === undefined || observation.mode !== 'replicated') return undefined
  if (pending !== undefined) return { kind: 'restore', replicas: pending.replicas }
  if (inWrittenBounds(observation.replicas, policy))
    return dueStanding({ ...input, policy, replicas: observation.replicas })
  return input.nowMs >= outOfBoundsUntilMs(input) ? { kind: 'bounds' } : undefined
}

/** Whether the count is inside the bounds that a person wrote; 0 below min is maintenance and judged by decide(). */
export function inWrittenBounds(replicas: number, { min, max, maxWritten }: Policy): boolean {
  return (replicas >= min || replicas === 0) && !(maxWritten && max !== null && replicas > max)
}

/** Our own count is corrected at once, since then the policy has changed; anybody else's after the grace. */
function outOfBoundsUntilMs({ observation, state, countSeenAtMs }: CorrectionInput): number {
  const ours = state?.to === observation.replicas
  return ours ? 0 : countSeenAtMs + PERSON_GRACE_MS
}
