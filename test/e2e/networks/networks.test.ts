/** A network on three nodes, and how it is kept as nodes come, go, break and reboot. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { WireNetwork } from '../../../src/http/wire/network.ts'
import { attachedTo, pingAll } from '../../demo/ping-table.ts'
import type { LabNode } from '../../lab/lab.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab, type Program } from '../support/networked.ts'
import {
  engineNetwork,
  markedLinks,
  nodeLabels,
  promiscuity,
  ranges,
  runningTasks,
  untilReady,
  versions,
} from '../support/observed-networks.ts'
import { eventually, removeService } from '../support/services.ts'
import { enginesSideBySide } from '../support/side-by-side.ts'
import { DEFINITION, LAN, NETWORK } from '../support/vlan40.ts'

enginesSideBySide('on the %s engine', (engine) => {
  const place = labForTests({
    engine,
    nodes: 3,
    managers: 1,
    lan: { ...LAN, hostAddresses: true },
    images: ['orrery-lab/web'],
  })
  let networked: Networked
  let controller: NodeController
  const agents = new Map<LabNode, Program>()

  const startAgent = async (node: LabNode) => agents.set(node, await networked.startAgent(node))
  const agentOf = (node: LabNode) => present(agents.get(node))
  const startServing = async () => {
    controller = await networked.startController(place.manager, { ORRERY_NETWORK_AUTO: 'true' })
  }
  const createGlobal = async (name: string) => {
    await removeService(place.manager, name)
    const how = ['--detach', '--no-resolve-image', '--endpoint-mode=dnsrr', '--mode=global', `--network=${NETWORK}`]
    const ready = `--constraint=node.labels.orrery.network.${NETWORK} == ready`
    const { code, stderr } = await place.manager.docker(
      'service',
      'create',
      ...how,
      ready,
      '--name',
      name,
      'orrery-lab/web:good',
    )
    expect(code, stderr).toBe(0)
  }
  const untilRunning = async (service: string, count: number) =>
    await eventually(
      `${count} tasks of ${service} run`,
      async () => (await runningTasks(place.manager, service)).length === count,
      {
        timeoutMs: 60_000,
      },
    )
  /** The node is as it should be, by its own kernel and engine. */
  const isMade = async (node: LabNode): Promise<boolean> => {
    const [config, links] = await Promise.all([engineNetwork(node, `${NETWORK}_config`), markedLinks(node)])
    const hasAddress = links.some(({ addr_info = [] }) =>
      addr_info.some(({ local = '' }) => local.startsWith('172.80.')),
    )
    return config?.ConfigOnly === true && hasAddress && (await promiscuity(node, 'eth1')) > 0
  }

  beforeAll(async () => {
    networked = await networkedLab(place.lab)
  })
  afterAll(async () => await networked?.close())

  it('is built on the first run, by itself: a range a node, then ready', async () => {
    await networked.define(NETWORK, DEFINITION)
    const started = Date.now()
    await Promise.all([startServing(), ...place.lab.nodes.map(startAgent)])
    await untilReady(place.manager, NETWORK, place.lab.nodes)
    console.log(`ready on three nodes ${((Date.now() - started) / 1000).toFixed(1)} s after the start of everything`)
    expect(Object.values(await ranges(place.manager, NETWORK)).sort()).toEqual([
      '172.80.1.0/24',
      '172.80.2.0/24',
      '172.80.3.0/24',
    ])
    for (const node of place.lab.nodes) expect(await isMade(node), node.hostname).toBe(true)
    const made = await eventually('the swarm network', async () => await engineNetwork(place.manager, NETWORK))
    expect(made.Id).not.toBe('')
  })

  it('every host and every container reaches every container by its own address', async () => {
    await createGlobal('on-the-lan')
    await untilRunning('on-the-lan', 3)
    const attached = await attachedTo(NETWORK, place.lab.nodes)
    expect(attached.length).toBe(3)
    const rows = await pingAll(place.lab.nodes, attached)
    expect(rows.length).toBe(6)
    for (const [from, ...cells] of rows) expect({ from, cells }).toEqual({ from, cells: ['yes', 'yes', 'yes'] })
  })

  it('is shown with every address, its task, service and container', async () => {
    const seen = await eventually('all addresses are reported', async () => {
      const { body } = await controller.call<WireNetwork>('GET', `/v1/network/${NETWORK}`)
      const addresses = body.nodes.flatMap((node) => node.addresses.filter(({ use }) => use === 'task'))
      return addresses.length === 3 && addresses.every(({ containerId }) => containerId !== undefined)
        ? body
        : undefined
    })
    const attached = await attachedTo(NETWORK, place.lab.nodes)
    const shown = seen.nodes.flatMap(({ hostname, addresses }) =>
      addresses.flatMap(({ use, address, containerId, serviceName }) =>
        use === 'task' ? [{ hostname, address, containerId, serviceName }] : [],
      ),
    )
    const real = attached.map(({ node, containerId, address }) => ({
      hostname: node.hostname,
      address,
      containerId,
      serviceName: 'on-the-lan',
    }))
    expect(new Set(shown.map((one) => JSON.stringify(one)))).toEqual(new Set(real.map((one) => JSON.stringify(one))))
    expect(seen).toMatchObject({ usable: 3 * 253, used: 3, free: 3 * 253 - 3, pending: [] })
  })

  it('a second apply writes nothing', async () => {
    const before = await versions(place.manager)
    const { code, stdout, stderr } = await networked.orrery(place.manager, ['network', 'apply', '--json'])
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ outcome: 'unchanged' })
    expect(await versions(place.manager)).toEqual(before)
  })

  it('a fourth engine joins: it is made ready by itself, and tasks run there', async () => {
    const node = await place.lab.addNode({ role: 'worker', images: ['orrery-lab/web'] })
    const started = Date.now()
    await startAgent(node)
    await untilReady(place.manager, NETWORK, [node], 150_000)
    const tookMs = Date.now() - started
    console.log(`the fourth node was ready ${(tookMs / 1000).toFixed(1)} s after it had joined (${engine} engine)`)
    await untilRunning('on-the-lan', 4)
    const tasks = await runningTasks(place.manager, 'on-the-lan')
    expect(tasks.map(({ NodeID }) => NodeID)).toContain(node.nodeId)
    const attached = await attachedTo(NETWORK, place.lab.nodes)
    const rows = await pingAll(place.lab.nodes, attached)
    for (const [from, ...cells] of rows) expect({ from, cells }).toEqual({ from, cells: ['yes', 'yes', 'yes', 'yes'] })
  })

  const deleteByHand = async (node: LabNode) => {
    for (const { ifname } of await markedLinks(node)) await node.run(['ip', 'link', 'delete', ifname], { check: true })
    await node.run(['ip', 'link', 'set', 'eth1', 'promisc', 'off'], { check: true })
    // An agent that was killed while it proved the engine leaves its probe, which holds the config-only network.
    await node.docker('network', 'rm', `orrery-probe-${NETWORK}`)
    const { code, stderr } = await node.docker('network', 'rm', `${NETWORK}_config`)
    expect(code, stderr).toBe(0)
  }

  it('what is deleted by hand comes back, also when the agent was killed meanwhile', async () => {
    // The engine keeps the config-only network while a task is attached.
    await removeService(place.manager, 'on-the-lan')
    const node = present(place.lab.nodes[1])
    await eventually('nothing is attached', async () => (await attachedTo(NETWORK, place.lab.nodes)).length === 0)
    await eventually('the engine lets go of the network', async () => {
      await deleteByHand(node)
      return true
    })
    await eventually('the agent makes it again', async () => await isMade(node), { timeoutMs: 60_000 })

    await agentOf(node).kill()
    // What it had asked of the engine just before may still be carried out.
    await eventually('the engine lets go of it again', async () => {
      await deleteByHand(node)
      return true
    })
    await sleep(500)
    expect(await isMade(node)).toBe(false)
    await startAgent(node)
    await eventually('the next agent makes it again', async () => await isMade(node), { timeoutMs: 60_000 })
    expect((await nodeLabels(place.manager))[node.hostname]).toMatchObject({ [`orrery.network.${NETWORK}`]: 'ready' })
  })

  it('an engine that is restarted has it again', async () => {
    const node = present(place.lab.nodes[2])
    await node.restart()
    await place.lab.ready()
    await eventually('as wanted', async () => await isMade(node), { timeoutMs: 60_000 })
    await createGlobal('after-restart')
    await untilRunning('after-restart', 4)
    const rows = await pingAll([node], await attachedTo(NETWORK, [node]))
    for (const [, ...cells] of rows) expect(cells).toEqual(['yes'])
  })

  it('after a reboot without any controller the host reaches its containers again', async () => {
    await controller.stop()
    const node = present(place.lab.nodes[2])
    // As by a power cut: one of 20.10 that ends in order may lose count of its networks for good (the last test below).
    await node.reboot({ hard: true })
    await place.lab.ready()
    expect(await markedLinks(node)).toEqual([])
    await startAgent(node)
    await eventually('as wanted, from what the agent kept', async () => await isMade(node), { timeoutMs: 60_000 })
    // Swarm shows the task of before as running for a moment.
    const isBack = async () => (await attachedTo(NETWORK, [node])).length === 1
    await eventually('a container is there again', isBack, { timeoutMs: 60_000 })
    await untilRunning('after-restart', 4)
    const rows = await pingAll([node], await attachedTo(NETWORK, [node]))
    for (const [, ...cells] of rows) expect(cells).toEqual(['yes'])
    await startServing()
  })

  it('is removed only when no service uses it, and then leaves nothing', async () => {
    const refused = await networked.orrery(place.manager, ['network', 'remove', NETWORK])
    expect(refused.code).toBe(1)
    expect(refused.stdout + refused.stderr).toContain('after-restart')
    expect(await engineNetwork(place.manager, NETWORK)).toBeDefined()
    await removeService(place.manager, 'after-restart')
    await networked.undefine(NETWORK)
    // It ends before the test does, and so says what it waits for.
    const removed = await networked.orrery(place.manager, ['network', 'remove', NETWORK, '--timeout', '90s'])
    expect(removed.code, removed.stdout + removed.stderr).toBe(0)
    for (const node of place.lab.nodes) {
      expect(await engineNetwork(node, NETWORK)).toBeUndefined()
      expect(await engineNetwork(node, `${NETWORK}_config`)).toBeUndefined()
      expect(await markedLinks(node)).toEqual([])
    }
    const configs = (await place.manager.api.listConfigs()) as unknown as { Spec: { Name: string } }[]
    expect(configs.map(({ Spec }) => Spec.Name)).not.toContain(`orrery-network-${NETWORK}`)
    for (const labels of Object.values(await nodeLabels(place.manager)))
      expect(Object.keys(labels).filter((label) => label.startsWith('orrery.network.'))).toEqual([])
  })

  it('an engine that was killed under a task and keeps a count: the removal says what ends that, and then goes on', async () => {
    const node = present(place.lab.nodes[1])
    await networked.define(NETWORK, DEFINITION)
    await untilReady(place.manager, NETWORK, place.lab.nodes)
    await createGlobal('on-the-lan')
    await untilRunning('on-the-lan', place.lab.nodes.length)
    await node.kill()
    await removeService(place.manager, 'on-the-lan')
    await networked.undefine(NETWORK)
    await node.start()
    await place.lab.ready()
    const removed = await networked.orrery(place.manager, ['network', 'remove', NETWORK, '--timeout', '60s'])
    const said = removed.stdout + removed.stderr
    const [, file] = /: stop the engine, remove (\S+) .*, and start it again/.exec(said) ?? []
    expect({ code: removed.code, isKept: file !== undefined }, said).toEqual(
      engine === 'old' ? { code: 1, isKept: true } : { code: 0, isKept: false },
    )
    if (file !== undefined) {
      await node.stop()
      await node.run(['rm', file], { check: true })
      await node.start()
    }
    await eventually('nothing is left', async () => {
      const configs = (await place.manager.api.listConfigs()) as unknown as { Spec: { Name: string } }[]
      const isRecorded = configs.some(({ Spec }) => Spec.Name === `orrery-network-${NETWORK}`)
      return !isRecorded && (await engineNetwork(node, `${NETWORK}_config`)) === undefined
    })
  })
})
