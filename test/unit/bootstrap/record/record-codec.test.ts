import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FreedRange, NetworkRecord, NodeAllocation } from '../../../../src/bootstrap/record/record.ts'
import { recordCodec } from '../../../../src/bootstrap/record/record-codec.ts'
import { blockAt, formatBlock } from '../../../../src/foundation/address.ts'
import { NOW } from '../../../support/builders/autoscaling.ts'
import {
  allocation,
  byNodeId,
  definition,
  family,
  family6,
  freedRange,
  record,
} from '../../../support/builders/networks.ts'

const full = record({
  definition: definition({ ipv4: family({ pins: { a: '172.80.1.0/24' } }), ipv6: family6() }),
  phase: 'removing',
  isAdopted: true,
  allocations: byNodeId([
    allocation('a', '172.80.1.0/24', {
      range6: 'fd00:40:0:0:1::/80',
      isAdopted: true,
      aux: { router: '172.80.1.3' },
      pausedFrom: 'active',
      change: {
        range: '172.80.2.0/24',
        parent: 'auto',
        availabilityBefore: 'pause',
        stage: 'draining',
        startedAtMs: NOW,
      },
    }),
    allocation('b', '172.80.3.0/24'),
  ]),
  freed: [
    freedRange('c', '172.80.4.0/24'),
    freedRange('d', '172.80.5.0/24', { range6: 'fd00:40:0:0:5::/80', freedAtMs: NOW }),
  ],
})
const labels = recordCodec.encode(full, {})

const decoded = (from: Readonly<Record<string, string>>): NetworkRecord => {
  const answer = recordCodec.decode(from)
  if ('unreadable' in answer) throw new Error(answer.unreadable)
  return answer
}

/** The JSON of one label, changed. */
const changed = (label: string, change: (entry: Record<string, unknown>) => void) => {
  const entry = JSON.parse(labels[label] ?? '{}')
  change(entry)
  return { ...labels, [label]: JSON.stringify(entry) }
}

const optional = <Key extends string, Value>(key: Key, value: fc.Arbitrary<Value>) =>
  fc
    .option(value, { nil: undefined })
    .map((one) => (one === undefined ? {} : { [key]: one }) as { [key in Key]?: Value })

const four = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.integer({ min: 8, max: 32 }))
  .map(([at, length]) => formatBlock(blockAt(4, at, length)))
const six = fc
  .tuple(fc.bigInt({ min: 1n << 100n, max: 2n ** 128n - 1n }), fc.integer({ min: 64, max: 128 }))
  .map(([at, length]) => formatBlock(blockAt(6, at, length)))
const time = fc.integer({ min: 0, max: NOW })
const anyAllocation: fc.Arbitrary<NodeAllocation> = fc
  .tuple(
    fc.record({
      nodeId: fc.string(),
      hostname: fc.string(),
      range: four,
      parent: fc.string(),
      givenAtMs: time,
      isAdopted: fc.boolean(),
    }),
    optional('range6', six),
    optional('pausedFrom', fc.constantFrom('active' as const, 'pause' as const, 'drain' as const)),
    optional('aux', fc.dictionary(fc.string(), fc.constant('10.0.0.1'), { maxKeys: 3 })),
  )
  .map(([one, ...more]) => Object.assign({}, one, ...more))
const anyFreed: fc.Arbitrary<FreedRange> = fc
  .tuple(
    fc.record({ range: four, nodeId: fc.string(), hostname: fc.string(), freedAtMs: time }),
    optional('range6', six),
  )
  .map(([one, more]) => ({ ...one, ...more }))
const anyRecord: fc.Arbitrary<NetworkRecord> = fc
  .record({
    phase: fc.constantFrom('present' as const, 'removing' as const),
    isAdopted: fc.boolean(),
    allocations: fc.uniqueArray(anyAllocation, { selector: ({ nodeId }) => nodeId, maxLength: 6 }),
    freed: fc.uniqueArray(anyFreed, { selector: ({ range }) => range, maxLength: 6 }),
    pins: fc.dictionary(fc.string(), four, { maxKeys: 3 }),
  })
  .map(({ allocations, pins, ...rest }) => ({
    ...rest,
    definition: definition({ ipv4: family({ pins }) }),
    allocations: byNodeId(allocations),
  }))

const byAge = (one: NetworkRecord) => ({ ...one, freed: one.freed.map((entry) => JSON.stringify(entry)).toSorted() })

