import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { documentedMetrics, metricsIn } from './asked-metrics.ts'
import { read } from './markdown.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly annotations: Readonly<Record<string, string>>
}
interface Rules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}

const docs = read('docs/metrics.md')
const rulesOf = (text: string) => (parse(text) as Rules).groups.flatMap(({ rules }) => rules)
const shipped = rulesOf(read('docs/examples/prometheus/orrery-rules.yaml'))
describe('the Prometheus rules that are shipped', () => {
  it('each say when, and what it means', () => {
    expect(shipped.length).toBeGreaterThan(5)
    for (const { alert, expr, annotations } of shipped) {
      expect(alert).toMatch(/^Orrery[A-Z]\w+$/)
      expect(expr, alert).not.toBe('')
      expect(Object.keys(annotations), alert).toEqual(['summary', 'description'])
    }
    expect(new Set(shipped.map(({ alert }) => alert)).size).toBe(shipped.length)
  })

  it.each(shipped)('$alert asks for metrics and labels that docs/metrics.md has', ({ expr }) => {
    const selectors = metricsIn(expr)
    for (const { name, suffix, labels } of selectors) {
      const metric = documentedMetrics.get(name)
      expect(metric, name).toBeDefined()
      if (suffix !== undefined) expect(metric?.type).toBe('histogram')
      expect(metric?.labels).toEqual(expect.arrayContaining([...labels]))
    }
    expect(selectors.length + (expr.startsWith('up{') ? 1 : 0)).toBeGreaterThan(0)
  })

  it('are at least those that docs/metrics.md recommends', () => {
    const block = /```yaml\n([\s\S]*?)```/.exec(docs)?.[1] ?? ''
    const recommended = rulesOf(block)
    expect(recommended.length).toBeGreaterThan(0)
    // A comma in a flow mapping would make a second annotation of half a sentence.
    for (const { annotations } of recommended) expect(Object.keys(annotations)).toEqual(['summary'])
    expect(shipped.map(({ alert }) => alert)).toEqual(expect.arrayContaining(recommended.map(({ alert }) => alert)))
  })
})
