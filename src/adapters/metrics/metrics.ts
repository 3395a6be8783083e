/** Figures for Prometheus. Names are explained in docs/metrics.md; a test compares. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Autoscaler } from '../../autoscaling/autoscaler.ts'
import type { ScalingListener } from '../../autoscaling/ports.ts'
import type { NetworkCatalog } from '../../bootstrap/network.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { SyncStatus } from '../../swarm/sync.ts'
import { createDecisionCounter } from './decision-counter.ts'
import { createNetworkGauges } from './network-gauges.ts'
import { createServiceGauges } from './service-gauges.ts'

/** What is read at each scrape; handed over once it exists, since its parts want the listener first. */
export interface MetricsSource {
  list(): readonly Autoscaler[]
  sync(): SyncStatus
}

export interface EngineCall {
  /** A path with its parameters left out: `/services/{id}/update`. */
  readonly endpoint: string
  readonly method: string
  /** An HTTP status, or `error` where none came. */
  readonly outcome: number | 'error'
  readonly tookMs: number
}

export interface Metrics extends ScalingListener {
  readonly contentType: string
  text(): Promise<string>
  watch(source: MetricsSource): void
  /** Without it: no figures of networks. */
  watchNetworks(source: Pick<NetworkCatalog, 'networks' | 'nodes'>): void
  engineCalled(call: EngineCall): void
  eventStreamConnected(connected: boolean): void
  /** Positive: the engine's clock is ahead. */
  clockSkewed(skewMs: number): void
  webhookAnswered(status: number): void
  /** What became of one alert: an outcome, or the code that says more. */
  alertAnswered(result: string): void
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createMetrics({ version, now }: { readonly version: string; readonly now: Clock }): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const gauges = createServiceGauges(registry)
  const networkGauges = createNetworkGauges(registry)
  const decisions = createDecisionCounter(registry)
  const writes = new Counter({
    name: 'orrery_writes_total',
    help: 'Writes of a count by how they ended.',
    labelNames: ['result'],
    registers,
  })
  const conflicts = new Counter({
    name: 'orrery_conflicts_total',
    help: 'Writes that lost to somebody who wrote first, and were decided again.',
    registers,
  })
  const webhooks = new Counter({
    name: 'orrery_webhook_requests_total',
    help: 'Notifications of monitoring tools by the status they were answered with.',
    labelNames: ['code'],
    registers,
  })
  const alerts = new Counter({
    name: 'orrery_alerts_total',
    help: 'Alerts in notifications by what became of them.',
    labelNames: ['result'],
    registers,
  })
  const decisionSeconds = new Histogram({
    name: 'orrery_decision_seconds',
    help: 'From a request to its answer, writes included.',
    buckets: SECONDS,
    registers,
  })
  const callSeconds = new Histogram({
    name: 'orrery_docker_call_seconds',
    help: 'Calls to the engine.',
    labelNames: ['endpoint', 'method', 'status'],
    buckets: SECONDS,
    registers,
  })
  const connected = new Gauge({
    name: 'orrery_docker_event_stream_connected',
    help: '1 while the event stream of the engine is connected.',
    registers,
  })
  const skew = new Gauge({
    name: 'orrery_clock_skew_seconds',
    help: "The engine's clock minus ours, to about a second.",
    registers,
  })
  const inSync = new Gauge({
    name: 'orrery_in_sync',
    help: '1 while the Swarm can be read through its leader.',
    registers,
  })
  new Gauge({ name: 'orrery_build_info', help: 'Always 1.', labelNames: ['version'], registers }).set({ version }, 1)

  let source: MetricsSource | undefined
  let networks: Pick<NetworkCatalog, 'networks' | 'nodes'> | undefined
  return {
    contentType: registry.contentType,
    async text() {
      const autoscalers = source?.list() ?? []
      const services = new Set(autoscalers.map(({ observation }) => observation.name))
      gauges.fill(autoscalers, now())
      networkGauges.fill(networks?.networks() ?? [], networks?.nodes() ?? [])
      decisions.keepOnly((service) => services.has(service))
      inSync.set(source?.sync().inSync ? 1 : 0)
      return await registry.metrics()
    },
    watch(watched) {
      source = watched
    },
    watchNetworks(watched) {
      networks = watched
    },
    decided(decision, tookMs) {
      decisions.count(decision)
      decisionSeconds.observe(tookMs / 1000)
    },
    wrote(_service, result) {
      writes.inc({ result })
      if (result === 'conflict') conflicts.inc()
    },
    observed({ before, after }) {
      if (after === undefined) decisions.keepOnly((service) => service !== before?.name)
    },
    engineCalled({ endpoint, method, outcome, tookMs }) {
      callSeconds.observe({ endpoint, method, status: String(outcome) }, tookMs / 1000)
    },
    eventStreamConnected: (isConnected) => connected.set(isConnected ? 1 : 0),
    clockSkewed: (skewMs) => skew.set(skewMs / 1000),
    alertAnswered: (result) => alerts.inc({ result }),
    webhookAnswered: (status) => webhooks.inc({ code: String(status) }),
  }
}
