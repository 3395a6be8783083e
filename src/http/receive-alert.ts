/** A notification on a route that says itself what it is for. */

import type { Notification } from '../autoscaling/alerts/notification.ts'
import type { AlertResult, AlertRoute } from '../autoscaling/autoscaler.ts'
import type { Decision } from '../autoscaling/decision/decision.ts'
import { Fault } from '../foundation/errors.ts'
import { countAlerts } from './answer-alerts.ts'
import { HttpProblem } from './problem.ts'
import type { RouteDeps } from './server-deps.ts'

/** Throws as `Alerts.receiveFor`, and instead of Fault `write-rejected` an HttpProblem: Alertmanager repeats every 5xx at once. */
export async function receiveAlert(
  { alerts, metrics }: Pick<RouteDeps, 'alerts' | 'metrics'>,
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
