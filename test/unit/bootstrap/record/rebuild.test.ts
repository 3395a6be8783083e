import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type RebuildInput, rebuildRecord } from '../../../../src/bootstrap/record/rebuild.ts'
import { formatRangeLabel, parseRangeLabel, rangeLabel } from '../../../../src/bootstrap/record/record.ts'
import type { EngineNetwork } from '../../../../src/swarm/networks.ts'
import { NOW } from '../../../support/builders/autoscaling.ts'
import {
  allocation,
  byNodeId,
  configOnly,
  definition,
  family,
  family6,
  node,
  record,
  report,
} from '../../../support/builders/networks.ts'

const labelled = (hostname: string, range: string, over: Parameters<typeof node>[1] = {}) =>
  node(hostname, { ...over, labels: { [rangeLabel('vlan40')]: range, ...over.labels } })

/** What the agent of each host sees; a host that is not named is not heard. */
const heard = (networks: Record<string, readonly EngineNetwork[]>): RebuildInput['reports'] =>
  new Map(Object.entries(networks).map(([host, own]) => [`id-${host}`, report(host, { networks: [...own] })]))

const rebuild = (over: Partial<RebuildInput>) =>
  rebuildRecord({ definition: definition(), nodes: [], reports: new Map(), isNetworkThere: true, nowMs: NOW, ...over })

const given = (hostname: string, range: string, over: Parameters<typeof allocation>[2] = {}) =>
  allocation(hostname, range, { givenAtMs: NOW, ...over })

/** What no agent says of a machine is not known. */
const unheard = (...args: Parameters<typeof given>) => {
  const { machine: _, ...rest } = given(...args)
  return rest
}

