/** Networks and nodes for tests of what shows them. */

import type { NetworkDefinition } from '../../../src/bootstrap/definition/definition.ts'
import type { AllocationView, NetworkCatalog, NetworkView, NodeView } from '../../../src/bootstrap/network.ts'
import type { NetworkRecord, NodeAllocation } from '../../../src/bootstrap/record/record.ts'
import { Fault } from '../../../src/foundation/errors.ts'
import type { NodeReport } from '../../../src/swarm/node-report.ts'
import type { SwarmNode } from '../../../src/swarm/nodes.ts'
import type { SwarmTask } from '../../../src/swarm/tasks.ts'
import type { WantedState } from '../../../src/swarm/wanted.ts'
import { IN_SYNC, T0 } from '../use-cases/fake-use-cases.ts'
import { swarmNode } from './addresses.ts'
import { allocation, byNodeId, definition, family, record, report, wantedNetwork } from './networks.ts'

export const aDefinition = (change: Partial<NetworkDefinition> = {}): NetworkDefinition =>
  definition({
    ipv4: family({
      reserve: [{ first: '172.80.9.0', last: '172.80.9.255' }],
      pins: { manager1: '172.80.1.0/24' },
    }),
    ...change,
  })

export const aReport = (change: Partial<NodeReport> = {}): NodeReport =>
  report('worker1', {
    nodeId: 'node-1',
    engineVersion: '28.5.1',
    sentAtMs: T0,
    startedAtMs: T0 - 60_000,
    revision: 7,
    hostAddresses: [{ link: 'eth0', address: '10.0.0.12/24' }],
    standings: [{ name: 'vlan40', isAsWanted: true, faults: [], mended: [], attached: 1 }],
    ...change,
  })

/** A container of a task, running, with an address of `vlan40`. */
export const aContainer = (
  address: string | undefined,
  change: Partial<NodeReport['containers'][number]> = {},
): NodeReport['containers'][number] => ({
  id: `container-${address}`,
  name: `web.1.task-${address}`,
  state: 'running',
  taskId: `task-${address}`,
  taskName: `web.1.task-${address}`,
  serviceId: 'id-web',
  serviceName: 'web',
  addresses: [{ network: 'vlan40', ...(address !== undefined && { address }) }],
  ...change,
})

export const anAllocation = (change: Partial<AllocationView> = {}): AllocationView => ({
  network: 'vlan40',
  nodeId: 'node-1',
  hostname: 'worker1',
  range: '172.80.2.0/24',
  parent: 'bond0.40',
  shim: '172.80.2.254',
  count: { usable: 253, used: 1, free: 252 },
  isReady: true,
  isAsWanted: true,
  faults: [],
  addresses: [
    {
      address: '172.80.2.1',
      use: 'task',
      containerId: 'c1',
      containerState: 'running',
      taskId: 't1',
      taskName: 'web.1.t1',
      serviceName: 'web',
    },
    { address: '172.80.2.254', use: 'shim' },
  ],
  ...change,
})

export const aNetwork = (change: Partial<NetworkView> = {}): NetworkView => ({
  name: 'vlan40',
  definition: aDefinition(),
  file: 'vlan40.yaml',
  isInForce: true,
  networkId: 'id-vlan40',
  conditions: [{ type: 'Complete', status: true, reason: 'each node has a range and is ready', sinceMs: T0 }],
  issues: [],
  count: { usable: 253, used: 1, free: 252 },
  allocations: [anAllocation()],
  freed: [],
  pending: [],
  ...change,
})

export const aNode = (change: Partial<NodeView> = {}): NodeView => ({
  id: 'node-1',
  hostname: 'worker1',
  role: 'worker',
  state: 'ready',
  availability: 'active',
  engineVersion: '28.5.1',
  platform: { os: 'linux', architecture: 'x86_64' },
  address: '10.0.0.12',
  agent: { isHeard: true, version: '0.1.0', reportedAtMs: T0, revision: 7, faults: [] },
  hostAddresses: [{ link: 'eth0', address: '10.0.0.12/24' }],
  allocations: [anAllocation()],
  containers: [aContainer('172.80.2.1')],
  report: aReport(),
  ...change,
})

/** Throws the faults of the real one. */
export function fakeNetworks(
  networks: readonly NetworkView[] = [aNetwork()],
  nodes: readonly NodeView[] = [aNode()],
  issues: ReturnType<NetworkCatalog['issues']> = { issues: [] },
): NetworkCatalog {
  return {
    networks: () => networks,
    network(name) {
      const found = networks.find((network) => network.name === name)
      if (found === undefined) throw new Fault('unknown-network', `no network is named ${name}`)
      return found
    },
    look: () => IN_SYNC,
    nodes: () => nodes,
    node(idOrHostname) {
      const found = nodes.find(({ id, hostname }) => id === idOrHostname || hostname === idOrHostname)
      if (found === undefined) throw new Fault('unknown-node', `no node has the id or host name ${idOrHostname}`)
      return found
    },
    issues: () => issues,
  }
}

/** Every member that there can be. */
export const aWantedState = (change: Partial<WantedState> = {}): WantedState => ({
  v: 1,
  nodeId: 'node-1',
  revision: 8,
  networks: [
    wantedNetwork({ parent: 'bond0.40', ipv6: { subnet: 'fd00:40::/48', range: 'fd00:40:0:2::/64', aux: {} } }),
  ],
  ...change,
})

/** Assigned to node-1, on vlan40. */
export const aTask = (change: Partial<SwarmTask> = {}): SwarmTask => ({
  ...{ id: 'task-1', serviceId: 'id-web', nodeId: 'node-1', slot: 1 },
  ...{ desiredState: 'running', state: 'assigned', networkIds: ['id-vlan40'] },
  ...change,
})

export const aSwarmNode = (change: Partial<SwarmNode> = {}): SwarmNode =>
  swarmNode(1, {
    ...{ id: 'node-1', version: 11, hostname: 'worker1', address: '10.0.0.12', engineVersion: '28.5.1' },
    labels: { 'orrery.network.vlan40': 'ready', 'orrery.network.vlan40.range': '172.80.2.0/24' },
    ...change,
  })

export const aNodeAllocation = (change: Partial<NodeAllocation> = {}): NodeAllocation =>
  allocation('worker1', '172.80.2.0/24', { nodeId: 'node-1', givenAtMs: T0, ...change })

export const aRecord = (
  allocations: readonly NodeAllocation[] = [aNodeAllocation()],
  change: Partial<NetworkRecord> = {},
): NetworkRecord => record({ definition: aDefinition(), allocations: byNodeId(allocations), ...change })
