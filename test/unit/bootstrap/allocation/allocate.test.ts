import { describe, expect, it } from 'vitest'
import { allocate } from '../../../../src/bootstrap/allocation/allocate.ts'
import type { AllocationInput } from '../../../../src/bootstrap/allocation/allocation.ts'
import type { NodeAllocation } from '../../../../src/bootstrap/record/record.ts'
import { NOW } from '../../../support/builders/autoscaling.ts'
import {
  allocation,
  allocationInput,
  byNodeId,
  definition,
  family,
  family6,
  freedRange,
  HOUR_MS,
  machine,
  node,
} from '../../../support/builders/networks.ts'

const ranges = (input: Partial<AllocationInput>) =>
  Object.fromEntries(
    [...allocate(allocationInput(input)).allocations.values()].map(({ nodeId, range }) => [nodeId, range]),
  )
const problems = (input: Partial<AllocationInput>) => allocate(allocationInput(input)).problems

/** Room for four ranges of /24. */
const small = (over: Parameters<typeof family>[0] = {}) =>
  definition({ ipv4: family({ pool: [{ first: '172.80.1.0', last: '172.80.4.255' }], ...over }) })

describe('ranges', () => {
  it('are given to ready nodes by host name, the lowest first', () => {
    expect(ranges({ nodes: [node('c'), node('a'), node('b')] })).toEqual({
      'id-a': '172.80.1.0/24',
      'id-b': '172.80.2.0/24',
      'id-c': '172.80.3.0/24',
    })
  })

  it.each([
    { name: 'down', over: { state: 'down' } as const },
    { name: 'not known yet', over: { state: 'unknown' } as const },
    { name: 'of another system', over: { platform: { os: 'windows', architecture: 'x86_64' } } },
  ])('are not given to a node that is $name', ({ over }) => {
    expect(ranges({ nodes: [node('a', over)] })).toEqual({})
  })

  it('of pinned nodes come first, by id before host name, and nobody else gets them, whether the node is there or not', () => {
    const pins = { b: '172.80.1.0/24', 'id-b': '172.80.3.0/25', absent: '172.80.2.0/24' }
    expect(ranges({ definition: small({ pins }), nodes: [node('a'), node('b')] })).toEqual({
      'id-a': '172.80.4.0/24',
      'id-b': '172.80.3.0/25',
    })
  })

  it('of the pool are not given when a reserve, the gateway, a host or another network is in them', () => {
    const input = {
      definition: small({
        pool: [{ first: '172.80.0.0', last: '172.80.9.255' }],
        reserve: [{ first: '172.80.1.128', last: '172.80.2.3' }],
      }),
      otherUses: [
        { text: '172.80.3.7', what: 'an address of x', nodeId: 'id-x', kind: 'address' },
        { text: '172.80.4.128/25', what: 'another network', kind: 'other-network' },
        { text: '172.80.5.0/24', what: 'the network vlan40_config of x', nodeId: 'id-x', kind: 'own-network' },
        { text: 'nonsense', what: 'nothing', kind: 'address' },
      ],
      nodes: [node('a')],
    } as const
    expect(ranges(input)).toEqual({ 'id-a': '172.80.6.0/24' })
  })

  it('that exist never change, whatever the definition says now', () => {
    const allocations = byNodeId([allocation('a', '172.80.7.0/24'), allocation('b', '10.0.0.0/8')])
    const answer = allocate(
      allocationInput({
        allocations,
        nodes: [node('b'), node('a')],
        definition: small({ pins: { a: '172.80.4.0/24' } }),
      }),
    )
    expect(answer.allocations).toBe(allocations)
    expect(answer.given).toEqual([])
  })

  it('carry the parent of the node label, else of the definition', () => {
    const nodes = [node('a', { labels: { 'orrery.parent.vlan40': 'eth7' } }), node('b')]
    const { allocations } = allocate(allocationInput({ nodes }))
    expect(allocations.get('id-a')).toEqual({
      nodeId: 'id-a',
      hostname: 'a',
      machine: machine('a'),
      range: '172.80.1.0/24',
      parent: 'eth7',
      givenAtMs: NOW,
      isAdopted: false,
    } satisfies NodeAllocation)
    expect(allocations.get('id-b')?.parent).toBe('bond0.40')
  })

  it('of both families are given together, or neither is', () => {
    const ipv6 = family6({ pool: [{ first: 'fd00:40:0:0:1::', last: 'fd00:40:0:0:2:ffff:ffff:ffff' }] })
    const { allocations, problems: told } = allocate(
      allocationInput({ definition: definition({ ipv6 }), nodes: [node('a'), node('b'), node('c')] }),
    )
    expect([...allocations.values()].map(({ range, range6 }) => [range, range6])).toEqual([
      ['172.80.1.0/24', 'fd00:40:0:0:1::/80'],
      ['172.80.2.0/24', 'fd00:40:0:0:2::/80'],
    ])
    expect(told).toMatchObject([{ code: 'pool-exhausted', nodes: [{ id: 'id-c' }] }])
    expect(told[0]?.message).toContain('`pool6`')
  })

  it('of IPv6 go to nodes that are pinned in IPv4 first, when there are few', () => {
    const ipv6 = family6({ pool: [{ first: 'fd00:40:0:0:1::', last: 'fd00:40:0:0:2:ffff:ffff:ffff' }] })
    const pins = { y: '172.80.9.0/24', 'id-z': '172.80.8.0/24' }
    const wanted = definition({ ipv4: family({ pins }), ipv6 })
    const { allocations } = allocate(allocationInput({ definition: wanted, nodes: [node('a'), node('y'), node('z')] }))
    expect([...allocations.values()].map(({ hostname, range6 }) => [hostname, range6])).toEqual([
      ['z', 'fd00:40:0:0:1::/80'],
      ['y', 'fd00:40:0:0:2::/80'],
    ])
  })

  it('never end where an IPv6 subnet of /64 ends', () => {
    const ipv6 = family6({ pool: [{ first: 'fd00:40::ffff:0:0:0', last: 'fd00:40::ffff:ffff:ffff:ffff' }] })
    expect(problems({ definition: definition({ ipv6 }), nodes: [node('a')] })).toMatchObject([
      { code: 'pool-exhausted' },
    ])
  })
})

