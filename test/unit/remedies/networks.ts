/** What plans and commands of networks say: the commands are run on the modelled Swarm as they are worded. */
import type { NetworkDefinition } from '../../../src/bootstrap/definition/definition.ts'
import { openBootstrap } from '../../../src/bootstrap/reconcile/open-bootstrap.ts'
import type { ChangeResult } from '../../../src/bootstrap/reconcile/progress.ts'
import { messageOf } from '../../../src/foundation/errors.ts'
import type { EngineNetwork } from '../../../src/swarm/networks.ts'
import { configOnly, definition, family } from '../../support/builders/networks.ts'
import { asSet } from '../bootstrap/model/cluster.ts'
import { modelledBootstrap } from '../bootstrap/model/network-ports.ts'
import { type RemedyCase, remediesOf } from './remedy.ts'

type Pool = NetworkDefinition['ipv4']['pool']

function opened() {
  const model = modelledBootstrap([definition()])
  const { cluster, state, turn } = model
  const bootstrap = openBootstrap(model)
  /** What commands said. */
  const said: string[] = []
  const idOf = (hostname: string) => [...cluster.nodes.values()].find((node) => node.hostname === hostname)?.id ?? ''

  const command = async (work: Promise<ChangeResult>) => {
    const { outcome, reason, problems, left, done } = await model.whileOthersWork(work)
    const isFine = outcome === 'done' || outcome === 'unchanged'
    said.push(...(isFine ? done.filter((text) => text.includes('has no shim')) : [reason]))
    if (!isFine) said.push(...problems.map(({ message }) => message), ...(outcome === 'refused' ? [] : left))
  }
  const orrery = async (verb: string | undefined, network: string, range: string) => {
    if (verb === 'apply')
      return await command(bootstrap.apply({ mode: 'apply', allowDrain: network === '--allow-drain' }))
    if (verb === 'adopt') return await command(bootstrap.adopt({ network }))
    if (verb === 'remove') return await command(bootstrap.remove({ network }))
    if (verb === 'release') return await command(bootstrap.release({ network, range }))
    throw new Error(`no such command: ${verb}`)
  }
  const docker = (what: string, name: string) => {
    if (what === 'node') return cluster.leave(name)
    if (what === 'config') return void cluster.records.delete(name.replace('orrery-network-', ''))
    cluster.swarmNetworks.delete(name)
    for (const { hostname } of cluster.nodes.values()) {
      const machine = cluster.machineOf(hostname)
      machine.configs = machine.configs.filter((one) => one.name !== name)
    }
  }

  return {
    ...model,
    ...{ bootstrap, said, idOf },
    /** What stands between backquotes or parentheses in a message: a command of ours, or of Docker where it has to be. */
    async run(line = '') {
      said.length = 0
      const [program, what, verb, ...args] = line.split(' ')
      try {
        if (program === 'orrery' && what === 'network') await orrery(verb, args[0] ?? '', args[1] ?? '')
        else if (program === 'docker' && verb === 'rm') docker(what ?? '', args[0] ?? '')
        else throw new Error(`no such command: ${line}`)
      } catch (error) {
        said.push(messageOf(error))
      }
      turn()
    },
    define(...defined: readonly NetworkDefinition[]) {
      state.set = asSet(defined)
    },
    /** Nodes that are there, with agents that were heard. */
    join(...hostnames: readonly string[]) {
      for (const name of hostnames) cluster.join(name, name.startsWith('manager') ? 'manager' : 'worker')
      turn()
      turn()
    },
  }
}
type On = ReturnType<typeof opened>
interface Story {
  readonly do: (on: On) => Promise<void> | void
  /** Who asks; a controller that may do nothing by itself, unless it is said. */
  readonly mode?: 'keep' | 'apply'
  /** Whose `says` it is: plans and what commands said, or what of a node's line. */
  readonly rows?: true
}

const told = async ({ do: happens, mode = 'apply', rows }: Story) => {
  const on = opened()
  await happens(on)
  for (let turn = 0; turn < 3; turn += 1) on.turn()
  const { networks, problems } = on.cluster.plan(on.state.set, mode)
  return [
    ...on.said,
    ...[...problems, ...networks.flatMap((network) => network.problems)].map(({ message }) => message),
    ...(rows ? networks.flatMap(({ nodes }) => nodes.map(({ reason }) => reason)) : []),
  ]
}

