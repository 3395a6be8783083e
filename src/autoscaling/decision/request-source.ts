/**
 * Request sources: who asks unasked. They are asked in order whenever an autoscaler is looked at, each second at least; the
 * first that has something to say is heard. A source is level-triggered: it says what is due now, from what is there now, and
 * remembers no request. Pure.
 */
import type { ServiceObservation } from '../../swarm/services.ts'
import type { Policy } from '../policy/policy.ts'
import type { Request } from './request.ts'
import type { ScalingState } from './state.ts'

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
  for (const source of sources) {
    const due = source.due({ ...bound, policy }, nowMs)
    if (due === 'later') return undefined
    if (due !== undefined) return due
  }
  return undefined
}
