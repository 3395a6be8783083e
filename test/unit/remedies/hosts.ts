/** What an agent says of its host and its engine: done there, in the model of both. */
import { type LookDeps, lookAtNode } from '../../../src/agent/host/look-and-mend.ts'
import { withLostLinks } from '../../../src/agent/plan/build-report.ts'
import { HostFault, type HostLink, type NodeObservation } from '../../../src/agent/plan/host.ts'
import { Fault } from '../../../src/foundation/errors.ts'
import type { EngineNetwork } from '../../../src/swarm/networks.ts'
import type { WantedNetwork } from '../../../src/swarm/wanted.ts'
import { wantedNetwork } from '../../support/builders/networks.ts'
import { type ModelledNode, modelledNode } from '../agent/host/modelled-node.ts'
import { address, link, network, observation } from '../agent/modelled-host.ts'
import { type RemedyCase, remediesOf } from './remedy.ts'

interface OnHost {
  readonly wanted?: Partial<WantedNetwork>
  readonly node?: Partial<NodeObservation>
  readonly fails?: NonNullable<ModelledNode['stepError']>
  /** Tasks whose link went with its parent, by service. */
  readonly lost?: readonly string[]
}

const told = async ({ wanted = {}, node: over = {}, fails, lost = [] }: OnHost) => {
  const node = modelledNode(over)
  node.stepError = fails
  const { host, engine, memory } = node
  const deps: LookDeps = { host, engine, memory, onStep: () => {}, proven: new Map() }
  const nothing = { host: { links: [], routes: [] }, networks: [], containers: [], isEngineSeen: false, standings: [] }
  const { standings, fault } = await lookAtNode([wantedNetwork(wanted)], nothing, deps)
  const containers = lost.map((serviceName) => ({
    ...{ id: serviceName, name: `${serviceName}.1.x`, serviceName, taskName: `${serviceName}.1.x`, state: 'running' },
    ...{ isTask: true, addresses: [{ network: 'vlan40', address: '172.80.1.2' }] },
  }))
  const usage = new Map(lost.map((id) => [id, { hasLostLink: true as const }]))
  const faults = standings.flatMap((status) => withLostLinks(status, { containers, usage }).faults)
  return [...faults, ...(fault === undefined ? [] : [fault])].map(({ message }) => message)
}

const LINKS = observation().links
/** The host's links, with one of them in another way, or one more. */
const links = (...over: readonly HostLink[]): Partial<NodeObservation> => ({
  links: [...LINKS.filter(({ name }) => !over.some((one) => one.name === name)), ...over],
})
const eth1 = (over: Partial<HostLink> = {}) => link('eth1', { addresses: [address('172.80.0.11/16')], ...over })
const wrong = (
  name: Partial<WantedNetwork>,
  node: Partial<NodeObservation>,
  says: RegExp,
  ...mends: readonly ((...groups: readonly string[]) => OnHost)[]
): RemedyCase<OnHost> => ({ bad: { wanted: name, node }, says, mends })

const FOUR = wantedNetwork().ipv4
const parents = remediesOf<OnHost>('the parent', told, [
  wrong(
    { parent: 'auto' },
    links(eth1({ addresses: [] })),
    /No link has an address in \S+: give the link of that LAN one, or name it: node label orrery.parent.vlan40, or `parent`/,
    () => ({ wanted: { parent: 'auto' } }),
    () => ({ wanted: { parent: 'eth1' }, node: links(eth1({ addresses: [] })) }),
  ),
  wrong(
    { parent: 'auto' },
    links(link('eth2', { addresses: [address('172.80.0.12/16')] })),
    /Several links have an address in \S+ \((\w+), (\w+)\), so name it: node label/,
    (parent = '') => ({ wanted: { parent }, node: links(link('eth2', { addresses: [address('172.80.0.12/16')] })) }),
    (_, parent = '') => ({ wanted: { parent }, node: links(link('eth2', { addresses: [address('172.80.0.12/16')] })) }),
  ),
  wrong(
    {},
    links(eth1({ master: { name: 'br0', kind: 'bridge' } }), link('br0', { kind: 'bridge' })),
    /is a port of br0, .*: use (\w+) as parent/,
    (parent = '') => ({
      wanted: { parent },
      node: links(eth1({ master: { name: 'br0', kind: 'bridge' } }), link('br0', { kind: 'bridge' })),
    }),
  ),
  wrong({}, links(eth1({ isUp: false })), /is down: ip link set (\w+) up, and for the next boot/, (name = '') => ({
    node: links(link(name, { isUp: true })),
  })),
  wrong(
    { parent: 'eth1.40' },
    links(eth1({ isUp: false })),
    /The link eth1, on which eth1.40 is made, is down: ip link set (\w+) up/,
    (name = '') => ({ wanted: { parent: 'eth1.40' }, node: links(link(name, { isUp: true })) }),
  ),
  wrong({}, links(eth1({ hasCarrier: false })), /has no carrier: look at its cable or switch port/, () => ({})),
  wrong(
    { parent: 'a-name-far-too-long' },
    {},
    /the kernel allows (\d+): rename the link, or make the VLAN link by hand with a shorter name/,
    (most) => {
      const name = 'a-name-far-too-long'.slice(0, Number(most))
      return { wanted: { parent: name }, node: links(link(name)) }
    },
    () => ({ wanted: { parent: 'lan.40' }, node: links(link('lan.40', { kind: 'vlan', lower: 'eth1' })) }),
  ),
  wrong({ parent: 'eth1@if7' }, {}, /its name is (\w+): correct `parent`, or the node label/, (parent = '') => ({
    wanted: { parent },
  })),
  wrong(
    { parent: 'eth7' },
    {},
    /does not have the link eth7: it has \w+, (\w+), (\w+)\. Correct `parent`, or set the node label/,
    (_, parent = '') => ({ wanted: { parent } }),
  ),
  wrong({ parent: 'eth1.4095' }, {}, /There is no VLAN 4095: ids are (\d+) to (\d+)/, (_, id) => ({
    wanted: { parent: `eth1.${id}` },
  })),
  {
    bad: {
      wanted: { parent: 'eth1.40' },
      fails: { do: 'make-vlan', error: new HostFault('kind-unknown', 'Unknown device type.') },
    },
    says: /VLAN links need the module 8021q: modprobe 8021q/,
    // The kernel of the tests has no such module: that it makes the link then is its own word.
    mends: [() => ({ wanted: { parent: 'eth1.40' } })],
  },
  {
    bad: {
      wanted: { driver: 'ipvlan' },
      fails: { do: 'make-shim', error: new HostFault('kind-unknown', 'Unknown device type. (no module for it)') },
    },
    says: /no module for it/,
    mends: [() => ({ wanted: { driver: 'macvlan' } })],
  },
])

