/** What the parts of one service's writer share. */

import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { Services } from '../../swarm/ports.ts'
import { type ServiceObservation, STATE_LABEL } from '../../swarm/services.ts'
import type { Capacity } from '../decision/decide-input.ts'
import type { Decision } from '../decision/decision.ts'
import type { RequestSource } from '../decision/request-source.ts'
import type { PendingRestore } from '../decision/shared-state.ts'
import { decodeState, type ScalingState } from '../decision/state.ts'
import type { DecisionLog } from '../feed/decision-log.ts'
import type { Policies } from '../policy/policies.ts'
import type { AddressCapacity, ScalingListener, SharedStateStore } from '../ports.ts'
import type { AlertBook } from '../receiver/alert-book.ts'

export interface ScalerDeps {
  readonly services: Services
  readonly sharedState: SharedStateStore
  readonly alerts: Pick<AlertBook, 'note'>
  readonly policies: Policies
  /** Who asks unasked; what comes first is heard first. */
  readonly sources: readonly RequestSource[]
  /** Absent: no networks are looked after here. */
  readonly capacity?: AddressCapacity
  /** Absent: nobody looks at tasks. */
  readonly troubles?: { of(serviceId: string): string | undefined }
  readonly log: DecisionLog
  readonly listener: ScalingListener
  readonly logger: Logger
  readonly now: Clock
  /** A random id for a write. */
  readonly newWriteId: () => string
  readonly settings: {
    readonly dryRun: boolean
    /** How long idempotency keys are remembered. */
    readonly dedupWindowMs: number
    /** How long a caller waits for its answer. */
    readonly patienceMs: number
  }
}

export interface WriterContext extends ScalerDeps {
  readonly serviceId: string
  /** Tells log, feed and metrics. */
  decided(decision: Decision, tookMs: number): void
}

/** What limits growth, as decide() takes it: addresses there are, and tasks that find no place; nothing where nothing does. */
export function capacityOf(
  { capacity, troubles }: Pick<ScalerDeps, 'capacity' | 'troubles'>,
  observation: ServiceObservation,
): { readonly capacity?: Capacity; readonly unplaceable?: string } {
  const found = observation.placement === undefined ? undefined : capacity?.ceilingOf(observation)
  const unplaceable = troubles?.of(observation.id)
  return { ...(found && { capacity: found }), ...(unplaceable !== undefined && { unplaceable }) }
}

interface WrittenState {
  readonly state: ScalingState | undefined
  readonly seenAtMs: number | undefined
}

/** Labels do not change, and are the same object as long as they say the same, so each state is read once. */
const written = new WeakMap<ServiceObservation['labels'], WrittenState>()

function writtenState({ labels, stateSeenAtMs: seenAtMs }: ServiceObservation): ScalingState | undefined {
  const known = written.get(labels)
  if (known !== undefined && known.seenAtMs === seenAtMs) return known.state
  const state = decodeState(labels[STATE_LABEL], seenAtMs)
  written.set(labels, { state, seenAtMs })
  return state
}

/** What is known of the service's scaling: its label, else what a deploy or a rollback erased of it. */
export function effectiveState(
  observation: ServiceObservation,
  pending: PendingRestore | undefined,
): ScalingState | undefined {
  const { stateSeenAtMs, previous } = observation
  return (
    writtenState(observation) ??
    decodeState(pending?.stateLabel, stateSeenAtMs) ??
    decodeState(previous?.stateLabel, stateSeenAtMs)
  )
}
