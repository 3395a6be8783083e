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
  readonly targets?: readonly {
    readonly expr: string
    readonly refId: string
    readonly datasource: { readonly type: string; readonly uid: string }
  }[]
  readonly fieldConfig?: {
    readonly defaults: {
      readonly thresholds?: { readonly mode: string; readonly steps: readonly { readonly value: number | null }[] }
    }
  }
}
interface Board {
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] }
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[]
  }
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

  /** By its source's schema, kinds/dashboard/dashboard_kind.cue; Grafana itself is not to be had here and was not run. */
  it('has what the schema of Grafana requires, each in its kind', () => {
    expect(board).toMatchObject({
      editable: true,
      graphTooltip: 1,
      version: 1,
      uid: expect.stringMatching(/^[\w-]{1,40}$/),
    })
    // The numbers of Grafana 9 to 12: an older one is brought up by itself, a newer one is refused by none.
    expect(Reflect.get(board, 'schemaVersion')).toSatisfy((version: number) => version >= 36 && version <= 41)
    const [source, ...others] = board.templating.list
    expect(source).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' })
    const prometheus = { type: 'prometheus', uid: ['$', '{datasource}'].join('') }
    for (const one of others) expect(one).toMatchObject({ type: 'query', datasource: prometheus, refresh: 2 })
    for (const one of board.annotations.list) {
      expect(one).toMatchObject({ datasource: prometheus, enable: true, iconColor: expect.any(String) })
      // The value is the time, and a time is in ms there.
      expect(one).toMatchObject({ useValueForTime: true, expr: expect.stringMatching(/_timestamp\b.* \* 1000$/) })
    }
  })

  it('places and colours its panels as that schema says', () => {
    for (const { title, type, gridPos, targets = [], fieldConfig } of board.panels) {
      expect(['row', 'stat', 'timeseries'], title).toContain(type)
      const { x, y, w, h } = gridPos
      expect(Math.min(x, y) >= 0 && Math.min(w, h) > 0 && x + w <= 24, title).toBe(true)
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length)
      expect(targets.length > 0, title).toBe(type !== 'row')
      for (const { datasource } of targets) expect(datasource.type, title).toBe('prometheus')
      const steps = fieldConfig?.defaults.thresholds?.steps ?? []
      // The first holds from minus infinity on, which JSON has as null.
      const values = steps.map(({ value }, index) => (index === 0 ? (value ?? Number.NEGATIVE_INFINITY) : value))
      expect(values.slice(0, 1), title).toEqual(steps.length > 0 ? [Number.NEGATIVE_INFINITY] : [])
      expect(values, title).toEqual(values.toSorted((one, other) => Number(one) - Number(other)))
    }
  })
})
