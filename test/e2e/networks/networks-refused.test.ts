/** What is refused before anything is touched, with a message that a person can act on. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LabNode } from '../../lab/lab.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { type Networked, networkedLab } from '../support/networked.ts'
import {
  engineNetwork,
  markedLinks,
  nodeLabels,
  promiscuity,
  untilReady,
  versions,
} from '../support/observed-networks.ts'
import { eventually } from '../support/services.ts'
import { LAN } from '../support/vlan40.ts'

const place = labForTests({
  nodes: 3,
  managers: 1,
  lan: LAN,
  images: ['orrery-lab/web'],
})
let networked: Networked

/** The article's network, with lines on top or in place of its own. */
function definition(lines: Readonly<Record<string, string>>): string {
  const all = {
    name: 'vlan40',
    parent: 'eth1',
    subnet: '172.80.0.0/16',
    gateway: '172.80.0.1',
    pool: '[172.80.1.0-172.80.200.255]',
    range: '24',
    ...lines,
  }
  return Object.entries(all)
    .map(([field, value]) => `${field}: ${value}\n`)
    .join('')
}

beforeAll(async () => {
  networked = await networkedLab(place.lab)
  await networked.startController(place.manager)
  for (const node of place.lab.nodes) await networked.startAgent(node)
})
afterAll(async () => await networked?.close())
afterEach(async () => await networked.undefine('vlan40'))

const nothingIsMade = async () => {
  for (const node of place.lab.nodes) {
    expect(await markedLinks(node)).toEqual([])
    expect(await promiscuity(node, 'eth1')).toBe(0)
  }
  for (const labels of Object.values(await nodeLabels(place.manager))) expect(labels).toEqual({})
  expect(await place.manager.api.listConfigs()).toEqual([])
}

/** `plan` and `apply` say the same, and neither touches anything. */
async function isRefused(lines: Readonly<Record<string, string>>, words: readonly string[]): Promise<void> {
  await networked.define('vlan40', definition(lines))
  const before = await versions(place.manager)
  const says = async (command: string) => {
    const { code, stdout, stderr } = await networked.orrery(place.manager, ['network', command])
    const said = `${stdout}${stderr}`.replace(/\s+/g, ' ')
    return { code, said, missing: words.filter((word) => !said.includes(word)) }
  }
  // What is on a node is known with its agent's next report.
  const refused = async () => {
    const { code, missing } = await says('plan')
    return code === 1 && missing.length === 0
  }
  await eventually('the plan refuses', refused, { timeoutMs: 20_000 })
  expect(await says('apply')).toMatchObject({ code: 1, missing: [] })
  expect(await versions(place.manager)).toEqual(before)
  await nothingIsMade()
}

describe('a definition that cannot be right', () => {
  it.each([
    {
      name: 'pins that overlap',
      lines: { nodes: '{ one: 172.80.8.0/23, two: 172.80.9.0/24 }' },
      words: ['vlan40.yaml', '172.80.8.0/23', '172.80.9.0/24', 'overlap'],
    },
    {
      name: "a range outside its subnet, the 2017 article's own",
      lines: { nodes: '{ manager1: 10.90.1.0/24 }' },
      words: ['vlan40.yaml', 'nodes.manager1', '10.90.1.0/24', '172.80.0.0/16'],
    },
    {
      name: 'a range with host bits',
      lines: { nodes: '{ manager1: 172.80.1.3/24 }' },
      words: ['nodes.manager1', '172.80.1.3/24', '172.80.1.0/24'],
    },
    {
      name: 'the gateway inside a range',
      lines: { nodes: '{ manager1: 172.80.0.0/24 }' },
      words: ['nodes.manager1', '172.80.0.1', 'gateway'],
    },
    {
      name: 'several mistakes, all told at once',
      lines: { range: '40', gateway: '10.0.0.1', poool: '[172.80.1.0/24]' },
      words: ['range', '40', 'gateway', '10.0.0.1', 'poool', 'pool'],
    },
  ])('$name', async ({ lines, words }) => await isRefused(lines, words))

  it('a pool that is too small for the nodes there are', async () => {
    await isRefused({ pool: '[172.80.1.0/24, 172.80.2.0/24]' }, [
      'pool',
      '172.80.1.0-172.80.2.255',
      '2 ranges',
      '3 new nodes',
    ])
  })
})

