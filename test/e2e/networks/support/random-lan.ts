/** A LAN as somebody may have it, drawn by a seed, and one life of a network on it: defined, used, a lease that moves, removed. */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { WireNetwork } from '../../../../src/http/wire/network.ts'
import { attachedTo } from '../../../demo/ping-table.ts'
import type { LabNode } from '../../../lab/lab.ts'
import type { Networked, NodeController } from '../../support/networked.ts'
import { isReady, ranges } from '../../support/observed-networks.ts'
import { eventually, removeService } from '../../support/services.ts'

const others = [
  'nothing',
  'nothing',
  'nothing',
  'an overlay there',
  'an overlay elsewhere',
  'a bridge there',
  'a macvlan beside',
] as const

const INGRESS = '10.0.0.0/24'
const lan = fc.record({
  subnet: fc.constantFrom(
    '10.50.0.0/16',
    '10.61.4.0/22',
    '10.61.4.0/22',
    '192.168.77.0/24',
    '192.168.77.0/24',
    '172.29.0.0/20',
    '172.29.0.0/20',
    INGRESS,
  ),
  length: fc.constantFrom(26, 27, 28),
  edges: fc.constantFrom('reserve', 'use'),
  shim: fc.boolean(),
  isAuto: fc.boolean(),
  other: fc.constantFrom(...others),
  /** Where the worker has one more address before anything is defined, and where a lease moves afterwards. */
  address: fc.constantFrom('none', 'none', 'outside the pool', 'in the pool'),
  lease: fc.constantFrom('none', 'outside its range', 'inside its range'),
  /** A machine that is no node has the first address of the pool that a shim would have. What else such a machine has, nobody here knows. */
  isShimTaken: fc.boolean(),
})
export type RandomLan = typeof lan extends fc.Arbitrary<infer T> ? T : never

export const randomLans = (seed: number, count: number): readonly RandomLan[] =>
  fc.sample(lan, { seed, numRuns: count })

interface Place {
  readonly networked: Networked
  readonly controller: NodeController
  readonly manager: LabNode
  readonly worker: LabNode
}

export interface Seen {
  readonly ready: number
  readonly told: readonly string[]
  readonly tasks: number
}

/** Of the kernel and the engine, after which everything is as it was. */
type Undo = () => Promise<unknown>

/** One life; throws where a node that is called ready does not run its task, or an address is there twice and nobody is told. */
export async function liveOn(place: Place, drawn: RandomLan, name: string): Promise<Seen> {
  const undo: Undo[] = []
  try {
    return await live(place, drawn, { name, undo })
  } finally {
    for (const each of undo.toReversed()) await each()
  }
}

