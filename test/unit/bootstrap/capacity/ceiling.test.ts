import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Candidate,
  countWithin,
  type SpreadRules,
  spreadOver,
  surgeAt,
} from '../../../../src/bootstrap/capacity/ceiling.ts'
import { type ModelNode, placeBatch } from '../../../support/swarm/scheduler.ts'

const EVEN: SpreadRules = { maxPerNode: 0, isEven: true }
const node = (count: number, free: number, isCertain = true): Candidate => ({ count, free, isCertain })
const total = (nodes: readonly { readonly count: number }[]) => nodes.reduce((sum, { count }) => sum + count, 0)

/** Swarm's: each task to the node with the fewest, ties to the one with the fewest free addresses. */
function evenSpread(nodes: readonly Candidate[]): number {
  const now = nodes.map(({ count, free }) => ({ count, free }))
  for (let placed = 0; ; placed += 1) {
    const [next] = now.toSorted((a, b) => a.count - b.count || a.free - b.free)
    if (next === undefined || next.free <= 0) return placed
    next.count += 1
    next.free -= 1
  }
}

describe('the number of tasks that still fit', () => {
  const table = [
    { name: 'is all of three equal ranges', nodes: [node(0, 13), node(0, 13), node(0, 13)], fits: 39 },
    { name: 'is the same with some of them running', nodes: [node(5, 8), node(5, 8), node(4, 9)], fits: 25 },
    { name: 'is 0 when every node is full', nodes: [node(13, 0), node(13, 0), node(13, 0)], fits: 0 },
    { name: 'ends with the smallest range', nodes: [node(0, 13), node(0, 13), node(0, 5)], fits: 15 },
    {
      name: 'fills a node that has just joined',
      nodes: [node(13, 0), node(13, 0), node(13, 0), node(0, 13)],
      fits: 13,
    },
    {
      name: 'counts a node on from where it is',
      nodes: [node(13, 7), node(13, 7), node(13, 7), node(0, 20)],
      fits: 41,
    },
    { name: 'is 0 beside a node without a range', nodes: [node(0, 13), node(0, 0)], fits: 0 },
    { name: 'grows up to a node without a range', nodes: [node(0, 13), node(3, 0)], fits: 3 },
    { name: 'is 0 where addresses were promised twice', nodes: [node(2, 4), node(2, -3)], fits: 0 },
    { name: 'is 0 without any node', nodes: [], fits: 0 },
    { name: 'is what a single node has', nodes: [node(7, 4)], fits: 4 },
    { name: 'relies on no node that may be passed over', nodes: [node(0, 5), node(0, 5, false)], fits: 5 },
  ]
  it.each(table)('$name', ({ nodes, fits }) => {
    expect(spreadOver(nodes, EVEN).fits).toBe(fits)
  })

  it('is no more than what a limit of tasks on a node lets in', () => {
    const nodes = [node(0, 13), node(1, 13), node(4, 0)]
    expect(spreadOver(nodes, { maxPerNode: 4, isEven: true })).toMatchObject({ fits: 7 })
    expect(spreadOver(nodes, { maxPerNode: 4, isEven: true }).tightest).toBeUndefined()
  })

  it('is that of the node with the fewest where any may get all of them', () => {
    expect(spreadOver([node(0, 13), node(0, 5)], { maxPerNode: 0, isEven: false })).toMatchObject({
      fits: 5,
      tightest: 1,
    })
  })

  it('names the node that ends it', () => {
    expect(spreadOver([node(0, 13), node(0, 5), node(0, 9)], EVEN).tightest).toBe(1)
  })
})

const anyNode = fc.record({ count: fc.nat({ max: 9 }), free: fc.nat({ max: 9 }), noise: fc.nat({ max: 30 }) })
const story = fc.record({
  nodes: fc.array(anyNode, { minLength: 1, maxLength: 5 }),
  batches: fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 6 }),
  /** Added to all tasks of a node between batches: others come and go. */
  noises: fc.array(fc.array(fc.nat({ max: 30 }), { minLength: 5, maxLength: 5 }), { minLength: 6, maxLength: 6 }),
  cap: fc.constantFrom(0, 0, 3, 8, 12),
  passedOver: fc.nat({ max: 31 }),
})

