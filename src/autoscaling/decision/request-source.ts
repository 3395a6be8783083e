/**
 * Request sources: who asks unasked. They are asked in order whenever an autoscaler is looked at, each second at least; the
 * first that has something to say is heard. A source is level-triggered: it says what is due now, from what is there now, and
 * remembers no request. Pure.
 */
import { waitEndMs } from '../../foundation/clock.ts'
import type { ServiceObservation } from '../../swarm/services.ts'
import type { Policy } from '../policy/policy.ts'
import { inWrittenBounds, policyAt } from '../policy/policy-at.ts'
import { COUNT_TRAITS, type Request, type Traits } from './request.ts'
import type { SharedState } from './shared-state.ts'
import { isOwnZero, type ScalingState } from './state.ts'

/** An autoscaler that may be scaled unasked: opted in, valid, replicated. */
export interface BoundService {
  readonly observation: ServiceObservation
  readonly policy: Policy
  readonly state: ScalingState | undefined
  /** When this controller first saw the current count. */
  readonly countSeenAtMs: number
}

export interface RequestSource {
  readonly name: string
  /** `later`: it is this source's turn but not its time, so that those after it wait too. Never throws. */
  due(bound: BoundService, nowMs: number): Request | 'later' | undefined
}

/** The request to make now, if any. */
export function dueRequest(
  sources: readonly RequestSource[],
  bound: Omit<BoundService, 'policy'> & { readonly policy: Policy | undefined },
  nowMs: number,
): Request | undefined {
  const { policy, observation } = bound
  if (policy === undefined || observation.mode !== 'replicated') return undefined
  const valid = { ...bound, policy }
  for (const source of sources) {
    const due = source.due(valid, nowMs)
    if (due === 'later') return undefined
    if (due !== undefined) return due
  }
  return undefined
}

/** How long a person's count outside the bounds is left alone: time to finish what they are doing, and to see the reason. */
export const PERSON_GRACE_MS = 10_000

/** Gives back what ran before a deploy, first of all. */
export function createRestoreSource(shared: { current(): Pick<SharedState, 'restores'> }): RequestSource {
  const name = 'restore'
  return {
    name,
    due({ observation, policy }) {
      const pending = shared.current().restores.get(observation.id)
      if (pending === undefined) return undefined
      const waitsForRollout = policy.onDeploy !== 'restore-now'
      const traits: Traits = { ...COUNT_TRAITS, source: name, waitsForRollout, clears: 'restore' }
      return { kind: 'restore', replicas: pending.replicas, traits }
    },
  }
}

/** Our own count is corrected at once, since then the bounds have changed; anybody else's after the grace. */
export const boundsSource: RequestSource = {
  name: 'bounds',
  due({ observation, policy, state, countSeenAtMs }, nowMs) {
    const bounds = policyAt(policy, nowMs)
    if (bounds.min > 0 && isOwnZero(observation.replicas, state))
      return { kind: 'bounds', traits: { ...COUNT_TRAITS, source: 'bounds', endsMaintenance: true } }
    if (inWrittenBounds(observation.replicas, bounds)) return undefined
    const isOurs = state?.to === observation.replicas
    if (!isOurs && waitEndMs(countSeenAtMs, PERSON_GRACE_MS, nowMs) !== undefined) return 'later'
    return { kind: 'bounds', traits: { ...COUNT_TRAITS, source: 'bounds' } }
  },
}