describe('a node that leaves', () => {
  it('frees its range, which is not given again for 24 h', () => {
    const { allocations, freed } = allocate(
      allocationInput({ allocations: byNodeId([allocation('a', '172.80.1.0/24')]), nodes: [node('b')] }),
    )
    expect(freed).toEqual([
      { range: '172.80.1.0/24', nodeId: 'id-a', hostname: 'a', machine: machine('a'), freedAtMs: NOW },
    ])
    expect([...allocations.keys()]).toEqual(['id-b'])
    expect(allocations.get('id-b')?.range).toBe('172.80.2.0/24')
  })

  it('on its way from one range to another frees both', () => {
    const change = {
      range: '172.80.9.0/24',
      parent: 'bond0.40',
      availabilityBefore: 'active',
      stage: 'recreating',
      startedAtMs: NOW,
    } as const
    const { freed } = allocate(
      allocationInput({ allocations: byNodeId([allocation('a', '172.80.1.0/24', { change })]) }),
    )
    expect(freed.map(({ range }) => range)).toEqual(['172.80.1.0/24', '172.80.9.0/24'])
  })

  it('keeps its range while it is only down or drained', () => {
    const allocations = byNodeId([allocation('a', '172.80.1.0/24')])
    expect(allocate(allocationInput({ allocations, nodes: [node('a', { state: 'down' })] })).allocations).toBe(
      allocations,
    )
  })

  it('has its range given to others when the 24 h are over, the longest free one first and only when no other is left', () => {
    const freed = [
      freedRange('x', '172.80.1.0/24', { freedAtMs: NOW - 25 * HOUR_MS }),
      freedRange('y', '172.80.2.0/24', { freedAtMs: NOW - 26 * HOUR_MS }),
      freedRange('z', '172.80.3.0/24', { freedAtMs: NOW - 23 * HOUR_MS }),
    ]
    const answer = allocate(
      allocationInput({ definition: small(), freed, nodes: ['a', 'b', 'c', 'd'].map((name) => node(name)) }),
    )
    expect([...answer.allocations.values()].map(({ hostname, range }) => `${hostname} ${range}`)).toEqual([
      'a 172.80.4.0/24',
      'b 172.80.2.0/24',
      'c 172.80.1.0/24',
    ])
    expect(answer.freed.map(({ range }) => range)).toEqual(['172.80.3.0/24'])
    expect(answer.problems[0]?.message).toContain(
      '1 freed range waits for the 24 h to be over, the first 172.80.3.0/24 in 1h',
    )
  })

  it('may have had a longer range than is given now: the parts of it are given', () => {
    const freed = [freedRange('x', '172.80.0.0/21', { freedAtMs: NOW - 25 * HOUR_MS })]
    const answer = allocate(allocationInput({ definition: small(), freed, nodes: [node('a'), node('b')] }))
    expect([...answer.allocations.values()].map(({ range }) => range)).toEqual(['172.80.1.0/24', '172.80.2.0/24'])
    expect(answer.freed).toEqual([])
  })
})

