/** How the engine is reached, and whether what it says can be trusted. */
import { Gauge, Histogram } from 'prom-client'
import type { SyncStatus } from '../../swarm/sync.ts'
import { type MetricsRegistry, SECONDS } from './registry.ts'

export interface MeasuredCall {
  /** A path with its parameters left out: `/services/{id}/update`. */
  readonly endpoint: string
  readonly method: string
  /** An HTTP status, or `error` where none came. */
  readonly outcome: number | 'error'
  readonly tookMs: number
}

/** What the connection to the engine tells. */
export interface EngineMetrics {
  onCall(call: MeasuredCall): void
  onEventStream(isConnected: boolean): void
  /** Positive: the engine's clock is ahead. */
  onClockSkew(skewMs: number): void
  /** Whether tasks are heard as they change, or asked for each second. */
  onTaskSource(source: { readonly kind: 'heard' | 'asked' | 'idle' }): void
  /** Before it is called, nothing is in sync. */
  watch(sync: () => SyncStatus): void
}

export function createEngineMetrics({ registers, beforeScrape }: MetricsRegistry): EngineMetrics {
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
  const heard = new Gauge({
    name: 'orrery_tasks_heard',
    help: '1 while tasks are followed as they change; 0 while they are asked for each second, or not needed.',
    registers,
  })
  const inSync = new Gauge({
    name: 'orrery_in_sync',
    help: '1 while the Swarm can be read through its leader.',
    registers,
  })
  return {
    onCall: ({ endpoint, method, outcome, tookMs }) =>
      callSeconds.observe({ endpoint, method, status: String(outcome) }, tookMs / 1000),
    onEventStream: (isConnected) => connected.set(isConnected ? 1 : 0),
    onClockSkew: (skewMs) => skew.set(skewMs / 1000),
    onTaskSource: ({ kind }) => heard.set(kind === 'heard' ? 1 : 0),
    watch: (sync) => beforeScrape(() => inSync.set(sync().inSync ? 1 : 0)),
  }
}