type Mend = (on: On, ...groups: readonly string[]) => Promise<void> | void
/** Each mend goes on from what happened. */
const story = (happens: Story['do'], says: RegExp, ...mends: readonly Mend[]): RemedyCase<Story> =>
  as({}, happens, says, ...mends)
const as = (
  how: Omit<Story, 'do'>,
  happens: Story['do'],
  says: RegExp,
  ...mends: readonly Mend[]
): RemedyCase<Story> => ({
  bad: { ...how, do: happens },
  says,
  mends: mends.map((mend) => (...groups) => ({
    ...how,
    async do(on) {
      await happens(on)
      on.said.length = 0
      await mend(on, ...groups)
    },
  })),
})

const nth = (third: number): Pool => [{ first: '172.80.1.0', last: `172.80.${third}.255` }]
const pooled = (pool: Pool, over: Partial<NetworkDefinition['ipv4']> = {}) =>
  definition({ ipv4: family({ pool, ...over }) })
const pinned = (pins: Readonly<Record<string, string>>, over: Partial<NetworkDefinition['ipv4']> = {}) =>
  definition({ ipv4: family({ pins, ...over }) })
const pool2 = pooled(nth(2))
const active =
  (defined = definition(), ...hostnames: readonly string[]): Mend =>
  async (on) => {
    on.define(defined)
    on.join('manager1', 'worker1', ...hostnames)
    await on.run('orrery network apply')
  }
const apply: Mend = async (on) => await on.run('orrery network apply')
/** Where the pool ends when it is that many addresses larger. */
const larger = (addresses: string | undefined) => nth(2 + Number(addresses) / 256)

const ranges = remediesOf<Story>('ranges', told, [
  story(
    (on) => {
      on.define(pool2)
      on.join('manager1', 'worker1', 'worker2')
    },
    /Make `pool` larger by (\d+) addresses, or give new nodes less with `range: (\d+)`\./,
    async (on, addresses) => {
      on.define(pooled(larger(addresses)))
      await apply(on)
    },
    async (on, _, length) => {
      on.define(pooled(nth(2), { rangeLength: Number(length) }))
      await apply(on)
    },
  ),
  story(
    async (on) => {
      await active(pool2)(on)
      on.cluster.leave(on.idOf('worker1'))
      await on.run('orrery network apply')
      on.join('worker2')
    },
    /1 freed range waits for the 24 h to be over, .*; `(orrery network release \S+ \S+)` does not wait/,
    async (on, line) => {
      await on.run(line)
      await apply(on)
    },
    async (on) => {
      on.cluster.pass(25 * 3_600_000)
      await apply(on)
    },
  ),
  // A full pool with the dead twin of a machine that came in its place: another machine, under the same name.
  story(
    async (on) => {
      await active(pool2)(on)
      on.cluster.change(on.idOf('worker1'), { state: 'down' })
      on.cluster.join('worker1', 'worker', 'another')
      for (let turn = 0; turn < 3; turn += 1) on.turn()
    },
    /1 node has no range \(worker1\): .* Make `pool` larger by (\d+) addresses/,
    async (on, addresses) => {
      on.define(pooled(larger(addresses)))
      await apply(on)
    },
  ),
  story(
    (on) => {
      on.define(pooled([], { pins: { manager1: '172.80.1.0/24' } }))
      on.join('manager1', 'worker1')
    },
    /there is no `pool`, and only pinned nodes get one\. Write a `pool`, or pin them under `nodes`/,
    async (on) => {
      on.define(pooled(nth(9), { pins: { manager1: '172.80.1.0/24' } }))
      await apply(on)
    },
    async (on) => {
      on.define(pooled([], { pins: { manager1: '172.80.1.0/24', worker1: '172.80.2.0/24' } }))
      await apply(on)
    },
  ),
  // The same of a network that is active.
  story(
    async (on) => {
      await active(pooled([], { pins: { manager1: '172.80.1.0/24', worker1: '172.80.2.0/24' } }))(on)
      on.join('worker2')
    },
    /worker2.*: there is no `pool`, .*\. Write a `pool`, or pin them under `nodes`/,
    async (on) => {
      on.define(pooled(nth(9), { pins: { manager1: '172.80.1.0/24', worker1: '172.80.2.0/24' } }))
      await apply(on)
    },
    async (on) => {
      on.define(pooled([], { pins: { manager1: '172.80.1.0/24', worker1: '172.80.2.0/24', worker2: '172.80.3.0/24' } }))
      await apply(on)
    },
  ),
  story(
    async (on) => {
      await active(pool2)(on)
      on.join('worker2')
    },
    /1 node has no range \(worker2\): .* Make `pool` larger by (\d+) addresses/,
    async (on, addresses) => {
      on.define(pooled(larger(addresses)))
      await apply(on)
    },
  ),
  story(
    async (on) => {
      await active()(on)
      on.cluster.leave(on.idOf('worker1'))
      await on.run('orrery network apply')
      on.define(pinned({ worker2: '172.80.2.0/24' }))
      on.join('worker2')
    },
    /worker2 is pinned to .* was worker1's .*; wait, or run `(orrery network release \S+ \S+)`/,
    async (on) => {
      on.cluster.pass(25 * 3_600_000)
      await apply(on)
    },
    async (on, line) => {
      await on.run(line)
      await apply(on)
    },
  ),
  story(
    async (on) => {
      await active()(on)
      on.define(pinned({ worker2: '172.80.2.0/24' }))
      on.join('worker2')
    },
    /worker2 is pinned to .* worker1 .* has 172.80.2.0\/24; pin another range, or that node to another one first \(`(orrery network apply --allow-drain)`\)/,
    async (on) => {
      on.define(pinned({ worker2: '172.80.9.0/24' }))
      await apply(on)
    },
    async (on, line) => {
      on.define(pinned({ worker1: '172.80.7.0/24' }))
      await on.run(line)
      await on.run('orrery network release vlan40 172.80.2.0/24')
      on.define(pinned({ worker1: '172.80.7.0/24', worker2: '172.80.2.0/24' }))
      await on.run('orrery network apply --allow-drain')
    },
  ),
  story(
    (on) => {
      on.join('manager1', 'worker1')
      on.cluster.machineOf('worker1').addresses = ['172.80.5.5/16']
      on.define(pinned({ manager1: '172.80.5.0/24' }))
    },
    /manager1 is pinned to .*172.80.5.5.*; pin another range/,
    async (on) => {
      on.define(pinned({ manager1: '172.80.6.0/24' }))
      await apply(on)
    },
  ),
  story(
    (on) => {
      on.join('manager1', 'worker1')
      on.cluster.join('worker1', 'worker', 'another')
      for (let turn = 0; turn < 3; turn += 1) on.turn()
      on.define(pinned({ worker1: '172.80.5.0/24' }))
    },
    /for the host name worker1, which the nodes (\S+), \S+ have; pin by node id/,
    async (on, id = '') => {
      on.define(pinned({ [id]: '172.80.5.0/24' }))
      await apply(on)
    },
  ),
  as(
    { mode: 'keep', rows: true },
    async (on) => {
      await active()(on)
      on.join('worker2')
    },
    /^`(orrery network apply)` gives it a range/,
    async (on, line) => await on.run(line),
  ),
])

