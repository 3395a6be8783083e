/** An autoscaler in a few hundred bytes, for lists of many: `GET /v1/autoscaler?view=summary`. */
import { type Static, Type } from '@sinclair/typebox'
import type { Autoscaler, ConditionType, ServiceRow } from '../../autoscaling/autoscaler.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { PauseSchema, wireNextAllowed, wirePause } from './autoscaler.ts'
import { integerOrNull, rfc3339, Time } from './parts.ts'

/** What `docker stack deploy` names the stack in. */
const STACK_LABEL = 'com.docker.stack.namespace'

export const SummarySchema = Type.Object({
  name: Type.String(),
  service: Type.String(),
  stack: Type.Optional(Type.String({ description: 'Of `docker stack deploy`.' })),
  replicas: Type.Integer({ description: 'From the spec, never a count of tasks.' }),
  running: Type.Optional(
    Type.Integer({ description: 'Tasks that run and should; absent: not known. Known soon after the first who asks.' }),
  ),
  min: Type.Optional(Type.Integer()),
  max: Type.Optional(integerOrNull('null: no maximum is known.')),
  attention: Type.Optional(
    Type.Object(
      {
        type: Type.String({ description: 'Of the condition.' }),
        reason: Type.String(),
        severity: Type.Unsafe<'error' | 'warning'>({ type: 'string', enum: ['error', 'warning'] }),
      },
      { description: 'The worst condition; absent: nothing is wrong.' },
    ),
  ),
  pause: Type.Optional(PauseSchema),
  rollout: Type.Optional(Type.String({ description: 'The state of the last update or rollback, by Swarm’s word.' })),
  nextAllowed: Type.Object({ up: Type.Optional(Time), down: Type.Optional(Time) }),
  lastChange: Type.Optional(Type.Object({ at: Time, from: Type.Integer(), to: Type.Integer(), cause: Type.String() })),
  lastOutcome: Type.Optional(
    Type.String({ description: 'Of the last decision of this controller, with what follows.' }),
  ),
  lastCode: Type.Optional(Type.String()),
  lastReason: Type.Optional(Type.String()),
  lastAt: Type.Optional(Time),
})
export type WireSummary = Static<typeof SummarySchema>

/** Worst first: a condition, the status that is bad, and how bad. */
export const TROUBLES: readonly (readonly [ConditionType, boolean, 'error' | 'warning'])[] = [
  ['Supported', false, 'error'],
  ['Valid', false, 'error'],
  ['InSync', false, 'error'],
  ['WriteUnknown', true, 'error'],
  ['Unschedulable', true, 'error'],
  ['AtCapacity', true, 'warning'],
  ['LoadMeasured', false, 'warning'],
  ['InBounds', false, 'warning'],
  ['RestorePending', true, 'warning'],
  ['RolloutSettled', false, 'warning'],
  ['Maintenance', true, 'warning'],
  ['Paused', true, 'warning'],
]

function attentionOf(conditions: Autoscaler['conditions']): WireSummary['attention'] {
  for (const [type, bad, severity] of TROUBLES) {
    const found = conditions.find((condition) => condition.type === type && condition.status === bad)
    if (found !== undefined) return { type, reason: found.reason, severity }
  }
  return undefined
}

export function wireSummary(autoscaler: Autoscaler): WireSummary {
  const { name, observation, running, bounds, conditions, pause, nextAllowedMs, state, lastDecision } = autoscaler
  return {
    name,
    service: observation.name,
    ...withoutUndefined({ stack: observation.labels[STACK_LABEL] }),
    replicas: observation.replicas,
    ...withoutUndefined({ running, min: bounds?.min, max: bounds?.max, attention: attentionOf(conditions) }),
    ...(pause && { pause: wirePause(pause) }),
    ...withoutUndefined({ rollout: observation.updateState }),
    nextAllowed: wireNextAllowed(nextAllowedMs),
    ...(state && {
      lastChange: { at: rfc3339(state.atMs), from: state.from, to: state.to, cause: state.cause },
    }),
    ...(lastDecision && {
      lastOutcome: lastDecision.outcome,
      ...withoutUndefined({ lastCode: lastDecision.code }),
      lastReason: lastDecision.reason,
      lastAt: rfc3339(lastDecision.atMs),
    }),
  }
}

export const ServiceSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  stack: Type.Optional(Type.String({ description: 'Of `docker stack deploy`.' })),
  mode: Type.String({ description: '`replicated`, `global`, `replicated-job`, `global-job` or `unknown`.' }),
  replicas: Type.Optional(Type.Integer({ description: 'From the spec; only of a replicated one.' })),
  running: Type.Optional(Type.Integer({ description: 'Tasks that run and should; absent: not known.' })),
  autoscaler: Type.Optional(Type.String({ description: 'Its name; absent: it has no policy.' })),
  reason: Type.Optional(Type.String({ description: 'Why it is not scaled, and what of its labels has no effect.' })),
  labels: Type.Optional(
    Type.Unsafe<Record<string, string>>({
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'Labels that would give it a policy, to copy (`deploy.labels`); the maximum is a guess.',
    }),
  ),
})

/** What a maximum to begin with may be, where nobody has said one. */
const LEAST_MAX = 10

export function wireService({ observation, running, autoscaler, reason }: ServiceRow): Static<typeof ServiceSchema> {
  const { id, name, mode, replicas, labels } = observation
  const isReplicated = mode === 'replicated'
  const max = String(Math.max(LEAST_MAX, replicas))
  return {
    ...{ id, name, mode },
    ...withoutUndefined({ stack: labels[STACK_LABEL] }),
    ...(isReplicated && { replicas }),
    ...withoutUndefined({ running, autoscaler, reason }),
    ...(isReplicated && autoscaler === undefined && { labels: { 'autoscaler.enable': 'true', 'autoscaler.max': max } }),
  }
}
