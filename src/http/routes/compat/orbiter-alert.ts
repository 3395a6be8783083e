/** A notification on Orbiter's routes follows the webhook rule: 503 for what a retry can mend, else 200 and what was decided. */
import type { Decision } from '../../../autoscaling/decision.ts'
import { asHttpProblem, isTransient, type Problem, problem } from '../../problem.ts'
import { type WireDecision, wireDecision } from '../../wire/decision.ts'

export type AlertResult = WireDecision | Problem

/** Throws what is transient. */
export async function alertResult(decide: () => Promise<Decision>, requestId: string): Promise<AlertResult> {
  try {
    return wireDecision(await decide())
  } catch (error) {
    const { code, message } = asHttpProblem(error, requestId)
    if (isTransient(code) || code === 'internal') throw error
    return problem(code, message)
  }
}
