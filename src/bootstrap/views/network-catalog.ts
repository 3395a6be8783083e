/** Networks and nodes as they are now, all from memory. */
import type { Clock } from '../../foundation/clock.ts'
import { createConditionTimes } from '../../foundation/conditions.ts'
import { Fault } from '../../foundation/errors.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { type HeardReport, SILENT_AFTER_MS } from '../../swarm/node-report.ts'
import type { SwarmNode } from '../../swarm/nodes.ts'
import type { AgentReports, Managers, Nodes, SwarmNetworks, Tasks } from '../../swarm/ports.ts'
import { groupByNode } from '../capacity/tasks-by.ts'
import type { DefinitionSet } from '../definition/definition.ts'
import type { AllocationView, NetworkCatalog, NetworkConditionType, NetworkView, NodeView } from '../network.ts'
import type { ClusterPlan, NetworkPlan } from '../plan/words.ts'
import type { Definitions, Records } from '../ports.ts'
import { createLeastFree, sumCounts } from '../record/address-count.ts'
import type { NetworkRecord, NodeAllocation } from '../record/record.ts'
import { allocationView } from './allocation-view.ts'
import { networkConditions } from './network-conditions.ts'

export interface NetworkCatalogDeps {
  readonly definitions: Pick<Definitions, 'current'>
  readonly records: Pick<Records, 'all' | 'unreadable'>
  readonly nodes: Pick<Nodes, 'list' | 'get' | 'sync'>
  readonly tasks: Pick<Tasks, 'list'> & Partial<Pick<Tasks, 'source'>>
  readonly reports: Pick<AgentReports, 'get'>
  /** Absent: nobody asks who leads. */
  readonly managers?: Pick<Managers, 'get' | 'look'>
  /** Nodes are read from now on; absent: they are. */
  readonly activate?: () => void
  readonly networks: Pick<SwarmNetworks, 'current'>
  /** As last planned; absent: not yet. */
  readonly plan: () => ClusterPlan | undefined
  readonly serviceName: (id: string) => string | undefined
  readonly now: Clock
}

/** What one answer is made from, read once. */
interface Moment {
  readonly set: DefinitionSet
  readonly records: ReadonlyMap<string, NetworkRecord>
  readonly tasksOf: ReturnType<typeof groupByNode>
  readonly nowMs: number
}

