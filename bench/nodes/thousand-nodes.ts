/**
 * A Swarm of a thousand nodes that there are only in words: the fake engine of the tests, simulated agents, and the real
 * controller, which builds the network on them by itself.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rangeLabel, readyLabel } from '../../src/bootstrap/record/record.ts'
import { type Controller, freePort, startController } from '../../test/e2e/support/controller.ts'
import { eventually } from '../../test/e2e/support/services.ts'
import { type FakeEngine, startFakeEngine } from '../../test/support/fake-engine/fake-engine.ts'
import { startFakeWatch } from '../../test/support/fake-engine/fake-watch.ts'
import { type SwarmCa, swarmCa, writeIdentity } from '../../test/support/swarm-ca.ts'
import { specOf } from '../calls/services.ts'
import { comeAndGo, newId, populate } from './made-up-tasks.ts'
import { type SimulatedAgents, type SimulatedNode, startAgents } from './simulated-agents.ts'

export interface ThousandNodes {
  readonly socketPath: string
  readonly controller: Controller
  readonly agents: SimulatedAgents
  /** Of callers with the role `scale`. */
  readonly headers: Readonly<Record<string, string>>
  /** From the first report to the last label. */
  readonly readyMs: number
  /** A service without tasks, on the network or not. Its id. */
  createService(name: string, on: 'network' | 'nothing'): string
  close(): Promise<void>
}

export const NODES = 1000
const NETWORK = 'vlan40'
/** The node of the engine: it alone shows its own config-only networks to the controller. */
const MANAGER = 'manager'
const DEFINITION = `
name: ${NETWORK}
parent: eth1
subnet: 10.0.0.0/8
gateway: 10.0.0.1
pool: [10.1.0.0-10.8.255.255]
range: 24
nodes: {${MANAGER}: 10.1.0.0/24}
`
const CONFIG_NETWORK = {
  Name: `${NETWORK}_config`,
  Driver: 'null',
  ConfigOnly: true,
  Labels: { 'orrery.network': NETWORK },
  Options: { parent: 'eth1', macvlan_mode: 'bridge' },
  IPAM: {
    Config: [
      {
        ...{ Subnet: '10.0.0.0/8', IPRange: '10.1.0.0/24', Gateway: '10.0.0.1' },
        AuxiliaryAddresses: { 'orrery-first': '10.1.0.0', 'orrery-last': '10.1.0.255', 'orrery-shim': '10.1.0.1' },
      },
    ],
  },
}
const TOKENS = { scale: 'of-the-callers', agent: 'of-the-agents' }

