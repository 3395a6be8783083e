/** Builders for tests of free addresses: one network `vlan40`, one range a node. */

import type { NetworkRecord } from '../../../src/bootstrap/record/record.ts'
import type { EngineNetwork } from '../../../src/swarm/networks.ts'
import type { HeardReport, ReportedContainer } from '../../../src/swarm/node-report.ts'
import type { SwarmNode } from '../../../src/swarm/nodes.ts'
import type { Placement } from '../../../src/swarm/services.ts'
import { NOW } from './autoscaling.ts'
import { allocation, byNodeId, configOnly, definition, record, report } from './networks.ts'

export const NETWORK_ID = 'id-vlan40'

export const hostnameOf = (index: number): string => `lab-${index + 1}`

export function placement(over: Partial<Placement> = {}): Placement {
  return { networks: [NETWORK_ID], constraints: [], maxPerNode: 0, platforms: [], surge: 0, ...over }
}

/** Ready for the network unless it is said. */
export function swarmNode(index: number, over: Partial<SwarmNode> = {}): SwarmNode {
  const hostname = hostnameOf(index)
  return {
    id: `id-${hostname}`,
    version: 1,
    hostname,
    role: index === 0 ? 'manager' : 'worker',
    state: 'ready',
    availability: 'active',
    labels: { 'orrery.network.vlan40': 'ready' },
    engineVersion: '28.5.2',
    platform: { os: 'linux', architecture: 'x86_64' },
    engineLabels: {},
    ...over,
  }
}

export function swarmNetwork(over: Partial<EngineNetwork> = {}): EngineNetwork {
  const made = { driver: 'macvlan', scope: 'swarm', configOnly: false, configFrom: 'vlan40_config' }
  return {
    ...configOnly('', { id: NETWORK_ID, name: 'vlan40', ...made, labels: {}, options: {}, subnets: [] }),
    ...over,
  }
}

/** Of `lab-1`, `lab-2`, … with so many usable addresses each, 16 at most; `undefined`: it has no range. */
export function networkRecord(usable: readonly (number | undefined)[]): NetworkRecord {
  const allocations = usable.flatMap((count, index) => {
    if (count === undefined) return []
    const held = Array.from({ length: 16 - count }, (_, at) => [`held-${at}`, `172.80.${index + 1}.${at}`])
    const aux: Record<string, string> = Object.fromEntries(held)
    return [allocation(hostnameOf(index), `172.80.${index + 1}.0/28`, { isAdopted: true, aux })]
  })
  return record({ definition: definition({ edges: 'use', shim: false }), allocations: byNodeId(allocations) })
}

export function container(over: Partial<ReportedContainer> = {}): ReportedContainer {
  return { id: 'c', name: 'c', state: 'running', addresses: [{ network: 'vlan40', address: '172.80.1.1' }], ...over }
}

export function heardReport(
  index: number,
  containers: readonly Partial<ReportedContainer>[] = [],
  receivedAtMs = NOW,
): HeardReport {
  return { report: report(hostnameOf(index), { containers: containers.map(container) }), receivedAtMs }
}
