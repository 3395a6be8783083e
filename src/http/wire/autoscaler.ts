/** An autoscaler as `GET /v1/autoscaler` shows it. */
import { type Static, Type } from '@sinclair/typebox'
import type { StandingAlert } from '../../autoscaling/alerts/alert-state.ts'
import type { Autoscaler, ConditionType } from '../../autoscaling/autoscaler.ts'
import type { Pause } from '../../autoscaling/decision/shared-state.ts'
import type { Direction, FieldSource, PolicyField, PolicyIssue } from '../../autoscaling/policy/policy.ts'
import { formatStep } from '../../autoscaling/policy/step.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import type { ServiceMode, ServiceObservation, UpdateState } from '../../swarm/services.ts'
import { DecisionSchema, wireDecision } from './decision.ts'
import { LoadSchema, wireLoad } from './load.ts'
import { conditionOf, enumeration, integerOrNull, optionalTime, rfc3339, Time, wireCondition } from './parts.ts'

const Scope = enumeration<Direction | 'both'>({ up: true, down: true, both: true })

const Field = Type.Object({
  value: Type.String({ description: 'As one would write it.' }),
  source: enumeration<FieldSource>({
    label: true,
    file: true,
    orbiter: true,
    'com.df': true,
    'swarm.autoscaler': true,
    default: true,
  }),
})

/** Labels stay out, since people keep passwords in them. */
const ObservationSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  version: Type.Integer(),
  mode: enumeration<ServiceMode>({
    replicated: true,
    global: true,
    'replicated-job': true,
    'global-job': true,
    unknown: true,
  }),
  replicas: Type.Integer({ description: 'From the spec, never a count of tasks.' }),
  updateState: Type.Optional(
    enumeration<UpdateState>({
      updating: true,
      paused: true,
      completed: true,
      rollback_started: true,
      rollback_paused: true,
      rollback_completed: true,
    }),
  ),
  firstSeenAt: Type.String({ description: 'When this controller first saw this count with this spec.' }),
})

const State = Type.Object({
  at: Time,
  from: Type.Integer(),
  to: Type.Integer(),
  direction: enumeration<Direction>({ up: true, down: true }),
  cause: Type.String({
    description: 'What the write was for: `call`, `alert`, `orbiter`, `set`, `restore` or `bounds`.',
  }),
  lastUp: Type.Optional(Time),
  lastChange: Type.Optional(Time),
})

const AlertSchema = Type.Object({
  fingerprint: Type.String({ description: 'Its fingerprint, or a hash of it.' }),
  name: Type.String({ description: 'Its label alertname; empty without one.' }),
  direction: enumeration<Direction>({ up: true, down: true }),
  by: Type.Optional(Type.String()),
  source: enumeration<StandingAlert['source']>({ alertmanager: true, grafana: true }),
  startsAt: Type.String({ description: 'As its sender says.' }),
  since: Time,
  lastNews: Type.String({
    description: 'When its last news came that it fires, to about a tenth of its time to live. RFC 3339.',
  }),
  suspended: Type.Boolean({ description: 'The count was set by hand: no step until the next notification.' }),
})

export const PauseSchema = Type.Object({
  direction: Scope,
  since: Time,
  until: Type.Optional(Time),
  reason: Type.Optional(Type.String({ description: 'In the words of who paused.' })),
  by: Type.Optional(Type.String({ description: 'Name of the token, else the address, of who paused.' })),
})

export const PauseOfAllSchema = Type.Object({
  pause: Type.Optional({ ...PauseSchema, description: 'Of every autoscaler; absent: not everything is paused.' }),
})

export type WirePauseOfAll = Static<typeof PauseOfAllSchema>

const ConditionSchema = conditionOf(
  enumeration<ConditionType>({
    Valid: true,
    Supported: true,
    InSync: true,
    RolloutSettled: true,
    Paused: true,
    Maintenance: true,
    RestorePending: true,
    WriteUnknown: true,
    InBounds: true,
    AtCapacity: true,
    AlertStanding: true,
    Unschedulable: true,
    LoadMeasured: true,
    LoadFallback: true,
    LoadFlapping: true,
  }),
)

