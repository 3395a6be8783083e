import { describe, expect, it } from 'vitest'
import type { AllocationInput } from '../../../../src/bootstrap/allocation/allocation.ts'
import { fitAllocations } from '../../../../src/bootstrap/allocation/fit.ts'
import { otherUsesOf } from '../../../../src/bootstrap/allocation/other-uses.ts'
import { NOW } from '../../../support/builders/autoscaling.ts'
import {
  allocation,
  allocationInput,
  byNodeId,
  configOnly,
  definition,
  family,
  family6,
  node,
  record,
  report,
} from '../../../support/builders/networks.ts'

const nodes = ['a', 'b', 'c'].map((name) => node(name))
const allocations = byNodeId([
  allocation('a', '172.80.1.0/24'),
  allocation('b', '172.80.2.0/24'),
  allocation('c', '172.80.3.0/24'),
])
const judge = (over: Partial<AllocationInput>) => fitAllocations(allocationInput({ nodes, allocations, ...over }))
/** Host name, reasons, and what it should have. */
const told = (over: Partial<AllocationInput>) =>
  [...judge(over).misfits.values()].map(({ allocation: { hostname }, reasons, wanted }) => [
    hostname,
    ...reasons,
    wanted?.range,
  ])
const four = (over: Parameters<typeof family>[0]) => definition({ ipv4: family(over) })

describe('allocations', () => {
  it('that are as defined fit, also of another length: `range` is for what is given from now on', () => {
    expect(judge({}).misfits.size).toBe(0)
    expect(judge({ definition: four({ rangeLength: 26 }) }).misfits.size).toBe(0)
  })

  it.each([
    {
      name: 'pinned to another range',
      over: { definition: four({ pins: { a: '172.80.9.0/28' } }) },
      misfits: [['a', 'it is pinned to 172.80.9.0/28 and has 172.80.1.0/24', '172.80.9.0/28']],
    },
    {
      name: 'outside the pool',
      over: { definition: four({ pool: [{ first: '172.80.2.0', last: '172.80.9.255' }] }) },
      misfits: [['a', '172.80.1.0/24 is outside the pool', '172.80.4.0/24']],
    },
    {
      name: 'outside the subnet',
      over: {
        definition: four({
          subnet: '172.80.2.0/23',
          gateway: '172.80.2.1',
          pool: [{ first: '172.80.3.0', last: '172.80.3.255' }],
        }),
      },
      misfits: [
        ['a', '172.80.1.0/24 is outside the subnet 172.80.2.0/23', undefined],
        ['b', '172.80.2.0/24 is outside the pool', 'the gateway is in it', undefined],
      ],
    },
    {
      name: 'on a reserve',
      over: { definition: four({ reserve: [{ first: '172.80.3.9', last: '172.80.3.9' }] }) },
      misfits: [['c', 'part of it is in the reserve', '172.80.4.0/24']],
    },
    {
      name: "on another node's pin",
      over: { definition: four({ pins: { z: '172.80.2.0/25' } }) },
      misfits: [['b', 'part of it is pinned for z', '172.80.4.0/24']],
    },
    {
      name: "on a host's address",
      over: { otherUses: [{ text: '172.80.1.9', what: 'the address of c', nodeId: 'id-c', kind: 'address' }] },
      misfits: [['a', '172.80.1.9, the address of c, is in it', '172.80.4.0/24']],
    },
    {
      name: "on each other's, by some hand",
      over: { allocations: byNodeId([allocation('a', '172.80.1.0/24'), allocation('b', '172.80.1.128/25')]) },
      misfits: [
        ['a', 'b (node id-b) has 172.80.1.128/25', '172.80.2.0/24'],
        ['b', 'a (node id-a) has 172.80.1.0/24', '172.80.3.0/24'],
      ],
    },
  ] as { name: string; over: Partial<AllocationInput>; misfits: unknown[][] }[])(
    '$name do not fit, and are told what they should have',
    ({ over, misfits }) => {
      expect(told(over)).toEqual(misfits)
    },
  )

  it('keep the family that fits when the other came or went', () => {
    const six = definition({ ipv6: family6() })
    const { misfits } = judge({ definition: six, allocations: byNodeId([allocation('a', '172.80.1.0/24')]) })
    expect(misfits.get('id-a')).toMatchObject({
      reasons: ['it has no range of fd00:40::/64'],
      wanted: { range: '172.80.1.0/24', range6: 'fd00:40:0:0:1::/80' },
    })
    const without = judge({
      allocations: byNodeId([allocation('a', '172.80.1.0/24', { range6: 'fd00:40:0:0:1::/80' })]),
    })
    expect(without.misfits.get('id-a')?.wanted).toEqual({ range: '172.80.1.0/24' })
  })

  it('that were taken over are where they are, whatever the pool', () => {
    const adopted = byNodeId([allocation('a', '172.80.250.0/24', { isAdopted: true })])
    expect(judge({ allocations: adopted }).misfits.size).toBe(0)
  })

  it('on their way to another range are left to finish', () => {
    const change = {
      range: '172.80.9.0/24',
      parent: 'auto',
      availabilityBefore: 'active',
      stage: 'draining',
      startedAtMs: NOW,
    } as const
    const wanted = four({ pool: [{ first: '172.80.2.0', last: '172.80.9.255' }] })
    expect(
      judge({ definition: wanted, allocations: byNodeId([allocation('a', '172.80.1.0/24', { change })]) }).misfits.size,
    ).toBe(0)
  })

  it('that should have what another node holds are told so', () => {
    const { misfits, problems } = judge({ definition: four({ pins: { a: '172.80.2.0/24' } }) })
    expect(misfits.get('id-a')?.wanted).toBeUndefined()
    expect(problems.map(({ message }) => message)).toEqual([
      'a is pinned to 172.80.2.0/24, but b (node id-b) has 172.80.2.0/24; pin another range, or that node to another one first (`orrery network apply --allow-drain`)',
    ])
  })

  it('hold the shim and the network of their own node', () => {
    const otherUses = otherUsesOf(definition(), {
      nodes,
      reports: [
        {
          receivedAtMs: NOW,
          report: report('a', {
            hostAddresses: [{ link: 'orrery-vlan40', address: '172.80.1.1/32' }],
            networks: [configOnly('172.80.1.0/24')],
          }),
        },
      ],
      records: new Map(),
    })
    expect(judge({ otherUses }).misfits.size).toBe(0)
  })
})

