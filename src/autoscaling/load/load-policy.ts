/** What a policy says of measured load: the metrics that are followed, and how. Types only. */
import type { Decimal } from './decimal.ts'

export type LoadMetric =
  /** Per cent of each task's limit, else of its reservation. */
  | { readonly kind: 'cpu' | 'memory'; readonly name: 'cpu' | 'memory'; readonly target: Decimal }
  | (NamedMetric & { readonly kind: 'query'; readonly query: string })
  | (NamedMetric & { readonly kind: 'url'; readonly url: string; readonly path: string })

interface NamedMetric {
  /** As the operator named it: `rps` of `autoscaler.metric.rps.query`. */
  readonly name: string
  /** Above 0. */
  readonly target: Decimal
  /** `per-replica`: the value is a total, and the target what one replica should get of it. `value`: they are compared as they are. */
  readonly type: 'per-replica' | 'value'
}

/** How much the count may change in a time: a number of replicas, or per cent of the count at the time's beginning. */
export interface Rate {
  readonly amount:
    | { readonly kind: 'count'; readonly count: number }
    | { readonly kind: 'percent'; readonly percent: number }
  readonly periodMs: number
}

export interface LoadPolicy {
  /** At least one. */
  readonly metrics: readonly LoadMetric[]
  readonly windowUpMs: number
  readonly windowDownMs: number
  /** The one that allows most wins. */
  readonly rateUp: readonly Rate[]
  readonly rateDown: readonly Rate[]
  readonly tolerance: Decimal
  readonly warmupMs: number
  readonly fallback: {
    /** Evaluations in a row without data before it begins. */
    readonly after: number
    readonly mode: 'hold' | 'static' | 'at-least' | 'at-most'
    /** Absent with `hold` alone. */
    readonly replicas?: number
  }
}
