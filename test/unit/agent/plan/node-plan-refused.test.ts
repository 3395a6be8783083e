import { describe, expect, it } from 'vitest'
import type { HostLink, NodeObservation } from '../../../../src/agent/plan/host.ts'
import type { WantedNetwork } from '../../../../src/swarm/wanted.ts'
import { wantedNetwork } from '../../../support/builders/networks.ts'
import { address, link, network, observation } from '../modelled-host.ts'
import { doings, plan } from './plan-fixture.ts'

describe('a node that cannot have it', () => {
  const eth1 = (over: Partial<HostLink>) => {
    const before = observation()
    return { ...before, links: before.links.map((one) => (one.name === 'eth1' ? { ...one, ...over } : one)) }
  }
  const holding = (over: Parameters<typeof network>[1]) => observation({ networks: [network('vlan40_config', over)] })
  const subnets = [{ subnet: '172.80.0.0/16', range: '172.80.2.0/24', gateway: '172.80.0.1', aux: {} }]

  const refusals: {
    name: string
    wanted?: Partial<WantedNetwork>
    observed: NodeObservation
    code: string
    says: readonly string[]
  }[] = [
    {
      name: 'there is no such parent',
      wanted: { parent: 'eth7' },
      observed: observation(),
      code: 'parent-missing',
      says: ['eth7', 'eth0, eth1', 'orrery.parent.vlan40'],
    },
    {
      name: 'there is not even the link for the VLAN',
      wanted: { parent: 'bond0.40' },
      observed: observation(),
      code: 'parent-missing',
      says: ['bond0.40', 'bond0'],
    },
    {
      name: 'the parent is down',
      observed: eth1({ isUp: false }),
      code: 'parent-down',
      says: ['ip link set eth1 up'],
    },
    {
      name: 'the link for the VLAN is down',
      wanted: { parent: 'eth1.40' },
      observed: eth1({ isUp: false }),
      code: 'parent-down',
      says: ['eth1.40', 'ip link set eth1 up'],
    },
    {
      name: 'the parent has no carrier',
      observed: eth1({ hasCarrier: false }),
      code: 'parent-no-carrier',
      says: ['cable'],
    },
    {
      name: 'the parent is a port of a bond',
      observed: eth1({ master: { name: 'bond0', kind: 'bond' } }),
      code: 'parent-enslaved',
      says: ['use bond0 as parent'],
    },
    {
      name: 'the name of the VLAN link is too long',
      wanted: { parent: 'enp0s31f6d1.4001' },
      observed: observation(),
      code: 'parent-name-too-long',
      says: ['16 characters', '15'],
    },
    {
      name: 'there is no such VLAN',
      wanted: { parent: 'eth1.4095' },
      observed: observation(),
      code: 'vlan-impossible',
      says: ['4095', '1 to 4094'],
    },
    {
      name: 'no link is in the subnet',
      wanted: { parent: 'auto' },
      observed: eth1({ addresses: [] }),
      code: 'parent-not-found',
      says: ['172.80.0.0/16', 'orrery.parent.vlan40'],
    },
    {
      name: 'several links are in the subnet',
      wanted: { parent: 'auto' },
      observed: observation({
        links: [
          link('eth1', { addresses: [address('172.80.0.11/16')] }),
          link('eth2', { addresses: [address('172.80.0.12/16')] }),
        ],
      }),
      code: 'parent-ambiguous',
      says: ['eth1, eth2'],
    },
    {
      name: 'somebody made a config-only network of that name',
      observed: holding({ options: { parent: 'eth1' }, subnets }),
      code: 'network-foreign',
      says: ['orrery network adopt vlan40', 'docker network rm vlan40_config'],
    },
    {
      name: 'the config-only network is of another network of ours',
      observed: holding({ labels: { 'orrery.network': 'vlan41' } }),
      code: 'network-foreign',
      says: ['belongs to the network "vlan41"'],
    },
    {
      name: 'the name is taken by a network that is not config-only',
      observed: holding({ configOnly: false, driver: 'bridge' }),
      code: 'network-foreign',
      says: ['that is not config-only'],
    },
    {
      name: 'a local network has the name of the swarm network',
      observed: observation({ networks: [network('vlan40', { driver: 'bridge', configOnly: false })] }),
      code: 'network-foreign',
      says: ['docker network rm vlan40'],
    },
    {
      name: 'ours has another range and another parent',
      observed: holding({ labels: { 'orrery.network': 'vlan40' }, options: { parent: 'eth0' }, subnets }),
      code: 'network-different',
      says: [
        'parent is eth0 and should be eth1',
        'range is 172.80.2.0/24 and should be 172.80.1.0/24',
        'what is kept back is not set and should be 172.80.1.254',
        '--allow-drain',
      ],
    },
    {
      name: 'another network of the engine has the subnet',
      observed: observation({
        networks: [
          network('old', { driver: 'macvlan', configOnly: false, subnets: [{ subnet: '172.80.0.0/16', aux: {} }] }),
        ],
      }),
      code: 'subnet-taken',
      says: ['"old" (macvlan)', 'docker network rm old'],
    },
    {
      name: 'a swarm network that shows no subnet has it by its config-only network',
      observed: observation({
        networks: [
          network('old_config', { subnets: [{ subnet: '172.80.0.0/16', aux: {} }] }),
          network('old', { driver: 'macvlan', scope: 'swarm', configOnly: false, configFrom: 'old_config' }),
        ],
      }),
      code: 'subnet-taken',
      says: ['"old"'],
    },
  ]
  it.each(refusals)('because $name: nothing is touched', ({ wanted, observed, code, says }) => {
    const { steps, faults } = plan(wantedNetwork(wanted), observed)
    expect(steps).toEqual([])
    const fault = faults.find((one) => one.code === code)
    for (const words of says) expect(fault?.message).toContain(words)
  })

  it('has no second shim where somebody has a link of that name', () => {
    const before = observation()
    const planned = plan(wantedNetwork(), {
      ...before,
      links: [...before.links, link('shim-vlan40', { kind: 'macvlan', lower: 'eth1' })],
    })
    expect(planned.faults).toEqual([expect.objectContaining({ code: 'shim-name-taken' })])
    expect(doings(planned)).toEqual(['set-promiscuous', 'create-network'])
  })

  it('has no route to its range where another link has that already', () => {
    const { ipv4 } = wantedNetwork()
    const planned = plan(wantedNetwork({ ipv4: { ...ipv4, range: '172.80.0.0/16' } }), observation())
    expect(planned.faults).toEqual([
      { code: 'address-in-range', message: expect.stringContaining('172.80.0.11 is an address of this host (eth1)') },
      { code: 'route-taken', message: expect.stringContaining('172.80.0.0/16 already by eth1') },
    ])
    expect(doings(planned)).not.toContain('set-route')
  })

  it('is told of an overlay of its subnet, and of the engine’s own networks, with what can be done about each', () => {
    const overlay = network('ov', {
      driver: 'overlay',
      scope: 'swarm',
      configOnly: false,
      subnets: [{ subnet: '172.80.0.0/16', aux: {} }],
    })
    const told = (name: string, driver: string) => {
      const { faults } = plan(wantedNetwork(), observation({ networks: [{ ...overlay, name, driver }] }))
      expect(faults).toMatchObject([{ code: 'subnet-taken' }])
      return faults[0]?.message
    }
    expect(told('ov', 'overlay')).toContain('docker network rm ov')
    // This one the engine never lets go.
    expect(told('bridge', 'bridge')).toContain('`bip` in /etc/docker/daemon.json')
    expect(told('bridge', 'bridge')).not.toContain('network rm')
    expect(told('ingress', 'overlay')).toContain('docker network create --driver overlay --ingress')
  })
})
