/** A node of a network where nothing happens: what its agent costs, and what the controller asks of the engine meanwhile. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WireNetwork } from '../../src/http/wire/network.ts'
import { endControllers, startController } from '../../test/e2e/support/controller.ts'
import { type EngineProxy, startEngineProxy } from '../../test/e2e/support/engine-proxy.ts'
import { type Networked, type NodeController, networkedLab } from '../../test/e2e/support/networked.ts'
import { untilReady } from '../../test/e2e/support/observed-networks.ts'
import { createService, eventually } from '../../test/e2e/support/services.ts'
import { DEFINITION, LAN, NETWORK } from '../../test/e2e/support/vlan40.ts'
import type { Lab, LabNode } from '../../test/lab/lab.ts'
import type { EngineKind } from '../../test/lab/packages/engines.ts'
import { startLab } from '../../test/lab/start-lab.ts'
import { connectRawEngine } from '../calls/raw-engine.ts'
import { createService as createIdleService } from '../calls/services.ts'
import { atMost, exactly, type Figure } from '../figure.ts'
import { callsAMinute, callsAtMost, callsSoFar } from '../idle.ts'
import { processorSeconds, residentMb } from '../processor-time.ts'
import { startAgents } from './simulated-agents.ts'
import { figuresOf, takeTurns } from './under-reports.ts'

interface Options {
  readonly engine: EngineKind
  readonly quick: boolean
  readonly progress: (line: string) => void
}

const WINDOW_MS = 60_000
const WINDOW_MS_QUICK = 20_000
/** After the last container has started: nothing is news any more. */
const SETTLE_MS = 12_000
const CONTAINERS = 5
const AGENTS = 1000
const ROUNDS = 2
const LIMITS = { agentPercent: 1, agentMb: 100 }
/** As without networks, and each minute the records, the nodes and the networks. */
const CALLS_A_MINUTE = 40
/** The resync, every five minutes. */
const TASK_LISTS = 1

export async function measureNetworkNode(options: Options): Promise<Figure[]> {
  const { engine, quick, progress } = options
  const lan = { ...LAN, hostAddresses: true }
  const lab = await startLab({ nodes: 1, managers: 1, engine, images: ['orrery-lab/web'], lan, onProgress: progress })
  const networked = await networkedLab(lab)
  const folder = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
  const node = managerOf(lab)
  const proxy = await startEngineProxy(node, join(folder, 'engine.sock'))
  try {
    progress(`an agent, a controller and ${CONTAINERS} containers on a network`)
    const { controller, agentPid, stop } = await setUp(networked, node, proxy)
    const windowMs = quick ? WINDOW_MS_QUICK : WINDOW_MS
    progress(`nothing happens for ${windowMs / 1000} s`)
    const figures = await watch({ controller, agentPid, proxy, windowMs })
    await stop()
    progress('up with and without reports of 1000 agents, by turns')
    return [...figures, ...(await measureUnderReports(node, networked.networkDir))]
  } finally {
    endControllers()
    await networked.close()
    await proxy.close()
    await rm(folder, { recursive: true, force: true })
    await lab.down()
  }
}

async function setUp(networked: Networked, node: LabNode, proxy: EngineProxy) {
  await networked.define(NETWORK, DEFINITION)
  const controller = await networked.startController(node, { LOG_LEVEL: 'info', ORRERY_NETWORK_AUTO: 'true' })
  const agent = await networked.startAgent(node, { LOG_LEVEL: 'info', DOCKER_HOST: `unix://${proxy.socketPath}` })
  await untilReady(node, NETWORK, [node])
  await createService(node, {
    name: 'on-the-lan',
    replicas: CONTAINERS,
    template: { Networks: [{ Target: NETWORK }] },
  })
  await eventually(
    'the controller hears of every container',
    async () => {
      const { body } = await controller.call<WireNetwork>('GET', `/v1/network/${NETWORK}`)
      const held = body.nodes.flatMap(({ addresses }) => addresses.filter(({ use }) => use === 'task'))
      return held.filter(({ containerId }) => containerId !== undefined).length === CONTAINERS
    },
    { timeoutMs: 60_000 },
  )
  await sleep(SETTLE_MS)
  const stop = async () => void (await Promise.all([controller.stop(), agent.stop()]))
  return { controller, agentPid: agent.pid, stop }
}

