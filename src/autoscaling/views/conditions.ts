/** The conditions of one autoscaler: what is well and what is not, each with its reason. Pure. */

import type { Finding } from '../../foundation/conditions.ts'
import type { ServiceObservation } from '../../swarm/services.ts'
import type { SyncStatus } from '../../swarm/sync.ts'
import type { StandingAlert } from '../alerts/alert-state.ts'
import type { ConditionType, LoadEvaluation } from '../autoscaler.ts'
import type { Capacity } from '../decision/decide-input.ts'
import { rolloutOf, unsupportedMode } from '../decision/gates.ts'
import { activePauses, type Pause, type PendingRestore } from '../decision/shared-state.ts'
import { isOwnZero, type ScalingState } from '../decision/state.ts'
import type { PolicyReading } from '../policy/policy.ts'
import { type BoundsInForce, inWrittenBounds } from '../policy/policy-at.ts'

export interface ConditionInput {
  readonly observation: ServiceObservation
  readonly reading: PolicyReading
  /** In force now; absent: no valid policy says them. */
  readonly bounds: BoundsInForce | undefined
  readonly pause: Pause | undefined
  /** Of everything. */
  readonly pauseAll?: Pause | undefined
  readonly restore: PendingRestore | undefined
  readonly state: ScalingState | undefined
  readonly alerts: readonly StandingAlert[]
  readonly sync: SyncStatus
  readonly writeUnknown: boolean
  readonly capacity?: Capacity
  readonly unplaceable?: string
  readonly looksAtTasks: boolean
  readonly load: LoadEvaluation | undefined
  readonly nowMs: number
}

type Found = Finding<ConditionType>

export function conditionsOf(input: ConditionInput): readonly Found[] {
  return [
    valid(input),
    supported(input),
    inSync(input),
    rolloutSettled(input),
    paused(input),
    maintenance(input),
    restorePending(input),
    writeUnknown(input),
    inBounds(input),
    atCapacity(input),
    alertStanding(input),
    ...(input.looksAtTasks ? [unschedulable(input)] : []),
    ...loadConditions(input),
  ]
}

function valid({ reading }: ConditionInput): Found {
  const error = reading.issues.find((issue) => issue.severity === 'error')
  return { type: 'Valid', status: error === undefined, reason: error?.message ?? 'the policy is valid' }
}

function supported({ observation, reading }: ConditionInput): Found {
  const reason = unsupportedMode(observation.mode) ?? reading.unsupported
  return { type: 'Supported', status: reason === undefined, reason: reason ?? 'a replicated service' }
}

function inSync({ sync }: ConditionInput): Found {
  return { type: 'InSync', status: sync.inSync, reason: sync.inSync ? 'Swarm is read through its leader' : sync.reason }
}

function rolloutSettled({ observation, nowMs }: ConditionInput): Found {
  const hold = rolloutOf(observation, nowMs)
  return {
    type: 'RolloutSettled',
    status: hold === undefined,
    reason: hold?.detail ?? 'no update is running or paused',
  }
}

function paused({ reading, pause, pauseAll, nowMs }: ConditionInput): Found {
  const byPolicy = reading.policy?.paused ?? 'none'
  const byCall = activePauses({ pause, pauseAll }, nowMs)
  const reasons = [
    ...(byPolicy === 'none' ? [] : [`paused by its policy (${byPolicy})`]),
    ...byCall.map(({ text }) => text),
  ]
  if (reasons.length === 0) return { type: 'Paused', status: false, reason: 'not paused' }
  const since = byPolicy === 'none' ? { sinceMs: Math.min(...byCall.map(({ sinceMs }) => sinceMs)) } : {}
  return { type: 'Paused', status: true, reason: reasons.join('; '), ...since }
}

function maintenance({ observation, bounds, state }: ConditionInput): Found {
  const { mode, replicas } = observation
  const status = mode === 'replicated' && replicas === 0 && (bounds?.min ?? 0) > 0 && !isOwnZero(replicas, state)
  return {
    type: 'Maintenance',
    status,
    reason: status ? 'the count was set to 0 by hand' : 'the count is not 0 by hand',
  }
}

function restorePending({ restore }: ConditionInput): Found {
  const reason = restore === undefined ? 'nothing to return to' : `${restore.replicas} ran before the last deploy`
  const since = restore === undefined ? {} : { sinceMs: restore.sinceMs }
  return { type: 'RestorePending', status: restore !== undefined, reason, ...since }
}

function writeUnknown({ writeUnknown: status }: ConditionInput): Found {
  const reason = status ? 'a write is unanswered: it may take effect, now or later' : 'every write was answered'
  return { type: 'WriteUnknown', status, reason }
}

function inBounds({ observation, bounds }: ConditionInput): Found {
  if (bounds === undefined) return { type: 'InBounds', status: false, reason: 'no valid policy says the bounds' }
  const status = inWrittenBounds(observation.replicas, bounds)
  const range = `${bounds.min} to ${bounds.max ?? 'no max'}`
  return { type: 'InBounds', status, reason: `${observation.replicas} is ${status ? 'inside' : 'outside'} ${range}` }
}

function atCapacity({ observation, capacity }: ConditionInput): Found {
  const status = capacity !== undefined && observation.replicas >= capacity.ceiling
  return { type: 'AtCapacity', status, reason: capacity?.reason ?? 'no network with ranges limits it' }
}

function alertStanding({ alerts }: ConditionInput): Found {
  const standing = alerts.filter(({ suspended }) => !suspended)
  const [first] = standing
  if (first !== undefined) {
    const who = first.name === '' ? first.alertId : first.name
    const more = standing.length > 1 ? ` and ${standing.length - 1} more` : ''
    return { type: 'AlertStanding', status: true, reason: `${who}${more}: a step each time one is due` }
  }
  const waits = 'alerts wait for their next notification, since the count was set by hand'
  return { type: 'AlertStanding', status: false, reason: alerts.length > 0 ? waits : 'no alert stands' }
}

function unschedulable({ unplaceable }: ConditionInput): Found {
  const reason = unplaceable ?? 'no task is known to wait for a node or to crash again and again'
  return { type: 'Unschedulable', status: unplaceable !== undefined, reason }
}

function loadConditions({ reading: { policy }, load }: ConditionInput): readonly Found[] {
  if (policy?.load === undefined) return []
  if (load === undefined) return [{ type: 'LoadMeasured', status: false, reason: 'not evaluated yet' }]
  const missing = load.metrics.filter((metric) => metric.missing !== undefined)
  const why = missing.map(({ name, missing: kind, reason }) => `${name}: ${kind}, ${reason}`).join('; ')
  const fallback = load.metrics.filter(({ inFallback }) => inFallback)
  const { factor } = load.widening
  const wide = `the count flapped: the down window is ${load.windowDownMs / 1000} s for an hour`
  return [
    { type: 'LoadMeasured', status: missing.length === 0, reason: why || 'every metric has a value' },
    {
      type: 'LoadFallback',
      status: fallback.length > 0,
      reason:
        fallback.map(({ name, reason }) => `${name}: ${reason}`).join('; ') || 'no metric is replaced by its fallback',
    },
    { type: 'LoadFlapping', status: factor > 1, reason: factor > 1 ? wide : 'the count does not flap' },
  ]
}
