import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SwarmNode, Task } from '../../web/api-types.ts'
import { grid } from '../../web/model/addresses.ts'
import { stepChart } from '../../web/model/chart.ts'
import { columns } from '../../web/model/nodes.ts'
import { href, type Page, parseRoute } from '../../web/model/route.ts'
import { ago, until } from '../../web/model/time.ts'

describe('the part of the URL behind #', () => {
  it('says the page, the name and the filters, and reads what it wrote', () => {
    const pages: Page[] = ['overview', 'service', 'nodes', 'networks', 'network', 'log']
    const named = fc.string({ minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.constantFrom(...pages), named, named, (page, text, q) => {
        const name = page === 'service' || page === 'network' ? text : ''
        expect(parseRoute(href(page, name, { q }))).toEqual({ page, name, query: { q } })
      }),
    )
  })

  it.each(['', '#', '#/', '#/nowhere/else', '#/s/'])('%j is the overview', (hash) => {
    expect(parseRoute(hash).page).toBe('overview')
  })
})

describe('times', () => {
  const now = Date.UTC(2026, 0, 31, 12)
  const at = (ms: number) => new Date(now + ms).toISOString()

  it.each([
    { name: 'a moment ago', text: ago(at(-400), now), says: 'now' },
    { name: 'a clock that is ahead', text: ago(at(5000), now), says: 'now' },
    { name: 'minutes', text: ago(at(-150_000), now), says: '2 min ago' },
    { name: 'never', text: ago(undefined, now), says: 'never' },
    { name: 'a part of a second left', text: until(at(200), now), says: 'in 1 s' },
    { name: 'nothing left', text: until(at(0), now), says: '' },
  ])('$name', ({ text, says }) => {
    expect(text).toBe(says)
  })
})

describe('the chart', () => {
  const frame = { fromMs: 1000, toMs: 2000, width: 100, height: 50 }

  it('begins with what was before the frame, and steps', () => {
    const points = [
      { atMs: 500, replicas: 2, min: 1, max: 4 },
      { atMs: 1500, replicas: 4, min: 1, max: 4 },
    ]
    const chart = stepChart(points, frame)
    expect(chart.line).toBe('M0 25H50V0H100')
    expect(chart.unknownWidth).toBe(0)
    expect(chart.top).toBe(4)
  })

  it('shows as unknown what nobody remembers', () => {
    expect(stepChart([], frame)).toMatchObject({ line: '', band: '', unknownWidth: 100 })
    expect(stepChart([{ atMs: 1250, replicas: 1, min: 0, max: null }], frame)).toMatchObject({
      unknownWidth: 25,
      band: '',
    })
  })

  it('never leaves its frame', () => {
    const point = fc.record({
      atMs: fc.integer({ min: 0, max: 2000 }),
      replicas: fc.nat(1000),
      min: fc.nat(5),
      max: fc.option(fc.integer({ min: 5, max: 2000 })),
    })
    fc.assert(
      fc.property(fc.array(point), (found) => {
        const points = [...found].sort((a, b) => a.atMs - b.atMs)
        const { line, band } = stepChart(points, frame)
        const numbers = `${line}${band}`.match(/-?\d+(\.\d+)?/g) ?? []
        for (const number of numbers.map(Number)) expect(number >= 0 && number <= 100).toBe(true)
      }),
    )
  })
})

describe('the map', () => {
  const node = (id: string, role = 'worker'): SwarmNode => ({
    ...{ id, hostname: id, role, state: 'ready', availability: 'active', networks: [] },
    agent: { heard: true, faults: [] },
  })
  const task = (id: string, change: Partial<Task> = {}): Task => ({
    ...{ id, service: 'web', desiredState: 'running', state: 'running' },
    ...change,
  })

  it('has managers first, and a column for tasks that Swarm has not placed, with its words', () => {
    const found = columns(
      [node('b'), node('a'), node('z', 'manager')],
      [task('1', { node: { id: 'a' } }), task('2', { state: 'pending', error: 'no suitable node' })],
    )
    expect(found.map((column) => column.node?.hostname ?? 'none')).toEqual(['z', 'a', 'b', 'none'])
    expect(found.at(-1)?.chips[0]).toMatchObject({ tone: 'bad', text: 'pending: no suitable node' })
  })

  it('shows what is in trouble first, counts what does not fit, and leaves out what has ended', () => {
    const tasks = [
      ...Array.from({ length: 5 }, (_, index) => task(`${index}`, { slot: index, node: { id: 'a' } })),
      task('bad', { node: { id: 'a' }, state: 'failed', error: 'exit 1' }),
      task('old', { node: { id: 'a' }, state: 'shutdown', desiredState: 'shutdown' }),
    ]
    const [column] = columns([node('a')], tasks, 3)
    expect(column?.chips[0]?.id).toBe('bad')
    expect(column?.chips.length).toBe(3)
    expect(column?.left).toBe(3)
  })
})

describe('the addresses of a range', () => {
  it('are a cell each, with who has it', () => {
    const cells = grid({
      range: '10.40.255.0/24',
      addresses: [{ address: '10.40.255.7', use: 'task', taskName: 'web.1' }],
    })
    expect(cells?.length).toBe(256)
    expect(cells?.[7]).toEqual({ address: '10.40.255.7', use: 'task', text: '10.40.255.7: task, web.1' })
    expect(cells?.at(-1)?.address).toBe('10.40.255.255')
  })

  it.each(['10.0.0.0/16', 'fd00::/64'])('are a list in %s', (range) => {
    expect(grid({ range, addresses: [] })).toBeUndefined()
  })
})
