/** What may go wrong around a network, and what must not come of it: an evicted task, a moved range, a half-made network. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WireNetwork } from '../../../src/http/wire/network.ts'
import { attachedTo, pingAll } from '../../demo/ping-table.ts'
import type { LabNode } from '../../lab/lab.ts'
import { mainFile } from '../support/controller.ts'
import { type EngineProxy, startEngineProxy } from '../support/engine-proxy.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab, type Program } from '../support/networked.ts'
import {
  engineNetwork,
  markedLinks,
  nodeLabels,
  ranges,
  runningTasks,
  untilReady,
} from '../support/observed-networks.ts'
import { blockBelow, linesBelow } from '../support/pages.ts'
import { eventually, removeService } from '../support/services.ts'
import { sideBySide } from '../support/side-by-side.ts'
import { DEFINITION, LAN, NETWORK } from '../support/vlan40.ts'

/** One service on the network, on every ready node, and one beside it that has nothing to do with it. */
async function createGlobal(manager: LabNode, name: string, network?: string): Promise<void> {
  await removeService(manager, name)
  const how = ['--detach', '--no-resolve-image', '--endpoint-mode=dnsrr', '--mode=global']
  const on =
    network === undefined
      ? ['--network=host']
      : [`--network=${network}`, `--constraint=node.labels.orrery.network.${network} == ready`]
  const image = ['orrery-lab/web:good', 'sleep', '1000000']
  const { code, stderr } = await manager.docker('service', 'create', ...how, ...on, '--name', name, ...image)
  expect(code, stderr).toBe(0)
}
const untilRunning = async (manager: LabNode, service: string, count: number) =>
  await eventually(
    `${count} tasks of ${service}`,
    async () => (await runningTasks(manager, service)).length === count,
    {
      timeoutMs: 90_000,
    },
  )
const idsOf = async (manager: LabNode, service: string) =>
  (await runningTasks(manager, service)).map(({ ID }) => ID).sort()

