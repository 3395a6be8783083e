/** Nodes as `GET /v1/node` shows them, and a report from which a command can look at a node as the controller does. */
import { type Static, Type } from '@sinclair/typebox'
import type { NodeView } from '../../bootstrap/network.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import type { EngineNetwork } from '../../swarm/networks.ts'
import type { NodeReport } from '../../swarm/node-report.ts'
import type { ManagerStatus } from '../../swarm/nodes.ts'
import { type AllocationSchema, FaultSchema, type Shown as ShownAllocations, wireAllocation } from './network.ts'
import { enumeration, OptionalText, optionalTime } from './parts.ts'

const ContainerSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  state: Type.String({ description: 'Docker’s word.' }),
  taskId: OptionalText,
  taskName: OptionalText,
  serviceId: OptionalText,
  serviceName: OptionalText,
  addresses: Type.Array(Type.Object({ network: Type.String(), address: OptionalText, address6: OptionalText })),
  cpuPercent: Type.Optional(Type.Number({ description: 'Of one CPU.' })),
  memoryBytes: Type.Optional(Type.Number()),
})

export const NodeSchema = Type.Object(
  {
    id: Type.String(),
    hostname: Type.String(),
    role: enumeration<NodeView['role']>({ manager: true, worker: true }),
    state: Type.String({ description: 'Swarm’s word: ready, down, disconnected, unknown.' }),
    availability: enumeration<NodeView['availability']>({ active: true, pause: true, drain: true }),
    engineVersion: Type.String(),
    address: OptionalText,
    cpus: Type.Optional(Type.Number({ description: 'What its engine says that it has.' })),
    memoryBytes: Type.Optional(Type.Number()),
    os: OptionalText,
    architecture: OptionalText,
    manager: Type.Optional(
      Type.Object(
        {
          leader: Type.Boolean(),
          reachability: enumeration<ManagerStatus['reachability']>({
            unknown: true,
            unreachable: true,
            reachable: true,
          }),
        },
        { description: 'Of a manager, by the leader’s word; absent: not known. Known soon after the first who asks.' },
      ),
    ),
    load: Type.Optional(
      Type.Object(
        {
          cpuPercent: Type.Optional(Type.Number({ description: 'Of all its CPUs; absent: how many is not known.' })),
          memoryBytes: Type.Number(),
        },
        { description: 'Of the containers that its agent measured in the last 15 s, together; absent: none was.' },
      ),
    ),
    agent: Type.Object({
      heard: Type.Boolean({ description: 'In the last 15 s.' }),
      version: OptionalText,
      reportedAt: Type.Optional(Type.String({ description: 'When the newest report came. RFC 3339, UTC.' })),
      revision: Type.Optional(Type.Integer({ description: 'Of the wanted state that it acts on.' })),
      faults: Type.Array(FaultSchema),
    }),
    hostAddresses: Type.Array(Type.Object({ link: Type.String(), address: Type.String() })),
    networks: Type.Array(Type.Unsafe<Static<typeof AllocationSchema>>(Type.Ref('Allocation#'))),
    containers: Type.Array(ContainerSchema),
    report: Type.Optional(
      Type.Unsafe<NodeReport>({
        type: 'object',
        additionalProperties: true,
        description: 'The newest report as it came (`PUT /v1/node/{id}`); only with `report=true`.',
      }),
    ),
  },
  { $id: 'Node' },
)

export type WireNode = Static<typeof NodeSchema>

export interface Shown extends ShownAllocations {
  readonly report: boolean
}

export function wireNode(view: NodeView, shown: Shown): WireNode {
  const { id, hostname, role, state, availability, engineVersion, address, agent, hostAddresses, report } = view
  const { platform, manager, cpus, memoryBytes } = view
  const { isHeard, version, reportedAtMs, revision, faults } = agent
  return {
    ...{ id, hostname, role, state, availability, engineVersion },
    ...withoutUndefined({ address, cpus, memoryBytes }),
    ...(platform.os !== '' && { os: platform.os }),
    ...(platform.architecture !== '' && { architecture: platform.architecture }),
    ...(manager && { manager: { leader: manager.isLeader, reachability: manager.reachability } }),
    ...loadOf(view),
    agent: {
      heard: isHeard,
      ...withoutUndefined({ version, reportedAt: optionalTime(reportedAtMs), revision }),
      faults: faults.map((fault) => ({ ...fault })),
    },
    hostAddresses: hostAddresses.map((one) => ({ ...one })),
    networks: view.allocations.map((allocation) => wireAllocation(allocation, shown)),
    containers: [...view.containers],
    ...(shown.report && report && { report: { ...report, networks: report.networks.map(withOurLabels) } }),
  }
}

function loadOf({ agent, containers, cpus }: NodeView): Pick<WireNode, 'load'> {
  const measured = containers.filter(({ cpuPercent }) => cpuPercent !== undefined)
  if (!agent.isHeard || measured.length === 0) return {}
  const sum = (of: 'cpuPercent' | 'memoryBytes') => measured.reduce((total, one) => total + (one[of] ?? 0), 0)
  const cpuPercent = cpus === undefined || cpus <= 0 ? undefined : Math.round((10 * sum('cpuPercent')) / cpus) / 10
  return { load: { ...withoutUndefined({ cpuPercent }), memoryBytes: sum('memoryBytes') } }
}

/** Labels of others stay out: people keep passwords in them. */
function withOurLabels(network: EngineNetwork): EngineNetwork {
  const ours = Object.entries(network.labels).filter(([name]) => name.startsWith('orrery.'))
  return { ...network, labels: Object.fromEntries(ours) }
}