describe('a node that left by force and joined again under a new id', () => {
  const back = node('a', { id: 'id-new' })

  it('has its range back, at once and whole, while its old id is down', () => {
    const old = allocation('a', '172.80.7.0/24', {
      isAdopted: true,
      aux: { router: '172.80.7.9' },
      pausedFrom: 'active',
    })
    const answer = allocate(
      allocationInput({ allocations: byNodeId([old]), nodes: [node('a', { state: 'down' }), back] }),
    )
    expect([...answer.allocations.values()]).toEqual([
      {
        nodeId: 'id-new',
        hostname: 'a',
        machine: machine('a'),
        range: '172.80.7.0/24',
        parent: 'bond0.40',
        givenAtMs: NOW,
        isAdopted: true,
        aux: { router: '172.80.7.9' },
      },
    ])
    expect(answer.freed).toEqual([])
  })

  it('has it back when its old id is gone, also long after', () => {
    const answer = allocate(
      allocationInput({ allocations: byNodeId([allocation('a', '172.80.7.0/24')]), nodes: [back] }),
    )
    expect(answer.allocations.get('id-new')?.range).toBe('172.80.7.0/24')
    const freed = [freedRange('a', '172.80.8.0/24', { isAdopted: true, aux: { x: '172.80.8.1' } })]
    const later = allocate(allocationInput({ freed, nodes: [back] }))
    expect(later.allocations.get('id-new')).toMatchObject({
      range: '172.80.8.0/24',
      isAdopted: true,
      aux: { x: '172.80.8.1' },
    })
    expect(later.freed).toEqual([])
  })

  it('has it back although its host still carries the shim and the network of then', () => {
    const otherUses = [
      { text: '172.80.7.1', what: 'an address of a', nodeId: 'id-new', kind: 'address' },
      { text: '172.80.7.0/24', what: 'the network vlan40_config of a', nodeId: 'id-new', kind: 'own-network' },
      { text: '172.80.7.0/24', what: 'the network vlan40_config of a', nodeId: 'id-a', kind: 'own-network' },
    ] as const
    const allocations = byNodeId([allocation('a', '172.80.7.0/24')])
    expect(ranges({ allocations, otherUses, nodes: [node('a', { state: 'down' }), back] })).toEqual({
      'id-new': '172.80.7.0/24',
    })
  })

  it('has the newest given one back when there are two', () => {
    const allocations = byNodeId([
      allocation('a', '172.80.7.0/24', { nodeId: 'id-1', givenAtMs: NOW - 3 * HOUR_MS }),
      allocation('a', '172.80.8.0/24', { nodeId: 'id-2', givenAtMs: NOW - 2 * HOUR_MS }),
    ])
    const answer = allocate(allocationInput({ allocations, freed: [freedRange('a', '172.80.9.0/24')], nodes: [back] }))
    expect(answer.allocations.get('id-new')?.range).toBe('172.80.8.0/24')
    expect(answer.freed.map(({ range }) => range)).toEqual(['172.80.9.0/24', '172.80.7.0/24'])
  })

  const states = ['ready', 'unknown', 'disconnected', 'down'] as const
  it.each(states)('has it back though Swarm still calls its old id %s: an engine is one node at a time', (state) => {
    const allocations = byNodeId([allocation('a', '172.80.7.0/24')])
    expect(ranges({ allocations, nodes: [node('a', { state }), back] })).toEqual({ 'id-new': '172.80.7.0/24' })
  })

  it.each(states)('takes nothing from another machine of its name that is %s', (state) => {
    const allocations = byNodeId([allocation('a', '172.80.7.0/24')])
    const others = [machine('b'), { ...machine('b'), macs: machine('a').macs }, { ...machine('a'), macs: ['copied'] }]
    for (const other of others) {
      const nodes = [node('a', { state }), node('a', { id: 'id-new', machine: other })]
      expect(ranges({ allocations, nodes })).toEqual({ 'id-a': '172.80.7.0/24', 'id-new': '172.80.1.0/24' })
    }
  })

  it('takes nothing that another machine of its name had, and nothing of which nobody knows the machine', () => {
    const { machine: _, ...unknown } = freedRange('a', '172.80.9.0/24')
    for (const freed of [freedRange('a', '172.80.9.0/24', { machine: machine('b') }), unknown]) {
      const answer = allocate(allocationInput({ freed: [freed], nodes: [back] }))
      expect(answer.allocations.get('id-new')?.range).toBe('172.80.1.0/24')
      expect(answer.freed).toEqual([freed])
    }
  })

  it('has it back under another host name, and after a card was replaced', () => {
    const allocations = byNodeId([
      allocation('a', '172.80.7.0/24', { machine: { engineId: 'engine-a', macs: ['old', 'new'] } }),
    ])
    const renamed = node('z', { machine: { engineId: 'engine-a', macs: ['new', 'newest'] } })
    expect(ranges({ allocations, nodes: [renamed] })).toEqual({ 'id-z': '172.80.7.0/24' })
  })

  it('is one node: of two that join under its name only one has the range back', () => {
    const allocations = byNodeId([allocation('a', '172.80.7.0/24')])
    const nodes = [node('a', { id: 'two' }), node('a', { id: 'one' })]
    expect(ranges({ allocations, nodes })).toEqual({ one: '172.80.7.0/24', two: '172.80.1.0/24' })
  })

  it('has it back before it is given to others, also when its 24 h are over', () => {
    const old = { freedAtMs: NOW - 25 * HOUR_MS }
    const freed = [freedRange('b', '172.80.1.0/24', old), freedRange('x', '172.80.2.0/24', old)]
    const wanted = small({ pool: [{ first: '172.80.1.0', last: '172.80.2.255' }] })
    expect(ranges({ definition: wanted, freed, nodes: [node('a'), node('b', { id: 'id-new' })] })).toEqual({
      'id-a': '172.80.2.0/24',
      'id-new': '172.80.1.0/24',
    })
  })

  it('gets another one when the definition does not allow the old one any more', () => {
    const allocations = byNodeId([allocation('a', '172.80.7.0/24')])
    const nodes = [node('a', { state: 'down' }), back]
    const wanted = definition({ ipv4: family({ reserve: [{ first: '172.80.7.5', last: '172.80.7.5' }] }) })
    expect(ranges({ definition: wanted, allocations, nodes })).toEqual({
      'id-a': '172.80.7.0/24',
      'id-new': '172.80.1.0/24',
    })
  })
})

