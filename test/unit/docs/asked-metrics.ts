/** What a PromQL expression of ours asks for, and what docs/metrics.md says there is; a test holds that page against the registry. */
import { read } from './markdown.ts'

export interface AskedMetric {
  readonly name: string
  /** Of a histogram: `_bucket`, `_count` or `_sum`. */
  readonly suffix: string | undefined
  readonly labels: readonly string[]
}

export const documentedMetrics: ReadonlyMap<string, { readonly type: string; readonly labels: readonly string[] }> =
  new Map(
    [...read('docs/metrics.md').matchAll(/^\| `(orrery_\w+)` \| (\w+) \|([^|]*)\|/gm)].map(
      ([, name = '', type = '', labels = '']) => [name, { type, labels: labels.trim().split(', ') }],
    ),
  )

export const metricsIn = (expression: string): AskedMetric[] =>
  [...expression.matchAll(/(orrery_\w+?)(_bucket|_count|_sum)?(?:\{([^}]*)\})?(?![\w{])/g)].map(
    ([, name = '', suffix, matchers = '']) => ({
      ...{ name, suffix },
      labels: [...matchers.matchAll(/(\w+) *(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
    }),
  )
