/** All that is known of one network, in the form in which its plan asks for it. Pure. */

import type { EngineNetwork } from '../../swarm/networks.ts'
import { type NetworkStatus, type NodeReport, SILENT_AFTER_MS } from '../../swarm/node-report.ts'
import type { SwarmNode } from '../../swarm/nodes.ts'
import type { SwarmTask } from '../../swarm/tasks.ts'
import type { WantedNetwork } from '../../swarm/wanted.ts'
import type { DefinitionSet, NetworkDefinition } from '../definition/definition.ts'
import { wantedOf } from '../record/node-part.ts'
import { type NetworkRecord, type NodeAllocation, readyLabel } from '../record/record.ts'
import type { Observed, PlanInput, PlanOptions } from './words.ts'

/** What the folder says of one network. */
export type Defined =
  | { readonly kind: 'valid'; readonly definition: NetworkDefinition }
  | { readonly kind: 'invalid'; readonly file: string }
  | { readonly kind: 'missing' }
  /** The folder cannot be read. */
  | { readonly kind: 'unknown'; readonly fault: string }

export interface NetworkContext {
  readonly name: string
  readonly defined: Defined
  readonly observed: Observed
  readonly options: PlanOptions
  readonly nodes: ReadonlyMap<string, SwarmNode>
  /** Of the agents heard lately, by node id. */
  readonly reports: ReadonlyMap<string, NodeReport>
  /** Version.Index of the record; absent: there is none, or it was written since it was read. */
  readonly revision: number | undefined
}

export function networkContext(name: string, shared: SharedContext): NetworkContext {
  const { input, nodes, reports } = shared
  const { observed, options, wanted } = input
  const revision = observed.revisions.get(name)
  return { name, defined: definedAs(wanted, name), observed, options, nodes, reports, revision }
}

/** The part that is the same for every network. */
export interface SharedContext {
  readonly input: PlanInput
  readonly nodes: ReadonlyMap<string, SwarmNode>
  readonly reports: ReadonlyMap<string, NodeReport>
}

export function sharedContext(input: PlanInput): SharedContext {
  const { observed, options } = input
  const heard = observed.reports.filter(({ receivedAtMs }) => options.nowMs - receivedAtMs < SILENT_AFTER_MS)
  return {
    input,
    nodes: new Map(observed.nodes.map((node) => [node.id, node])),
    reports: new Map(heard.map(({ report }) => [report.nodeId, report])),
  }
}

function definedAs({ files, fault }: DefinitionSet, name: string): Defined {
  const named = files.filter((file) => file.definition?.name === name || file.name === name)
  const definition = named.find((file) => file.definition?.name === name)?.definition
  if (definition !== undefined) return { kind: 'valid', definition }
  const [first] = named
  if (first !== undefined) return { kind: 'invalid', file: first.file }
  return fault === undefined ? { kind: 'missing' } : { kind: 'unknown', fault }
}

/** What the agent of this node is told of this network. */
export function wantedHere(record: NetworkRecord, nodeId: string): WantedNetwork | undefined {
  const records = new Map([[record.definition.name, record]])
  return wantedOf({ nodeId, records, revision: 0 }).networks[0]
}

/** Its agent knows the record as it is now, and has seen everything in place. */
export const isProven = (context: NetworkContext, nodeId: string): boolean =>
  statusNow(context, nodeId)?.isAsWanted === true

/** Its agent knows the record as it is now, and says that the node does not match it. Silence says nothing. */
export const isRefuted = (context: NetworkContext, nodeId: string): boolean =>
  statusNow(context, nodeId)?.isAsWanted === false

/** The report of an agent that knows the record as it is now; absent: it is not heard, or was not told of it yet. */
export function reportNow({ reports, revision }: NetworkContext, nodeId: string): NodeReport | undefined {
  const report = reports.get(nodeId)
  return report !== undefined && revision !== undefined && report.revision >= revision ? report : undefined
}