async function live(
  { networked, controller, manager, worker }: Place,
  drawn: RandomLan,
  { name, undo }: { readonly name: string; readonly undo: Undo[] },
): Promise<Seen> {
  const nodes = [manager, worker]
  const at = addressesOf(drawn)
  const docker = async (node: LabNode, ...args: string[]) => {
    const { code, stderr } = await node.docker(...args)
    expect(code, `docker ${args.join(' ')}: ${stderr}`).toBe(0)
  }
  const address = async (node: LabNode, cidr: string) => {
    await node.run(['ip', 'address', 'add', cidr, 'dev', 'eth1'], { check: true })
    undo.push(() => node.run(['ip', 'address', 'delete', cidr, 'dev', 'eth1']))
  }

  // `auto` looks for the link that is in the subnet.
  for (const [index, node] of nodes.entries()) if (drawn.isAuto) await address(node, `${at.host(index)}/${at.length}`)
  if (drawn.address === 'outside the pool') await address(worker, `${at.host(5)}/32`)
  if (drawn.address === 'in the pool') await address(worker, `${at.pool(3)}/32`)
  if (drawn.shim && drawn.isShimTaken) {
    const device = `${at.pool(drawn.edges === 'use' ? 0 : 1)}/${at.length}`
    await networked.lab.run(['ip', 'address', 'add', device, 'dev', 'br1'], { check: true })
    undo.push(() => networked.lab.run(['ip', 'address', 'delete', device, 'dev', 'br1']))
  }
  await makeOther(drawn, { at, manager, worker, docker, undo })

  undo.push(() => networked.undefine(name))
  await networked.define(
    name,
    `name: ${name}\nparent: ${drawn.isAuto ? 'auto' : 'eth1'}\nsubnet: ${drawn.subnet}\ngateway: ${at.gateway}\n` +
      `pool: [${at.pool(0)}-${at.last}]\nrange: ${drawn.length}\nedges: ${drawn.edges}\nshim: ${drawn.shim}\n`,
  )
  const shown = async () => (await controller.call<WireNetwork>('GET', `/v1/network/${name}?addresses=false`)).body
  const told = async () => {
    const { conditions = [], nodes: parts = [] } = await shown()
    const faults = parts.flatMap(({ hostname, faults }) => faults.map(({ message }) => `${hostname}: ${message}`))
    const refused = conditions.filter(
      ({ type, status, reason }) => !status && TELLING.has(type) && !PASSING.test(reason),
    )
    return [...faults, ...refused.map(({ reason }) => reason)]
  }
  const readyOnes = async () => {
    const all = await Promise.all(nodes.map(async (node) => ((await isReady(manager, name, node)) ? [node] : [])))
    return all.flat()
  }

  undo.push(async () => {
    await networked.undefine(name)
    const gone = async () => {
      const { code } = await networked.orrery(manager, ['network', 'remove', name])
      // Where it never began there is nothing of that name.
      return code === 0 || (await shown()).name === undefined
    }
    await eventually(`${name} is removed`, gone, { timeoutMs: 60_000 })
  })
  // Ready, or somebody is told why not.
  const settled = async () => {
    const ready = await readyOnes()
    if (ready.length === nodes.length) return true
    const said = await told()
    // One node in the way keeps the network from all.
    if (!(await shown()).inForce) return said.length > 0
    return nodes.every((node) => ready.includes(node) || said.some((text) => text.includes(node.hostname)))
  }
  await eventually(`${name} is ready, or told why not`, settled, { timeoutMs: 60_000 })

  const create = ['--detach', '--no-resolve-image', '--endpoint-mode=dnsrr', '--mode=global', `--network=${name}`]
  const where = `--constraint=node.labels.orrery.network.${name} == ready`
  const service = `on-${name}`
  const ready = await readyOnes()
  if (ready.length > 0) {
    undo.push(() => removeService(manager, service))
    await docker(
      manager,
      'service',
      'create',
      ...create,
      where,
      '--name',
      service,
      'orrery-lab/web:good',
      'sleep',
      '1000000',
    )
    // With an address: what the engine refuses is a rejected task, again and again.
    const run = async () => {
      const attached = await attachedTo(name, nodes)
      return ready.every((node) => attached.some((one) => one.node === node))
    }
    await eventually(`a task of ${name} on ${ready.map(({ hostname }) => hostname).join(' and ')}`, run, {
      timeoutMs: 60_000,
    })
  }

  const range = (await ranges(manager, name))[worker.hostname]
  if (range !== undefined && ready.includes(worker)) {
    // The highest: containers are given the lowest.
    if (drawn.lease === 'inside its range') {
      await address(worker, `${plus(range, 2 ** (32 - drawn.length) - 3)}/32`)
      await eventually(
        'the lease is told',
        async () => (await told()).some((text) => text.includes(plus(range, 2 ** (32 - drawn.length) - 3))),
        { timeoutMs: 60_000 },
      )
    } else if (drawn.lease === 'outside its range') await address(worker, `${at.host(7)}/32`)
  }
  const attached = await attachedTo(name, nodes)
  const own = await Promise.all(nodes.map(hostAddresses))
  const devices = await bridgeAddresses(networked)
  const all = [...attached.map((one) => one.address), ...own.flat(), ...devices]
  const said = await told()
  const twice = all.filter((one, index) => all.indexOf(one) !== index && one !== '127.0.0.1')
  expect(
    twice.filter((one) => !said.some((text) => text.includes(one))),
    `there twice and not told, but ${said.join('; ')}`,
  ).toEqual([])
  const given = await ranges(manager, name)
  for (const one of attached)
    expect(isIn(given[one.node.hostname] ?? '', one.address), `${one.address} of ${given[one.node.hostname]}`).toBe(
      true,
    )
  return { ready: ready.length, told: said, tasks: attached.length }
}

