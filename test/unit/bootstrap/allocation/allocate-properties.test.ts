import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeSpans } from '../../../../src/bootstrap/address/spans.ts'
import { allocate } from '../../../../src/bootstrap/allocation/allocate.ts'
import type { AllocationInput, AllocationNode } from '../../../../src/bootstrap/allocation/allocation.ts'
import { type FreedRange, type NetworkRecord, QUARANTINE_MS } from '../../../../src/bootstrap/record/record.ts'
import { blockOf, contains, overlaps, type Span, spanOf } from '../../../../src/foundation/address.ts'
import { NOW } from '../../../support/builders/autoscaling.ts'
import { allocationInput, definition, family, family6, HOUR_MS, node } from '../../../support/builders/networks.ts'

type Ranges = { readonly range: string; readonly range6?: string }

const spansOf = ({ range, range6 }: Ranges): readonly Span[] => [range, ...(range6 ? [range6] : [])].map(blockOf)

const expectDisjoint = (spans: readonly Span[]) => {
  for (const version of [4, 6]) {
    const own = spans.filter(({ family: one }) => one === version).toSorted((a, b) => (a.first < b.first ? -1 : 1))
    own.forEach((span, at) => {
      const next = own[at + 1]
      expect(next === undefined || !overlaps(span, next), `${span.first} overlaps with ${next?.first}`).toBe(true)
    })
  }
}

/** What may happen to a cluster of a few host names. */
const event = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), host: fc.nat(11) }),
  fc.record({ kind: fc.constant('down' as const), host: fc.nat(11) }),
  fc.record({ kind: fc.constant('up' as const), host: fc.nat(11) }),
  fc.record({ kind: fc.constant('remove' as const), host: fc.nat(11) }),
  fc.record({ kind: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 30 }) }),
)

const host = (at: number) => `host${at}`

/** Small pools, so that they run out; pins, a reserve and hosts' addresses in the way; with and without IPv6. */
const world = fc
  .record({
    rangeLength: fc.integer({ min: 24, max: 28 }),
    blocks: fc.integer({ min: 1, max: 9 }),
    reserveAt: fc.option(fc.integer({ min: 0, max: 1023 }), { nil: undefined }),
    hasSix: fc.boolean(),
    pinned: fc.uniqueArray(fc.nat(11), { maxLength: 3 }),
    hosts: fc.array(fc.integer({ min: 0, max: 2047 }), { maxLength: 4 }),
  })
  .map(({ rangeLength, blocks, reserveAt, hasSix, pinned, hosts }) => {
    const base = blockOf('172.80.4.0/22').first
    const size = 1n << BigInt(32 - rangeLength)
    const text = (value: bigint) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
    const at = (offset: number) => text(base + BigInt(offset))
    const pins = Object.fromEntries(
      pinned.map((one, index) => [host(one), `${text(base + 2n * size * BigInt(index))}/${rangeLength}`]),
    )
    const six = family6({
      pool: [{ first: 'fd00:40:0:0:1::', last: `fd00:40:0:0:${(blocks + 2).toString(16)}:ffff:ffff:ffff` }],
    })
    const own = definition({
      ipv4: family({
        rangeLength,
        pool: [{ first: at(0), last: text(base + size * BigInt(blocks) - 1n) }],
        reserve: reserveAt === undefined ? [] : [{ first: at(reserveAt), last: at(reserveAt + 3) }],
        pins: reserveAt === undefined ? pins : {},
      }),
      ...(hasSix ? { ipv6: six } : {}),
    })
    const otherUses = hosts.map((offset, index) => ({
      text: at(offset),
      what: 'a host',
      nodeId: `elsewhere-${index}`,
      kind: 'address' as const,
    }))
    return { definition: own, otherUses }
  })

interface Cluster {
  readonly nodes: readonly AllocationNode[]
  readonly allocations: NetworkRecord['allocations']
  readonly freed: readonly FreedRange[]
  readonly nowMs: number
  readonly joined: number
}

type Event = typeof event extends fc.Arbitrary<infer One> ? One : never

