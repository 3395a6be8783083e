/**
 * From one measurement to the count that it asks for: HPA v2's formulas on the count of the spec, in whole numbers. Pure.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/podautoscaler/replica_calculator.go
 */
import { MAX_WHOLE_NUMBER } from '../../foundation/whole-number.ts'
import { ceilDivide, type Decimal, formatDecimal, ONE } from './decimal.ts'
import type { LoadMetric } from './load-policy.ts'
import type { Measurement, Usage } from './measurement.ts'

export type Recommendation =
  | { readonly kind: 'count'; readonly count: number; readonly canShrink: boolean; readonly reason: string }
  /** There will be something to go by soon; no failure. */
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'missing'; readonly reason: string }

export interface RecommendInput {
  readonly metric: LoadMetric
  readonly measurement: Measurement
  /** The count of the spec. */
  readonly current: number
  readonly tolerance: Decimal
}

export function recommend(input: RecommendInput): Recommendation {
  const { metric, measurement } = input
  if (measurement.kind === 'missing') return { kind: 'missing', reason: measurement.detail }
  if (!('type' in metric)) {
    return measurement.kind === 'usage' ? ofUsage(input, measurement) : mismatch(metric)
  }
  if (measurement.kind === 'usage') return mismatch(metric)
  if (measurement.value < 0n) return { kind: 'missing', reason: `${formatDecimal(measurement.value)} is below 0` }
  return ofValue(input, measurement.value, metric)
}

/** A source that answers for another kind of metric: never, unless it is wired wrongly. */
const mismatch = ({ name }: LoadMetric): Recommendation => ({
  kind: 'missing',
  reason: `the source of ${name} measured something else`,
})

function ofValue(
  { current, tolerance }: RecommendInput,
  value: Decimal,
  { target, type }: { readonly target: Decimal; readonly type: 'per-replica' | 'value' },
): Recommendation {
  const share = type === 'per-replica' ? ' per replica' : ''
  const reason = (count: number) => `${formatDecimal(value)} against ${formatDecimal(target)}${share}: ${count}`
  const counted = (count: number): Recommendation => ({ kind: 'count', count, canShrink: true, reason: reason(count) })
  if (current === 0) return counted(wholeCount(ceilDivide(value, target)))
  const full = type === 'per-replica' ? target * BigInt(current) : target
  if (isTolerated(value, full, tolerance)) return counted(current)
  return counted(wholeCount(ceilDivide(type === 'per-replica' ? value : value * BigInt(current), target)))
}

/**
 * Tasks that were not measured use nothing where the rest asks for more, and where the rest asks for less nothing is done.
 * Those that warm up likewise use nothing where the rest asks for more; else they are left out.
 */
function ofUsage({ metric, current, tolerance }: RecommendInput, usage: Usage): Recommendation {
  const { used, each, measured, warming, unmeasured } = usage
  if (current === 0) return { kind: 'wait', reason: 'at 0 replicas nothing is used; another metric or a call ends it' }
  if (measured === 0) {
    if (unmeasured > 0) return { kind: 'missing', reason: 'no agent has reported what its tasks use' }
    return { kind: 'wait', reason: warming > 0 ? 'all of its tasks warm up' : 'no task of it runs yet' }
  }
  const percent = percentOf(used, each, measured)
  const said = `${percent}% of ${formatDecimal(metric.target)}%`
  const isPartial = unmeasured > 0
  const rest = current - measured
  const counted = (count: number, why = ''): Recommendation => ({
    kind: 'count',
    count,
    canShrink: !isPartial,
    reason: `${said}${why}: ${count}`,
  })
  if (percent * ONE > metric.target && rest > 0) {
    const spread = percentOf(used, each, current)
    const why = `, ${spread}% with ${rest} ${rest === 1 ? 'task that is' : 'tasks that are'} not measured or warm up`
    if (spread * ONE < metric.target || isTolerated(spread * ONE, metric.target, tolerance))
      return counted(current, why)
    return counted(ofPercent(spread, metric.target, current), why)
  }
  if (isTolerated(percent * ONE, metric.target, tolerance)) return counted(current)
  const count = ofPercent(percent, metric.target, current)
  if (isPartial && count < current) return counted(current, ', and not every task was measured')
  return counted(count)
}

/** Cut to a whole per cent, as HPA does. */
const percentOf = (used: bigint, each: bigint, tasks: number): bigint => (used * 100n) / (each * BigInt(tasks))

/** A service that runs never asks for 0 by what it uses: nothing would wake it again. */
const ofPercent = (percent: bigint, target: Decimal, count: number): number =>
  Math.max(1, wholeCount(ceilDivide(percent * ONE * BigInt(count), target)))

/** The ends of the interval belong to it. */
function isTolerated(value: Decimal, target: Decimal, tolerance: Decimal): boolean {
  const scaled = value * ONE
  return scaled >= target * (ONE - tolerance) && scaled <= target * (ONE + tolerance)
}

const wholeCount = (count: bigint): number => Number(count > BigInt(MAX_WHOLE_NUMBER) ? MAX_WHOLE_NUMBER : count)