const dmz = (subnet: string) =>
  definition({
    ...{ name: 'dmz', configName: 'dmz_config' },
    ipv4: family({
      subnet: `${subnet}.0.0/16`,
      gateway: `${subnet}.0.1`,
      pool: [{ first: `${subnet}.220.0`, last: `${subnet}.240.255` }],
    }),
  })
const withTasks: Mend = async (on) => {
  await active()(on)
  on.cluster.addTasks('vlan40', 2)
  on.turn()
}

const changes = remediesOf<Story>('a definition', told, [
  as(
    { mode: 'keep' },
    async (on) => {
      await active()(on)
      on.define(pooled(nth(9)))
    },
    /The definition differs from the active one: .*`(orrery network apply)` takes it/,
    async (on, line) => await on.run(line),
  ),
  story(
    async (on) => {
      await active()(on)
      on.define(definition({ driver: 'ipvlan' }))
    },
    /that cannot change\. Correct the definition, or remove the network \(`(orrery network remove \S+)`\) and apply anew/,
    (on) => on.define(definition()),
    async (on, line) => {
      await on.run(line)
      await apply(on)
    },
  ),
  story(
    async (on) => {
      await withTasks(on)
      on.define(pinned({ worker1: '172.80.77.0/24' }))
      await apply(on)
    },
    /This takes a drain, one node at a time, of worker1 .*: `(orrery network apply --allow-drain)`/,
    async (on, line) => await on.run(line),
  ),
  story(
    async (on) => {
      on.join('manager1')
      await apply(on)
      on.cluster.addTasks('vlan40', 1)
      on.turn()
      on.define(pinned({ manager1: '172.80.77.0/24' }))
      await on.run('orrery network apply --allow-drain')
    },
    /could run nowhere else while it is drained: .* Scale their services to 0 first, or make another node ready/,
    async (on) => {
      on.cluster.tasks.length = 0
      await on.run('orrery network apply --allow-drain')
    },
    async (on) => {
      on.define(definition())
      on.join('worker1')
      await apply(on)
      on.define(pinned({ manager1: '172.80.77.0/24' }))
      await on.run('orrery network apply --allow-drain')
    },
  ),
  story(
    async (on) => {
      await active()(on)
      on.define(dmz('172.80'))
    },
    /which is active: an engine can have one network of a subnet\. Remove that one \(`(orrery network remove \S+)`\), or define another subnet/,
    async (on, line) => {
      await on.run(line)
      await apply(on)
    },
    async (on) => {
      on.define(definition(), dmz('172.90'))
      await apply(on)
    },
  ),
  as(
    { mode: 'keep' },
    async (on) => {
      await active()(on)
      on.define()
    },
    /no file defines it any more, so it is kept as it is: put the file back, or `(orrery network remove \S+)`/,
    (on) => on.define(definition()),
    async (on, line) => await on.run(line),
  ),
  // A host address in its own range: the plan knows, and moves the node.
  story(
    async (on) => {
      await active()(on)
      on.cluster.machineOf('worker1').addresses = ['172.80.2.77/16']
      for (let turn = 0; turn < 3; turn += 1) on.turn()
    },
    /This takes a drain, .* of worker1 \(.*172.80.2.77.*\): `(orrery network apply --allow-drain)`/,
    async (on, line) => await on.run(line),
    (on) => {
      on.cluster.machineOf('worker1').addresses = ['172.80.0.77/16']
    },
  ),
])

