/**
 * A Swarm of a thousand nodes that there are only in words: the fake engine of the tests, simulated agents, and the real
 * controller, which builds the network on them by itself.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rangeLabel, readyLabel } from '../src/bootstrap/record/record.ts'
import { type Controller, startController } from '../test/e2e/support/controller.ts'
import { eventually } from '../test/e2e/support/services.ts'
import { type FakeEngine, startFakeEngine } from '../test/support/fake-engine/fake-engine.ts'
import { specOf } from './services.ts'
import { type ContainersByNode, type SimulatedAgents, type SimulatedNode, startAgents } from './simulated-agents.ts'

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
const SERVICES = 20
const CONTAINERS = 20
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
const ID_BYTES = 13
const newId = (bytes = ID_BYTES) =>
  randomBytes(bytes)
    .toString('hex')
    .slice(0, bytes === ID_BYTES ? 25 : 64)

export async function startThousandNodes(progress: (line: string) => void): Promise<ThousandNodes> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-bench-'))
  const [networkDir, tokenFile] = [folder, join(folder, 'tokens')]
  await writeFile(join(networkDir, `${NETWORK}.yaml`), DEFINITION)
  await writeFile(tokenFile, `admin ${TOKENS.scale}\nagent ${TOKENS.agent}\n`)
  const engine = await startFakeEngine()
  const nodes = Array.from({ length: NODES }, (_, index) => addNode(engine, index))
  engine.putNetwork(CONFIG_NETWORK)
  const socketPath = engine.host.replace('unix://', '')
  const env = {
    ...{ LOG_LEVEL: 'warn', ORRERY_NETWORK_DIR: networkDir, ORRERY_NETWORK_AUTO: 'true', ORRERY_TOKEN_FILE: tokenFile },
  }
  progress(`a controller, ${NODES} nodes and their agents`)
  const controller = await startController({ socketPath }, { env })
  const startedAt = performance.now()
  const agents = startAgents({ url: controller.url, token: TOKENS.agent, nodes })
  const isReady = ({ id }: SimulatedNode) => labelsOf(engine, id)[readyLabel(NETWORK)] === 'ready'
  await eventually('every node is ready', () => Promise.resolve(nodes.every(isReady)), { timeoutMs: 180_000 })
  const readyMs = performance.now() - startedAt
  const networkId = await eventually('the swarm network is made', async () => {
    const found = engine.networks().find(({ Name }) => Name === NETWORK)
    return found === undefined ? undefined : String(found.Id)
  })
  populate({ engine, nodes, networkId, agents })
  const timer = setInterval(() => engine.forgetCalls(), 1000)
  return {
    ...{ socketPath, controller, agents, readyMs },
    headers: { authorization: `Bearer ${TOKENS.scale}` },
    createService: (name, on) => addService(engine, { name, ...(on === 'network' && { networkId }) }),
    async close() {
      clearInterval(timer)
      agents.close()
      await controller.kill()
      await engine.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function addNode(engine: FakeEngine, index: number): SimulatedNode {
  const hostname = index === 0 ? MANAGER : `node-${String(index).padStart(4, '0')}`
  const id = index === 0 ? MANAGER : newId()
  const address = `192.168.${Math.floor(index / 250)}.${(index % 250) + 1}`
  engine.addNode({ id, hostname, role: index === 0 ? 'manager' : 'worker' })
  return { id, hostname, address }
}

function labelsOf(engine: FakeEngine, id: string): Record<string, string> {
  const spec = engine.node(id)?.Spec as { Labels?: Record<string, string> } | undefined
  return spec?.Labels ?? {}
}

/** Every node has a container of every service, and every agent says so. */
function populate(on: {
  readonly engine: FakeEngine
  readonly nodes: readonly SimulatedNode[]
  readonly networkId: string
  readonly agents: SimulatedAgents
}): void {
  const { engine, nodes, networkId, agents } = on
  const services = Array.from({ length: SERVICES }, (_, index) => {
    const name = `shop_service-${index}`
    return { name, id: addService(engine, { name, networkId, replicas: NODES }) }
  })
  const tasks: string[] = []
  const containers: ContainersByNode = nodes.map((node, slot) => {
    const [range = ''] = (labelsOf(engine, node.id)[rangeLabel(NETWORK)] ?? '').split('/')
    const held = Array.from({ length: CONTAINERS }, (_, index) => {
      const service = services[index % SERVICES] ?? { name: '', id: '' }
      const [id, address] = [newId(), range.replace(/\.0$/, `.${index + 2}`)]
      tasks.push(rawTask({ ...{ id, node, address, networkId }, serviceId: service.id, slot: slot + 1 }))
      const taskName = `${service.name}.${slot + 1}.${id}`
      return {
        ...{ id: newId(32), name: taskName, state: 'running', taskId: id, taskName },
        ...{ serviceId: service.id, serviceName: service.name },
        addresses: [{ network: NETWORK, address }],
      }
    })
    return [node.id, held]
  })
  // As text: the fake engine would take seconds to write so much.
  const body = `[${tasks.join(',')}]`
  engine.inject('GET /tasks', { body }, 100_000)
  agents.have(containers)
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

function rawTask(of: {
  readonly id: string
  readonly serviceId: string
  readonly slot: number
  readonly node: SimulatedNode
  readonly address: string
  readonly networkId: string
}): string {
  const { id, serviceId, slot, node, address, networkId } = of
  const { TaskTemplate } = specOf({ name: 'shop_service' })
  const Network = {
    ID: networkId,
    Version: { Index: 20 },
    Spec: { Name: NETWORK, Labels: {}, DriverConfiguration: { Name: 'macvlan' }, Scope: 'swarm' },
    DriverState: { Name: 'macvlan' },
  }
  return JSON.stringify({
    ...{
      ID: id,
      Version: { Index: 1000 },
      CreatedAt: '2026-01-31T12:00:00.123456789Z',
      UpdatedAt: '2026-01-31T12:00:05.123456789Z',
    },
    ...{ Labels: {}, Spec: { ...TaskTemplate, Networks: [{ Target: networkId }], ForceUpdate: 0 } },
    ...{ ServiceID: serviceId, Slot: slot, NodeID: node.id, DesiredState: 'running' },
    Status: {
      ...{ Timestamp: '2026-01-31T12:00:05.023456789Z', State: 'running', Message: 'started' },
      ContainerStatus: { ContainerID: newId(32), PID: 4242, ExitCode: 0 },
      PortStatus: {},
    },
    NetworksAttachments: [{ Network, Addresses: [`${address}/8`] }],
  })
}
