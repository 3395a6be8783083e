import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WantedNetwork } from '../../../src/agent/wanted.ts'
import type { HostLink, NodeObservation, NodeStep } from '../../../src/bootstrap/host.ts'
import { HALF_MADE, shimName } from '../../../src/bootstrap/link-names.ts'
import { planNode } from '../../../src/bootstrap/node-plan.ts'
import { address, link, network, observation, taken } from '../../support/modelled-host.ts'

const wantedNetwork = (over: Partial<WantedNetwork> = {}): WantedNetwork => ({
  name: 'vlan40',
  configName: 'vlan40_config',
  presence: 'present',
  driver: 'macvlan',
  parent: 'eth1',
  ipv4: {
    subnet: '172.80.0.0/16',
    gateway: '172.80.0.1',
    range: '172.80.1.0/24',
    aux: { 'orrery-shim': '172.80.1.254' },
    shim: '172.80.1.254',
  },
  isAdopted: false,
  mayRecreate: false,
  ...over,
})

const six = {
  subnet: 'fd00:40::/48',
  gateway: 'fd00:40::1',
  range: 'fd00:40:0:1::/64',
  aux: { 'orrery-shim': 'fd00:40:0:1::fe' },
  shim: 'fd00:40:0:1::fe',
}

const plan = (wanted: WantedNetwork, observed: NodeObservation) => planNode(wanted, observed, [wanted])
const doings = ({ steps }: { steps: readonly NodeStep[] }) => steps.map((step) => step.do)

/** Plans and takes steps until nothing is left, as the agent does. */
function kept(all: readonly WantedNetwork[], before: NodeObservation): NodeObservation {
  let observed = before
  for (let round = 0; round < 3; round += 1) {
    for (const wanted of all) for (const step of planNode(wanted, observed, all).steps) observed = taken(observed, step)
  }
  return observed
}

const made = (wanted = wantedNetwork(), before = observation()): NodeObservation => kept([wanted], before)
/** As if `name` was made from `configFrom`, and a container is on it. */
const withContainer = (before: NodeObservation, name = 'vlan40'): NodeObservation => ({
  ...before,
  networks: [
    ...before.networks,
    network(name, { driver: 'macvlan', scope: 'swarm', configOnly: false, configFrom: `${name}_config` }),
  ],
  containers: [{ addresses: [{ network: name, address: '172.80.1.1' }] }],
})
const without = (before: NodeObservation, linkName: string) => taken(before, { do: 'remove-link', link: linkName })

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

  it('gets both families on one shim', () => {
    const { steps } = plan(wantedNetwork({ ipv6: six }), observation())
    expect(steps.filter((step) => step.do === 'add-address' || step.do === 'set-route')).toEqual([
      { do: 'add-address', link: 'shim-vlan40', address: '172.80.1.254/32' },
      { do: 'add-address', link: 'shim-vlan40', address: 'fd00:40:0:1::fe/128' },
      { do: 'set-route', link: 'shim-vlan40', destination: '172.80.1.0/24', source: '172.80.1.254' },
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
      mends: ['make-shim', 'add-address', 'raise-link', 'set-route'],
    },
    {
      name: 'its address',
      spoil: (before) => taken(before, { do: 'remove-address', link: 'shim-vlan40', address: '172.80.1.254/32' }),
      mends: ['add-address'],
    },
    {
      name: 'its route',
      spoil: (before) => taken(before, { do: 'remove-route', link: 'shim-vlan40', destination: '172.80.1.0/24' }),
      mends: ['set-route'],
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

describe('a node that can not have it', () => {
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
      name: 'the name is taken by a network that is no config-only one',
      observed: holding({ configOnly: false, driver: 'bridge' }),
      code: 'network-foreign',
      says: ['no config-only one'],
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
      { code: 'route-taken', message: expect.stringContaining('172.80.0.0/16 already by eth1') },
    ])
    expect(doings(planned)).not.toContain('set-route')
  })

  it('leaves the networks of an overlay alone, whatever their subnets', () => {
    const overlay = network('ov', {
      driver: 'overlay',
      scope: 'swarm',
      configOnly: false,
      subnets: [{ subnet: '172.80.0.0/16', aux: {} }],
    })
    expect(plan(wantedNetwork(), observation({ networks: [overlay] })).faults).toEqual([])
  })
})