describe('a lost record', () => {
  it('is rebuilt when every node that may run was heard and labels and networks agree', () => {
    const answer = rebuild({
      nodes: [labelled('a', '172.80.1.0/24'), labelled('b', '172.80.7.0/25'), node('c')],
      reports: heard({ a: [configOnly('172.80.1.0/24')], b: [configOnly('172.80.7.0/25')], c: [] }),
    })
    expect(answer).toEqual({
      kind: 'record',
      record: record({
        isAdopted: true,
        allocations: byNodeId([given('a', '172.80.1.0/24'), given('b', '172.80.7.0/25')]),
      }),
    })
  })

  it.each([
    { name: 'its label alone, when its network is gone', nodes: [labelled('a', '172.80.1.0/24')], networks: [] },
    { name: 'its network alone, when its label is gone', nodes: [node('a')], networks: [configOnly('172.80.1.0/24')] },
    {
      name: 'a network that an older engine shows with host bits',
      nodes: [labelled('a', '172.80.1.0/24')],
      networks: [configOnly('172.80.1.9/24')],
    },
  ])('takes $name', ({ nodes, networks }) => {
    expect(rebuild({ nodes, reports: heard({ a: networks }) })).toMatchObject({
      record: { allocations: byNodeId([given('a', '172.80.1.0/24')]) },
    })
  })

  it('takes the label of a node that is down, and does not wait for it', () => {
    const nodes = [labelled('a', '172.80.1.0/24', { state: 'down' }), labelled('b', '172.80.2.0/24')]
    expect(rebuild({ nodes, reports: heard({ b: [] }) })).toMatchObject({
      record: { allocations: byNodeId([unheard('a', '172.80.1.0/24'), given('b', '172.80.2.0/24')]) },
    })
  })

  it('gives a node that joined again the one range that both its ids carry', () => {
    const down = { state: 'down' } as const
    const nodes = [
      labelled('a', '172.80.1.0/24', { id: 'oldest', ...down }),
      labelled('a', '172.80.1.0/24', { id: 'old', ...down }),
      labelled('a', '172.80.1.0/24'),
    ]
    expect(rebuild({ nodes, reports: heard({ a: [] }) })).toMatchObject({
      record: { allocations: byNodeId([given('a', '172.80.1.0/24')]) },
    })
    expect(rebuild({ nodes: nodes.slice(0, 2) })).toMatchObject({
      record: { allocations: byNodeId([unheard('a', '172.80.1.0/24', { nodeId: 'oldest' })]) },
    })
  })

  it('knows what was taken over by the label of its node, and what that holds back', () => {
    const byHand = configOnly('172.80.1.0/24', {
      labels: {},
      subnets: [{ subnet: '172.80.0.0/16', range: '172.80.1.0/24', aux: { printer: '172.80.1.9' } }],
    })
    expect(rebuild({ nodes: [labelled('a', '172.80.1.0/24')], reports: heard({ a: [byHand] }) })).toMatchObject({
      record: {
        allocations: byNodeId([given('a', '172.80.1.0/24', { isAdopted: true, aux: { printer: '172.80.1.9' } })]),
      },
    })
  })

  it('takes the parent that is in force on the host, but for auto', () => {
    const parentOf = (parent: string, labels = {}) => {
      const nodes = [labelled('a', '172.80.1.0/24', { labels })]
      const reports = heard({ a: [configOnly('172.80.1.0/24', { options: { parent: 'eth7' } })] })
      const answer = rebuild({ definition: definition({ parent }), nodes, reports })
      return answer.kind === 'record' ? answer.record.allocations.get('id-a')?.parent : undefined
    }
    expect(parentOf('auto')).toBe('auto')
    expect(parentOf('bond0.40')).toBe('eth7')
    expect(parentOf('auto', { 'orrery.parent.vlan40': 'eth9' })).toBe('eth7')
  })

  it('is rebuilt with both families', () => {
    const range6 = 'fd00:40:0:0:1::/80'
    const both = configOnly('172.80.1.0/24', {
      subnets: [
        { subnet: '172.80.0.0/16', range: '172.80.1.0/24', aux: {} },
        { subnet: 'fd00:40::/64', range: range6, aux: {} },
      ],
    })
    const input = { definition: definition({ ipv6: family6() }), reports: heard({ a: [both] }) }
    const expected = { record: { allocations: byNodeId([given('a', '172.80.1.0/24', { range6 })]) } }
    expect(rebuild({ ...input, nodes: [labelled('a', `172.80.1.0/24,${range6}`)] })).toMatchObject(expected)
    expect(rebuild({ ...input, nodes: [node('a')] })).toMatchObject(expected)
  })

  it.each([
    {
      name: 'an agent is not heard',
      over: {
        nodes: [labelled('a', '172.80.1.0/24'), node('b'), node('c', { state: 'unknown' })],
        reports: heard({ a: [] }),
      },
      reasons: ['the agent of b has not reported', 'the agent of c has not reported'],
    },
    {
      name: 'a label and a network disagree',
      over: { nodes: [labelled('a', '172.80.1.0/24')], reports: heard({ a: [configOnly('172.80.2.0/24')] }) },
      reasons: ['a: its label says 172.80.1.0/24, its vlan40_config 172.80.2.0/24'],
    },
    {
      name: 'two nodes have one range',
      over: {
        nodes: [labelled('a', '172.80.1.0/24'), labelled('b', '172.80.1.128/25')],
        reports: heard({ a: [], b: [] }),
      },
      reasons: ['a has 172.80.1.0/24 and b has 172.80.1.128/25: they overlap'],
    },
    {
      name: 'a label is not a range',
      over: { nodes: [labelled('a', 'soon')], reports: heard({ a: [] }) },
      reasons: ['a: its label orrery.network.vlan40.range is not a range: soon'],
    },
    {
      name: 'the definition is of another subnet',
      over: {
        definition: definition({ ipv4: family({ subnet: '10.0.0.0/8', gateway: '10.0.0.1' }) }),
        nodes: [node('a'), labelled('b', '172.80.2.0/24')],
        reports: heard({ a: [configOnly('172.80.1.0/24')], b: [] }),
      },
      reasons: [
        'a: its vlan40_config is of the subnet 172.80.0.0/16, and the definition says 10.0.0.0/8',
        'b: its range 172.80.2.0/24 is outside the subnet 10.0.0.0/8 of the definition',
      ],
    },
    {
      name: 'there is a network and nobody was heard who could know it',
      over: { nodes: [node('a')] },
      reasons: ['the agent of a has not reported'],
    },
  ] as { name: string; over: Partial<RebuildInput>; reasons: string[] }[])('waits while $name', ({ over, reasons }) => {
    expect(rebuild(over)).toEqual({ kind: 'not-yet', reasons })
  })

  it('waits for no node without Linux', () => {
    const nodes = [labelled('a', '172.80.1.0/24'), node('w', { platform: { os: 'windows', architecture: 'x86_64' } })]
    expect(rebuild({ nodes, reports: heard({ a: [] }) }).kind).toBe('record')
  })

  it('was none when nothing was ever given: at the first run nobody waits for agents', () => {
    const nodes = [node('a'), node('b')]
    expect(rebuild({ nodes, isNetworkThere: false })).toEqual({ kind: 'nothing-to-rebuild' })
    const foreign = configOnly('172.80.1.0/24', { labels: {} })
    expect(rebuild({ nodes, isNetworkThere: true, reports: heard({ a: [foreign], b: [] }) })).toEqual({
      kind: 'nothing-to-rebuild',
    })
  })

  it('leaves traces that count even when the swarm network is gone', () => {
    const nodes = [labelled('a', '172.80.1.0/24'), node('b')]
    expect(rebuild({ nodes, isNetworkThere: false, reports: heard({ a: [] }) })).toEqual({
      kind: 'not-yet',
      reasons: ['the agent of b has not reported'],
    })
    expect(rebuild({ nodes, isNetworkThere: false, reports: heard({ a: [], b: [] }) })).toMatchObject({
      record: { isAdopted: false, allocations: byNodeId([given('a', '172.80.1.0/24')]) },
    })
  })

  it('never throws, whatever labels and agents say, and never has two nodes overlap', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '172.80.1.0/24',
        '172.80.1.128/25',
        '172.80.2.0/24',
        'fd00:40::/80',
        '172.80.1.0/24,fd00:40::/80',
      ),
    )
    const network = fc
      .record({ range: text, subnet: text, isOurs: fc.boolean() })
      .map(({ range, subnet, isOurs }) =>
        configOnly('x', { ...(isOurs ? {} : { labels: {} }), subnets: [{ subnet, range, aux: {} }] }),
      )
    const state = fc.constantFrom('ready' as const, 'down' as const)
    const one = fc.record({ label: fc.option(text), network: fc.option(network), state })
    fc.assert(
      fc.property(fc.array(one, { maxLength: 4 }), fc.boolean(), (hosts, isNetworkThere) => {
        const nodes = hosts.map(({ label, state: is }, at) =>
          label === null ? node(`h${at}`, { state: is }) : labelled(`h${at}`, label, { state: is }),
        )
        const reports = heard(
          Object.fromEntries(hosts.map((host, at) => [`h${at}`, host.network === null ? [] : [host.network]])),
        )
        const answer = rebuild({ nodes, reports, isNetworkThere })
        if (answer.kind === 'not-yet') expect(answer.reasons).not.toEqual([])
        if (answer.kind === 'record') {
          const ranges = [...answer.record.allocations.values()].map(({ range }) => range)
          expect(ranges.includes('172.80.1.0/24') && ranges.includes('172.80.1.128/25')).toBe(false)
          expect(new Set(ranges).size).toBe(ranges.length)
        }
      }),
    )
  })
})

describe('the range label', () => {
  it('comes back as it was, also with both families', () => {
    for (const ranges of [{ range: '172.80.1.0/24' }, { range: '172.80.1.0/24', range6: 'fd00:40:0:0:1::/80' }])
      expect(parseRangeLabel(formatRangeLabel(ranges))).toEqual(ranges)
  })

  it.each([
    '',
    ',',
    '172.80.1.1/24',
    'fd00::/64',
    '172.80.1.0/24,172.80.2.0/24',
    '172.80.1.0/24,',
    '172.80.1.0/24,fd00::/64,fd01::/64',
  ])('%s is none', (label) => {
    expect(parseRangeLabel(label)).toBeUndefined()
  })
})