const engineOf = (over: Partial<EngineNetwork>): EngineNetwork =>
  configOnly('', {
    id: `id-${over.name}`,
    labels: {},
    options: {},
    subnets: [],
    configOnly: false,
    driver: 'macvlan',
    ...over,
  })
const onEngine =
  (hostname: string, ...found: readonly EngineNetwork[]): Mend =>
  (on) => {
    on.join('manager1', 'worker1')
    on.cluster.machineOf(hostname).configs.push(...found)
    on.turn()
  }
const held = (range: string, aux: Readonly<Record<string, string>>) => ({
  subnets: [{ subnet: '172.80.0.0/16', range, gateway: '172.80.0.1', aux }],
})
/** What the host's shim takes is held back. */
const handMade = (range: string, over: Partial<EngineNetwork> = {}) =>
  configOnly(range, {
    ...{ labels: {}, options: { parent: 'bond0.40' } },
    ...held(range, { host: range.replace('.0/24', '.9') }),
    ...over,
  })
const swarmWide =
  (over: Partial<EngineNetwork> = {}): Mend =>
  (on) => {
    on.join('manager1', 'worker1')
    on.cluster.swarmNetworks.set(
      'vlan40',
      engineOf({ name: 'vlan40', scope: 'swarm', configFrom: 'vlan40_config', ...over }),
    )
  }
const byHand: Mend = (on) => {
  swarmWide()(on)
  on.cluster.machineOf('manager1').configs.push(handMade('172.80.7.0/24'))
  on.cluster.machineOf('worker1').configs.push(handMade('172.80.8.0/24'))
  on.turn()
}
const renamed = definition({ name: 'lan', configName: 'lan_config' })
const applyAs =
  (defined: NetworkDefinition): Mend =>
  async (on) => {
    on.define(defined)
    on.turn()
    await apply(on)
  }
const rm: Mend = async (on, line) => {
  await on.run(line)
  on.turn()
  await apply(on)
}

