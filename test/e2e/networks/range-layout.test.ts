/** What src/bootstrap/record/node-part.ts computes, as real engines do it. */
import { beforeAll, describe, expect, it } from 'vitest'
import { familyLayout } from '../../../src/bootstrap/definition/family-layout.ts'
import { addressOf } from '../../../src/foundation/address.ts'
import type { LabNode } from '../../lab/lab.ts'
import { engines } from '../support/engines.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'

interface Case {
  readonly name: string
  readonly subnet: string
  readonly gateway?: string
  readonly range: string
}

const subnet = '10.90.0.0/24'
const gateway = '10.90.0.1'
const four: readonly Case[] = [
  { name: 'a /29 at the beginning', subnet, gateway, range: '10.90.0.0/29' },
  { name: 'a /29 in the middle', subnet, gateway, range: '10.90.0.96/29' },
  { name: 'a /29 at the end', subnet, gateway, range: '10.90.0.248/29' },
  { name: 'a /30 at the beginning', subnet, gateway: '10.90.0.254', range: '10.90.0.0/30' },
  { name: 'a /30 in the middle', subnet, gateway, range: '10.90.0.96/30' },
  { name: 'a /30 at the end', subnet, gateway, range: '10.90.0.252/30' },
  { name: 'a /29 without a gateway', subnet, range: '10.90.0.96/29' },
]
const six: readonly Case[] = [
  { name: 'an IPv6 /125 at the beginning', subnet: 'fd00:90::/64', gateway: 'fd00:90::1', range: 'fd00:90::/125' },
  { name: 'an IPv6 /125 in the middle', subnet: 'fd00:90::/64', gateway: 'fd00:90::1', range: 'fd00:90:0:0:5::/125' },
]

/** Addresses of the widest of these ranges. */
const MOST = 8

const must = async (node: LabNode, ...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await node.docker(...args)
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

type Aux = Readonly<Record<string, string>>

const ipam = ({ subnet: of, gateway: router, range }: Case, aux: Aux) => [
  ...(of.includes(':') ? ['--ipv6'] : []),
  ...['--subnet', of, '--ip-range', range],
  ...(router === undefined ? [] : ['--gateway', router]),
  ...Object.entries(aux).flatMap(([name, address]) => ['--aux-address', `${name}=${address}`]),
]

/** How the next container gets an address of the network `layout`; its id. */
type Attach = (index: number) => Promise<string>

/** The addresses that containers get in a range, in the order in which they are attached, until the engine has no more. */
async function fill(node: LabNode, what: Case, { aux, attach }: { aux: Aux; attach: Attach }): Promise<string[]> {
  const isSix = what.subnet.includes(':')
  const room = isSix ? ['--subnet', '10.91.0.0/24', '--gateway', '10.91.0.1'] : []
  await must(
    node,
    'network',
    'create',
    '--config-only',
    '-o',
    'parent=eth1',
    ...room,
    ...ipam(what, aux),
    'layout_config',
  )
  try {
    await must(node, 'network', 'create', '--driver', 'macvlan', '--config-from', 'layout_config', 'layout')
    const addresses: string[] = []
    for (;;) {
      const id = await attach(addresses.length).catch((error: Error) => error)
      if (typeof id !== 'string') {
        expect(id.message).toMatch(/no available (IPv[46] )?addresses/)
        return addresses
      }
      const { layout } = (await node.api.getContainer(id).inspect()).NetworkSettings.Networks
      addresses.push((isSix ? layout?.GlobalIPv6Address : layout?.IPAddress) ?? '')
    }
  } finally {
    await letGo(node)
    await node.docker('network', 'rm', 'layout')
    await must(node, 'network', 'rm', 'layout_config')
  }
}

const LABEL = 'layout'

async function startContainer({ api }: LabNode, network: string, labels: Record<string, string> = {}): Promise<string> {
  const image = { Image: 'orrery-lab/web:good', Cmd: ['sleep', '1000000'] }
  const container = await api.createContainer({ ...image, Labels: labels, HostConfig: { NetworkMode: network } })
  await container.start()
  return container.id
}

/** Whatever is on the network, or was to be. */
async function letGo({ api }: LabNode): Promise<void> {
  const found = await api.listContainers({ all: true })
  const away = found.map(async ({ Id, Labels, NetworkSettings }) => {
    if (LABEL in Labels) await api.getContainer(Id).remove({ force: true })
    else if ('layout' in NetworkSettings.Networks) await api.getNetwork('layout').disconnect({ Container: Id })
  })
  await Promise.all(away)
}

describe.each(engines)('the addresses of a range on the %s engine', (engine) => {
  const started = labForTests({ engine, nodes: 1, images: ['orrery-lab/web'] })
  /** They run all the time. Connected to a network, one gets an address of it as if it were started there, in a tenth of the time. */
  let containers: string[]
  beforeAll(async () => {
    containers = await Promise.all(Array.from({ length: MOST + 1 }, () => startContainer(started.manager, 'bridge')))
  })

  const connect: Attach = async (index) => {
    const id = present(containers[index])
    await started.manager.api.getNetwork('layout').connect({ Container: id })
    return id
  }
  const start: Attach = () => startContainer(started.manager, 'layout', { [LABEL]: '' })

  it.each([...four, ...six])(
    '$name: as many containers fit as was computed, none has an address that is held back',
    async (what) => {
      for (const edges of ['reserve', 'use'] as const) {
        const layout = familyLayout(what, what.range, { edges, shim: true })
        const attach = what === four[0] ? start : connect
        const addresses = await fill(started.manager, what, { aux: layout.aux, attach })
        expect({ edges, fit: addresses.length }).toEqual({ edges, fit: layout.usable })
        expect(Object.values(layout.aux).filter((held) => addresses.includes(held))).toEqual([])
        const values = addresses.map((address) => addressOf(address).first)
        expect(values).toEqual(values.toSorted((a, b) => (a < b ? -1 : 1)))
        if (layout.shim !== undefined && values[0] !== undefined)
          expect(values[0]).toBe(addressOf(layout.shim).first + 1n)
      }
    },
  )
})