describe('what somebody else has made', () => {
  const create = async (node: LabNode, ...args: string[]) => {
    const { code, stderr } = await node.docker('network', 'create', ...args)
    expect(code, stderr).toBe(0)
  }

  it('a network of the same name', async () => {
    await create(place.manager, '--driver=overlay', 'vlan40')
    try {
      const before = (await engineNetwork(place.manager, 'vlan40'))?.Id
      await isRefused({}, ['vlan40', 'docker network rm vlan40'])
      expect((await engineNetwork(place.manager, 'vlan40'))?.Id).toBe(before)
    } finally {
      await place.manager.docker('network', 'rm', 'vlan40')
    }
  })

  it('a config-only network of the same name with another configuration', async () => {
    const node = present(place.lab.nodes[1])
    const other = ['--subnet=172.81.0.0/16', '--gateway=172.81.0.1', '--ip-range=172.81.1.0/24', '--opt=parent=eth1']
    await create(node, '--config-only', ...other, 'vlan40_config')
    try {
      const before = (await engineNetwork(node, 'vlan40_config'))?.Id
      await isRefused({}, [node.hostname, 'vlan40_config', '172.81.1.0/24', 'docker network rm vlan40_config'])
      expect((await engineNetwork(node, 'vlan40_config'))?.Id).toBe(before)
    } finally {
      await node.docker('network', 'rm', 'vlan40_config')
    }
  })

  it('another macvlan network on the same subnet of one node', async () => {
    const node = present(place.lab.nodes[2])
    await create(node, '--driver=macvlan', '--subnet=172.80.0.0/16', '--opt=parent=eth1', 'by-hand')
    try {
      await isRefused({}, [node.hostname, 'by-hand', '172.80.0.0/16'])
    } finally {
      await node.docker('network', 'rm', 'by-hand')
    }
  })
})

it('a parent that a host does not have: its agent says so, no node is ready, and the right name mends it', async () => {
  // An earlier try of this test may have left it.
  await networked.orrery(place.manager, ['network', 'remove', 'vlan40'])
  await networked.define('vlan40', definition({ parent: 'bond0' }))
  // What earlier tests have removed from a node is known to be gone with its next report.
  const isFree = async () => (await networked.orrery(place.manager, ['network', 'plan'])).code === 0
  await eventually('nothing is in the way', isFree, { timeoutMs: 20_000 })
  const wrong = await networked.orrery(place.manager, ['network', 'apply'])
  const said = `${wrong.stdout}${wrong.stderr}`
  expect({ code: wrong.code, said }).toMatchObject({ code: 1 })
  for (const word of ['bond0', 'eth1', ...place.lab.nodes.map(({ hostname }) => hostname)]) expect(said).toContain(word)
  for (const labels of Object.values(await nodeLabels(place.manager)))
    expect(labels['orrery.network.vlan40']).toBeUndefined()
  for (const node of place.lab.nodes) expect(await engineNetwork(node, 'vlan40_config')).toBeUndefined()

  await networked.define('vlan40', definition({}))
  const right = await networked.orrery(place.manager, ['network', 'apply'])
  expect(right.code, `${right.stdout}${right.stderr}`).toBe(0)
  await untilReady(place.manager, 'vlan40', place.lab.nodes, 1000)
  await networked.undefine('vlan40')
  const removed = await networked.orrery(place.manager, ['network', 'remove', 'vlan40'])
  expect(removed.code, `${removed.stdout}${removed.stderr}`).toBe(0)
  await nothingIsMade()
})