const happen = (cluster: Cluster, what: Event): Cluster => {
  if (what.kind === 'wait') return { ...cluster, nowMs: cluster.nowMs + what.hours * HOUR_MS }
  const name = host(what.host)
  const { nodes, joined } = cluster
  const set = (state: AllocationNode['state']) => ({
    ...cluster,
    nodes: nodes.map((one) => (one.hostname === name ? { ...one, state } : one)),
  })
  if (what.kind === 'down') return set('down')
  if (what.kind === 'remove') return { ...cluster, nodes: nodes.filter(({ hostname }) => hostname !== name) }
  // One host is one running node: whoever joins again is down under its old id.
  if (what.kind === 'up') return nodes.filter(({ hostname }) => hostname === name).length === 1 ? set('ready') : cluster
  if (nodes.some(({ hostname, state }) => hostname === name && state === 'ready')) return cluster
  return { ...cluster, joined: joined + 1, nodes: [...nodes, node(name, { id: `id-${joined}` })] }
}

const begin: Cluster = { nodes: [], allocations: new Map(), freed: [], nowMs: NOW, joined: 0 }

/** Each allocationInput on the way, with what was before. */
const live = (fixed: Pick<AllocationInput, 'definition' | 'otherUses'>, events: readonly Event[]) => {
  let cluster = begin
  return events.map((what) => {
    const before = happen(cluster, what)
    const input = allocationInput({ ...fixed, ...before })
    const after = allocate(input)
    cluster = { ...before, allocations: after.allocations, freed: after.freed }
    return { input, after }
  })
}

const story = fc.tuple(world, fc.array(event, { maxLength: 60 }))
const isWaiting = ({ freedAtMs }: FreedRange, nowMs: number) => freedAtMs + QUARANTINE_MS > nowMs

describe('whatever joins, leaves and comes back', () => {
  it('no two ranges overlap, and none with one that was freed less than 24 h ago', () => {
    fc.assert(
      fc.property(story, ([fixed, events]) => {
        for (const { input, after } of live(fixed, events)) {
          const freed = after.freed.filter((one) => isWaiting(one, input.nowMs))
          expectDisjoint([...after.allocations.values(), ...freed].flatMap(spansOf))
        }
      }),
    )
  })

  it('a range is in the pool or pinned, and holds neither gateway nor reserve nor a host', () => {
    fc.assert(
      fc.property(story, ([fixed, events]) => {
        const { ipv4, ipv6 } = fixed.definition
        const pools = mergeSpans(ipv4.pool.map(spanOf))
        const pools6 = mergeSpans((ipv6?.pool ?? []).map(spanOf))
        const hosts = fixed.otherUses.map(({ text }) => blockOf(`${text}/32`))
        const never = [...ipv4.reserve.map(spanOf), ...hosts, blockOf(`${ipv4.gateway}/32`)]
        for (const { after } of live(fixed, events)) {
          for (const { hostname, range, range6 } of after.allocations.values()) {
            expect(ipv4.pins[hostname] === range || pools.some((pool) => contains(pool, blockOf(range)))).toBe(true)
            expect(never.some((span) => overlaps(span, blockOf(range)))).toBe(false)
            expect(range6 !== undefined).toBe(ipv6 !== undefined)
            expect(range6 === undefined || pools6.some((pool) => contains(pool, blockOf(range6)))).toBe(true)
          }
        }
      }),
    )
  })

  it('a node that is known keeps what it has, but to itself under a new id', () => {
    fc.assert(
      fc.property(story, ([fixed, events]) => {
        for (const { input, after } of live(fixed, events)) {
          for (const [nodeId, before] of input.allocations) {
            const known = input.nodes.find(({ id }) => id === nodeId)
            const now = after.allocations.get(nodeId)
            if (now !== undefined) expect(now).toBe(before)
            else if (known !== undefined) {
              const heir = [...after.allocations.values()].find(({ range }) => range === before.range)
              expect(known.state).toBe('down')
              expect(heir).toMatchObject({ hostname: before.hostname, range: before.range, givenAtMs: input.nowMs })
            }
          }
        }
      }),
    )
  })

  it('a host that comes back within 24 h has its old range, and nobody else has it meanwhile', () => {
    fc.assert(
      fc.property(story, ([fixed, events]) => {
        const last = new Map<string, { range: string; atMs: number }>()
        for (const { input, after } of live(fixed, events)) {
          for (const { hostname, range, givenAtMs } of after.allocations.values()) {
            const had = last.get(hostname)
            if (givenAtMs === input.nowMs && had !== undefined && input.nowMs < had.atMs + QUARANTINE_MS) {
              expect(range).toBe(had.range)
            }
            last.set(hostname, { range, atMs: input.nowMs })
          }
        }
      }),
    )
  })

  it('whoever is ready and has no range is told why', () => {
    fc.assert(
      fc.property(story, ([fixed, events]) => {
        for (const { input, after } of live(fixed, events)) {
          const told = new Set(after.problems.flatMap(({ nodes }) => nodes.map(({ id }) => id)))
          const without = input.nodes.filter(({ id, state }) => state === 'ready' && !after.allocations.has(id))
          expect(without.map(({ id }) => id).toSorted()).toEqual([...told].toSorted())
        }
      }),
    )
  })

  it('a second run changes nothing: it answers with what it was given', () => {
    fc.assert(
      fc.property(story, ([fixed, events]) => {
        for (const { input, after } of live(fixed, events)) {
          const again = allocate({ ...input, allocations: after.allocations, freed: after.freed })
          expect(again.allocations).toBe(after.allocations)
          expect(again.freed).toBe(after.freed)
        }
      }),
    )
  })

  it('the order of nodes, allocations, freed ranges and otherUses does not matter', () => {
    fc.assert(
      fc.property(story, fc.infiniteStream(fc.nat()), ([fixed, events], chance) => {
        const shuffled = <T>(items: readonly T[]): T[] =>
          items
            .map((item) => ({ item, at: chance.next().value as number }))
            .sort((a, b) => a.at - b.at)
            .map(({ item }) => item)
        for (const { input, after } of live(fixed, events).slice(-3)) {
          const other = allocate({
            ...input,
            nodes: shuffled(input.nodes),
            allocations: new Map(shuffled([...input.allocations])),
            freed: shuffled(input.freed),
            otherUses: shuffled(input.otherUses),
          })
          const comparable = ({ allocations, freed, problems }: typeof after) => ({
            allocations: Object.fromEntries(allocations),
            freed: freed.map((one) => JSON.stringify(one)).toSorted(),
            problems,
          })
          expect(comparable(other)).toEqual(comparable(after))
        }
      }),
    )
  })
})

