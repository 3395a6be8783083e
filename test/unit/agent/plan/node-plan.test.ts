import { describe, expect, it } from 'vitest'
import type { NodeObservation, NodeStep } from '../../../../src/agent/plan/host.ts'
import { HALF_MADE } from '../../../../src/agent/plan/link-names.ts'
import type { WantedNetwork } from '../../../../src/swarm/wanted.ts'
import { wantedNetwork } from '../../../support/builders/networks.ts'
import { address, link, network, observation, taken } from '../modelled-host.ts'
import { doings, kept, made, plan, six, without } from './plan-fixture.ts'

describe('a node with nothing on it', () => {
  it('gets promiscuous parent, config-only network, shim and route, in this order', () => {
    expect(plan(wantedNetwork(), observation()).steps).toEqual([
      { do: 'set-promiscuous', link: 'eth1', isOn: true },
      {
        do: 'create-network',
        network: {
          name: 'vlan40_config',
          labels: { 'orrery.network': 'vlan40' },
          options: { parent: 'eth1', macvlan_mode: 'bridge' },
          subnets: [
            {
              subnet: '172.80.0.0/16',
              range: '172.80.1.0/24',
              gateway: '172.80.0.1',
              aux: { 'orrery-shim': '172.80.1.254' },
            },
          ],
        },
      },
      { do: 'make-shim', link: 'shim-vlan40', lower: 'eth1', driver: 'macvlan', alias: 'orrery vlan40' },
      { do: 'ask-for-address', link: 'eth1', address: '172.80.1.254' },
      { do: 'add-address', link: 'shim-vlan40', address: '172.80.1.254/32' },
      { do: 'raise-link', link: 'shim-vlan40' },
      { do: 'set-route', link: 'shim-vlan40', destination: '172.80.1.0/24', source: '172.80.1.254' },
    ])
  })

  it('gets a VLAN link of its own first where the parent is one that does not exist', () => {
    const planned = plan(wantedNetwork({ parent: 'eth1.40' }), observation())
    expect(planned.steps.slice(0, 3)).toEqual([
      { do: 'make-vlan', link: 'eth1.40', lower: 'eth1', id: 40, alias: 'orrery vlan40' },
      { do: 'raise-link', link: 'eth1.40' },
      { do: 'set-promiscuous', link: 'eth1.40', isOn: true },
    ])
    expect(planned.parent).toBe('eth1.40')
  })

  it('gets no promiscuous parent for ipvlan, which has one MAC address', () => {
    const { steps } = plan(wantedNetwork({ driver: 'ipvlan' }), observation())
    expect(doings({ steps })).not.toContain('set-promiscuous')
    expect(steps).toContainEqual(expect.objectContaining({ do: 'make-shim', driver: 'ipvlan' }))
    const [creation] = steps.flatMap((step) => (step.do === 'create-network' ? [step.network] : []))
    expect(creation?.options).toEqual({ parent: 'eth1', ipvlan_mode: 'l2' })
  })

  it('gets both families on one shim, IPv4 to the end first: what the kernel refuses of IPv6 keeps it from nothing', () => {
    const { steps } = plan(wantedNetwork({ ipv6: six }), observation())
    expect(steps.filter((step) => step.do === 'add-address' || step.do === 'set-route')).toEqual([
      { do: 'add-address', link: 'shim-vlan40', address: '172.80.1.254/32' },
      { do: 'set-route', link: 'shim-vlan40', destination: '172.80.1.0/24', source: '172.80.1.254' },
      { do: 'add-address', link: 'shim-vlan40', address: 'fd00:40:0:1::fe/128' },
      { do: 'set-route', link: 'shim-vlan40', destination: 'fd00:40:0:1::/64', source: 'fd00:40:0:1::fe' },
    ])
  })

  it('gets no shim where none is wanted', () => {
    const { shim: _, ...ipv4 } = wantedNetwork().ipv4
    expect(doings(plan(wantedNetwork({ ipv4 }), observation()))).toEqual(['set-promiscuous', 'create-network'])
  })

  it('finds the link that is in the subnet, shims of others aside', () => {
    const handMade = link('macvlan0', { kind: 'macvlan', lower: 'eth1', addresses: [address('172.80.9.9/32')] })
    const before = observation()
    const planned = plan(wantedNetwork({ parent: 'auto' }), { ...before, links: [...before.links, handMade] })
    expect(planned).toMatchObject({ parent: 'eth1', faults: [] })
  })
})