describe('a pin', () => {
  const pinned = definition({ ipv4: family({ pins: { a: '172.80.5.0/24' } }) })

  it.each([
    {
      name: 'another node has the range',
      over: { allocations: byNodeId([allocation('b', '172.80.5.0/25')]), nodes: [node('a'), node('b')] },
      message:
        'a is pinned to 172.80.5.0/24, but b (node id-b) has 172.80.5.0/25; pin another range, or that node to another one first (`orrery network apply --allow-drain`)',
    },
    {
      name: 'the range was freed an hour ago',
      over: { freed: [freedRange('x', '172.80.5.0/24')], nodes: [node('a')] },
      message:
        "a is pinned to 172.80.5.0/24, but 172.80.5.0/24 was x's and is not given again for another 23h; wait, or run `orrery network release vlan40 172.80.5.0/24`",
    },
    {
      name: 'a host has an address in it',
      over: {
        otherUses: [{ text: '172.80.5.9', what: 'an address of b (eth0)', nodeId: 'id-b', kind: 'address' }],
        nodes: [node('a')],
      },
      message: 'a is pinned to 172.80.5.0/24, but 172.80.5.9, an address of b (eth0), is in it; pin another range',
    },
  ] as { name: string; over: Partial<AllocationInput>; message: string }[])(
    'is not given when $name, and nothing else is instead',
    ({ over, message }) => {
      const answer = allocate(allocationInput({ definition: pinned, ...over }))
      expect(answer.allocations.has('id-a')).toBe(false)
      expect(answer.problems).toEqual([{ code: 'pin-taken', nodes: [{ id: 'id-a', hostname: 'a' }], message }])
    },
  )

  it('for a host name that two nodes have is given to neither', () => {
    const told = problems({ definition: pinned, nodes: [node('a', { id: 'two' }), node('a', { id: 'one' })] })
    expect(told.map(({ code }) => code)).toEqual(['pin-ambiguous', 'pin-ambiguous'])
    expect(told[0]?.message).toBe(
      'a range is pinned for the host name a, which the nodes one, two have; pin by node id',
    )
  })

  it('outside the pool is given all the same', () => {
    const wanted = definition({ ipv4: family({ pins: { a: '172.80.250.0/28' }, pool: [] }) })
    expect(ranges({ definition: wanted, nodes: [node('a')] })).toEqual({ 'id-a': '172.80.250.0/28' })
  })
})

