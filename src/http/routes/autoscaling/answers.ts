/** Decisions and what came of alerts, as answers: 200 for every policy outcome, a problem where the set-up itself is wrong. */
import type { FastifyReply } from 'fastify'
import { type Notification, notificationMark, readNotification } from '../../../autoscaling/alerts/notification.ts'
import type { AlertResult, AlertRoute } from '../../../autoscaling/autoscaler.ts'
import type { Decision } from '../../../autoscaling/decision/decision.ts'
import { Fault } from '../../../foundation/errors.ts'
import { HttpProblem, isTransient } from '../../problem.ts'
import { type WireAlertResult, type WireDecision, wireAlertResult, wireDecision } from '../../wire/decision.ts'
import type { AutoscalingDeps, WebhookCounters } from './deps.ts'

/** Throws HttpProblem `invalid-policy` or `unsupported`, which carries the decision's members too. */
export function answerDecision(decision: Decision): WireDecision {
  const wire = wireDecision(decision)
  const { outcome, reason } = decision
  if (outcome !== 'invalid-policy' && outcome !== 'unsupported') return wire
  throw new HttpProblem(outcome, reason, { members: wire })
}

/** A notification with a MiB of real alerts has some 4000. */
const MOST_ALERTS = 5000

/**
 * `undefined`: the body is not a notification and does not look like one; `plainFields` are what a plain call of the route may have.
 * Throws HttpProblem `malformed` for what only looks like one, and `body-too-large`: each alert is answered with a line of its own.
 */
export function notificationOf(body: unknown, plainFields: readonly string[] = PLAIN): Notification | undefined {
  const alerts = typeof body === 'object' && body !== null ? Reflect.get(body, 'alerts') : undefined
  if (Array.isArray(alerts) && alerts.length > MOST_ALERTS) {
    throw new HttpProblem(
      'body-too-large',
      `It has ${alerts.length} alerts; at most ${MOST_ALERTS} are taken at a time.`,
    )
  }
  const notification = readNotification(body)
  if (notification === undefined) refuseMarks('body', body, plainFields)
  return notification
}

/** Throws HttpProblem `malformed` for a query, or another part of a call, that looks like a notification. */
export function refuseMarks(part: 'body' | 'query', value: unknown, plainFields: readonly string[] = PLAIN): void {
  const mark = notificationMark(value, plainFields)
  if (mark === undefined) return
  throw new HttpProblem(
    'malformed',
    `The ${part} has ${JSON.stringify(mark)}, as notifications have, but is none that can be read: ${NOTIFICATION_EXPECTS}`,
  )
}

/** In the caller's own words, whatever they are. */
const PLAIN: readonly string[] = ['reason']

/** The end of a sentence. */
export const NOTIFICATION_EXPECTS =
  'it must be JSON with `alerts`, a list, and `version`, "4" (Alertmanager) or "1" (Grafana alerting). A template or custom payload of your own cannot be read here, nor the legacy alerts of Grafana before 11. A plain call needs no body.'

/** A notification on a route that says itself what it is for. Throws as `Alerts.receiveFor`, and instead of Fault `write-rejected` an HttpProblem: Alertmanager repeats every 5xx at once. */
export async function receiveAlert(
  { alerts, metrics }: Pick<AutoscalingDeps, 'alerts' | 'metrics'>,
  route: AlertRoute,
  notification: Notification,
): Promise<{ readonly decision: Decision; readonly results: readonly AlertResult[] }> {
  const received = await alerts.receiveFor(route, notification).catch((error: unknown) => {
    const isForGood = error instanceof Fault && error.code === 'write-rejected'
    throw isForGood ? new HttpProblem(error.code, error.message, { status: 409 }) : error
  })
  countAlerts(received.results, metrics)
  return received
}

/** The rule of webhooks: 503 for what a retry can fix, else 200 whatever became of each alert.
 * Throws HttpProblem with the results if any of them is transient: the sender repeats all, and what was done is a duplicate then. */
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
export function countWebhook(reply: FastifyReply, metrics: WebhookCounters): void {
  reply.raw.once('finish', () => metrics.webhookAnswered(reply.statusCode))
}

export function countAlerts(results: readonly AlertResult[], metrics: WebhookCounters): void {
  for (const result of results) metrics.alertAnswered(resultWord(result))
}

function resultWord(result: AlertResult): string {
  if (result.kind === 'decision') return result.decision.code ?? result.decision.outcome
  return result.kind === 'no-data' ? 'no-data' : result.code
}