/** What tells of something that a person has to mend. */
const TELLING = new Set(['Valid', 'NetworkCreated', 'RecordKnown', 'Complete'])
/** On the way, and no reason. */
const PASSING = /is not there yet|^not ready: [^:]*$|^without a range: [^:]*$|nothing is active yet/

interface OtherPlace {
  readonly at: Addresses
  readonly manager: LabNode
  readonly worker: LabNode
  readonly docker: (node: LabNode, ...args: string[]) => Promise<void>
  readonly undo: Undo[]
}

async function makeOther(
  { other, subnet }: RandomLan,
  { at, manager, worker, docker, undo }: OtherPlace,
): Promise<void> {
  const make = async (node: LabNode, ...args: string[]) => {
    await docker(node, 'network', 'create', ...args, 'other')
    undo.push(() => node.docker('network', 'rm', 'other'))
  }
  if (other === 'an overlay there') await make(manager, '--driver=overlay', '--attachable', `--subnet=${at.part}`)
  if (other === 'an overlay elsewhere')
    await make(manager, '--driver=overlay', '--attachable', '--subnet=10.201.0.0/24')
  // The engine would not take it.
  if (other === 'a bridge there' && subnet !== INGRESS) await make(worker, '--driver=bridge', `--subnet=${at.part}`)
  if (other === 'a macvlan beside')
    await make(worker, '--driver=macvlan', '--subnet=10.202.0.0/24', '--opt=parent=eth1')
}

interface Addresses {
  readonly length: number
  readonly gateway: string
  readonly last: string
  /** A small block of the subnet, outside the pool. */
  readonly part: string
  host(index: number): string
  pool(index: number): string
}

const number = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
const text = (value: number): string => [24, 16, 8, 0].map((bits) => Math.floor(value / 2 ** bits) % 256).join('.')
const plus = (block: string, more: number): string => text(number(block.split('/')[0] ?? '') + more)
const isIn = (block: string, address: string): boolean => {
  const [first = '', length] = block.split('/')
  return number(address) >= number(first) && number(address) < number(first) + 2 ** (32 - Number(length))
}

/** Hosts have what is above the gateway, containers the upper half. */
function addressesOf({ subnet }: RandomLan): Addresses {
  const length = Number(subnet.split('/')[1])
  const half = 2 ** (31 - length)
  return {
    length,
    gateway: plus(subnet, 1),
    last: plus(subnet, half * 2 - 1),
    part: `${plus(subnet, 16)}/28`,
    host: (index) => plus(subnet, 10 + index),
    pool: (index) => plus(subnet, half + index),
  }
}

async function hostAddresses(node: LabNode): Promise<string[]> {
  return addressesIn((await node.run(['ip', '-json', '-4', 'address', 'show'], { check: true })).stdout)
}

async function bridgeAddresses({ lab }: Networked): Promise<string[]> {
  return addressesIn((await lab.run(['ip', '-json', '-4', 'address', 'show', 'dev', 'br1'], { check: true })).stdout)
}

/** Docker's own bridges have the same on every node. */
const addressesIn = (json: string): string[] =>
  (JSON.parse(json) as { ifname: string; addr_info?: { local?: string }[] }[])
    .filter(({ ifname }) => !/^(lo|docker|br-)/.test(ifname))
    .flatMap(({ addr_info }) => (addr_info ?? []).flatMap(({ local }) => local ?? []))
