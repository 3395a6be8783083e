/** What happens to networks on the modelled Swarm, where commands are run as a message words them. */
import type { NetworkDefinition } from '../../../src/bootstrap/definition/definition.ts'
import { openBootstrap } from '../../../src/bootstrap/reconcile/open-bootstrap.ts'
import type { ChangeResult } from '../../../src/bootstrap/reconcile/progress.ts'
import { messageOf } from '../../../src/foundation/errors.ts'
import { definition, family } from '../../support/builders/networks.ts'
import { asSet } from '../bootstrap/model/cluster.ts'
import { modelledBootstrap } from '../bootstrap/model/network-ports.ts'
import type { RemedyCase } from './remedy.ts'

type Pool = NetworkDefinition['ipv4']['pool']

export function opened() {
  const model = modelledBootstrap([definition()])
  const { cluster, state, turn } = model
  const bootstrap = openBootstrap(model)
  /** What commands said. */
  const said: string[] = []
  const idOf = (hostname: string) => [...cluster.nodes.values()].find((node) => node.hostname === hostname)?.id ?? ''

  const command = async (work: Promise<ChangeResult>) => {
    const { outcome, reason, problems, left, done } = await model.whileOthersWork(work)
    const isFine = outcome === 'done' || outcome === 'unchanged'
    said.push(...(isFine ? done.filter((text) => /has no shim|a range of its own/.test(text)) : [reason]))
    said.push(...(isFine ? [] : done.filter((text) => text.includes('a range of its own'))))
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
export type On = ReturnType<typeof opened>
export interface Story {
  readonly do: (on: On) => Promise<void> | void
  /** Who asks; a controller that may do nothing by itself, unless it is said. */
  readonly mode?: 'keep' | 'apply'
  /** Whose `says` it is: plans and what commands said, or what of a node's line. */
  readonly rows?: true
}

export const told = async ({ do: happens, mode = 'apply', rows }: Story) => {
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

export type Mend = (on: On, ...groups: readonly string[]) => Promise<void> | void
/** Each mend goes on from what happened. */
export const story = (happens: Story['do'], says: RegExp, ...mends: readonly Mend[]): RemedyCase<Story> =>
  as({}, happens, says, ...mends)
export const as = (
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

export const nth = (third: number): Pool => [{ first: '172.80.1.0', last: `172.80.${third}.255` }]
export const pooled = (pool: Pool, over: Partial<NetworkDefinition['ipv4']> = {}) =>
  definition({ ipv4: family({ pool, ...over }) })
export const pinned = (pins: Readonly<Record<string, string>>, over: Partial<NetworkDefinition['ipv4']> = {}) =>
  definition({ ipv4: family({ pins, ...over }) })
export const pool2 = pooled(nth(2))
export const active =
  (defined = definition(), ...hostnames: readonly string[]): Mend =>
  async (on) => {
    on.define(defined)
    on.join('manager1', 'worker1', ...hostnames)
    await on.run('orrery network apply')
  }
export const apply: Mend = async (on) => await on.run('orrery network apply')
/** Where the pool ends when it is that many addresses larger. */
export const larger = (addresses: string | undefined) => nth(2 + Number(addresses) / 256)
