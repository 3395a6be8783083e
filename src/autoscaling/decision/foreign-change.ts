/**
 * Tells who changed a service, from what the engine shows: a deploy rebuilds the spec from a file and so loses our label,
 * `docker service scale` keeps it, a rollback shows in UpdateStatus. Pure; seen on real engines in test/e2e/scaling/deploy.test.ts.
 */
import { type ServiceObservation, STATE_LABEL } from '../../swarm/services.ts'
import type { PendingRestore } from './shared-state.ts'
import { decodeState } from './state.ts'

export type ForeignChange =
  /** Nothing foreign: our own write, or a service that was never scaled. `settled`: a kept count is no longer owed. */
  | { readonly kind: 'none'; readonly settled: boolean }
  /** The count is a person's. */
  | { readonly kind: 'person' }
  /** Swarm or a person went back to an earlier spec. */
  | { readonly kind: 'rollback' }
  /** The spec was replaced; `owed` is what ran before. */
  | { readonly kind: 'deploy'; readonly owed: Omit<PendingRestore, 'sinceMs'> }

/** `before`: what this controller saw last, if anything. `pending`: the count kept in `orrery-state`, if any. */
export function foreignChange(
  now: ServiceObservation,
  before: ServiceObservation | undefined,
  pending: PendingRestore | undefined,
): ForeignChange {
  const rolledBack = now.updateState?.startsWith('rollback_') ?? false
  const label = now.labels[STATE_LABEL]
  if (label !== undefined) {
    // The label is back: restored by a controller, or by a rollback to the spec that had it.
    const state = decodeState(label)
    // A restore may be one part of several, while addresses are short: whoever makes them says when it is done.
    if (state?.to === now.replicas) return { kind: 'none', settled: pending !== undefined && state.cause !== 'restore' }
    return { kind: rolledBack ? 'rollback' : 'person' }
  }
  if (rolledBack) return { kind: 'rollback' }
  const owed = countBefore(now, before)
  if (owed !== undefined) return { kind: 'deploy', owed }
  if (pending !== undefined && scaledByHand(now)) return { kind: 'person' }
  return { kind: 'none', settled: false }
}

/** PreviousSpec says it best; two deploys in a row erase it there, and then our own memory of the service serves. */
function countBefore(
  now: ServiceObservation,
  before: ServiceObservation | undefined,
): Omit<PendingRestore, 'sinceMs'> | undefined {
  const { previous } = now
  if (previous?.stateLabel !== undefined && previous.replicas !== undefined) {
    return { replicas: previous.replicas, stateLabel: previous.stateLabel }
  }
  const stateLabel = before?.labels[STATE_LABEL]
  return before !== undefined && stateLabel !== undefined ? { replicas: before.replicas, stateLabel } : undefined
}

function scaledByHand({ previous, replicas }: ServiceObservation): boolean {
  return previous?.sameButCount === true && previous.replicas !== replicas
}