export const AutoscalerSchema = Type.Object({
  name: Type.String(),
  service: Type.String(),
  // Not Type.Record: its pattern would be run for every key of every service.
  policy: Type.Unsafe<Record<string, PolicyField>>({
    type: 'object',
    additionalProperties: Field,
    description: 'Every field by its name without prefix (`min`, `step.up`), and where its value comes from.',
  }),
  issues: Type.Array(
    Type.Object({
      severity: enumeration<PolicyIssue['severity']>({ error: true, warning: true }),
      field: Type.String(),
      value: Type.Optional(Type.String()),
      message: Type.String(),
    }),
    { description: 'An `error` makes the policy invalid: no scaling.' },
  ),
  unsupported: Type.Optional(Type.String({ description: 'Why no policy can scale this service.' })),
  bounds: Type.Optional(
    Type.Object(
      {
        min: Type.Integer(),
        max: integerOrNull('null: no maximum is known.'),
        source: Type.String({ description: '`policy`, or what else they come from, such as `schedule.night`.' }),
        until: Type.Optional(
          Type.String({ description: 'When they next change; absent: never by time alone. RFC 3339.' }),
        ),
      },
      { description: 'The bounds that are active now; absent: the policy is not valid.' },
    ),
  ),
  observation: ObservationSchema,
  running: Type.Optional(
    Type.Integer({ description: 'Tasks that run and should; absent: not known. Known soon after the first who asks.' }),
  ),
  state: Type.Optional(State),
  pause: Type.Optional(PauseSchema),
  restore: Type.Optional(Type.Object({ replicas: Type.Integer(), since: Time })),
  alerts: Type.Array(AlertSchema, { description: 'Alerts that stand (`autoscaler.on-firing=repeat`).' }),
  conditions: Type.Array(ConditionSchema),
  nextAllowed: Type.Object(
    { up: Type.Optional(Time), down: Type.Optional(Time) },
    { description: 'When a step would no longer wait for its cooldown; absent: now.' },
  ),
  lastDecision: Type.Optional(DecisionSchema),
  load: Type.Optional(LoadSchema),
})

const wireAlert = (alert: StandingAlert): Static<typeof AlertSchema> => ({
  fingerprint: alert.alertId,
  name: alert.name,
  direction: alert.direction,
  ...(alert.by && { by: formatStep(alert.by) }),
  source: alert.source,
  startsAt: alert.startsAt,
  since: rfc3339(alert.sinceMs),
  lastNews: rfc3339(alert.newsAtMs),
  suspended: alert.suspended,
})

export type WireAutoscaler = Static<typeof AutoscalerSchema>

export function wireAutoscaler(autoscaler: Autoscaler): WireAutoscaler {
  const {
    name,
    reading,
    bounds,
    observation,
    state,
    pause,
    restore,
    alerts,
    conditions,
    nextAllowedMs,
    lastDecision,
    load,
  } = autoscaler
  return {
    name,
    service: observation.name,
    policy: reading.fields,
    issues: reading.issues.map((issue) => ({ ...issue })),
    ...(bounds && { bounds: wireBounds(bounds) }),
    observation: wireObservation(observation),
    ...withoutUndefined({ unsupported: reading.unsupported, running: autoscaler.running }),
    ...(state && { state: wireState(state) }),
    ...(pause && { pause: wirePause(pause) }),
    ...(restore && { restore: { replicas: restore.replicas, since: rfc3339(restore.sinceMs) } }),
    alerts: alerts.map(wireAlert),
    conditions: conditions.map(wireCondition),
    nextAllowed: wireNextAllowed(nextAllowedMs),
    ...(lastDecision && { lastDecision: wireDecision(lastDecision) }),
    ...(load && { load: wireLoad(load) }),
  }
}

const wireBounds = ({ min, max, source, untilMs }: NonNullable<Autoscaler['bounds']>) => ({
  min,
  max,
  source,
  ...withoutUndefined({ until: optionalTime(untilMs) }),
})

export const wireNextAllowed = ({ up, down }: Autoscaler['nextAllowedMs']) =>
  withoutUndefined({ up: optionalTime(up), down: optionalTime(down) })

function wireState(state: NonNullable<Autoscaler['state']>): Static<typeof State> {
  const { atMs, from, to, direction, cause, lastUpMs, lastChangeMs } = state
  return {
    at: rfc3339(atMs),
    from,
    to,
    direction,
    cause,
    ...withoutUndefined({ lastUp: optionalTime(lastUpMs), lastChange: optionalTime(lastChangeMs) }),
  }
}

export const wirePause = ({ scope, sinceMs, untilMs, reason, by }: Pause): Static<typeof PauseSchema> => ({
  direction: scope,
  since: rfc3339(sinceMs),
  ...withoutUndefined({ until: optionalTime(untilMs), reason, by }),
})

export const wirePauseOfAll = (pause: Pause | undefined): WirePauseOfAll =>
  pause === undefined ? {} : { pause: wirePause(pause) }

export function wireObservation(observation: ServiceObservation): Static<typeof ObservationSchema> {
  const { id, name, version, mode, replicas, updateState, firstSeenAtMs } = observation
  return {
    id,
    name,
    version,
    mode,
    replicas,
    ...(updateState !== undefined && { updateState }),
    firstSeenAt: rfc3339(firstSeenAtMs),
  }
}
