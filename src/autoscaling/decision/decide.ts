/**
 * decide(): the answer to one request. Pure and total: no clock, no I/O, no throw.
 *
 *   policy -> supported -> unknown write -> maintenance -> paused -> duplicate -> rollout -> unschedulable -> cooldown   (gates: stop or pass)
 *     -> wanted -> min -> max -> capacity                                                              (limits: change the number)
 *     -> unchanged? -> dry run? -> scaled
 */

import { policyAt } from '../policy/policy-at.ts'
import { stepSize } from '../policy/step.ts'
import { type DecideInput, limitCount, type ValidInput } from './decide-input.ts'
import type { Decision, HeldCode, Limit, Outcome, Stage, UnchangedCode } from './decision.ts'
import { type Gate, gates, type Stop } from './gates.ts'
import { originOf } from './request.ts'

export interface Verdict {
  readonly decision: Decision
  /** Every stage that was looked at, in order. */
  readonly stages: readonly Stage[]
}

export function decide(input: DecideInput): Verdict {
  const stages: Stage[] = []
  const current = input.observation.replicas
  const { policy } = input.reading
  if (policy === undefined) {
    const reason =
      input.reading.issues.find((issue) => issue.severity === 'error')?.message ?? 'the policy is not valid'
    stages.push({ stage: 'policy', result: 'stop', detail: reason })
    return { decision: answer(input, { outcome: 'invalid-policy', reason, from: current, to: current }), stages }
  }
  stages.push({ stage: 'policy', result: 'pass', detail: 'the policy is valid' })
  const gateInput: ValidInput = { policy, bounds: policyAt(policy, input.nowMs), ...input }
  for (const [index, gate] of gates.entries()) {
    const { stop, detail } = gate.judge(gateInput)
    stages.push({ stage: gate.stage, result: stop === undefined ? 'pass' : 'stop', detail })
    if (stop !== undefined) {
      const wanted = stop.outcome === 'held' ? (stop.to ?? wantedCount(gateInput).count) : current
      const held = { from: current, to: current, wanted, reason: detail, ...stop }
      return { decision: answer(input, { ...held, ...retryAfter(stop, gates.slice(index + 1), gateInput) }), stages }
    }
  }
  return { decision: count(gateInput, stages), stages }
}

/** When all that can be waited for is over: what holds next may hold for longer. */
function retryAfter({ retryAtMs }: Stop, others: readonly Gate[], input: ValidInput): Pick<Stop, 'retryAtMs'> {
  if (retryAtMs === undefined) return {}
  return { retryAtMs: Math.max(retryAtMs, ...others.map(({ judge }) => judge(input).stop?.retryAtMs ?? 0)) }
}

function count(input: ValidInput, stages: Stage[]): Decision {
  const current = input.observation.replicas
  const wanted = wantedCount(input)
  stages.push({ stage: 'wanted', result: 'pass', detail: wanted.reason })
  const { to, limits } = limitCount(wanted.count, current, input.bounds, input.capacity)
  for (const limit of limits) stages.push({ stage: limit.stage, result: 'limit', detail: limit.reason })
  const numbers = { from: current, to, wanted: wanted.count, limits }
  if (to === current) {
    const code = unchangedCode(limits)
    const reason = limits.at(-1)?.reason ?? `already at ${current}`
    stages.push({ stage: 'unchanged', result: 'stop', detail: reason })
    return answer(input, { outcome: 'unchanged', code, reason, ...numbers })
  }
  const reason = [wanted.reason, ...limits.map((limit) => limit.reason)].join('; ')
  if (input.dryRun || input.policy.dryRun) {
    const detail = input.dryRun
      ? 'ORRERY_DRY_RUN: this controller decides and does not write'
      : 'autoscaler.dry-run: decided and not written'
    stages.push({ stage: 'dry-run', result: 'stop', detail })
    return answer(input, { outcome: 'dry-run', reason: `${reason}; ${detail}`, ...numbers })
  }
  stages.push({ stage: 'write', result: 'pass', detail: `${current} to ${to}` })
  return answer(input, { outcome: 'scaled', reason, ...numbers })
}

function wantedCount({ request, policy, bounds, observation }: ValidInput): { count: number; reason: string } {
  const current = observation.replicas
  switch (request.kind) {
    case 'step': {
      const step = request.by ?? (request.direction === 'up' ? policy.stepUp : policy.stepDown)
      const size = stepSize(step, current, request.direction)
      const percent = step.kind === 'percent' ? ` (${step.percent}% of ${current})` : ''
      const count = request.direction === 'up' ? current + size : Math.max(0, current - size)
      return { count, reason: `${request.direction} by ${size}${percent}` }
    }
    case 'set':
      return { count: request.replicas, reason: `set to ${request.replicas}` }
    case 'recommend':
      return { count: request.replicas, reason: request.why }
    case 'restore':
      return { count: request.replicas, reason: `back to ${request.replicas}, which ran before the deploy` }
    case 'bounds':
      return {
        count: current,
        reason: `kept inside the bounds${bounds.source === 'policy' ? '' : ` of ${bounds.source}`}`,
      }
    default:
      return request satisfies never
  }
}

const UNCHANGED_CODES: Record<Limit['stage'], UnchangedCode> = { min: 'at-min', max: 'at-max', capacity: 'at-capacity' }

function unchangedCode(limits: readonly Limit[]): UnchangedCode {
  const last = limits.at(-1)
  return last === undefined ? 'already-there' : UNCHANGED_CODES[last.stage]
}

/** Which alert asked is a part of why; what a person said is theirs, and stands apart as `note`. */
const reasonOf = (reason: string, { alerts, note }: DecideInput['request']): string =>
  alerts === undefined || note === undefined ? reason : `${reason} (${note})`

interface Answer {
  readonly outcome: Outcome
  readonly code?: HeldCode | UnchangedCode
  readonly reason: string
  readonly from: number
  readonly to: number
  readonly wanted?: number
  readonly limits?: readonly Limit[]
  readonly retryAtMs?: number
}

function answer(input: DecideInput, given: Answer): Decision {
  return {
    autoscaler: input.reading.name,
    service: input.observation.name,
    wanted: input.observation.replicas,
    limits: [],
    ...given,
    reason: reasonOf(given.reason, input.request),
    atMs: input.nowMs,
    ...askedBy(input.request, given),
  }
}

/** Who asked, for whoever looks back. */
function askedBy(request: DecideInput['request'], { from, wanted = from }: Answer): Partial<Decision> {
  const { caller, alerts, note } = request
  const towards =
    request.kind === 'step' ? request.direction : wanted === from ? undefined : wanted > from ? 'up' : 'down'
  return {
    origin: originOf(request),
    ...(towards && { direction: towards }),
    ...(alerts && { alerts }),
    ...(caller && { caller }),
    ...(note && { note }),
  }
}
