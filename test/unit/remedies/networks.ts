/** What plans say of ranges and definitions. */
import { definition, family } from '../../support/builders/networks.ts'
import {
  active,
  apply,
  as,
  larger,
  type Mend,
  nth,
  pinned,
  pool2,
  pooled,
  type Story,
  story,
  told,
} from './network-story.ts'
import { remediesOf } from './remedy.ts'

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
    /that cannot change\. Correct the definition, or remove the network \(`(orrery network remove \S+)`\) and apply again/,
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
  as(
    { mode: 'keep' },
    async (on) => {
      await active()(on)
      on.define()
      on.cluster.change(on.idOf('worker1'), { state: 'down' })
      await on.run('orrery network remove vlan40')
    },
    /worker1, which is down: it goes on when that is back or has left the Swarm \((docker node rm [^\s)]+)\)/,
    async (on) => {
      on.cluster.change(on.idOf('worker1'), { state: 'ready' })
      await on.run('orrery network remove vlan40')
    },
    async (on, line) => {
      await on.run(line)
      await on.run('orrery network remove vlan40')
    },
  ),
  // What the agent says of a link that was renamed: "It can only be recreated".
  story(
    async (on) => {
      await active(definition({ parent: 'auto' }))(on)
      on.cluster.addTasks('vlan40', 2)
      on.cluster.machineOf('worker1').isOnOtherLink = true
      for (let turn = 0; turn < 3; turn += 1) on.turn()
    },
    /This takes a drain, .* of worker1 \(`auto` is another link there now\): `(orrery network apply --allow-drain)`/,
    async (on, line) => await on.run(line),
    (on) => {
      on.cluster.machineOf('worker1').isOnOtherLink = false
    },
  ),
  // That of another node's host: no agent knows, and who keeps the network says so.
  as(
    { mode: 'keep' },
    async (on) => {
      await active()(on)
      on.cluster.machineOf('manager1').addresses = ['172.80.2.77/16']
      on.turn()
    },
    /^172\.80\.2\.77, an address of manager1 \(eth1\), is inside the range \S+ of worker1, .*: give that host another address .*, or give worker1 another range: `(orrery network apply --allow-drain)`/,
    (on) => {
      on.cluster.machineOf('manager1').addresses = ['172.80.0.77/16']
    },
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

export const networkRemedies = [...ranges, ...changes]
