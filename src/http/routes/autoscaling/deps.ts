/** What the routes of autoscaling call. */
import type { Alerts, Catalog, EventFeed, Scaler } from '../../../autoscaling/autoscaler.ts'

export interface AutoscalingDeps {
  readonly catalog: Catalog
  /** `stop` is the command's to call. */
  readonly scaler: Omit<Scaler, 'stop'>
  readonly alerts: Alerts
  readonly feed: EventFeed
  readonly metrics: WebhookCounters
}

/** What only the HTTP side can count. */
export interface WebhookCounters {
  /** A notification of a monitoring tool was answered with this status. */
  webhookAnswered(status: number): void
  /** What became of one alert: an outcome, or the code that says more. */
  alertAnswered(result: string): void
}
