/** A decision, its stages, and what came of each alert, as callers see them (docs/http-api.md). */
import { type Static, Type } from '@sinclair/typebox'
import type { AlertResult } from '../../autoscaling/autoscaler.ts'
import type { Decision, HeldCode, Limit, Outcome, Stage, UnchangedCode } from '../../autoscaling/decision/decision.ts'
import type { Direction } from '../../autoscaling/policy/policy.ts'
import { PROBLEMS } from '../problem.ts'
import { enumeration, rfc3339, Time } from './parts.ts'

export const DecisionSchema = Type.Object({
  autoscaler: Type.String(),
  service: Type.String(),
  outcome: enumeration<Outcome>({
    scaled: true,
    unchanged: true,
    held: true,
    'dry-run': true,
    'invalid-policy': true,
    unsupported: true,
  }),
  code: Type.Optional(
    enumeration<HeldCode | UnchangedCode>({
      'at-max': true,
      'at-min': true,
      'at-capacity': true,
      'already-there': true,
      cooldown: true,
      rollout: true,
      paused: true,
      duplicate: true,
      resolved: true,
      'no-data': true,
      maintenance: true,
      unschedulable: true,
      'unknown-write': true,
    }),
  ),
  reason: Type.String({ description: 'One sentence for a person.' }),
  from: Type.Integer(),
  to: Type.Integer(),
  wanted: Type.Integer({ description: 'What was asked for, before any limit.' }),
  limits: Type.Array(
    Type.Object({
      stage: enumeration<Limit['stage']>({ min: true, max: true, capacity: true }),
      before: Type.Integer(),
      after: Type.Integer(),
      reason: Type.String(),
    }),
  ),
  retryAt: Type.Optional(Time),
  at: Time,
  id: Type.Optional(Type.String({ description: 'Of this decision of this controller.' })),
  controller: Type.Optional(Type.String({ description: 'The `id` of the controller that took it.' })),
  origin: Type.Optional(
    Type.String({
      description: 'Who or what asked: `call`, `alert`, `orbiter`, or a request source such as `restore`.',
    }),
  ),
  direction: Type.Optional(enumeration<Direction>({ up: true, down: true })),
  alerts: Type.Optional(Type.Array(Type.String(), { description: 'Names of the alerts that asked.' })),
  caller: Type.Optional(
    Type.Object({
      name: Type.Optional(Type.String({ description: 'Of the token.' })),
      address: Type.Optional(Type.String({ description: 'Of the socket.' })),
    }),
  ),
  note: Type.Optional(Type.String({ description: 'What the caller said, apart from the reason.' })),
})
export type WireDecision = Static<typeof DecisionSchema>

export function wireDecision(decision: Decision): WireDecision {
  const { autoscaler, service, outcome, code, reason, from, to, wanted, limits, retryAtMs, atMs } = decision
  const { id, controller, origin, direction, alerts, caller, note } = decision
  return {
    autoscaler,
    service,
    outcome,
    ...(code !== undefined && { code }),
    reason,
    from,
    to,
    wanted,
    limits: limits.map((limit) => ({ ...limit })),
    ...(retryAtMs !== undefined && { retryAt: rfc3339(retryAtMs) }),
    at: rfc3339(atMs),
    ...(id !== undefined && { id }),
    ...(controller !== undefined && { controller }),
    ...(origin !== undefined && { origin }),
    ...(direction !== undefined && { direction }),
    ...(alerts && { alerts: [...alerts] }),
    ...(caller && { caller: { ...caller } }),
    ...(note !== undefined && { note }),
  }
}

const StageSchema = Type.Object({
  stage: Type.String(),
  result: enumeration<Stage['result']>({ pass: true, skip: true, stop: true, limit: true }),
  detail: Type.String(),
})

export const ExplanationSchema = Type.Composite([DecisionSchema, Type.Object({ stages: Type.Array(StageSchema) })])

export type WireExplanation = Static<typeof ExplanationSchema>

export const wireExplanation = (decision: Decision, stages: readonly Stage[]): WireExplanation => ({
  ...wireDecision(decision),
  stages: stages.map(({ stage, result, detail }) => ({ stage, result, detail })),
})

const AlertError = Type.Object({
  code: Type.String({ description: 'As of a problem.' }),
  title: Type.String(),
  detail: Type.String({ description: 'What is wrong and what would be right.' }),
})

const AlertResultSchema = Type.Composite([
  Type.Object({ fingerprint: Type.String({ description: 'As sent; empty without one.' }) }),
  Type.Partial(DecisionSchema),
  Type.Object({ error: Type.Optional(AlertError) }),
])

export const AlertResultsSchema = Type.Object({
  results: Type.Array(AlertResultSchema, {
    description: 'One for each alert, in order: a decision, which several alerts of one service share, or an error.',
  }),
})
export type WireAlertResult = Static<typeof AlertResultSchema>

export function wireAlertResult(result: AlertResult): WireAlertResult {
  const { fingerprint } = result
  switch (result.kind) {
    case 'decision':
      return { fingerprint, ...wireDecision(result.decision) }
    case 'no-data':
      return { fingerprint, outcome: 'held', code: 'no-data', reason: result.reason, at: rfc3339(result.atMs) }
    case 'error': {
      const { code, detail } = result
      return { fingerprint, error: { code, title: PROBLEMS[code].title, detail } }
    }
    default:
      return result satisfies never
  }
}