sideBySide('a network in use', () => {
  const place = labForTests({ nodes: 3, managers: 3, lan: LAN, images: ['orrery-lab/web'] })
  let networked: Networked
  let controllers: NodeController[]
  const agents = new Map<LabNode, Program>()
  const startAgent = async (node: LabNode) => agents.set(node, await networked.startAgent(node))
  const startControllers = async () => {
    const both = place.lab.managers.slice(0, 2)
    const auto = { ORRERY_NETWORK_AUTO: 'true' }
    controllers = await Promise.all(both.map((node) => networked.startController(node, auto)))
  }
  const network = async () =>
    (await present(controllers[0]).call<WireNetwork>('GET', `/v1/network/${NETWORK}?addresses=false`)).body
  const condition = async (type: string) => (await network()).conditions.find((one) => one.type === type)

  beforeAll(async () => {
    networked = await networkedLab(place.lab)
    await networked.define(NETWORK, DEFINITION)
    await Promise.all([startControllers(), ...place.lab.nodes.map(startAgent)])
    await untilReady(place.manager, NETWORK, place.lab.nodes)
    await eventually('the swarm network', async () => await engineNetwork(place.manager, NETWORK))
    await createGlobal(place.manager, 'on-the-lan', NETWORK)
    await createGlobal(place.manager, 'beside', undefined)
    await untilRunning(place.manager, 'on-the-lan', 3)
    await untilRunning(place.manager, 'beside', 3)
  })
  afterAll(async () => await networked?.close())

  it('agents killed, shims deleted, controllers restarted: not one task is evicted', async () => {
    const before = await idsOf(place.manager, 'on-the-lan')
    for (const agent of agents.values()) await agent.kill()
    for (const node of place.lab.nodes)
      for (const { ifname } of await markedLinks(node))
        await node.run(['ip', 'link', 'delete', ifname], { check: true })
    // As when they were killed while they proved their engines.
    const probe = ['--driver=macvlan', `--config-from=${NETWORK}_config`, `orrery-probe-${NETWORK}`]
    for (const node of place.lab.nodes) await node.docker('network', 'create', ...probe)
    const left = async () =>
      (await Promise.all(place.lab.nodes.map((node) => engineNetwork(node, `orrery-probe-${NETWORK}`)))).filter(Boolean)
    for (const controller of controllers) await controller.kill()
    await startControllers()
    // Longer than a report counts as news: these nodes are unheard now.
    await eventually('the silence is told', async () => (await condition('AgentsHeard'))?.status === false, {
      timeoutMs: 60_000,
    })
    for (const node of place.lab.nodes) await startAgent(node)
    await eventually('all is as wanted again', async () => (await condition('AsWanted'))?.status === true, {
      timeoutMs: 60_000,
    })
    await eventually('no probe is left', async () => (await left()).length === 0, { timeoutMs: 30_000 })
    expect(await idsOf(place.manager, 'on-the-lan')).toEqual(before)
    await untilReady(place.manager, NETWORK, place.lab.nodes, 1000)
  })

  it('a node that is cut off and comes back loses no more than what has nothing to do with the network', async () => {
    const node = present(place.lab.managers[2])
    const before = await Promise.all(['on-the-lan', 'beside'].map((service) => idsOf(place.manager, service)))
    await node.cut()
    try {
      const state = async () =>
        (await place.manager.docker('node', 'inspect', node.nodeId, '--format', '{{.Status.State}}')).stdout.trim()
      await eventually('down', async () => (await state()) === 'down', { timeoutMs: 120_000 })
    } finally {
      await node.heal()
    }
    await place.lab.ready()
    for (const service of ['on-the-lan', 'beside']) await untilRunning(place.manager, service, 3)
    const after = await Promise.all(['on-the-lan', 'beside'].map((service) => idsOf(place.manager, service)))
    const lost = after.map((ids, index) => (before[index] ?? []).filter((id) => !ids.includes(id)).length)
    console.log(`tasks replaced after the cut: ${lost[0]} on the network, ${lost[1]} beside it`)
    expect(lost[0]).toBeLessThanOrEqual(present(lost[1]))
    await untilReady(place.manager, NETWORK, place.lab.nodes, 10_000)
  }, 300_000)

  describe('changes nothing, and says why, when', () => {
    const observed = async () => ({
      ranges: await ranges(place.manager, NETWORK),
      tasks: await idsOf(place.manager, 'on-the-lan'),
      network: (await engineNetwork(place.manager, NETWORK))?.Id,
    })

    it('its definition is gone', async () => {
      const before = await observed()
      await networked.undefine(NETWORK)
      await eventually('it is told', async () => (await condition('Orphaned'))?.status === true)
      const { stdout } = await networked.orrery(place.manager, ['network', 'plan'])
      expect(stdout).toContain('orphaned')
      expect(await observed()).toEqual(before)
      await networked.define(NETWORK, DEFINITION)
      await eventually('well again', async () => (await condition('Orphaned'))?.status === false)
      expect(await observed()).toEqual(before)
    })

    it('the folder cannot be read', async () => {
      const before = await observed()
      await rename(networked.networkDir, `${networked.networkDir}.away`)
      try {
        const { code, stdout, stderr } = await networked.orrery(place.manager, ['network', 'apply'])
        expect(code).toBe(1)
        expect(stdout + stderr).toContain(networked.networkDir)
        const told = async () =>
          (await condition('Valid'))?.status === false || (await condition('Orphaned'))?.status === true
        await eventually('it is told', told)
        expect(await observed()).toEqual(before)
      } finally {
        await rename(`${networked.networkDir}.away`, networked.networkDir)
      }
    })

    it('its definition differs from what is in force', async () => {
      const before = await observed()
      await networked.define(NETWORK, DEFINITION.replace('range: 24', 'range: 25'))
      await eventually('it is told', async () => (await condition('DefinitionConflict'))?.status === true)
      expect(await observed()).toEqual(before)
      await networked.define(NETWORK, DEFINITION)
      await eventually('well again', async () => (await condition('DefinitionConflict'))?.status === false)
    })
  })

  it('a record deleted by hand is rebuilt, and no range moves', async () => {
    const before = await ranges(place.manager, NETWORK)
    const tasks = await idsOf(place.manager, 'on-the-lan')
    const removed = await place.manager.docker('config', 'rm', `orrery-network-${NETWORK}`)
    expect(removed.code, removed.stderr).toBe(0)
    await eventually(
      'the record is there again',
      async () => (await place.manager.docker('config', 'inspect', `orrery-network-${NETWORK}`)).code === 0,
      { timeoutMs: 60_000 },
    )
    await eventually('in force with all shares', async () => (await network()).nodes.length === 3)
    expect(await ranges(place.manager, NETWORK)).toEqual(before)
    expect(Object.fromEntries((await network()).nodes.map(({ hostname, range }) => [hostname, range]))).toEqual(before)
    expect(await idsOf(place.manager, 'on-the-lan')).toEqual(tasks)
  })

  it('a host removed by force and joined again under a new id has its old range, and no address is there twice', async () => {
    const node = present(place.lab.managers[2])
    const before = await ranges(place.manager, NETWORK)
    const oldId = node.nodeId
    await node.leave({ force: true })
    await place.manager.docker('node', 'demote', oldId)
    await eventually('it is out', async () => (await place.manager.docker('node', 'rm', '--force', oldId)).code === 0)
    await place.lab.rejoin(node)
    expect(node.nodeId).not.toBe(oldId)
    await untilReady(place.manager, NETWORK, [node])
    expect((await ranges(place.manager, NETWORK))[node.hostname]).toBe(before[node.hostname])
    await untilRunning(place.manager, 'on-the-lan', 3)
    const addresses = (await attachedTo(NETWORK, place.lab.nodes)).map(({ address }) => address)
    expect(addresses.length).toBe(3)
    expect(new Set(addresses).size).toBe(3)
  })

  it('onFault: pause keeps new tasks from a node that is not as wanted, and those that run stay', async () => {
    const node = present(place.lab.managers[2])
    await networked.define(NETWORK, `${DEFINITION}onFault: pause\n`)
    const applied = await networked.orrery(place.manager, ['network', 'apply'])
    expect(applied.code, applied.stdout + applied.stderr).toBe(0)
    const before = await idsOf(place.manager, 'on-the-lan')
    const availability = async () =>
      (await place.manager.docker('node', 'inspect', node.nodeId, '--format', '{{.Spec.Availability}}')).stdout.trim()
    await node.run(['ip', 'link', 'set', 'eth1', 'down'], { check: true })
    try {
      await eventually('paused', async () => (await availability()) === 'pause', { timeoutMs: 90_000 })
    } finally {
      await node.run(['ip', 'link', 'set', 'eth1', 'up'], { check: true })
    }
    await eventually('given back', async () => (await availability()) === 'active', { timeoutMs: 90_000 })
    expect(await idsOf(place.manager, 'on-the-lan')).toEqual(before)
    await untilReady(place.manager, NETWORK, [node], 1000)
    const rows = await pingAll([node], await attachedTo(NETWORK, [node]))
    for (const [, ...cells] of rows) expect(cells).toEqual(['yes'])
  }, 240_000)

  it('another range is given only with --allow-drain: one node at a time, and its availability comes back', async () => {
    const node = present(place.lab.managers[1])
    await createGlobal(place.manager, 'elsewhere', undefined)
    await networked.define(NETWORK, `${DEFINITION}onFault: pause\nnodes: { ${node.hostname}: 172.80.77.0/24 }\n`)
    const without = await networked.orrery(place.manager, ['network', 'apply'])
    expect(without.stdout + without.stderr).toContain('--allow-drain')
    expect((await ranges(place.manager, NETWORK))[node.hostname]).not.toBe('172.80.77.0/24')
    const done = await networked.orrery(place.manager, ['network', 'apply', '--allow-drain'])
    expect(done.code, done.stdout + done.stderr).toBe(0)
    expect((await ranges(place.manager, NETWORK))[node.hostname]).toBe('172.80.77.0/24')
    const availability = await place.manager.docker(
      'node',
      'inspect',
      node.nodeId,
      '--format',
      '{{.Spec.Availability}}',
    )
    expect(availability.stdout.trim()).toBe('active')
    await untilRunning(place.manager, 'on-the-lan', 3)
    const [attached] = await attachedTo(NETWORK, [node])
    expect(attached?.address).toMatch(/^172\.80\.77\./)
  }, 300_000)
})

