/** A decision as an answer: 200 for every policy outcome, a problem where the set-up itself is wrong. */
import type { Decision } from '../autoscaling/decision/decision.ts'
import { HttpProblem } from './problem.ts'
import { type WireDecision, wireDecision } from './wire/decision.ts'

/** Throws HttpProblem `invalid-policy` or `unsupported`, which carries the decision's members too. */
export function answerDecision(decision: Decision): WireDecision {
  const wire = wireDecision(decision)
  const { outcome, reason } = decision
  if (outcome !== 'invalid-policy' && outcome !== 'unsupported') return wire
  throw new HttpProblem(outcome, reason, { members: wire })
}