export async function startThousandNodes(options: {
  readonly nodes?: number
  /** How agents prove who they are: by a token over plain HTTP, or by certificates over mutual TLS. */
  readonly proof?: 'token' | 'certificate'
  /** Of the network, on each node. */
  readonly containers: number
  readonly progress: (line: string) => void
}): Promise<ThousandNodes> {
  const { containers, progress, nodes: count = NODES, proof = 'token' } = options
  const folder = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
  const [networkDir, tokenFile] = [folder, join(folder, 'tokens')]
  await writeFile(join(networkDir, `${NETWORK}.yaml`), DEFINITION)
  await writeFile(tokenFile, `admin ${TOKENS.scale}\nagent ${TOKENS.agent}\n`)
  const engine = await startFakeEngine()
  const watch = await startFakeWatch()
  const ca = proof === 'token' ? undefined : swarmCa('bench')
  const nodes = Array.from({ length: count }, (_, index) => addNode(engine, index, ca))
  const [certificates, agentPort] = [join(folder, 'certificates'), await freePort()]
  if (ca !== undefined) await writeIdentity(certificates, ca.issue({ nodeId: MANAGER, role: 'swarm-manager' }))
  engine.putNetwork(CONFIG_NETWORK)
  const socketPath = engine.host.replace('unix://', '')
  const env = {
    ...{ LOG_LEVEL: 'warn', ORRERY_NETWORK_DIR: networkDir, ORRERY_NETWORK_AUTO: 'true', ORRERY_TOKEN_FILE: tokenFile },
    ORRERY_SWARM_SOCKET: watch.socketPath,
    ...(ca && { ORRERY_SWARM_CERT_DIR: certificates, ORRERY_AGENT_LISTEN: `127.0.0.1:${agentPort}` }),
  }
  progress(`a controller, ${count} nodes and their agents, by ${proof}`)
  const controller = await startController({ socketPath }, { env })
  const startedAt = performance.now()
  const agents = startAgents({
    ...(ca === undefined
      ? { url: controller.url, token: TOKENS.agent }
      : { url: `https://127.0.0.1:${agentPort}`, token: undefined }),
    nodes,
  })
  const isReady = ({ id }: SimulatedNode) => labelsOf(engine, id)[readyLabel(NETWORK)] === 'ready'
  await eventually('every node is ready', () => Promise.resolve(nodes.every(isReady)), { timeoutMs: 180_000 })
  const readyMs = performance.now() - startedAt
  const networkId = await eventually('the swarm network is made', async () => {
    const found = engine.networks().find(({ Name }) => Name === NETWORK)
    return found === undefined ? undefined : String(found.Id)
  })
  const rangeOf = ({ id }: SimulatedNode) => labelsOf(engine, id)[rangeLabel(NETWORK)] ?? ''
  const made = populate({
    ...{ nodes, containers, network: { id: networkId, name: NETWORK }, rangeOf },
    addService: (name) => addService(engine, { name, networkId, replicas: count }),
  })
  // As text: the fake engine would take seconds to write so much.
  engine.inject('GET /tasks', { body: made.listed }, 100_000)
  agents.have(made.containers)
  // They were not told of one by one: a new stream makes the controller list them.
  watch.cut()
  const stopChanges = comeAndGo({ watch, nodes, networkId, serviceId: made.serviceIds[0] ?? '' })
  await eventually('the tasks are heard', async () => (await controller.metric('orrery_tasks_heard')) === 1, {
    timeoutMs: 180_000,
  })
  const timer = setInterval(() => engine.forgetCalls(), 1000)
  return {
    ...{ socketPath, controller, agents, readyMs },
    headers: { authorization: `Bearer ${TOKENS.scale}` },
    createService: (name, on) => addService(engine, { name, ...(on === 'network' && { networkId }) }),
    async close() {
      clearInterval(timer)
      stopChanges()
      agents.close()
      await controller.kill()
      await Promise.all([engine.close(), watch.close()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function addNode(engine: FakeEngine, index: number, ca: SwarmCa | undefined): SimulatedNode {
  const hostname = index === 0 ? MANAGER : `node-${String(index).padStart(4, '0')}`
  const id = index === 0 ? MANAGER : newId()
  const address = `192.168.${Math.floor(index / 250)}.${(index % 250) + 1}`
  engine.addNode({ id, hostname, role: index === 0 ? 'manager' : 'worker' })
  const role = index === 0 ? 'swarm-manager' : 'swarm-worker'
  return { id, hostname, address, ...(ca && { identity: ca.issue({ nodeId: id, role }) }) }
}

function labelsOf(engine: FakeEngine, id: string): Record<string, string> {
  const spec = engine.node(id)?.Spec as { Labels?: Record<string, string> } | undefined
  return spec?.Labels ?? {}
}

interface ServiceWish {
  readonly name: string
  readonly networkId?: string
  readonly replicas?: number
}

function addService(engine: FakeEngine, { name, networkId, replicas = 0 }: ServiceWish): string {
  const { TaskTemplate, ...spec } = specOf({ name, replicas })
  const Placement = { Constraints: [`node.labels.${readyLabel(NETWORK)} == ready`] }
  const Networks = networkId === undefined ? [] : [{ Target: networkId }]
  return engine.addService({
    name,
    replicas,
    labels: spec.Labels,
    spec: { ...spec, TaskTemplate: { ...TaskTemplate, Placement, Networks } },
  })
}