export function createNetworkCatalog(deps: NetworkCatalogDeps): NetworkCatalog {
  const { definitions, records, nodes, tasks, reports, networks, serviceName, now } = deps
  const timed = createConditionTimes<NetworkConditionType>(now)
  const keepFree = createLeastFree()

  const moment = (): Moment => ({
    set: definitions.current(),
    records: records.all(),
    tasksOf: groupByNode(tasks.list()),
    nowMs: now(),
  })
  const isHeard = (heard: HeardReport | undefined, { nowMs }: Moment) =>
    heard !== undefined && nowMs - heard.receivedAtMs < SILENT_AFTER_MS
  const networkIdOf = (name: string) => networks.current().find((one) => one.name === name && one.scope === 'swarm')?.id

  const viewAllocation = (record: NetworkRecord, allocation: NodeAllocation, at: Moment): AllocationView => {
    const { nodeId } = allocation
    const heard = reports.get(nodeId)
    const networkId = networkIdOf(record.definition.name)
    const given = {
      record,
      allocation,
      node: nodes.get(nodeId),
      heard,
      tasks: at.tasksOf(nodeId),
      networkId,
      serviceName,
    }
    const { name: network } = record.definition
    const key = { network, nodeId, range: allocation.range }
    // What no single agent knows.
    const faults = (deps.plan()?.networks.find(({ name }) => name === network)?.problems ?? [])
      .filter(({ code, node }) => code === 'address-in-range' && node?.id === nodeId)
      .map(({ code, message }) => ({ code, message }))
    return allocationView({ ...given, faults }, (count) => keepFree({ count, ...key }, isHeard(heard, at)))
  }

  const viewNetwork = (name: string, at: Moment): NetworkView | undefined => {
    const record = at.records.get(name)
    const file =
      at.set.files.find((one) => one.definition?.name === name) ?? at.set.files.find((one) => one.name === name)
    const definition = record?.definition ?? file?.definition
    if (definition === undefined) return undefined
    const allocations =
      record === undefined
        ? []
        : [...record.allocations.values()].map((allocation) => viewAllocation(record, allocation, at))
    const issues = at.set.issues.filter((issue) => issue.file === file?.file)
    const plan = deps.plan()?.networks.find((one) => one.name === name)
    const networkId = networkIdOf(name)
    const conditions = networkConditions({
      ...{ name, record, issues, plan, networkId, allocations },
      unreadable: records.unreadable().get(name),
      isDefined: file !== undefined,
      folderFault: at.set.fault,
      nodes: nodes.list(),
      taskSource: tasks.source?.(),
      isHeard: (nodeId) => isHeard(reports.get(nodeId), at),
    })
    return {
      name,
      definition,
      isInForce: record !== undefined,
      ...withoutUndefined({ file: file?.file, networkId }),
      conditions: timed(name, conditions),
      issues,
      count: sumCounts(allocations.map(({ count }) => count)),
      allocations: allocations.sort(byHostname),
      freed: record?.freed ?? [],
      pending: pendingOf(plan),
    }
  }

  const viewNode = (node: SwarmNode, at: Moment): NodeView => {
    const { id, hostname, role, state, availability, engineVersion, address, cpus, memoryBytes, platform } = node
    const manager = deps.managers?.get(id)
    const heard = reports.get(id)
    const report = heard?.report
    const allocations = () =>
      [...at.records.values()].flatMap((record) => {
        const allocation = record.allocations.get(id)
        return allocation === undefined ? [] : [viewAllocation(record, allocation, at)]
      })
    return {
      ...{ id, hostname, role, state, availability, engineVersion, platform },
      ...withoutUndefined({ manager, address, cpus, memoryBytes, report }),
      agent: {
        isHeard: isHeard(heard, at),
        ...withoutUndefined({ version: report?.agentVersion, revision: report?.revision }),
        ...withoutUndefined({ reportedAtMs: heard?.receivedAtMs }),
        faults: report?.faults ?? [],
      },
      hostAddresses: report?.hostAddresses ?? [],
      containers: report?.containers ?? [],
      get allocations() {
        return allocations().sort((one, other) => (one.network < other.network ? -1 : 1))
      },
    }
  }

  /** What is not there may only not have been read. */
  const missing = (code: 'unknown-network' | 'unknown-node', message: string): Fault => {
    const { inSync, reason } = nodes.sync()
    return inSync ? new Fault(code, message) : new Fault('not-in-sync', reason, { retryAfterMs: 2000 })
  }

  return {
    networks() {
      const at = moment()
      const defined = at.set.files.flatMap(({ definition }) => definition?.name ?? [])
      const all = [...new Set([...at.records.keys(), ...defined])].sort()
      timed.keepOnly(all)
      keepFree.keepOnly(all)
      return all.flatMap((name) => viewNetwork(name, at) ?? [])
    },
    network(name) {
      const view = viewNetwork(name, moment())
      if (view === undefined) throw missing('unknown-network', `no network is named ${name}`)
      return view
    },
    look() {
      deps.activate?.()
      deps.managers?.look()
      return nodes.sync()
    },
    nodes() {
      const at = moment()
      return nodes
        .list()
        .map((node) => viewNode(node, at))
        .sort(byHostname)
    },
    node(idOrHostname) {
      const named = nodes.list().filter(({ hostname }) => hostname === idOrHostname)
      const node = nodes.get(idOrHostname) ?? (named.length === 1 ? named[0] : undefined)
      if (node !== undefined && (node.id === idOrHostname || node.hostname === idOrHostname))
        return viewNode(node, moment())
      if (named.length < 2) throw missing('unknown-node', `no node has the id or host name ${idOrHostname}`)
      const ids = named.map(({ id }) => id).join(', ')
      throw new Fault('unknown-node', `${named.length} nodes have the host name ${idOrHostname}; ask by id: ${ids}`)
    },
    issues() {
      const { fault, issues } = definitions.current()
      return { ...withoutUndefined({ fault }), issues }
    },
  }
}

const pendingOf = (plan: NetworkPlan | undefined): readonly string[] =>
  plan?.steps.map(({ text, waitsFor }) => (waitsFor === undefined ? text : `${text} (waits for ${waitsFor})`)) ?? []

function byHostname(
  one: { readonly hostname: string; readonly id?: string; readonly nodeId?: string },
  other: { readonly hostname: string; readonly id?: string; readonly nodeId?: string },
): number {
  if (one.hostname !== other.hostname) return one.hostname < other.hostname ? -1 : 1
  return (one.id ?? one.nodeId ?? '') < (other.id ?? other.nodeId ?? '') ? -1 : 1
}