function play(
  {
    nodes,
    batches,
    noises,
    cap,
  }: Pick<typeof story extends fc.Arbitrary<infer S> ? S : never, 'nodes' | 'batches' | 'noises' | 'cap'>,
  tasks: number,
): readonly ModelNode[] {
  const model = nodes.map(({ count, noise }) => ({ count, total: count + noise }))
  let left = tasks
  for (let turn = 0; left > 0; turn += 1) {
    const size = Math.min(left, turn < batches.length ? (batches[turn] ?? left) : left)
    placeBatch(model, size, cap)
    left -= size
    model.forEach((one, index) => {
      one.total = one.count + (noises[turn % noises.length]?.[index] ?? 0)
    })
  }
  return model
}

describe('however Swarm breaks ties and groups what it places', () => {
  it('no node gets more than it has free, up to what fits', () => {
    fc.assert(
      fc.property(story, fc.double({ min: 0, max: 1, noNaN: true }), (given, part) => {
        const within = given.nodes.filter(({ count }) => given.cap === 0 || count <= given.cap)
        const nodes = within.map(({ count, free }) => node(count, free))
        const { fits } = spreadOver(nodes, { maxPerNode: given.cap, isEven: true })
        const after = play({ ...given, nodes: within }, Math.round(fits * part))
        after.forEach(({ count }, index) => {
          expect(count - (within[index]?.count ?? 0)).toBeLessThanOrEqual(within[index]?.free ?? 0)
        })
      }),
      { numRuns: 20_000 },
    )
  })

  it('no node gets more than it was said to get at most, nor does it when others are passed over', () => {
    fc.assert(
      fc.property(story, fc.nat({ max: 60 }), (given, tasks) => {
        const within = given.nodes.filter(({ count }) => given.cap === 0 || count <= given.cap)
        const isPassedOver = (index: number) => (given.passedOver >> index) % 2 === 1
        const nodes = within.map(({ count, free }, index) => node(count, free, !isPassedOver(index)))
        const most = spreadOver(nodes, { maxPerNode: given.cap, isEven: true }).mostOf(tasks)
        const kept = within.flatMap((one, index) => (isPassedOver(index) ? [] : [{ ...one, most: most[index] ?? 0 }]))
        for (const [took, said] of [
          [within, most],
          [kept, kept.map((one) => one.most)],
        ] as const) {
          const after = play({ ...given, nodes: took }, tasks)
          after.forEach(({ count }, index) => {
            expect(count - (took[index]?.count ?? 0)).toBeLessThanOrEqual(said[index] ?? 0)
          })
        }
      }),
      { numRuns: 20_000 },
    )
  })

  it('nothing is wasted where the service is spread evenly: it is what each to the fewest, ties to the fullest, makes', () => {
    const even = fc.record({
      base: fc.nat({ max: 20 }),
      nodes: fc.array(fc.record({ more: fc.nat({ max: 1 }), free: fc.nat({ max: 20 }) }), {
        minLength: 1,
        maxLength: 8,
      }),
    })
    fc.assert(
      fc.property(even, ({ base, nodes }) => {
        const made = nodes.map(({ more, free }) => node(base + more, free))
        expect(spreadOver(made, EVEN).fits).toBe(evenSpread(made))
      }),
    )
  })

  it('it is never more than what each to the fewest, ties to the fullest, makes', () => {
    fc.assert(
      fc.property(fc.array(anyNode, { minLength: 1, maxLength: 8 }), (nodes) => {
        const made = nodes.map(({ count, free }) => node(count, free))
        expect(spreadOver(made, EVEN).fits).toBeLessThanOrEqual(evenSpread(made))
      }),
    )
  })

  it('from 0, 1 and 5, five more make 1, 5 and 5', () => {
    const nodes = [0, 1, 5].map((count) => ({ count, total: count }))
    nodes[0] = { count: 0, total: 9 }
    placeBatch(nodes, 5)
    expect(nodes.map(({ count }) => count)).toEqual([1, 5, 5])
    expect(total(nodes)).toBe(11)
  })
})

describe('what an update runs beside the count', () => {
  it.each([
    { tasks: 39, surge: 0, count: 39 },
    { tasks: 39, surge: 2, count: 37 },
    { tasks: 39, surge: 'all' as const, count: 19 },
    { tasks: 3, surge: 2, count: 1 },
    { tasks: 0, surge: 2, count: 0 },
  ])('leaves $count of $tasks for a surge of $surge', ({ tasks, surge, count }) => {
    expect(countWithin(tasks, surge)).toBe(count)
    expect(count + surgeAt(count, surge)).toBeLessThanOrEqual(tasks)
    expect(count + 1 + surgeAt(count + 1, surge)).toBeGreaterThan(tasks)
  })
})
