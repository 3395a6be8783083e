/** What plans and commands say of networks that somebody else has made, and of adopting and removing. */
import type { NetworkDefinition } from '../../../src/bootstrap/definition/definition.ts'
import type { EngineNetwork } from '../../../src/swarm/networks.ts'
import { configOnly, definition } from '../../support/builders/networks.ts'
import { active, apply, type Mend, type On, pinned, type Story, story, told } from './network-story.ts'
import { remediesOf } from './remedy.ts'

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

const adopting: Mend = async (on) => {
  onEngine('worker1', handMade('172.80.7.0/24'))(on)
  await on.run('orrery network adopt vlan40')
}
const partly = remediesOf<Story>('network adopt', told, [
  story(
    adopting,
    /manager1 has no vlan40_config: `(orrery network apply)` gives it a range of its own/,
    async (on, line) => await on.run(line),
  ),
  story(
    adopting,
    /waits for a range for manager1, .*: `(orrery network apply)` gives it one/,
    async (on, line) => await on.run(line),
  ),
])

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

export const otherNetworkRemedies = [...others, ...partly, ...removals]
