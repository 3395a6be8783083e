/**
 * Group commit, the pure part: decides a queue of requests one after another in memory, each on what the one before
 * would leave, so that a single write can carry them all and each caller still gets its own from and to.
 */

import { Fault } from '../../foundation/errors.ts'
import type { ServiceObservation } from '../../swarm/services.ts'
import { decide, type Verdict } from './decide.ts'
import type { DecideInput } from './decide-input.ts'
import { isRepeated, keyFault, liveKeys, MAX_RECENT_KEYS } from './recent-keys.ts'
import { causeOf, type Request, traitsOf } from './request.ts'
import { nextState, type ScalingState } from './state.ts'

export interface FoldInput extends Omit<DecideInput, 'request'> {
  readonly requests: readonly Request[]
  /** Random id for the write, should there be one. */
  readonly writeId: string
}

export interface Folded {
  /** One for each of the first requests; those after them wait for the next write. */
  readonly verdicts: readonly (Verdict | Fault)[]
  /** Absent: nothing to write. */
  readonly write?: { readonly replicas: number; readonly state: ScalingState }
}

/**
 * Stops before a change that would turn the direction: up and down in one write could end at the count they began with,
 * and an unchanged count is never written, which would lose their keys and times.
 */
export function fold(input: FoldInput): Folded {
  const { requests, ...base } = input
  const at = { nowMs: base.nowMs, windowMs: base.dedupWindowMs }
  const verdicts: (Verdict | Fault)[] = []
  let observation = base.observation
  let state = base.state
  for (const request of requests) {
    const keys = state?.keys ?? []
    const fault = keyFault(request, keys, at) ?? countFault(request, observation, isRepeated(request, keys, at))
    const verdict = fault ?? decide({ request, ...base, observation, state })
    if (!(verdict instanceof Fault) && verdict.decision.outcome === 'scaled') {
      if (turns(base.observation, observation, verdict)) break
      const next = advance(request, state, verdict, base)
      if (next instanceof Fault) {
        verdicts.push(next)
        continue
      }
      state = next
      observation = { ...observation, replicas: verdict.decision.to }
    }
    verdicts.push(verdict)
  }
  if (state === undefined || observation.replicas === base.observation.replicas) return { verdicts }
  return { verdicts, write: { replicas: observation.replicas, state } }
}

/** Of two people who look at 3, one at 5 must not undo what the other just did. A repeated call has changed the count itself. */
function countFault(request: Request, { replicas }: ServiceObservation, isRepeated: boolean): Fault | undefined {
  if (request.kind !== 'set' || isRepeated) return undefined
  const { expected } = request
  if (expected === undefined || expected === replicas) return undefined
  return new Fault(
    'count-changed',
    `The count is ${replicas} now, not ${expected}; nothing was changed for this call. Look again.`,
  )
}

function turns(start: ServiceObservation, now: ServiceObservation, { decision }: Verdict): boolean {
  return (now.replicas - start.replicas) * (decision.to - decision.from) < 0
}

function advance(
  request: Request,
  state: ScalingState | undefined,
  { decision }: Verdict,
  { writeId, nowMs, dedupWindowMs }: Pick<FoldInput, 'writeId' | 'nowMs' | 'dedupWindowMs'>,
): ScalingState | Fault {
  const { key, ends } = request
  const { tickMs } = traitsOf(request)
  const live = liveKeys(state?.keys ?? [], { nowMs, windowMs: dedupWindowMs })
  const change = {
    writeId,
    nowMs,
    from: decision.from,
    to: decision.to,
    cause: causeOf(request),
    tickMs,
    ...(key && { key }),
    ...(ends && { ends }),
  }
  if (key === undefined || live.length < MAX_RECENT_KEYS) return nextState(state, change, live)
  return new Fault(
    'keys-exhausted',
    `${live.length} idempotency keys are in use for this autoscaler; repeat the call later`,
    {
      retryAfterMs: dedupWindowMs,
    },
  )
}
