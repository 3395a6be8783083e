/** Figures for Prometheus, put together by those who have them. Names are explained in docs/metrics.md; a test compares. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'

export interface MetricsRegistry {
  readonly contentType: string
  /** Fills what is filled at a scrape, then the page. */
  text(): Promise<string>
  /** For figures that are read when they are asked for; a series that is gone must not stay. */
  beforeScrape(fill: () => void): void
  /** Where collectors are registered. */
  readonly registers: Registry[]
}

export function createMetricsRegistry(version: string): MetricsRegistry {
  const registry = new Registry()
  const fills: (() => void)[] = []
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  new Gauge({ name: 'orrery_build_info', help: 'Always 1.', labelNames: ['version'], registers }).set({ version }, 1)
  return {
    contentType: registry.contentType,
    registers,
    beforeScrape: (fill) => fills.push(fill),
    async text() {
      for (const fill of fills) fill()
      return await registry.metrics()
    },
  }
}

/** Declares gauges that are filled anew for every scrape, so that what is gone leaves no series behind. */
export function scrapedGauges({ registers, beforeScrape }: MetricsRegistry, commonLabels: readonly string[] = []) {
  const gauges: Gauge[] = []
  beforeScrape(() => {
    for (const gauge of gauges) gauge.reset()
  })
  return (name: string, help: string, labels: readonly string[] = []): Gauge => {
    const gauge = new Gauge({ name: `orrery_${name}`, help, labelNames: [...commonLabels, ...labels], registers })
    gauges.push(gauge)
    return gauge
  }
}

/** Upper ends, in seconds, of what calls and decisions take. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