/** What its agent says of the record as it is now. */
export const statusNow = (context: NetworkContext, nodeId: string): NetworkStatus | undefined =>
  reportNow(context, nodeId)?.standings.find(({ name }) => name === context.name)

/** What an agent that knows what is wanted says is in the way. */
export const faultNow = (context: NetworkContext, nodeId: string): string | undefined =>
  statusNow(context, nodeId)?.faults[0]?.message

export const isReady = ({ name }: Pick<NetworkContext, 'name'>, node: SwarmNode | undefined): boolean =>
  node?.labels[readyLabel(name)] === 'ready'

const ENDED = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'])

/** It may have an address, or get one. */
const isAlive = ({ state }: SwarmTask): boolean => !ENDED.has(state)

/** The swarm networks of this name, whoever made them. */
export const swarmNetworksOf = ({ name, observed }: NetworkContext): readonly EngineNetwork[] =>
  observed.networks.filter((network) => network.name === name && !network.configOnly)

/** Its tasks that may hold an address, wherever they are. */
export function tasksOf(context: NetworkContext): readonly SwarmTask[] {
  const names = new Set([context.name, ...swarmNetworksOf(context).map(({ id }) => id)])
  return context.observed.tasks.filter((task) => isAlive(task) && task.networkIds.some((id) => names.has(id)))
}

export interface Attached {
  readonly tasks: readonly SwarmTask[]
  /** Containers as the agent sees them; absent: not heard. */
  readonly containers?: number
}

export function attachedOn(context: NetworkContext, nodeId: string): Attached {
  const tasks = tasksOf(context).filter((task) => task.nodeId === nodeId)
  const status = context.reports.get(nodeId)?.standings.find(({ name }) => name === context.name)
  return { tasks, ...(status === undefined ? {} : { containers: status.attached }) }
}

/**
 * Certain, and of now: the tasks were read, and neither they nor the agent's last report show one. Only then may anything
 * be done that would end a task.
 */
export function isFree(context: NetworkContext, nodeId: string): boolean {
  // Without a swarm network no task can be on it.
  const isKnown = context.observed.tasksReadAtMs !== undefined || swarmNetworksOf(context).length === 0
  if (!isKnown) return false
  const { tasks, containers } = attachedOn(context, nodeId)
  return tasks.length === 0 && (containers ?? 0) === 0
}

/** Whether a task that has to leave this node could run on another one. */
export const hasOtherHost = (context: NetworkContext, nodeId: string): boolean =>
  [...context.nodes.values()].some(
    (node) => node.id !== nodeId && node.state === 'ready' && node.availability === 'active' && isReady(context, node),
  )

export const serviceName = ({ observed }: NetworkContext, id: string): string => observed.serviceName(id) ?? id

/** A node as steps name it. */
export const named = (allocation: Pick<NodeAllocation, 'nodeId' | 'hostname'>): { id: string; hostname: string } => ({
  id: allocation.nodeId,
  hostname: allocation.hostname,
})

export const byHostname = (one: { readonly hostname: string }, other: { readonly hostname: string }): number => {
  if (one.hostname === other.hostname) return 0
  return one.hostname < other.hostname ? -1 : 1
}

/** A plan asks several times, and mostly of the very record that the plan before was of: it is sorted once. */
const sorted = new WeakMap<NetworkRecord['allocations'], readonly NodeAllocation[]>()

export function allocationsOf({ allocations }: NetworkRecord): readonly NodeAllocation[] {
  const known = sorted.get(allocations) ?? [...allocations.values()].sort(byHostname)
  sorted.set(allocations, known)
  return known
}

/** With these allocations instead of those of the same nodes. */
export const withAllocations = (record: NetworkRecord, changed: readonly NodeAllocation[]): NetworkRecord =>
  changed.length === 0
    ? record
    : {
        ...record,
        allocations: new Map([
          ...record.allocations,
          ...changed.map((allocation) => [allocation.nodeId, allocation] as const),
        ]),
      }
