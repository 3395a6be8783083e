import { describe, expect, it } from 'vitest'
import { documentedMetrics, metricsIn } from './asked-metrics.ts'
import { read } from './markdown.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}
interface Board {
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] }
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
}

const board: Board = JSON.parse(read('docs/examples/grafana/orrery-dashboard.json'))
const drawn = board.panels.filter(({ type }) => type !== 'row')
const variables = board.templating.list.map(({ name }) => name)
const asked = [
  ...drawn.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ what: title, expr }))),
  ...board.annotations.list.map(({ name, expr }) => ({ what: name, expr })),
  ...board.templating.list.flatMap(({ name, definition }) =>
    definition === undefined ? [] : [{ what: `variable ${name}`, expr: definition }],
  ),
]

describe('the Grafana dashboard that is shipped', () => {
  it.each(asked)('$what asks for metrics and labels that there are: $expr', ({ expr }) => {
    const metrics = metricsIn(expr)
    expect(metrics.length).toBeGreaterThan(0)
    for (const { name, suffix, labels } of metrics) {
      const known = documentedMetrics.get(name)
      expect(known, name).toBeDefined()
      if (suffix !== undefined) expect(known?.type).toBe('histogram')
      expect(known?.labels).toEqual(expect.arrayContaining([...labels]))
    }
    const used = [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name).filter((name) => name !== '__rate_interval')
    expect(variables).toEqual(expect.arrayContaining(used))
  })

  it('groups by labels that the series have', () => {
    for (const { what, expr } of asked) {
      const labels = new Set(metricsIn(expr).flatMap(({ name }) => documentedMetrics.get(name)?.labels ?? []))
      for (const [, list = ''] of expr.matchAll(/\bby \(([^)]*)\)/g))
        for (const label of list.split(', '))
          if (!['le', 'instance'].includes(label)) expect([...labels], what).toContain(label)
    }
  })

  it('draws every panel in a place of its own, with a title and what it means', () => {
    const taken = new Map<string, string>()
    for (const { title, gridPos } of board.panels)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.get(`${x} ${y}`), title).toBeUndefined()
          taken.set(`${x} ${y}`, title)
        }
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length)
    for (const { title, description, datasource, targets = [] } of drawn) {
      expect(description, title).toMatch(/\.$/)
      for (const { uid } of [datasource, ...targets.map((one) => one.datasource)].flatMap((one) => one ?? []))
        expect(uid, title).toBe(['$', '{datasource}'].join(''))
    }
  })
})