const others = remediesOf<Story>('networks of others', told, [
  story(
    onEngine('worker1', handMade('172.80.7.0/24')),
    /was made by hand and is as defined: `(orrery network adopt \S+)` takes it over/,
    async (on, line) => {
      await on.run(line)
      // What the command says of the others.
      await apply(on)
    },
  ),
  story(
    onEngine('worker1', handMade('172.80.7.0/24', { options: { parent: 'eth9' } })),
    /is not as defined: parent is (\w+) .*\. Correct the definition, remove that network \((docker network rm \S+)\), or give the definition another `config`/,
    async (on, parent = '') => {
      on.define(definition({ parent }))
      on.turn()
      await on.run('orrery network adopt vlan40')
      await apply(on)
    },
    async (on, _, line) => await rm(on, line),
    applyAs(definition({ configName: 'other_config' })),
  ),
  story(
    byHand,
    /There is a swarm network vlan40 that Orrery did not make: `(orrery network adopt \S+)` takes it over .*; else remove it \((docker network rm \S+)\), or give the definition another name/,
    async (on, line) => await on.run(line),
    async (on, _, line) => {
      await on.run(line)
      await on.run('docker network rm vlan40_config')
      await apply(on)
    },
    applyAs(renamed),
  ),
  story(
    swarmWide({ driver: 'overlay', configFrom: '' }),
    /There is a swarm network vlan40 already, .*: remove it \((docker network rm \S+)\), or give the definition another name/,
    rm,
    applyAs(renamed),
  ),
  story(
    onEngine('manager1', engineOf({ name: 'vlan40', driver: 'bridge' })),
    /of its own: remove it there \((docker network rm \S+)\), or give the definition another name/,
    rm,
    applyAs(renamed),
  ),
  story(
    async (on) => {
      await active()(on)
      on.cluster.swarmNetworks.set('vlan40', engineOf({ name: 'vlan40', scope: 'swarm', configFrom: 'other' }))
    },
    /is not the active one: .*\. Remove it \((docker network rm \S+)\), and it is made as it should be/,
    rm,
  ),
  story(
    async (on) => {
      on.join('manager1', 'worker1')
      await on.run('orrery network adopt vlan40')
    },
    /No node has a config-only network .*: `(orrery network apply)` makes the network/,
    async (on, line) => await on.run(line),
  ),
  story(
    async (on) => {
      byHand(on)
      on.cluster.machineOf('worker1').configs = [handMade('172.80.8.0/24', held('172.80.8.0/24', {}))]
      on.turn()
      await on.run('orrery network adopt vlan40')
    },
    /(worker1) has no shim, .*: pin another range for worker1 \(`nodes`\) and run `(orrery network apply --allow-drain)` to have one/,
    async (on, hostname = '', line) => {
      on.define(pinned({ [hostname]: '172.80.9.0/24' }))
      await on.run(line)
    },
  ),
])

/** Somebody else's command, between what the next one reads and what it writes. */
function meanwhile({ swarm: { records } }: On, work: () => Promise<unknown>) {
  const { update } = records
  Object.assign(records, {
    async update(...args: Parameters<typeof update>) {
      Object.assign(records, { update })
      await work()
      await update(...args)
    },
  })
}

const removals = remediesOf<Story>('network remove', told, [
  story(
    async (on) => {
      await active()(on)
      on.state.uses = [{ id: 's', name: 'web', networks: ['vlan40'] }]
      await on.run('orrery network remove vlan40')
    },
    /is used by web: remove that service, or take the network from it/,
    async (on) => {
      on.state.uses = []
      await on.run('orrery network remove vlan40')
    },
    async (on) => {
      on.state.uses = [{ id: 's', name: 'web', networks: [] }]
      await on.run('orrery network remove vlan40')
    },
  ),
  story(
    async (on) => {
      await active()(on)
      on.cluster.leave(on.idOf('worker1'))
      await apply(on)
      meanwhile(on, () => on.bootstrap.release({ network: 'vlan40', range: '172.80.2.0/24' }))
      await on.run('orrery network remove vlan40')
    },
    /somebody else changed the record at the same time: run it again/,
    async (on) => await on.run('orrery network remove vlan40'),
  ),
  story(
    async (on) => {
      byHand(on)
      meanwhile(on, () => on.bootstrap.adopt({ network: 'vlan40' }))
      await on.run('orrery network adopt vlan40')
    },
    /somebody else wrote a record at the same time: run it again/,
    async (on) => await on.run('orrery network adopt vlan40'),
  ),
  story(
    async (on) => {
      await active()(on)
      on.define(pinned({ worker1: '172.80.77.0/24' }))
      const stop = new AbortController()
      on.beforeEachWrite(() => stop.abort())
      await on.whileOthersWork(on.bootstrap.apply({ mode: 'apply', allowDrain: true, signal: stop.signal }))
      await on.run('orrery network remove vlan40')
    },
    /A change of worker1 is under way: wait for its end/,
    async (on) => {
      await on.run('orrery network apply --allow-drain')
      await on.run('orrery network remove vlan40')
    },
  ),
])

export const networkRemedies = [...ranges, ...changes, ...others, ...removals]