const by = (over: Partial<NodeObservation['routes'][number]>) => ({
  routes: [...observation().routes, { destination: '172.80.1.0/24', link: 'eth0', ...over }],
})
const shims = remediesOf<OnHost>('the shim', told, [
  wrong(
    {},
    links(link('shim-vlan40')),
    /a link of that name that is not ours: rename or remove that link/,
    () => ({
      node: links(link('shim-hand')),
    }),
    () => ({}),
  ),
  wrong(
    {},
    by({ destination: '172.80.1.128/25', gateways: ['10.0.0.1'] }),
    /The range 172.80.1.0\/24 holds the route to \S+ of this host.*: give this node another range/,
    () => ({
      wanted: {
        ipv4: { ...FOUR, range: '172.80.2.0/24', aux: { 'orrery-shim': '172.80.2.254' }, shim: '172.80.2.254' },
      },
      node: by({ destination: '172.80.1.128/25', gateways: ['10.0.0.1'] }),
    }),
  ),
  wrong(
    {},
    by({}),
    /This host routes 172.80.1.0\/24 already by eth0.*: remove that route, or give the nodes ranges smaller/,
    () => ({}),
    () => ({
      wanted: {
        ipv4: { ...FOUR, range: '172.80.2.0/24', aux: { 'orrery-shim': '172.80.2.254' }, shim: '172.80.2.254' },
      },
      node: by({}),
    }),
  ),
  wrong(
    {},
    links(eth1({ addresses: [address('172.80.0.11/16'), address('172.80.1.77/16')] })),
    /172.80.1.77 is an address of this host .* inside its own range .*: give the host another address .*, or give the node another range/,
    () => ({ node: links(eth1({ addresses: [address('172.80.0.11/16'), address('172.80.0.77/16')] })) }),
    () => ({
      wanted: {
        ipv4: { ...FOUR, range: '172.80.2.0/24', aux: { 'orrery-shim': '172.80.2.254' }, shim: '172.80.2.254' },
      },
      node: links(eth1({ addresses: [address('172.80.0.11/16'), address('172.80.1.77/16')] })),
    }),
  ),
])

const config = (over: Partial<EngineNetwork> = {}): EngineNetwork =>
  network('vlan40_config', {
    driver: 'null',
    options: { parent: 'eth1', macvlan_mode: 'bridge' },
    subnets: [{ subnet: '172.80.0.0/16', range: '172.80.1.0/24', gateway: '172.80.0.1', aux: { x: '172.80.1.254' } }],
    ...over,
  })
const real = (name: string, over: Partial<EngineNetwork> = {}): EngineNetwork =>
  network(name, { configOnly: false, driver: 'macvlan', scope: 'local', ...over })
const only = (...networks: readonly EngineNetwork[]): Partial<NodeObservation> => ({ networks })
const other = config({
  labels: { 'orrery.network': 'vlan40' },
  subnets: [{ subnet: '172.80.0.0/16', range: '172.80.9.0/24', aux: {} }],
})

