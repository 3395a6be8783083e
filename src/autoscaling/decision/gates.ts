/** The gates of decide(), in order: each passes, or stops with an outcome. Pure. */

import type { ServiceMode, ServiceObservation, UpdateState } from '../observation.ts'
import type { Direction, PauseScope, Policy } from '../policy/policy.ts'
import type { ValidInput } from './decide-input.ts'
import type { HeldCode, Outcome } from './decision.ts'
import { recall } from './recent-keys.ts'
import { keyOf, type Request } from './request.ts'

interface Stop {
  readonly outcome: Outcome
  readonly code?: HeldCode
  readonly from?: number
  readonly to?: number
  readonly retryAtMs?: number
}

/** `detail` says why, for `explain` and, where it stops, as the decision's reason. */
interface Judgement {
  readonly stop?: Stop
  readonly detail: string
}

interface Gate {
  readonly stage: string
  readonly judge: (input: ValidInput) => Judgement
}

/** How long a template change without any UpdateStatus counts as a rollout: Swarm shows none for some ms after a deploy. */
export const SETTLE_MS = 10_000

/** The least time between two steps of standing alerts. */
const STANDING_MS = 15_000

export const gates: readonly Gate[] = [
  { stage: 'supported', judge: supported },
  { stage: 'unknown-write', judge: unknownWrite },
  { stage: 'maintenance', judge: maintenance },
  { stage: 'paused', judge: paused },
  { stage: 'duplicate', judge: duplicate },
  { stage: 'rollout', judge: rollout },
  { stage: 'cooldown', judge: cooldown },
]

const pass = (detail: string): Judgement => ({ detail })

const held = (code: HeldCode, detail: string, more: Omit<Stop, 'outcome' | 'code'> = {}): Judgement => ({
  stop: { outcome: 'held', code, ...more },
  detail,
})

/** Why Swarm's mode of the service has no count to change; `undefined` for a replicated one. */
export function unsupportedMode(mode: ServiceMode): string | undefined {
  const reasons: Record<ServiceMode, string | undefined> = {
    replicated: undefined,
    global: 'a global service runs one task on every node and has no count to change',
    'replicated-job': 'a job runs to its end and is not scaled',
    'global-job': 'a job runs to its end and is not scaled',
    unknown: 'the mode of this service is not one that this version knows',
  }
  return reasons[mode]
}

function supported({ reading, observation }: ValidInput): Judgement {
  const reason = unsupportedMode(observation.mode) ?? reading.unsupported
  return reason === undefined ? pass('replicated') : { stop: { outcome: 'unsupported' }, detail: reason }
}

function unknownWrite({ writeUnknown }: ValidInput): Judgement {
  if (!writeUnknown) return pass('no write is unanswered')
  return held(
    'unknown-write',
    'a write is unanswered: it may be in force, now or later; waiting to read what became of it',
  )
}

/** 0 below a higher min was set by a person: hands off for everything but another count by name. */
function maintenance({ observation, policy, request }: ValidInput): Judgement {
  if (observation.replicas > 0 || policy.min === 0) return pass('the service is not at 0')
  if (request.kind === 'set') return pass('at 0, and a count is asked for by name')
  return held(
    'maintenance',
    'the count is 0, below min: set by hand, so hands off; PUT replicas or `docker service scale` ends it',
  )
}

function paused(input: ValidInput): Judgement {
  const direction = directionOf(input)
  if (direction !== undefined && covers(input.policy.paused, direction)) {
    return held('paused', `paused by its policy (${input.policy.paused})`)
  }
  const pause = activePause(input)
  if (direction !== undefined && pause !== undefined && covers(pause.scope, direction)) {
    const until = pause.untilMs === undefined ? {} : { retryAtMs: pause.untilMs }
    return held('paused', `paused by call (${pause.scope})`, until)
  }
  return pass('not paused')
}

function activePause({ pause, nowMs }: ValidInput) {
  return pause !== undefined && (pause.untilMs === undefined || pause.untilMs > nowMs) ? pause : undefined
}

function covers(scope: PauseScope, direction: Direction): boolean {
  return scope === 'both' || scope === direction
}