describe('a node that is as wanted', () => {
  it.each<{ name: string; wanted: WantedNetwork }>([
    { name: 'on a link', wanted: wantedNetwork() },
    { name: 'on a VLAN of ours', wanted: wantedNetwork({ parent: 'eth1.40' }) },
    { name: 'by ipvlan', wanted: wantedNetwork({ driver: 'ipvlan' }) },
    { name: 'with IPv6', wanted: wantedNetwork({ ipv6: six }) },
    { name: 'on the link in the subnet', wanted: wantedNetwork({ parent: 'auto' }) },
  ])('needs nothing: $name', ({ wanted }) => {
    expect(plan(wanted, made(wanted))).toMatchObject({ steps: [], faults: [] })
  })

  it('needs nothing when the engine spells its network in another way', () => {
    const before = made(wantedNetwork({ ipv6: six }))
    const networks = before.networks.map((one) => ({
      ...one,
      options: { parent: 'eth1' },
      subnets: [
        {
          subnet: 'FD00:40:0::/48',
          range: 'fd00:40:0:1:0::/64',
          gateway: 'fd00:40:0::1',
          aux: { x: 'fd00:40:0:1::FE' },
        },
        {
          subnet: '172.80.0.0/16',
          range: '172.80.1.3/24',
          gateway: '172.80.0.1',
          aux: { DefaultShim: '172.80.1.254' },
        },
      ],
    }))
    expect(plan(wantedNetwork({ ipv6: six }), { ...before, networks })).toMatchObject({ steps: [], faults: [] })
  })

  const broken: { name: string; spoil: (before: NodeObservation) => NodeObservation; mends: NodeStep['do'][] }[] = [
    {
      name: 'the config-only network',
      spoil: (before) => ({ ...before, networks: [] }),
      mends: ['create-network'],
    },
    {
      name: 'the shim',
      spoil: (before) => without(before, 'shim-vlan40'),
      mends: ['make-shim', 'ask-for-address', 'add-address', 'raise-link', 'set-route'],
    },
    {
      name: 'its address',
      spoil: (before) => taken(before, { do: 'remove-address', link: 'shim-vlan40', address: '172.80.1.254/32' }),
      mends: ['ask-for-address', 'add-address'],
    },
    {
      name: 'its route',
      spoil: (before) => taken(before, { do: 'remove-route', link: 'shim-vlan40', destination: '172.80.1.0/24' }),
      mends: ['set-route'],
    },
    {
      name: 'an MTU that is not its parent’s',
      spoil: (before) => ({
        ...before,
        links: before.links.map((one) => ({ ...one, mtu: one.name === 'shim-vlan40' ? 1500 : 9000 })),
      }),
      mends: ['set-mtu'],
    },
    {
      name: 'a probe that an agent left behind',
      spoil: (before) => ({
        ...before,
        networks: [
          ...before.networks,
          network('orrery-probe-vlan40', { scope: 'local', configOnly: false, configFrom: 'vlan40_config' }),
        ],
      }),
      mends: ['remove-network'],
    },
    {
      name: 'promiscuity',
      spoil: (before) => taken(before, { do: 'set-promiscuous', link: 'eth1', isOn: false }),
      mends: ['set-promiscuous'],
    },
    {
      name: 'the shim, which is down',
      spoil: (before) => ({
        ...before,
        links: before.links.map((one) => (one.name === 'shim-vlan40' ? { ...one, isUp: false } : one)),
      }),
      mends: ['raise-link', 'set-route'],
    },
    {
      name: 'an address that the shim had once',
      spoil: (before) => taken(before, { do: 'add-address', link: 'shim-vlan40', address: '172.80.2.254/32' }),
      mends: ['remove-address'],
    },
    {
      name: 'the source of its route',
      spoil: (before) => ({
        ...before,
        routes: before.routes.map((one) => (one.link === 'shim-vlan40' ? { ...one, source: '10.0.0.5' } : one)),
      }),
      mends: ['set-route'],
    },
    {
      name: 'what an agent that was killed left half made',
      spoil: (before) => ({ ...before, links: [...before.links, link(HALF_MADE, { kind: 'macvlan', lower: 'eth1' })] }),
      mends: ['remove-link'],
    },
  ]
  it.each(broken)('is mended, and nothing else is touched: $name', ({ spoil, mends }) => {
    const spoilt = spoil(made())
    expect(doings(plan(wantedNetwork(), spoilt))).toEqual(mends)
    expect(plan(wantedNetwork(), kept([wantedNetwork()], spoilt))).toMatchObject({ steps: [], faults: [] })
  })

  it('keeps what is right while something new stands in the way', () => {
    const rival = network('other', {
      driver: 'macvlan',
      configOnly: false,
      subnets: [{ subnet: '172.80.0.0/24', aux: {} }],
    })
    const before = without(made(), 'shim-vlan40')
    const planned = plan(wantedNetwork(), { ...before, networks: [...before.networks, rival] })
    expect(doings(planned)).toContain('make-shim')
    expect(planned.faults).toEqual([expect.objectContaining({ code: 'subnet-taken' })])
  })

  it('stays on the link it is on when another gets an address in the subnet, and says so when that has none any more', () => {
    const wanted = wantedNetwork({ parent: 'auto' })
    const before = made(wanted)
    const second = link('eth2', { addresses: [address('172.80.0.12/16')] })
    expect(plan(wanted, { ...before, links: [...before.links, second] })).toMatchObject({ steps: [], faults: [] })
    const bare = {
      ...before,
      links: before.links.map((one) => (one.name === 'eth1' ? { ...one, addresses: [] } : one)),
    }
    const planned = plan(wanted, { ...bare, routes: before.routes.filter((one) => one.link !== 'eth1') })
    expect(planned).toMatchObject({ parent: 'eth1', steps: [], faults: [{ code: 'parent-not-found' }] })
  })
})