const clash = (
  name: string,
  driver: string,
  says: RegExp,
  ...mends: readonly ((...groups: readonly string[]) => OnHost)[]
) => wrong({}, only(real(name, { driver, subnets: [{ subnet: '172.80.0.0/20', aux: {} }] })), says, ...mends)
const moved = (name: string, driver: string): OnHost => ({
  node: only(real(name, { driver, subnets: [{ subnet: '10.99.0.0/20', aux: {} }] })),
})
const elsewhere = {
  wanted: {
    ipv4: { subnet: '10.77.0.0/16', range: '10.77.1.0/24', aux: { 'orrery-shim': '10.77.1.254' }, shim: '10.77.1.254' },
  },
}
const renamed = { links: [link('eth0'), link('lan0', { addresses: [address('172.80.0.11/16')] })] }
const engines = remediesOf<OnHost>('the engine', told, [
  {
    // The link that `auto` had found has another name.
    bad: {
      wanted: { parent: 'auto' },
      node: { ...renamed, networks: [config({ labels: { 'orrery.network': 'vlan40' } })] },
    },
    says: /parent is eth1 and should be lan0\. It can only be recreated: `orrery network apply --allow-drain`/,
    mends: [
      () => ({
        wanted: { parent: 'auto', mayRecreate: true },
        node: { ...renamed, networks: [config({ labels: { 'orrery.network': 'vlan40' } })] },
      }),
    ],
  },
  wrong(
    {},
    only(other),
    /It can only be recreated: `orrery network apply --allow-drain` drains the node for that/,
    () => ({
      // What the controller wants of a node that it drains.
      wanted: { mayRecreate: true },
      node: only(other),
    }),
  ),
  wrong(
    { mayRecreate: true, isAdopted: true },
    only(config({ subnets: [{ subnet: '172.80.0.0/16', range: '172.80.9.0/24', aux: {} }] })),
    /never taken over by this agent, so it is not removed here: docker network rm (\w+)\./,
    () => ({ wanted: { mayRecreate: true, isAdopted: true } }),
  ),
  wrong(
    {},
    only(real('vlan40_config')),
    /that is not config-only: remove it, or give the definition another `config`/,
    () => ({}),
    () => ({ wanted: { configName: 'lan_config' }, node: only(real('vlan40_config')) }),
  ),
  wrong(
    {},
    only(config({ labels: { 'orrery.network': 'dmz' } })),
    /belongs to the network "dmz": give the definition another `config`/,
    () => ({ wanted: { configName: 'lan_config' }, node: only(config({ labels: { 'orrery.network': 'dmz' } })) }),
  ),
  wrong(
    {},
    only(config()),
    /made by somebody else: `orrery network adopt vlan40` takes it over .*; else remove it \(docker network rm (\w+)\), or give the definition another `config`/,
    () => ({ wanted: { isAdopted: true }, node: only(config()) }),
    () => ({}),
    () => ({ wanted: { configName: 'lan_config' }, node: only(config()) }),
  ),
  wrong(
    {},
    only(real('vlan40')),
    /so the swarm network of that name cannot be used here: docker network rm (\w+)\./,
    () => ({}),
  ),
  clash(
    'by-hand',
    'macvlan',
    /"by-hand" .* cannot have two networks of one subnet: docker network rm by-hand\./,
    () => ({}),
  ),
  clash('bridge', 'bridge', /"bridge" .* give it another one, by `bip` in \/etc\/docker\/daemon.json/, () =>
    moved('bridge', 'bridge'),
  ),
  clash(
    'docker_gwbridge',
    'bridge',
    /make it with another `--subnet`, or define another subnet/,
    () => moved('docker_gwbridge', 'bridge'),
    () => ({ ...elsewhere, ...moved('docker_gwbridge', 'bridge') }),
  ),
  clash(
    'ingress',
    'overlay',
    /docker network rm ingress; docker network create --driver overlay --ingress --subnet <another> ingress/,
    () => moved('ingress', 'overlay'),
  ),
  {
    bad: {
      node: only(real('by-hand', { options: { parent: 'eth1' } })),
      fails: { do: 'prove-network', error: new Fault('write-rejected', 'already using parent interface eth1') },
    },
    says: /In the way may be by-hand \(macvlan\): remove what is not needed \(docker network rm\), or define another subnet or parent/,
    mends: [
      () => ({}),
      () => ({ ...elsewhere, node: only(real('by-hand', { options: { parent: 'eth1' } })) }),
      () => ({ wanted: { parent: 'eth0' }, node: only(real('by-hand', { options: { parent: 'eth1' } })) }),
    ],
  },
  {
    bad: { fails: { do: 'prove-network', error: new Fault('write-rejected', 'no') } },
    says: /Look at the networks of this engine \(docker network ls\) for what is in the way, or define/,
    mends: [() => ({})],
  },
  {
    bad: { lost: ['web', 'db'] },
    says: /lost the link to the LAN: .* New tasks have one: docker service update --force (\w+); docker service update --force (\w+)/,
    // Both of those that it names.
    mends: [(...services) => ({ lost: ['web', 'db'].filter((one) => !services.includes(one)) })],
  },
])

export const hostRemedies = [...parents, ...shims, ...engines]