function isStep(request: Request): request is Extract<Request, { kind: 'step' | 'standing' }> {
  return request.kind === 'step' || request.kind === 'standing'
}

/** `undefined`: the request would change nothing. */
function directionOf({ request, observation, policy }: ValidInput): Direction | undefined {
  if (isStep(request)) return request.direction
  const target = request.kind === 'bounds' ? nearest(observation.replicas, policy) : request.replicas
  if (target === observation.replicas) return undefined
  return target > observation.replicas ? 'up' : 'down'
}

function nearest(count: number, { min, max, maxWritten }: Policy): number {
  return Math.max(min, maxWritten && max !== null ? Math.min(max, count) : count)
}

function duplicate({ request, state, nowMs, dedupWindowMs }: ValidInput): Judgement {
  const key = keyOf(request)
  if (key === undefined) return pass('no idempotency key')
  const known = recall(state?.keys ?? [], key, { nowMs, windowMs: dedupWindowMs })
  if (known.kind !== 'duplicate') return pass('the idempotency key is new')
  const { from, to } = known.first
  return held('duplicate', `this idempotency key already changed the count from ${from} to ${to}`, { from, to })
}

const ROLLOUTS: Partial<Record<UpdateState, string>> = {
  updating: 'an update is running',
  paused: 'an update is paused, and any write would resume it',
  rollback_started: 'a rollback is running',
  rollback_paused: 'a rollback is paused, and any write would resume it',
}

function rollout({ observation, policy, request, nowMs }: ValidInput): Judgement {
  if (policy.rollout === 'off') return pass('rollouts are not waited for (autoscaler.rollout=off)')
  if (request.kind === 'restore' && policy.onDeploy === 'restore-now') return pass('autoscaler.on-deploy=restore-now')
  return rolloutOf(observation, nowMs) ?? pass('no rollout')
}

/** The hold of a rollout in progress; `undefined` when there is none. */
export function rolloutOf(observation: ServiceObservation, nowMs: number): Judgement | undefined {
  const { updateState, templateChangeSeenAtMs } = observation
  const running = updateState && ROLLOUTS[updateState]
  if (running !== undefined) return held('rollout', `${running}: scaling waits for its end`)
  if (updateState !== undefined || templateChangeSeenAtMs === undefined) return undefined
  const settledMs = Math.min(templateChangeSeenAtMs, nowMs) + SETTLE_MS
  if (nowMs >= settledMs) return undefined
  return held('rollout', 'the task template was just changed: scaling waits to see its rollout', {
    retryAtMs: settledMs,
  })
}

function cooldown({ request, policy, state, nowMs }: ValidInput): Judgement {
  if (!isStep(request)) return pass('no cooldown for this kind of request')
  const nextMs = cooldownEndMs(
    request.direction,
    request.kind === 'standing' ? unhurried(policy) : policy,
    state,
    nowMs,
  )
  if (nextMs === undefined) return pass('no cooldown is running')
  const seconds = Math.ceil((nextMs - nowMs) / 1000)
  return held('cooldown', `cooldown: ${request.direction} is possible again in ${seconds} s`, { retryAtMs: nextMs })
}

/** The policy as a standing alert has it: no cooldown is shorter than 15 s. */
export function unhurried(policy: Policy): Policy {
  const cooldownUpMs = Math.max(policy.cooldownUpMs, STANDING_MS)
  const cooldownDownMs = Math.max(policy.cooldownDownMs, STANDING_MS)
  return { ...policy, cooldownUpMs, cooldownDownMs }
}

/** When a step in `direction` has waited long enough; `undefined`: it has. A time in the future counts as now. */
export function cooldownEndMs(
  direction: Direction,
  policy: Policy,
  state: { readonly lastUpMs?: number; readonly lastChangeMs?: number } | undefined,
  nowMs: number,
): number | undefined {
  const lastMs = direction === 'up' ? state?.lastUpMs : state?.lastChangeMs
  if (lastMs === undefined) return undefined
  const endMs = Math.min(lastMs, nowMs) + (direction === 'up' ? policy.cooldownUpMs : policy.cooldownDownMs)
  return endMs > nowMs ? endMs : undefined
}