describe('a config-only network of ours that is to be another', () => {
  const moved = () => {
    const { ipv4 } = wantedNetwork()
    return wantedNetwork({
      mayRecreate: true,
      ipv4: { ...ipv4, range: '172.80.2.0/24', aux: { 'orrery-shim': '172.80.2.254' }, shim: '172.80.2.254' },
    })
  }

  it('is made anew where the node is drained for that, and the shim follows', () => {
    expect(doings(plan(moved(), made()))).toEqual([
      'remove-network',
      'create-network',
      'remove-address',
      'add-address',
      'remove-route',
      'set-route',
    ])
    const end = kept([moved()], made())
    expect(plan(moved(), end)).toMatchObject({ steps: [], faults: [] })
  })

  it('waits while a container is attached', () => {
    expect(plan(moved(), withContainer(made()))).toMatchObject({ steps: [], faults: [{ code: 'in-use' }], attached: 1 })
  })

  it('is left alone without leave', () => {
    expect(plan({ ...moved(), mayRecreate: false }, made())).toMatchObject({
      steps: [],
      faults: [{ code: 'network-different' }],
    })
  })

  it('goes to another parent with its shim, and the old parent is as it was', () => {
    const elsewhere = wantedNetwork({ mayRecreate: true, parent: 'eth0' })
    const end = kept([elsewhere], made())
    expect(plan(elsewhere, end)).toMatchObject({ steps: [], faults: [] })
    expect(end.links.find(({ name }) => name === 'shim-vlan40')?.lower).toBe('eth0')
    expect(end.links.find(({ name }) => name === 'eth1')?.isPromiscuous).toBe(false)
  })

  it('is ours without a label when the record says that it was adopted', () => {
    const { networks } = made()
    const unlabelled = observation({ networks: networks.map((one) => ({ ...one, labels: {} })) })
    expect(plan(wantedNetwork({ isAdopted: true }), unlabelled).faults).toEqual([])
    expect(plan(wantedNetwork(), unlabelled).faults).toEqual([expect.objectContaining({ code: 'network-foreign' })])
  })
})

describe('a network that is to go', () => {
  const absent = (over: Partial<WantedNetwork> = {}) => wantedNetwork({ presence: 'absent', ...over })

  it('goes with everything that was made for it', () => {
    for (const parent of ['eth1', 'eth1.40']) {
      expect(kept([absent({ parent })], made(wantedNetwork({ parent })))).toEqual(
        observation({ promiscuousByUs: expect.any(Set) }),
      )
    }
  })

  it('stays while a container is attached', () => {
    const planned = plan(absent(), withContainer(made()))
    expect(planned).toMatchObject({ steps: [], faults: [{ code: 'in-use' }], attached: 1 })
  })

  it('leaves a parent promiscuous that was so before', () => {
    const before = observation()
    const promiscuous = {
      ...before,
      links: before.links.map((one) => ({ ...one, isPromiscuous: one.name === 'eth1' })),
    }
    expect(kept([absent()], made(wantedNetwork(), promiscuous))).toEqual(promiscuous)
  })

  it('leaves what another network still needs', () => {
    const second = wantedNetwork({
      name: 'vlan40b',
      configName: 'vlan40b_config',
      parent: 'eth1.40',
      ipv4: { subnet: '10.9.0.0/16', range: '10.9.1.0/24', aux: {} },
    })
    const first = wantedNetwork({ parent: 'eth1.40' })
    const both = kept([first, second], observation())
    const end = kept([absent({ parent: 'eth1.40' }), second], both)
    expect(end.links.find(({ name }) => name === 'eth1.40')).toMatchObject({ isPromiscuous: true })
    const forgotten = kept([absent({ parent: 'eth1.40' })], both)
    expect(forgotten.links.map(({ name }) => name)).toContain('eth1.40')
  })

  it('leaves links alone while containers are on a network whose link nobody can tell', () => {
    const both = made(wantedNetwork({ parent: 'eth1.40' }))
    const orphans = network('orphans', { driver: 'macvlan', scope: 'swarm', configOnly: false, configFrom: 'gone' })
    const containers = [{ addresses: [{ network: 'orphans', address: '10.9.1.1' }] }]
    const end = kept([absent({ parent: 'eth1.40' })], { ...both, networks: [...both.networks, orphans], containers })
    expect(end.networks).toEqual([orphans])
    expect(end.links.map(({ name }) => name)).toContain('eth1.40')
  })

  it('leaves what somebody else made under its names', () => {
    const foreign = observation({
      links: [
        ...observation().links,
        link('shim-vlan40', { kind: 'macvlan', lower: 'eth1' }),
        link('eth1.40', { kind: 'vlan', lower: 'eth1' }),
      ],
      networks: [network('vlan40_config', { options: { parent: 'eth1.40' } })],
    })
    expect(plan(absent({ parent: 'eth1.40' }), foreign)).toMatchObject({ steps: [], faults: [] })
  })
})

