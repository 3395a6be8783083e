/** One evaluation of measured load: every metric, then the highest of them through windows, rates and bounds. Pure. */

import type { LoadHistory } from './history.ts'
import type { LoadPolicy } from './load-policy.ts'
import type { Measurement, Missing } from './measurement.ts'
import { recommend } from './recommend.ts'
import { limitRate, stabilize, widen } from './stabilize.ts'

export interface EvaluateInput {
  readonly policy: LoadPolicy
  /** The count of the spec. */
  readonly current: number
  readonly bounds: { readonly min: number; readonly max: number | null }
  /** By the metric's name; one that is not there was not measured. */
  readonly measurements: ReadonlyMap<string, Measurement>
  readonly history: LoadHistory
  readonly nowMs: number
}

export interface MetricEvaluation {
  readonly name: string
  readonly measurement: Measurement
  /** What it asks for; absent: nothing. */
  readonly count?: number
  /** Why there is no number. */
  readonly missing?: Missing
  /** Evaluations in a row without data, this one included. */
  readonly failures: number
  readonly inFallback: boolean
  readonly reason: string
}

export interface Evaluation {
  readonly atMs: number
  readonly current: number
  readonly metrics: readonly MetricEvaluation[]
  /** Absent: no metric asks for anything, so the count is left alone. */
  readonly counts?: {
    /** The highest that a metric asks for. */
    readonly raw: number
    readonly afterWindow: number
    readonly afterRate: number
    readonly afterBounds: number
  }
  readonly reason: string
  /** How long the down window is now. */
  readonly windowDownMs: number
  readonly widening: LoadHistory['widening']
  /** To be remembered for the next one. */
  readonly history: LoadHistory
}

const UNASKED: Measurement = { kind: 'missing', why: 'empty', detail: 'it was not measured' }

export function evaluate(input: EvaluateInput): Evaluation {
  const { policy, current, bounds, nowMs } = input
  const judged = policy.metrics.map((metric) => judge(input, metric))
  const failures = new Map(judged.map(({ metric }) => [metric.name, metric.failures]))
  const widening = widen(input.history, { windowDownMs: policy.windowDownMs, nowMs })
  const windowDownMs = policy.windowDownMs * widening.factor
  const base = { atMs: nowMs, current, metrics: judged.map(({ metric }) => metric), windowDownMs, widening }
  const history = { ...input.history, failures, widening }

  const counts = judged.flatMap(({ metric: { count } }) => count ?? [])
  const raw = Math.max(...counts)
  const isPartial = judged.some(({ canShrink }) => !canShrink)
  if (counts.length === 0 || (raw < current && isPartial)) {
    const missing = base.metrics.filter(({ count }) => count === undefined)
    const what = missing.map(({ name, reason }) => `${name}: ${reason}`).join('; ')
    const why =
      counts.length === 0 ? 'no value to act on' : `${raw} by the others, but nothing shrinks on part of the data`
    // It asks for the current count, so that what comes next does not shrink on an older wish alone.
    return {
      reason: `${why} (${what || 'not every task was measured'})`,
      history: remember(history, current, input),
      ...base,
    }
  }
  const stages = { ...policy, windowDownMs, history, nowMs }
  const afterWindow = stabilize(raw, current, stages)
  const afterRate = limitRate(afterWindow, current, stages)
  const afterBounds = Math.max(
    bounds.min,
    bounds.max === null ? Math.min(afterRate, current) : Math.min(afterRate, bounds.max),
  )
  const by = base.metrics.find(({ count }) => count === raw)
  return {
    counts: { raw, afterWindow, afterRate, afterBounds },
    reason: reasonOf({ by, raw, afterWindow, afterRate }),
    history: remember(history, raw, input),
    ...base,
  }
}

function judge(
  { policy, current, measurements, history }: EvaluateInput,
  metric: LoadPolicy['metrics'][number],
): { readonly metric: MetricEvaluation; readonly canShrink: boolean } {
  const measurement = measurements.get(metric.name) ?? UNASKED
  const found = recommend({ metric, measurement, current, tolerance: policy.tolerance })
  const failures = found.kind === 'missing' ? (history.failures.get(metric.name) ?? 0) + 1 : 0
  const base = { name: metric.name, measurement, failures, inFallback: false, reason: found.reason }
  if (found.kind === 'count') return { metric: { count: found.count, ...base }, canShrink: found.canShrink }
  if (found.kind === 'wait') return { metric: base, canShrink: false }
  const missing = measurement.kind === 'missing' ? measurement.why : whyOf(measurement)
  const count = failures >= policy.fallback.after ? fallbackCount(policy.fallback, current) : undefined
  if (count === undefined) return { metric: { ...base, missing }, canShrink: false }
  const reason = `${found.reason}; ${failures} times in a row, so fallback: ${policy.fallback.mode} ${policy.fallback.replicas}`
  return { metric: { ...base, missing, count, inFallback: true, reason }, canShrink: true }
}

const whyOf = (measurement: Exclude<Measurement, { kind: 'missing' }>): Missing =>
  measurement.kind === 'usage' ? 'unreported' : 'negative'

/** `undefined`: hold what there is. */
function fallbackCount({ mode, replicas }: LoadPolicy['fallback'], current: number): number | undefined {
  if (mode === 'hold' || replicas === undefined) return undefined
  if (mode === 'at-least') return Math.max(current, replicas)
  return mode === 'at-most' ? Math.min(current, replicas) : replicas
}

/** Nothing older than the longer window matters any more. */
function remember(history: LoadHistory, count: number, { policy, nowMs }: EvaluateInput): LoadHistory {
  const oldestMs = nowMs - Math.max(policy.windowUpMs, policy.windowDownMs * 4)
  const recent = history.recommendations.filter(({ atMs }) => atMs > oldestMs)
  return { ...history, recommendations: [...recent, { atMs: nowMs, count }] }
}

function reasonOf(found: {
  readonly by: MetricEvaluation | undefined
  readonly raw: number
  readonly afterWindow: number
  readonly afterRate: number
}): string {
  const { by, raw, afterWindow, afterRate } = found
  const parts = [by === undefined ? `${raw}` : `${by.name} ${by.reason}`]
  if (afterWindow !== raw) parts.push(`${afterWindow} after the window`)
  if (afterRate !== afterWindow) parts.push(`${afterRate} after the rate`)
  return parts.join('; ')
}