describe('a record in labels', () => {
  it('has one for the definition, one for each node, and one for each freed range', () => {
    expect(Object.keys(labels).toSorted()).toEqual([
      'definition',
      'freed.172.80.4.0/24',
      'freed.172.80.5.0/24,fd00:40:0:0:5::/80',
      'node.id-a',
      'node.id-b',
    ])
    expect(JSON.parse(labels['node.id-b'] ?? '')).toEqual({ v: 1, ...allocation('b', '172.80.3.0/24') })
  })

  it('comes back as it was', () => {
    expect(decoded(labels)).toEqual(full)
    fc.assert(
      fc.property(anyRecord, (one) => {
        expect(byAge(decoded(recordCodec.encode(one, {})))).toEqual(byAge(one))
      }),
    )
  })

  it('is written as it was read, letter for letter, when nothing has changed', () => {
    fc.assert(
      fc.property(anyRecord, fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }), (one, foreign) => {
        const ours = recordCodec.encode(one, {})
        const there = {
          ...Object.fromEntries(Object.entries(foreign).map(([name, text]) => [`x${name}`, text])),
          ...ours,
        }
        expect(recordCodec.encode(decoded(there), there)).toEqual(there)
      }),
    )
    const pretty = Object.fromEntries(
      Object.entries(labels).map(([name, text]) => [name, JSON.stringify(JSON.parse(text), null, 2)]),
    )
    expect(recordCodec.encode(decoded(pretty), pretty)).toEqual(pretty)
  })

  it('of a clock that is ahead was freed when it was first seen, which alone is no reason to write', () => {
    const seenAtMs = () => NOW - 3_600_000
    const read = recordCodec.decode(labels, seenAtMs)
    if ('unreadable' in read) throw new Error(read.unreadable)
    expect(read.freed.map(({ nodeId, freedAtMs }) => [nodeId, freedAtMs <= NOW - 3_600_000])).toEqual([
      ['id-c', true],
      ['id-d', true],
    ])
    expect(recordCodec.encode(read, labels, seenAtMs)).toEqual(labels)
  })

  it('loses the labels of what it lost, and no label of others', () => {
    const there = { ...labels, 'orrery.note': 'by a newer version' }
    const smaller = { ...full, allocations: byNodeId([allocation('b', '172.80.3.0/24')]), freed: [] }
    expect(Object.keys(recordCodec.encode(smaller, there)).toSorted()).toEqual([
      'definition',
      'node.id-b',
      'orrery.note',
    ])
  })

  it('of a newer version is read as far as it can be, and what is not known stays', () => {
    const there = {
      ...changed('node.id-b', (entry) => Object.assign(entry, { v: 7, speed: 25, range6: 'fd00:40:0:0:9::/80' })),
      ...{ definition: JSON.stringify({ ...JSON.parse(labels.definition ?? ''), v: 2, mood: 'good' }) },
    }
    const read = decoded(there)
    expect(read.allocations.get('id-b')).toEqual(allocation('b', '172.80.3.0/24', { range6: 'fd00:40:0:0:9::/80' }))
    const moved = {
      ...read,
      allocations: byNodeId([...read.allocations.values()].map((one) => ({ ...one, parent: 'eth9' }))),
    }
    const written = recordCodec.encode(moved, there)
    expect(JSON.parse(written['node.id-b'] ?? '')).toMatchObject({ v: 7, speed: 25, parent: 'eth9' })
    expect(written.definition).toBe(there.definition)
  })

  it('forgets a known field that was taken back, though an unknown one beside it stays', () => {
    const there = changed('node.id-a', (entry) => Object.assign(entry, { speed: 25 }))
    const { change: _, pausedFrom: __, ...rest } = full.allocations.get('id-a') as NodeAllocation
    const written = recordCodec.encode({ ...full, allocations: byNodeId([rest]) }, there)
    expect(JSON.parse(written['node.id-a'] ?? '')).toEqual({ v: 1, ...rest, speed: 25 })
  })

  it.each([
    {
      name: 'has no definition',
      from: { 'node.id-b': labels['node.id-b'] ?? '' },
      reason: 'the label definition is missing',
    },
    { name: 'is empty', from: {}, reason: 'the label definition is missing' },
    {
      name: 'holds no JSON',
      from: { ...labels, 'node.id-b': '{"v":1' },
      reason: 'the label node.id-b is not a JSON object',
    },
    {
      name: 'lacks what it must have',
      from: changed('node.id-b', (entry) => delete entry.range),
      reason: 'the label node.id-b at /range: ',
    },
    {
      name: 'has a word that is not known',
      from: changed('definition', (entry) => Object.assign(entry, { phase: 'paused' })),
      reason: 'the label definition at /phase: ',
    },
    {
      name: 'has host bits in a range',
      from: changed('node.id-b', (entry) => Object.assign(entry, { range: '172.80.3.7/24' })),
      reason: 'the label node.id-b has "172.80.3.7/24" where an address or a range is needed',
    },
    {
      name: 'has an IPv6 range for an IPv4 one',
      from: changed('freed.172.80.4.0/24', (entry) => Object.assign(entry, { range: 'fd00::/64' })),
      reason: 'the label freed.172.80.4.0/24 has "fd00::/64" where',
    },
    {
      name: 'has an allocation under the id of another node',
      from: changed('node.id-b', (entry) => Object.assign(entry, { nodeId: 'id-x' })),
      reason: 'the label node.id-b is of another node, id-x',
    },
  ])('that $name is unreadable, never empty', ({ from, reason }) => {
    expect(recordCodec.decode(from)).toEqual({ unreadable: expect.stringContaining(reason) })
  })

  it('never throws, whatever the labels', () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.constantFrom(...Object.values(labels)))
    const name = fc.oneof(fc.string(), fc.constantFrom(...Object.keys(labels), '__proto__', 'node.', 'freed.'))
    fc.assert(
      fc.property(fc.dictionary(name, text), (some) => {
        const answer = recordCodec.decode(some)
        if (!('unreadable' in answer)) expect(recordCodec.encode(answer, some)).toBeDefined()
        expect(decoded(recordCodec.encode(full, some))).toEqual(full)
      }),
    )
  })

  it('of a thousand nodes fits into the labels of a config', () => {
    const allocations = Array.from({ length: 1000 }, (_, at) =>
      allocation(`worker-with-a-long-name-${at}`, `10.${at >> 8}.${at & 255}.0/24`),
    )
    const size = JSON.stringify(recordCodec.encode({ ...full, allocations: byNodeId(allocations) }, {})).length
    expect(size).toBeLessThan(400_000)
  })
})
