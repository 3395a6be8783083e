/** What a decision is in Orbiter's codes: 200 when it is done, 500 and a sentence when it is not. */
import type { Decision } from '../../../autoscaling/decision/decision.ts'
import { answerDecision } from '../../answer-decision.ts'

export interface OrbiterAnswer {
  readonly status: 200 | 500
  readonly text: string
}

const DONE: OrbiterAnswer = { status: 200, text: '' }
const refused = (text: string): OrbiterAnswer => ({ status: 500, text })

/** Throws HttpProblem `invalid-policy` or `unsupported`. */
export function orbiterAnswer(decision: Decision): OrbiterAnswer {
  const { outcome, code, from, reason, retryAtMs, atMs } = decision
  answerDecision(decision)
  // A duplicate was carried out by the first call; a dry run is to be noticed by nobody.
  if (outcome === 'scaled' || outcome === 'dry-run' || code === 'duplicate' || code === 'already-there') return DONE
  if (code === 'cooldown')
    return refused(`Cooldown period for ${(((retryAtMs ?? atMs) - atMs) / 1000).toFixed(6)} seconds`)
  if (code === 'at-min') return refused(`I can not scale down because it has only ${from} running.`)
  if (code === 'at-max') return refused(`I can not scale up because it has already ${from} running.`)
  return refused(reason)
}
