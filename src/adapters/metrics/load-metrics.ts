/** The figures of measured load: of each autoscaler, and of its ticks. */
import type { Autoscaler } from '../../autoscaling/autoscaler.ts'
import { valueOfMeasurement } from '../../autoscaling/load/measurement.ts'
import type { TickFigures } from '../../autoscaling/ports.ts'
import { type MetricsRegistry, scrapedGauges } from './registry.ts'

type Labels = Readonly<Record<'autoscaler' | 'service', string>>

export function measureLoadTicks(metrics: MetricsRegistry, lastTick: () => TickFigures | undefined): void {
  const gauge = scrapedGauges(metrics)
  const late = gauge('load_tick_late_seconds', 'How late the last tick of measured load began.')
  const took = gauge('load_tick_seconds', 'How long the last tick took, its sources included.')
  metrics.beforeScrape(() => {
    const tick = lastTick()
    if (tick === undefined) return
    late.set(tick.lateMs / 1000)
    took.set(tick.tookMs / 1000)
  })
}

/** Fills those of one autoscaler. */
export function loadGauges(metrics: MetricsRegistry): (labels: Labels, load: NonNullable<Autoscaler['load']>) => void {
  const gauge = scrapedGauges(metrics, ['autoscaler', 'service'])
  const value = gauge('load_metric_value', 'Last value of each metric; per cent for cpu and memory.', ['metric'])
  const missing = gauge('load_metric_missing', '1 for a metric without a value, by why; otherwise absent.', [
    'metric',
    'reason',
  ])
  const recommended = gauge('load_recommended', 'The count that measured load asks for, after each stage.', ['stage'])
  const window = gauge('load_down_window_seconds', 'Down window; longer than written while the count flaps.')
  return (labels, load) => {
    for (const metric of load.metrics) {
      const measured = valueOfMeasurement(metric.measurement)
      if (measured !== undefined) value.set({ ...labels, metric: metric.name }, measured)
      if (metric.missing !== undefined) missing.set({ ...labels, metric: metric.name, reason: metric.missing }, 1)
    }
    window.set(labels, load.windowDownMs / 1000)
    if (load.counts === undefined) return
    const { raw, afterWindow, afterRate, afterBounds } = load.counts
    const stages = { raw, window: afterWindow, rate: afterRate, bounds: afterBounds }
    for (const [stage, count] of Object.entries(stages)) recommended.set({ ...labels, stage }, count)
  }
}