/** As the article has hosts reach their containers. */
async function macvlanByHand(node: LabNode, address: string): Promise<void> {
  await node.run(['ip', 'link', 'add', 'hand0', 'link', 'eth1', 'type', 'macvlan', 'mode', 'bridge'], { check: true })
  await node.run(['ip', 'address', 'add', `${address}/32`, 'dev', 'hand0'], { check: true })
  await node.run(['ip', 'link', 'set', 'hand0', 'up'], { check: true })
}

// Beside it, and one after the other: the three wait for Swarm and for agents more than they work.
sideBySide('on labs of their own', () => {
  describe('whoever is killed at every write in turn', () => {
    const place = labForTests({ nodes: 2, managers: 1, lan: LAN, images: ['orrery-lab/web'] })
    let networked: Networked
    let proxy: EngineProxy
    beforeAll(async () => {
      networked = await networkedLab(place.lab)
      await networked.define(NETWORK, DEFINITION)
      for (const node of place.lab.nodes) await networked.startAgent(node)
      proxy = await startEngineProxy(place.manager, join(tmpdir(), `${place.manager.hostname}-proxy.sock`))
    })
    afterAll(async () => {
      await proxy?.close()
      await networked?.close()
    })

    const isWhole = async () => {
      await untilReady(place.manager, NETWORK, place.lab.nodes)
      await eventually('the network', async () => await engineNetwork(place.manager, NETWORK))
      expect(Object.values(await ranges(place.manager, NETWORK)).sort()).toEqual(['172.80.1.0/24', '172.80.2.0/24'])
    }
    const isGone = async () => {
      for (const node of place.lab.nodes) {
        expect(await engineNetwork(node, `${NETWORK}_config`)).toBeUndefined()
        expect(await markedLinks(node)).toEqual([])
      }
      for (const labels of Object.values(await nodeLabels(place.manager))) expect(labels).toEqual({})
      expect(await engineNetwork(place.manager, NETWORK)).toBeUndefined()
      expect(await place.manager.api.listConfigs()).toEqual([])
    }
    /** Runs a command again and again, killed at the first write that it makes, until one run makes none; its exit code. */
    const killedAtEachWrite = async (args: readonly string[], url: string) => {
      const env = {
        PATH: process.env.PATH,
        DOCKER_HOST: `unix://${proxy.socketPath}`,
        ORRERY_NETWORK_DIR: networked.networkDir,
        ORRERY_URL: url,
        ORRERY_CLI_TOKEN_FILE: networked.cliTokenFile,
      }
      for (let killed = 0; ; killed += 1) {
        const child = spawn(process.execPath, [mainFile, 'network', ...args], { env, stdio: 'pipe' })
        let output = ''
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
        proxy.onWrite((moment) => moment === 'asked' && child.kill('SIGKILL'))
        const [code, signal] = await once(child, 'exit')
        proxy.onWrite(() => {})
        if (signal !== 'SIGKILL') return { killed, code, output }
      }
    }

    it('a controller: the next one goes on, and nothing is left half made', async () => {
      const before = proxy.writes().length
      let starts = 0
      for (let isKilled = true; isKilled; starts += 1) {
        isKilled = false
        const env = { DOCKER_HOST: `unix://${proxy.socketPath}`, ORRERY_NETWORK_AUTO: 'true' }
        const controller = await networked.startController(place.manager, env)
        const written = new Promise<boolean>((resolve) =>
          proxy.onWrite((moment) => moment === 'asked' && resolve(true)),
        )
        // Agents report every 5 s: one that lives longer without a write, where all is there, has nothing left to do.
        const nothingLeft = isWhole()
          .catch(() => undefined)
          .then(() => sleep(8000, false))
        isKilled = await Promise.race([written, nothingLeft])
        await controller.kill()
        proxy.onWrite(() => {})
      }
      const writes = proxy.writes().slice(before)
      console.log(`killed at ${starts - 1} writes: ${writes.join(', ')}`)
      // The record, the swarm network, and two labels for each of two nodes at least.
      expect(starts - 1).toBeGreaterThanOrEqual(5)
      await isWhole()
    }, 300_000)

    it('the commands: the next run goes on, and nothing is left half made', async () => {
      const controller = await networked.startController(place.manager)
      const removed = await killedAtEachWrite(['remove', NETWORK], controller.url)
      expect(removed.code, removed.output).toBe(0)
      await isGone()
      // As when the controller ended the removal before the command came again.
      expect(await killedAtEachWrite(['remove', NETWORK], controller.url)).toMatchObject({ killed: 0, code: 0 })
      const applied = await killedAtEachWrite(['apply'], controller.url)
      expect(applied.code, applied.output).toBe(0)
      await isWhole()
      console.log(
        `remove was killed at ${removed.killed} writes, apply at ${applied.killed}; the controller did the rest`,
      )
      expect(removed.killed).toBeGreaterThan(0)
      expect(applied.killed).toBeGreaterThan(0)
    }, 300_000)
  })

  describe("the article's own networks, made by hand", () => {
    const place = labForTests({ nodes: 3, managers: 1, lan: LAN, images: ['orrery-lab/web'] })
    let networked: Networked
    const page = ['docs/networks.md', 'Networks made by hand'] as const
    const definition = blockBelow(...page, 'yaml')
    const [, ...adopt] = linesBelow(...page)[0]?.split(' ') ?? []
    beforeAll(async () => {
      networked = await networkedLab(place.lab)
      for (const [index, node] of place.lab.nodes.entries()) {
        const range = ['--subnet=172.80.0.0/16', '--gateway=172.80.0.1', `--ip-range=172.80.${index + 10}.0/24`]
        // As the article has it, but for the last, whose host has what is held back on a link of its own.
        const aux = index === 0 ? [] : [`--aux-address=host=172.80.${index + 10}.9`]
        if (index === 2) await macvlanByHand(node, `172.80.${index + 10}.9`)
        const create = [
          'docker',
          'network',
          'create',
          '--config-only',
          ...range,
          ...aux,
          '--opt=parent=eth1',
          'vlan40_net',
        ]
        await node.run(create, { check: true })
      }
      const make = ['--driver=macvlan', '--scope=swarm', '--config-from=vlan40_net', 'swarm-vlan40_net']
      await place.manager.run(['docker', 'network', 'create', ...make], { check: true })
      const how = [
        '--detach',
        '--no-resolve-image',
        '--endpoint-mode=dnsrr',
        '--mode=global',
        '--network=swarm-vlan40_net',
      ]
      await place.manager.run(['docker', 'service', 'create', ...how, '--name=old', 'orrery-lab/web:good'], {
        check: true,
      })
      await untilRunning(place.manager, 'old', 3)
      await networked.startController(place.manager, { ORRERY_NETWORK_AUTO: 'true' })
      for (const node of place.lab.nodes) await networked.startAgent(node)
    })
    afterAll(async () => await networked?.close())

    it('are refused where they differ, with the differences', async () => {
      await networked.define('vlan40', definition.replace('gateway: 172.80.0.1', 'gateway: 172.80.0.254'))
      const { code, stdout, stderr } = await networked.orrery(place.manager, adopt)
      expect(code).toBe(1)
      for (const word of ['gateway', '172.80.0.1', '172.80.0.254']) expect(stdout + stderr).toContain(word)
    })

    it('are adopted without touching a task', async () => {
      const tasks = await idsOf(place.manager, 'old')
      const network = (await engineNetwork(place.manager, 'swarm-vlan40_net'))?.Id
      await networked.define('vlan40', definition)
      const adopted = await networked.orrery(place.manager, adopt)
      expect(adopted.code, adopted.stdout + adopted.stderr).toBe(0)
      await untilReady(place.manager, 'swarm-vlan40_net', place.lab.nodes)
      const expected = place.lab.nodes.map(({ hostname }, index) => [hostname, `172.80.${index + 10}.0/24`])
      expect(await ranges(place.manager, 'swarm-vlan40_net')).toEqual(Object.fromEntries(expected))
      expect(await idsOf(place.manager, 'old')).toEqual(tasks)
      expect((await engineNetwork(place.manager, 'swarm-vlan40_net'))?.Id).toBe(network)
      const [none, held, byHand] = place.lab.nodes.map(present)
      const shims = async (node: LabNode) =>
        (await markedLinks(node)).flatMap(({ addr_info }) => (addr_info ?? []).map(({ local }) => local))
      expect(await shims(present(none))).toEqual([])
      expect(adopted.stdout).toContain(`${present(none).hostname} has no shim`)
      expect(await shims(present(held))).toContain('172.80.11.9')
      expect(await shims(present(byHand))).toEqual([])
    })
  })
})
