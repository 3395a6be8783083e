/** The gates of decide(), in order: each passes, or stops with an outcome. Pure. */

import { waitEndMs } from '../../foundation/clock.ts'
import type { ServiceMode, ServiceObservation, UpdateState } from '../../swarm/services.ts'
import type { Direction, PauseScope, Policy } from '../policy/policy.ts'
import type { Bounds } from '../policy/policy-at.ts'
import type { ValidInput } from './decide-input.ts'
import type { HeldCode, Outcome } from './decision.ts'
import { endedBefore, recall } from './recent-keys.ts'
import { traitsOf } from './request.ts'
import { activePauses } from './shared-state.ts'
import { isOwnZero, type ScalingState } from './state.ts'

export interface Stop {
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

export interface Gate {
  readonly stage: string
  readonly judge: (input: ValidInput) => Judgement
}

/** How long a template change without any UpdateStatus counts as a rollout: Swarm shows none for some ms after a deploy. */
export const SETTLE_MS = 10_000

export const gates: readonly Gate[] = [
  { stage: 'supported', judge: supported },
  { stage: 'unknown-write', judge: unknownWrite },
  { stage: 'maintenance', judge: maintenance },
  { stage: 'paused', judge: paused },
  { stage: 'duplicate', judge: duplicate },
  { stage: 'rollout', judge: rollout },
  { stage: 'unschedulable', judge: unschedulable },
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
    'a write is unanswered: it may take effect, now or later; waiting to read what became of it',
  )
}

/** 0 below a higher min that is not ours was set by a person: hands off for everything but another count by name. */
function maintenance({ observation, bounds, state, request }: ValidInput): Judgement {
  if (observation.replicas > 0 || bounds.min === 0) return pass('the service is not at 0')
  if (isOwnZero(observation.replicas, state)) return pass('at 0, which was asked for while the bounds allowed it')
  if (traitsOf(request).endsMaintenance) return pass('at 0, and a count is asked for by name')
  return held(
    'maintenance',
    'the count is 0, below min: set by hand, so it is left alone; PUT replicas or `docker service scale` ends it',
  )
}

function paused(input: ValidInput): Judgement {
  const direction = directionOf(input)
  if (direction === undefined) return pass('not paused')
  if (covers(input.policy.paused, direction)) return held('paused', `paused by its policy (${input.policy.paused})`)
  // Where several hold, the one that lasts longest says when it is over.
  const [longest] = activePauses(input, input.nowMs).filter(({ scope }) => covers(scope, direction))
  if (longest === undefined) return pass('not paused')
  return held('paused', longest.text, longest.untilMs === undefined ? {} : { retryAtMs: longest.untilMs })
}

function covers(scope: PauseScope, direction: Direction): boolean {
  return scope === 'both' || scope === direction
}

/** `undefined`: the request would change nothing. */
function directionOf({ request, observation, bounds }: ValidInput): Direction | undefined {
  if (request.kind === 'step') return request.direction
  const target = request.kind === 'bounds' ? nearest(observation.replicas, bounds) : request.replicas
  if (target === observation.replicas) return undefined
  return target > observation.replicas ? 'up' : 'down'
}

function nearest(count: number, { min, max, maxWritten }: Bounds): number {
  return Math.max(min, maxWritten && max !== null ? Math.min(max, count) : count)
}

function duplicate({ request, state, nowMs, dedupWindowMs }: ValidInput): Judgement {
  const { tickMs } = traitsOf(request)
  // One that has yet to come was acted on before this machine's clock was set back.
  if (tickMs !== undefined && state?.tickMs !== undefined && state.tickMs >= tickMs && state.tickMs <= nowMs) {
    return held('duplicate', 'this tick was acted on already')
  }
  const { key, ends } = request
  const ended = endedBefore(state?.ended ?? [], ends ?? [])
  if (ended !== undefined) {
    const { from, to } = ended
    return held('duplicate', `this end of the alert already changed the count from ${from} to ${to}`, { from, to })
  }
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
  if (policy.rollout === 'off') return pass('autoscaler.rollout=off: it does not wait for rollouts')
  if (!traitsOf(request).waitsForRollout)
    return pass('autoscaler.on-deploy=restore-now: it does not wait for the rollout')
  return rolloutOf(observation, nowMs) ?? pass('no rollout')
}

/** The hold of a rollout in progress; `undefined` when there is none. */
export function rolloutOf(observation: ServiceObservation, nowMs: number): Judgement | undefined {
  const { updateState, templateChangeSeenAtMs } = observation
  const running = updateState && ROLLOUTS[updateState]
  if (running !== undefined) return held('rollout', `${running}: scaling waits for its end`)
  if (updateState !== undefined || templateChangeSeenAtMs === undefined) return undefined
  const settledMs = waitEndMs(templateChangeSeenAtMs, SETTLE_MS, nowMs)
  if (settledMs === undefined) return undefined
  return held('rollout', 'the task template was just changed: scaling waits to see its rollout', {
    retryAtMs: settledMs,
  })
}

function unschedulable(input: ValidInput): Judgement {
  const { policy, request, unplaceable } = input
  if (!traitsOf(request).waitsForPlacement) return pass('it does not wait for tasks to be placed')
  if (policy.unschedulable === 'off')
    return pass('autoscaler.unschedulable=off: it does not wait for tasks to be placed')
  if (unplaceable === undefined) return pass('no task is known to wait for its place')
  return directionOf(input) === 'up' ? held('unschedulable', unplaceable) : pass(`it does not grow: ${unplaceable}`)
}

function cooldown(input: ValidInput): Judgement {
  const { request, policy, state, nowMs } = input
  const waits = traitsOf(request).cooldown
  const direction = directionOf(input)
  if (waits === undefined || direction === undefined) return pass('no cooldown for this kind of request')
  const nextMs = cooldownEndMs(direction, { policy, state, nowMs, leastMs: waits.leastMs })
  if (nextMs === undefined) return pass('no cooldown is running')
  const seconds = Math.ceil((nextMs - nowMs) / 1000)
  return held('cooldown', `cooldown: ${direction} is possible again in ${seconds} s`, { retryAtMs: nextMs })
}

export interface CooldownInput {
  readonly policy: Policy
  readonly state: Pick<ScalingState, 'lastUpMs' | 'lastChangeMs'> | undefined
  readonly nowMs: number
  /** No cooldown is shorter. */
  readonly leastMs: number
}

/** When a step in `direction` has waited long enough; `undefined`: it has. */
export function cooldownEndMs(
  direction: Direction,
  { policy, state, nowMs, leastMs }: CooldownInput,
): number | undefined {
  const lastMs = direction === 'up' ? state?.lastUpMs : state?.lastChangeMs
  if (lastMs === undefined) return undefined
  const cooldownMs = direction === 'up' ? policy.cooldownUpMs : policy.cooldownDownMs
  return waitEndMs(lastMs, Math.max(cooldownMs, leastMs), nowMs)
}
