/** Builders for tests: a sound default, and what the story is about as an override. */
import {
  type AlertState,
  EMPTY_ALERT_STATE,
  type StandingAlert,
  standingKey,
} from '../../../src/autoscaling/alerts/alert-state.ts'
import type { DecideInput } from '../../../src/autoscaling/decision/decide-input.ts'
import type { RequestKey } from '../../../src/autoscaling/decision/request.ts'
import {
  type BoundService,
  boundsSource,
  createRestoreSource,
  type RequestSource,
} from '../../../src/autoscaling/decision/request-source.ts'
import type { ScalingState } from '../../../src/autoscaling/decision/state.ts'
import type { Policy, PolicyReading } from '../../../src/autoscaling/policy/policy.ts'
import type { ServiceObservation } from '../../../src/swarm/services.ts'

/** 2026-01-01T00:00:00Z: the "now" of every pure test. */
export const NOW = 1_767_225_600_000

export function policy(over: Partial<Policy> = {}): Policy {
  return {
    min: 1,
    max: 10,
    minWritten: true,
    maxWritten: true,
    stepUp: { kind: 'count', count: 1 },
    stepDown: { kind: 'count', count: 1 },
    cooldownUpMs: 30_000,
    cooldownDownMs: 30_000,
    rollout: 'hold',
    unschedulable: 'hold',
    paused: 'none',
    dryRun: false,
    onFiring: 'step',
    onResolved: 'none',
    onDeploy: 'restore',
    alertTtlMs: undefined,
    schedules: [],
    ...over,
  }
}

export function reading(over: Partial<Policy> = {}, more: Partial<PolicyReading> = {}): PolicyReading {
  return { optedIn: true, name: 'web', policy: policy(over), fields: {}, issues: [], ...more }
}

export function observation(over: Partial<ServiceObservation> = {}): ServiceObservation {
  return {
    id: 'id-web',
    name: 'web',
    version: 100,
    mode: 'replicated',
    replicas: 3,
    labels: {},
    firstSeenAtMs: NOW - 3_600_000,
    ...over,
  }
}

export function state(over: Partial<ScalingState> = {}): ScalingState {
  return {
    writeId: 'w1',
    atMs: NOW - 3_600_000,
    from: 2,
    to: 3,
    direction: 'up',
    cause: 'call',
    lastUpMs: NOW - 3_600_000,
    lastChangeMs: NOW - 3_600_000,
    keys: [],
    version: 1,
    unknown: {},
    ...over,
  }
}

export const key = (name: string, wish = 'up'): RequestKey => ({ hash: name.padEnd(11, '_').slice(0, 11), wish })

export const up = (over: { by?: number; key?: RequestKey } = {}): DecideInput['request'] => ({
  kind: 'step',
  direction: 'up',
  origin: 'call',
  ...(over.by === undefined ? {} : { by: { kind: 'count', count: over.by } }),
  ...(over.key && { key: over.key }),
})

export const down = (over: { by?: number; key?: RequestKey } = {}): DecideInput['request'] => ({
  ...up(over),
  kind: 'step',
  direction: 'down',
  origin: 'call',
})

/** What the sources of corrections ask for. */
export function restore(replicas: number, over: Partial<Policy> = {}): DecideInput['request'] {
  const owed = { replicas, stateLabel: undefined, sinceMs: NOW }
  const source = createRestoreSource({ current: () => ({ restores: new Map([['id-web', owed]]) }) })
  return asked(source, { observation: observation(), policy: policy(over) })
}

export const bounds = (): DecideInput['request'] =>
  asked(boundsSource, { observation: observation({ replicas: 999 }), policy: policy() })

function asked(source: RequestSource, bound: Pick<BoundService, 'observation' | 'policy'>): DecideInput['request'] {
  const due = source.due({ ...bound, state: undefined, countSeenAtMs: 0 }, NOW)
  if (due === undefined || due === 'later') throw new Error(`nothing of ${source.name} is due`)
  return due
}

/** One alert that stands for `web`. */
export function standing(over: Partial<StandingAlert> = {}): AlertState {
  const alert: StandingAlert = {
    ...{ serviceId: 'id-web', direction: 'up', alertId: 'a', source: 'alertmanager', name: 'Hot', startsAt: '' },
    ...{ sinceMs: NOW, newsAtMs: NOW, replicas: 3, suspended: false },
    ...over,
  }
  return { ...EMPTY_ALERT_STATE, standing: new Map([[standingKey(alert), alert]]) }
}

export function decideInput(over: Partial<DecideInput> = {}): DecideInput {
  return {
    reading: reading(),
    observation: observation(),
    state: undefined,
    pause: undefined,
    writeUnknown: false,
    dryRun: false,
    dedupWindowMs: 60_000,
    request: up(),
    nowMs: NOW,
    ...over,
  }
}