async function watch(on: {
  readonly controller: NodeController
  readonly agentPid: number
  readonly proxy: EngineProxy
  readonly windowMs: number
}): Promise<Figure[]> {
  const { controller, agentPid, proxy, windowMs } = on
  const look = async () => ({
    ...{ byAgent: proxy.calls(), byController: await callsSoFar(controller) },
    agentSeconds: processorSeconds(agentPid, { withChildren: true }),
    controllerSeconds: processorSeconds(controller.pid),
  })
  const before = await look()
  await sleep(windowMs)
  const after = await look()
  const percent = (of: 'agentSeconds' | 'controllerSeconds') => (100_000 * (after[of] - before[of])) / windowMs
  const memory = residentMb(agentPid)
  const byAgent = callsAMinute(before.byAgent, after.byAgent, windowMs)
  const byController = callsAMinute(before.byController, after.byController, windowMs)
  const taskLists = (after.byController.get('GET /tasks') ?? 0) - (before.byController.get('GET /tasks') ?? 0)
  return [
    {
      name: `agent, ${CONTAINERS} containers: share of one core`,
      measured: `${percent('agentSeconds').toFixed(2)} %`,
      limit: atMost(percent('agentSeconds'), LIMITS.agentPercent, ' %'),
    },
    {
      name: `agent, ${CONTAINERS} containers: resident memory`,
      measured: `${Math.round(memory.now)} MB (highest ${Math.round(memory.highest)} MB)`,
      limit: atMost(memory.now, LIMITS.agentMb, ' MB'),
    },
    {
      name: `agent, ${CONTAINERS} containers: engine calls a minute`,
      measured: `${byAgent.all} (${byAgent.described}), 1 event stream`,
    },
    {
      name: 'idle with a network: engine calls a minute',
      measured: `${byController.all} (${byController.described}), 1 event stream`,
      limit: callsAtMost(byController.all, CALLS_A_MINUTE, windowMs),
    },
    {
      name: 'idle with a network: lists of tasks in that minute',
      measured: `${taskLists}`,
      limit: exactly(taskLists <= TASK_LISTS, `<= ${TASK_LISTS}`),
    },
    { name: 'idle with a network: share of one core', measured: `${percent('controllerSeconds').toFixed(1)} %` },
  ]
}

/** All of them speak for the one node that there is. */
async function measureUnderReports(node: LabNode, networkDir: string): Promise<Figure[]> {
  const engine = connectRawEngine(node.socketPath)
  const socket = { ORRERY_SWARM_SOCKET: `/proc/${node.pid}/root/run/docker/swarm/control.sock` }
  const env = { LOG_LEVEL: 'info', ORRERY_NETWORK_DIR: networkDir, ...socket }
  const controller = await startController(node, { env })
  const one = { id: node.nodeId, hostname: node.hostname, address: '172.80.0.11' }
  const agents = startAgents({ url: controller.url, token: undefined, nodes: Array(AGENTS).fill(one) })
  const containers = Array.from({ length: 20 }, (_, index) => ({
    ...{ id: String(index).padStart(64, '0'), name: `made-up.${index}`, state: 'running' },
    addresses: [{ network: 'made-up', address: `172.81.0.${index + 1}` }],
  }))
  agents.have([[node.nodeId, containers]])
  try {
    const name = 'asked'
    const services = [{ what: 'of a service', name, id: await createIdleService(engine, { name }) }]
    const on = { socketPath: node.socketPath, controller, agents, headers: {}, services, rounds: ROUNDS }
    return figuresOf(on, await takeTurns(on), 'a real engine')
  } finally {
    agents.close()
    await engine.close()
  }
}

function managerOf(lab: Lab): LabNode {
  const [manager] = lab.managers
  if (manager === undefined) throw new Error('a lab without managers')
  return manager
}
