/** The rule of webhooks: 503 for what a retry can mend, else 200 whatever became of each alert. */
import type { FastifyReply } from 'fastify'
import type { AlertResult } from '../autoscaling/autoscaler.ts'
import { HttpProblem, isTransient } from './problem.ts'
import type { MetricsPage } from './server-deps.ts'
import { type WireAlertResult, wireAlertResult } from './wire/alert-result.ts'

/** Throws HttpProblem with the results if any of them is transient: the sender repeats all, and what was done is a duplicate then. */
export function answerAlerts(results: readonly AlertResult[]): { results: WireAlertResult[] } {
  const answer = { results: results.map(wireAlertResult) }
  const failed = results.flatMap((result) => (result.kind === 'error' && isTransient(result.code) ? [result] : []))
  const [first] = failed
  if (first === undefined) return answer
  const retryAfterMs = Math.max(...failed.map((result) => result.retryAfterMs ?? 0))
  const detail = `${failed.length} of ${results.length} alerts could not be carried out: ${first.detail}`
  throw new HttpProblem(first.code, detail, { members: answer, ...(retryAfterMs > 0 && { retryAfterMs }) })
}

/** Call before the work, so that its failure is counted too. */
export function countWebhook(reply: FastifyReply, metrics: MetricsPage): void {
  reply.raw.once('finish', () => metrics.webhookAnswered(reply.statusCode))
}

export function countAlerts(results: readonly AlertResult[], metrics: MetricsPage): void {
  for (const result of results) metrics.alertAnswered(resultWord(result))
}

function resultWord(result: AlertResult): string {
  if (result.kind === 'decision') return result.decision.code ?? result.decision.outcome
  return result.kind === 'no-data' ? 'no-data' : result.code
}
