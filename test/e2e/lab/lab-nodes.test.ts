/** Nodes of the lab that come later, leave, come back and reboot; and its second LAN. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import type { Lab, LabNode } from '../../lab/lab.ts'
import { startLab } from '../../lab/start-lab.ts'
import { clearLab, readRecord } from '../../lab/state.ts'
import { namespacesOf, tracesOf } from '../support/lab-traces.ts'
import { createService, eventually, removeService, runningTasks } from '../support/services.ts'
import { enginesSideBySide } from '../support/side-by-side.ts'

interface Link {
  readonly ifname: string
  readonly flags: readonly string[]
  readonly addr_info: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[]
}

const LAN = { subnet: '172.80.0.0/16', gateway: '172.80.0.1', hostAddresses: true }
const OTHER_LAN = { subnet: '172.90.4.0/24', gateway: '172.90.4.254' }

const linksOf = async (place: Pick<LabNode, 'run'>): Promise<Link[]> =>
  JSON.parse((await place.run(['ip', '-j', 'address'], { check: true })).stdout)
const addressesOf = async (place: Pick<LabNode, 'run'>, name: string) => {
  const link = (await linksOf(place)).find(({ ifname }) => ifname === name)
  return link?.addr_info.flatMap(({ family, local, prefixlen }) => (family === 'inet' ? [`${local}/${prefixlen}`] : []))
}

enginesSideBySide('on the %s engine', (engine) => {
  let lab: Lab
  let first: LabNode
  let worker: LabNode

  beforeAll(async () => {
    lab = await startLab({ engine, nodes: 2, managers: 1, lan: [LAN, OTHER_LAN] })
    ;[first, worker] = lab.nodes as [LabNode, LabNode]
  })
  beforeEach(async () => await lab.mend(), 240_000)
  afterAll(async () => await lab?.down())

  const entry = async (nodeId: string) => {
    const format = '{{.Description.Hostname}} {{.Status.State}}'
    return (await first.docker('node', 'inspect', '--format', format, nodeId)).stdout.trim()
  }
  const everywhere = async ({ onTestFinished }: TestContext, name: string, template: Record<string, unknown> = {}) => {
    onTestFinished(() => removeService(first, name))
    await createService(first, { name, labels: {}, spec: { Mode: { Global: {} } }, template })
  }
  const runsOn = async (name: string, node: LabNode) => {
    const tasks = await runningTasks(first, name)
    return tasks.some(({ NodeID }) => NodeID === node.nodeId)
  }

  it('a node has the tools of the network, and each LAN its gateway and addresses', async ({ onTestFinished }) => {
    for (const tool of ['ip', 'bridge']) expect((await worker.run([tool, '-V'])).stdout).toContain(`${tool} utility`)
    expect(await addressesOf(first, 'eth1')).toEqual(['172.80.255.1/16'])
    expect(await addressesOf(worker, 'eth1')).toEqual(['172.80.255.2/16'])
    expect(await addressesOf(lab, 'br1')).toEqual(['172.80.0.1/16', '172.90.4.254/24'])
    const serve = "require('http').createServer((_, answer) => answer.end('here')).listen(81, '172.80.255.2')"
    const server = await worker.spawn([process.execPath, '-e', serve])
    onTestFinished(() => server.kill())
    const { url, close } = await lab.forward(81, '172.80.255.2')
    await eventually('it answers', async () => (await (await fetch(url)).text()) === 'here')
    await close()
  })

  it('one more node joins, runs tasks at once and is known to the others by name', async (context) => {
    await everywhere(context, 'agent')
    const started = Date.now()
    const node = await lab.addNode()
    await eventually('its task runs', () => runsOn('agent', node))
    console.log(`one more node with a task after ${((Date.now() - started) / 1000).toFixed(1)} s (${engine} engine)`)
    expect(lab.workers).toContain(node)
    expect(await addressesOf(node, 'eth1')).toEqual([`172.80.255.${lab.nodes.length}/16`])
    expect((await first.run(['getent', 'hosts', node.hostname])).stdout).toContain(node.address)
    expect((await node.run(['getent', 'hosts', first.hostname])).stdout).toContain(first.address)
    expect((await readRecord(lab.name))?.nodes.at(-1)).toMatchObject({ hostname: node.hostname, nodeId: node.nodeId })
    await lab.ready()
  })

  it('a node that was removed by force comes back under a new id, with its name and its links', async (context) => {
    context.onTestFailed(() => lab.rejoin(worker))
    await everywhere(context, 'back')
    await eventually('its task runs', () => runsOn('back', worker))
    const before = { nodeId: worker.nodeId, addresses: await addressesOf(worker, 'eth1'), pid: worker.pid }
    expect((await first.docker('node', 'rm', '--force', worker.nodeId)).code).toBe(0)
    expect(await entry(before.nodeId)).toBe('')

    await lab.rejoin(worker)
    expect(worker.nodeId).not.toBe(before.nodeId)
    expect(await entry(worker.nodeId)).toBe(`${worker.hostname} ready`)
    expect({ ...before, nodeId: '' }).toEqual({
      nodeId: '',
      addresses: await addressesOf(worker, 'eth1'),
      pid: worker.pid,
    })
    await eventually('its task runs again', () => runsOn('back', worker))
    await lab.ready()
  })

  it('a node that has left is down for the others and not waited for; beside its old entry it has a new one', async ({
    onTestFailed,
  }) => {
    onTestFailed(() => lab.rejoin(worker))
    const { nodeId } = worker
    await worker.leave()
    await lab.ready()
    await eventually('down', async () => (await entry(nodeId)) === `${worker.hostname} down`)
    expect(worker.nodeId).toBe(nodeId)
    await lab.rejoin(worker)
    expect(await entry(nodeId)).toBe(`${worker.hostname} down`)
    expect(await entry(worker.nodeId)).toBe(`${worker.hostname} ready`)
    expect((await first.docker('node', 'rm', nodeId)).code).toBe(0)
  })

  it('a rebooted node has its disk, and nothing of its memory but what the lab set', async (context) => {
    const network = await macvlan(context, `boxed-${Date.now()}`)
    await everywhere(context, 'boxed', {
      ContainerSpec: { Image: 'orrery-lab/web:good' },
      Networks: [{ Target: network }],
    })
    await answers(worker, network)
    const program = await worker.spawn(['sleep', '1000'])
    const make = [
      'ip link add shim link eth1 type macvlan mode bridge && ip address add 172.80.9.9/32 dev shim && ip link set shim up',
      'ip link set eth1 promisc on && ip address add 172.90.4.7/24 dev eth1 && ip route add 10.99.0.0/16 dev eth0',
      'ip route add blackhole 10.98.0.0/16 && echo kept >/var/lib/kept && echo lost >/run/lost',
    ].join(' && ')
    await worker.run(['sh', '-c', make], { check: true })

    // Without the engine's farewell Swarm needs half a minute to see that the old task is gone.
    await worker.reboot({ hard: engine === 'new' })
    await program.exited
    const { stdout } = await worker.run(['sh', '-c', 'cat /var/lib/kept; ls /run/lost; ip route; ip link show eth1'])
    expect(stdout).toContain('kept')
    expect(stdout).not.toMatch(/lost|10\.9[89]\.|PROMISC/)
    expect((await linksOf(worker)).map(({ ifname }) => ifname)).not.toContain('shim')
    expect(await addressesOf(worker, 'eth0')).toEqual([`${worker.address}/24`])
    expect(await addressesOf(worker, 'eth1')).toEqual(['172.80.255.2/16'])
    await lab.ready()
    await answers(worker, network)
  }, 400_000)

  /** A macvlan network with a range for each node of the lab; its name. */
  async function macvlan({ onTestFinished }: TestContext, name: string): Promise<string> {
    onTestFinished(async () => {
      await eventually('the network is gone', async () => {
        await first.docker('network', 'rm', name)
        return (await first.docker('network', 'inspect', name)).code !== 0
      })
    })
    for (const [index, node] of lab.nodes.entries()) {
      const range = ['--subnet=172.80.0.0/16', '--gateway=172.80.0.1', `--ip-range=172.80.${index + 1}.0/24`]
      const create = ['docker', 'network', 'create', '--config-only', ...range, '--opt=parent=eth1', `${name}-config`]
      await node.run(create, { check: true })
    }
    const how = ['--driver=macvlan', '--scope=swarm', `--config-from=${name}-config`]
    await first.run(['docker', 'network', 'create', ...how, name], { check: true })
    return name
  }

  /** Whether the LAN reaches the task of `boxed` on a node. */
  async function answers(node: LabNode, network: string): Promise<void> {
    const look = async () => {
      const { stdout: id } = await node.docker('ps', '--quiet', '--filter=name=boxed.')
      if (id === '') return false
      const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`
      const { stdout: address } = await node.docker('inspect', '--format', format, id.trim())
      const { url, close } = await lab.forward(80, address.trim())
      const text = await fetch(url).then((answer) => answer.text())
      await close()
      return text === 'orrery-lab/web\n'
    }
    await eventually('its task answers', look, { timeoutMs: 120_000 })
  }
})

describe('a manager', () => {
  it('is added, removed by force, and joined again under a new id', async () => {
    const lab = await startLab({ nodes: 2, images: [] })
    onTestFinished(() => lab.down())
    const [first] = lab.managers as [LabNode]
    const third = await lab.addNode({ role: 'manager' })
    await lab.ready()
    expect(lab.managers).toContain(third)
    const { nodeId } = third
    await first.run(['docker', 'node', 'demote', nodeId], { check: true })
    await first.run(['docker', 'node', 'rm', '--force', nodeId], { check: true })
    await lab.rejoin(third)
    await lab.ready()
    expect(third.nodeId).not.toBe(nodeId)
    expect((await third.docker('node', 'ls', '--quiet')).stdout.trim().split('\n')).toHaveLength(3)
  }, 180_000)
})

describe('the end of a lab', () => {
  it('takes nodes along that were added, joined or not', async () => {
    const name = `grown-${process.pid}`
    onTestFinished(() => clearLab(name))
    const lab = await startLab({ name, nodes: 1, images: [] })
    const [, apart] = await Promise.all([lab.addNode({ images: [] }), lab.addNode({ images: [], join: false })])
    expect((await apart.docker('info', '--format', '{{.Swarm.LocalNodeState}}')).stdout).toBe('inactive\n')
    await lab.ready()
    const record = await readRecord(name)
    if (record === undefined) throw new Error('no record')
    const namespaces = namespacesOf(record)
    expect(namespaces.size).toBe(3 + 3 * 5)
    await lab.down()
    expect(await tracesOf(name, namespaces)).toEqual([])
  }, 180_000)
})