describe('a pool that is too small', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => node(name))

  it('says how many nodes are left out, how many ranges there are and what would be right', () => {
    const answer = allocate(allocationInput({ definition: small(), nodes }))
    expect(answer.given).toHaveLength(4)
    expect(answer.problems).toEqual([
      {
        code: 'pool-exhausted',
        nodes: ['e', 'f', 'g'].map((hostname) => ({ id: `id-${hostname}`, hostname })),
        message:
          '3 nodes have no range (e, f, g): the pool 172.80.1.0-172.80.4.255 has room for 4 ranges of /24, 4 of them free for 7 new nodes. ' +
          'Make `pool` larger by 768 addresses, or give new nodes less with `range: 25`.',
      },
    ])
  })

  it('counts what is taken otherwise', () => {
    const reserve = [
      { first: '172.80.2.0', last: '172.80.2.0' },
      { first: '172.80.3.0', last: '172.80.3.0' },
    ]
    const told = problems({ definition: small({ reserve }), nodes: nodes.slice(0, 4) })
    expect(told[0]?.message).toContain('4 ranges of /24, 2 of them free for 4 new nodes')
    expect(told[0]?.message).toContain('or give new nodes less with `range: 25`')
  })

  it('that is not there is named as what is missing', () => {
    const told = problems({ definition: small({ pool: [], pins: { a: '172.80.1.0/24' } }), nodes: nodes.slice(0, 2) })
    expect(told[0]?.message).toBe(
      '1 node has no range (b): there is no `pool`, and only pinned nodes get one. Write a `pool`, or pin them under `nodes`.',
    )
  })
})