describe('names of shims', () => {
  it('are readable where they fit, and never longer than the kernel allows', () => {
    expect(shimName('vlan40')).toBe('shim-vlan40')
    expect(shimName('a-very-long-name-of-a-network')).toMatch(/^shim-a-ve~[0-9a-z]{5}$/)
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,40}$/), (name) => {
        expect(shimName(name).length).toBeLessThanOrEqual(15)
        expect(shimName(name)).toBe(shimName(name))
      }),
    )
  })

  it('tell networks apart that begin alike', () => {
    const names = Array.from({ length: 2000 }, (_, index) => shimName(`production-network-${index}`))
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('whatever is on a node', () => {
  const range = fc.constantFrom('172.80.1.0/24', '172.80.2.0/24')
  const wanted = fc
    .record({
      presence: fc.constantFrom('present' as const, 'absent' as const),
      driver: fc.constantFrom('macvlan' as const, 'ipvlan' as const),
      parent: fc.constantFrom('eth1', 'auto', 'eth1.40', 'eth0', 'eth9', 'enp0s31f6d1.4001'),
      range,
      hasShim: fc.boolean(),
      hasSix: fc.boolean(),
      isAdopted: fc.boolean(),
      mayRecreate: fc.boolean(),
    })
    .map(({ range: share, hasShim, hasSix, ...rest }): WantedNetwork => {
      const shim = share.replace('.0/24', '.254')
      const ipv4 = {
        subnet: '172.80.0.0/16',
        gateway: '172.80.0.1',
        range: share,
        aux: { s: shim },
        ...(hasShim && { shim }),
      }
      return wantedNetwork({ ...rest, ipv4, ...(hasSix && { ipv6: six }) })
    })
  const other = fc.option(
    wanted.map((one): WantedNetwork => {
      const ipv4 = { subnet: '10.9.0.0/16', range: '10.9.1.0/24', aux: {} }
      return wantedNetwork({
        presence: one.presence,
        driver: one.driver,
        parent: one.parent,
        name: 'second',
        configName: 'second_config',
        ipv4,
      })
    }),
    { nil: undefined },
  )

  const alias = fc.constantFrom('', 'orrery vlan40', 'orrery second', 'of somebody')
  const links = fc
    .record({
      eth1: fc.record({
        isUp: fc.boolean(),
        isPromiscuous: fc.boolean(),
        inSubnet: fc.boolean(),
        isPort: fc.boolean(),
      }),
      vlan: fc.option(fc.record({ alias, isUp: fc.boolean() })),
      shim: fc.option(
        fc.record({
          alias,
          isUp: fc.boolean(),
          kind: fc.constantFrom('macvlan', 'ipvlan', 'bridge'),
          lower: fc.constantFrom('eth0', 'eth1'),
          addresses: fc.subarray(['172.80.1.254/32', '172.80.2.254/32', '10.1.1.1/24']),
        }),
      ),
      isHalfMade: fc.boolean(),
    })
    .map(({ eth1, vlan, shim, isHalfMade }): HostLink[] => [
      link('eth0', { addresses: [address('10.0.0.5/24')] }),
      link('eth1', {
        isUp: eth1.isUp,
        isPromiscuous: eth1.isPromiscuous,
        addresses: eth1.inSubnet ? [address('172.80.0.11/16')] : [],
        ...(eth1.isPort && { master: { name: 'br0', kind: 'bridge' } }),
      }),
      ...(vlan === null
        ? []
        : [link('eth1.40', { ...vlan, isUp: vlan.isUp && eth1.isUp, kind: 'vlan', lower: 'eth1' })]),
      ...(shim === null
        ? []
        : [
            link('shim-vlan40', {
              ...shim,
              isUp: shim.isUp && (shim.lower === 'eth0' || eth1.isUp),
              mode: 'bridge',
              addresses: shim.addresses.map(address),
            }),
          ]),
      ...(isHalfMade ? [link(HALF_MADE, { kind: 'macvlan', lower: 'eth1', isUp: false })] : []),
    ])
  const networks = fc
    .record({
      config: fc.option(
        fc.record({
          owner: fc.constantFrom('vlan40', 'second', undefined),
          range,
          parent: fc.constantFrom('eth0', 'eth1', 'eth1.40'),
          configOnly: fc.boolean(),
        }),
      ),
      rival: fc.boolean(),
      isAttached: fc.boolean(),
    })
    .map(({ config, rival, isAttached }) => ({
      networks: [
        ...(config === null
          ? []
          : [
              network('vlan40_config', {
                configOnly: config.configOnly,
                driver: config.configOnly ? 'null' : 'bridge',
                labels: config.owner === undefined ? {} : { 'orrery.network': config.owner },
                options: { parent: config.parent },
                subnets: [
                  {
                    subnet: '172.80.0.0/16',
                    range: config.range,
                    gateway: '172.80.0.1',
                    aux: { s: config.range.replace('.0/24', '.254') },
                  },
                ],
              }),
            ]),
        ...(rival
          ? [
              network('rival', {
                driver: 'macvlan',
                configOnly: false,
                subnets: [{ subnet: '172.80.0.0/24', aux: {} }],
                options: { parent: 'eth1' },
              }),
            ]
          : []),
        network('vlan40', { driver: 'macvlan', scope: 'swarm', configOnly: false, configFrom: 'vlan40_config' }),
      ],
      containers: isAttached ? [{ addresses: [{ network: 'vlan40', address: '172.80.1.1' }] }] : [],
    }))
  const nodes = fc.tuple(links, networks, fc.subarray(['eth0', 'eth1', 'eth1.40'])).map(
    ([found, engine, promiscuous]): NodeObservation => ({
      links: found,
      routes: found.flatMap((one) =>
        one.name === 'eth1' && one.isUp && one.addresses.length > 0
          ? [{ destination: '172.80.0.0/16', link: 'eth1', source: '172.80.0.11', protocol: 'kernel' }]
          : [],
      ),
      ...engine,
      promiscuousByUs: new Set(promiscuous),
    }),
  )
  const everything = fc
    .tuple(wanted, other, nodes)
    .map(([one, second, node]) => ({ all: second === undefined ? [one] : [one, second], node }))

  it('every step can be taken, and then none is left', () => {
    fc.assert(
      fc.property(everything, ({ all, node }) => {
        const end = kept(all, node)
        for (const one of all) expect(planNode(one, end, all).steps).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  it('nothing that is not ours is changed, but for the promiscuity of a parent', () => {
    const isForeign = (one: HostLink) => !one.alias.startsWith('orrery ') && one.name !== HALF_MADE
    const calm = (one: HostLink) => ({ ...one, isPromiscuous: false })
    fc.assert(
      fc.property(everything, ({ all, node }) => {
        const end = kept(all, node)
        expect(end.links.filter(isForeign).map(calm)).toEqual(node.links.filter(isForeign).map(calm))
        const ours = new Set(all.map(({ name }) => name))
        const adopted = all.filter(({ isAdopted }) => isAdopted).map(({ configName }) => configName)
        const foreign = node.networks.filter(
          ({ name, labels, configOnly }) =>
            !configOnly || !(ours.has(labels['orrery.network'] ?? '') || adopted.includes(name)),
        )
        expect(end.networks).toEqual(expect.arrayContaining(foreign))
        expect(end.routes).toEqual(expect.arrayContaining([...node.routes]))
        expect(end.containers).toEqual(node.containers)
      }),
      { numRuns: 2000 },
    )
  })

  it('nothing that a container is attached to is taken from under it', () => {
    fc.assert(
      fc.property(everything, ({ all, node }) => {
        fc.pre(node.containers.length > 0)
        const end = kept(all, node)
        const config = (state: NodeObservation) => state.networks.find(({ name }) => name === 'vlan40_config')
        const before = config(node)
        if (before !== undefined) expect(config(end)).toEqual(before)
        const parent = before?.options.parent
        if (parent !== undefined && before?.configOnly && node.links.some(({ name }) => name === parent)) {
          expect(end.links.map(({ name }) => name)).toContain(parent)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
