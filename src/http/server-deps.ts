/** What the HTTP side needs; the commands hand it in. */
import type { FastifyBaseLogger } from 'fastify'
import type { AgentDesk } from '../agent/reporting.ts'
import type { Alerts, Catalog, EventFeed, Scaler } from '../autoscaling/autoscaler.ts'
import type { NetworkCatalog } from '../bootstrap/network.ts'
import type { AccessRules } from './access/judge.ts'
import type { Guard } from './plugins/access.ts'
import type { GrafanaGuard } from './plugins/grafana-signature.ts'
import type { Stopping } from './plugins/stopping.ts'

/** The page for Prometheus, and what only the HTTP side can count. */
export interface MetricsPage {
  readonly contentType: string
  text(): Promise<string>
  /** A notification of a monitoring tool was answered with this status. */
  webhookAnswered(status: number): void
  /** What became of one alert: an outcome, or the code that says more. */
  alertAnswered(result: string): void
}

export interface ServerDeps {
  readonly catalog: Catalog
  /** `stop` is the command's to call. */
  readonly scaler: Omit<Scaler, 'stop'>
  readonly alerts: Alerts
  readonly feed: EventFeed
  /** Absent, like `agents`: this controller keeps no networks. */
  readonly networks?: NetworkCatalog
  readonly agents?: AgentDesk
  readonly metrics: MetricsPage
  readonly access: AccessRules
  readonly logger: FastifyBaseLogger
  /** Ms since the epoch. */
  readonly now: () => number
  /** Shown in the API's description. */
  readonly version: string
  /** Abort it before `Scaler.stop()`: new work is refused from then on and streams end. */
  readonly stopping?: AbortSignal
  /** docker-scaler's routes are below this path too; `/scaler`, absent or empty: nowhere else. */
  readonly serverPrefix?: string
  /** How often a quiet event stream says that it lives; 15 s. */
  readonly heartbeatMs?: number
}

/** What every file of routes gets. */
export interface RouteDeps
  extends Omit<ServerDeps, 'stopping' | 'heartbeatMs' | 'serverPrefix' | 'access' | 'logger' | 'version'> {
  readonly networks: NetworkCatalog
  readonly agents: AgentDesk
  readonly guard: Guard
  readonly grafanaGuard: GrafanaGuard
  readonly stopping: Stopping
  readonly heartbeatMs: number
}