describe('what is claimed', () => {
  const otherUses = (over: Partial<Parameters<typeof otherUsesOf>[1]>) =>
    otherUsesOf(definition(), { nodes: [], reports: [], records: new Map(), ...over }).map(({ text, what, kind }) => [
      text,
      what,
      kind,
    ])

  it('are the addresses of the hosts, what their networks hold, and what other records say', () => {
    const reports = [
      {
        receivedAtMs: NOW,
        report: report('a', {
          hostAddresses: [{ link: 'eth0', address: '192.168.1.5/24' }],
          networks: [
            configOnly('172.80.1.0/24'),
            configOnly('172.80.7.0/24', { name: 'by-hand', labels: {} }),
            configOnly('172.80.8.0/24', { name: 'whole', labels: {}, subnets: [{ subnet: '172.80.0.0/16', aux: {} }] }),
          ],
        }),
      },
      { receivedAtMs: NOW, report: report('gone', { hostAddresses: [{ link: 'eth0', address: '192.168.1.6/24' }] }) },
    ]
    const other = record({
      definition: definition({ name: 'dmz' }),
      allocations: byNodeId([allocation('b', '172.81.1.0/24')]),
    })
    const records = new Map([
      ['vlan40', record({ allocations: byNodeId([allocation('a', '172.80.1.0/24')]) })],
      ['dmz', other],
    ])
    expect(otherUses({ nodes: [{ ...node('a'), address: '192.168.1.5' }], reports, records })).toEqual([
      ['192.168.1.5', 'the address of a', 'address'],
      ['192.168.1.5', 'an address of a (eth0)', 'address'],
      ['172.80.1.0/24', 'the network vlan40_config of a', 'own-network'],
      ['172.80.7.0/24', 'the network by-hand of a', 'other-network'],
      ['172.81.1.0/24', 'the range of b in the network dmz', 'other-network'],
    ])
  })
})