describe('a thousand nodes', () => {
  const large = definition({
    ipv4: family({ subnet: '10.0.0.0/8', gateway: '10.0.0.1', pool: [{ first: '10.1.0.0', last: '10.255.255.255' }] }),
    ipv6: family6(),
  })
  const nodes = Array.from({ length: 1000 }, (_, at) => node(`host${at}`))
  const otherUses = nodes.flatMap(({ id }, at) =>
    [0, 1, 2].map((link) => ({
      text: `192.168.${at % 256}.${link + 1}`,
      what: 'a host',
      nodeId: id,
      kind: 'address' as const,
    })),
  )

  it('have a range each, none overlapping, in well under 100 ms', () => {
    const input = allocationInput({ definition: large, nodes, otherUses })
    const sinceMs = performance.now()
    const { allocations, problems } = allocate(input)
    const tookMs = performance.now() - sinceMs
    console.log(`1000 nodes, both families: ${tookMs.toFixed(1)} ms`)
    expect(problems).toEqual([])
    expect(allocations.size).toBe(1000)
    expectDisjoint([...allocations.values()].flatMap(spansOf))
    // Ten times what is promised: a busy machine is no fault.
    expect(tookMs).toBeLessThan(1000)
  })

  it('that all come back under new ids have their ranges back', () => {
    const { allocations } = allocate(allocationInput({ definition: large, nodes, otherUses }))
    const back = nodes.map((one) => ({ ...one, id: `new-${one.id}` }))
    const sinceMs = performance.now()
    const after = allocate(allocationInput({ definition: large, nodes: back, allocations, nowMs: NOW + 60_000 }))
    console.log(`1000 rejoins: ${(performance.now() - sinceMs).toFixed(1)} ms`)
    expect(after.freed).toEqual([])
    for (const { nodeId, range, range6 } of allocations.values()) {
      expect(after.allocations.get(`new-${nodeId}`)).toMatchObject({ range, range6 })
    }
  })
})
