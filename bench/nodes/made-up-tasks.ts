/** Tasks of a Swarm that there is only in words: as its engine lists them, as its agents see them, as its watch tells of them. */
import { randomBytes } from 'node:crypto'
import type { FakeWatch } from '../../test/support/fake-engine/fake-watch.ts'
import { specOf } from '../calls/services.ts'
import type { ContainersByNode, SimulatedNode } from './simulated-agents.ts'

const SERVICES = 20
const EVERY_MS = 1000
/** How many of those that come and go are there at once. */
const COMING_AND_GOING = 10
const ID_BYTES = 13

export const newId = (bytes = ID_BYTES) =>
  randomBytes(bytes)
    .toString('hex')
    .slice(0, bytes === ID_BYTES ? 25 : 64)

export interface MadeUpTasks {
  /** The answer of `GET /tasks`. */
  readonly listed: string
  readonly containers: ContainersByNode
  readonly serviceIds: readonly string[]
}

/** The containers of every node, spread over the services. */
export function populate(on: {
  readonly nodes: readonly SimulatedNode[]
  /** On each node. */
  readonly containers: number
  readonly network: { readonly id: string; readonly name: string }
  /** `10.1.0.0/24`. */
  readonly rangeOf: (node: SimulatedNode) => string
  readonly addService: (name: string) => string
}): MadeUpTasks {
  const { nodes, network, rangeOf, addService } = on
  const services = Array.from({ length: SERVICES }, (_, index) => {
    const name = `shop_service-${index}`
    return { name, id: addService(name) }
  })
  const tasks: string[] = []
  const containers: ContainersByNode = nodes.map((node, slot) => {
    const [range = ''] = rangeOf(node).split('/')
    const held = Array.from({ length: on.containers }, (_, index) => {
      const service = services[index % SERVICES] ?? { name: '', id: '' }
      const [id, address] = [newId(), range.replace(/\.0$/, `.${index + 2}`)]
      tasks.push(JSON.stringify(rawTask({ id, node, address, network, serviceId: service.id, slot: slot + 1 })))
      const taskName = `${service.name}.${slot + 1}.${id}`
      return {
        ...{ id: newId(32), name: taskName, state: 'running', taskId: id, taskName },
        ...{ serviceId: service.id, serviceName: service.name },
        addresses: [{ network: network.name, address }],
      }
    })
    return [node.id, held]
  })
  return { listed: `[${tasks.join(',')}]`, containers, serviceIds: services.map(({ id }) => id) }
}

interface TaskWords {
  readonly id: string
  readonly serviceId: string
  readonly slot: number
  readonly node: SimulatedNode
  readonly address: string
  readonly network: { readonly id: string; readonly name: string }
}

/** 2 KB, as long as real ones. */
function rawTask({ id, serviceId, slot, node, address, network }: TaskWords) {
  const { TaskTemplate } = specOf({ name: 'shop_service' })
  const Network = {
    ID: network.id,
    Version: { Index: 20 },
    Spec: { Name: network.name, Labels: {}, DriverConfiguration: { Name: 'macvlan' }, Scope: 'swarm' },
    DriverState: { Name: 'macvlan' },
  }
  return {
    ...{
      ID: id,
      Version: { Index: 1000 },
      CreatedAt: '2026-01-31T12:00:00.123456789Z',
      UpdatedAt: '2026-01-31T12:00:05.123456789Z',
    },
    ...{ Labels: {}, Spec: { ...TaskTemplate, Networks: [{ Target: network.id }], ForceUpdate: 0 } },
    ...{ ServiceID: serviceId, Slot: slot, NodeID: node.id, DesiredState: 'running' },
    Status: {
      ...{ Timestamp: '2026-01-31T12:00:05.023456789Z', State: 'running', Message: 'started' },
      ContainerStatus: { ContainerID: newId(32), PID: 4242, ExitCode: 0 },
      PortStatus: {},
    },
    NetworksAttachments: [{ Network, Addresses: [`${address}/8`] }],
  }
}

/** Each second a task of the network begins, in the steps that Swarm takes, and one ends: about ten changes a second. */
export function comeAndGo(on: {
  readonly watch: FakeWatch
  readonly nodes: readonly SimulatedNode[]
  readonly networkId: string
  readonly serviceId: string
}): () => void {
  const { watch, nodes, networkId, serviceId } = on
  const there: string[] = []
  let index = 10_000
  const tell = (id: string, node: SimulatedNode, [state, desired]: readonly [string, string]) => {
    index += 1
    const words = { id, serviceId, slot: 1, node, address: '10.0.0.9', network: { id: networkId, name: '' } }
    const raw = rawTask(words)
    watch.stored({
      ...raw,
      ...{ Version: { Index: index }, DesiredState: desired, Status: { ...raw.Status, State: state } },
    })
  }
  const timer = setInterval(() => {
    const [id, node] = [newId(), nodes[Math.floor(Math.random() * nodes.length)]]
    if (node === undefined) return
    there.push(id)
    for (const state of ['new', 'pending', 'assigned', 'preparing', 'starting', 'running']) {
      tell(id, node, [state, 'running'])
    }
    const gone = there.length > COMING_AND_GOING ? there.shift() : undefined
    if (gone === undefined) return
    tell(gone, node, ['running', 'shutdown'])
    tell(gone, node, ['shutdown', 'shutdown'])
    watch.removed(gone)
  }, EVERY_MS)
  return () => clearInterval(timer)
}
