/** Networks and nodes as others see them, and the use cases that `http` and `commands` may call. */
import type { Condition } from '../foundation/conditions.ts'
import type { NodeReport, ReportedFault } from '../swarm/node-report.ts'
import type { Availability, ManagerStatus, SwarmNode } from '../swarm/nodes.ts'
import type { SyncStatus } from '../swarm/sync.ts'
import type { DefinitionIssue, NetworkDefinition } from './definition/definition.ts'
import type { AddressCount } from './record/address-count.ts'
import type { FreedRange } from './record/record.ts'

/** True is the good one, but for `Orphaned`, `Removing` and `DefinitionConflict`. */
export type NetworkConditionType =
  /** The definition can be read. */
  | 'Valid'
  /** The definition differs from what is active; `network apply` decides. */
  | 'DefinitionConflict'
  /** In force, but no definition is there any more. */
  | 'Orphaned'
  | 'Removing'
  /** Every node that may have one has a range and is ready. */
  | 'Complete'
  /** Every node matches the definition. */
  | 'AsWanted'
  /** Every agent was heard in the last 15 s. */
  | 'AgentsHeard'
  /** No two nodes have one host name, unless they are one machine under an old and a new id. */
  | 'HostNamesUnique'
  /** Tasks are heard as they change, not asked for each second. */
  | 'TasksHeard'
  /** Less than 80 % of the addresses are in use, on every node. */
  | 'AddressesLeft'
  /** The swarm network is there and ours. */
  | 'NetworkCreated'
  /** The record is there, or nothing was ever given. */
  | 'RecordKnown'

/** One address in use. */
export interface AddressView {
  readonly address?: string
  readonly address6?: string
  readonly use: 'task' | 'container' | 'shim' | 'gateway' | 'reserved'
  readonly containerId?: string
  readonly containerName?: string
  /** Docker's word; of a task without a container: Swarm's. */
  readonly containerState?: string
  readonly taskId?: string
  readonly taskName?: string
  readonly serviceName?: string
}

/** One node's part of one network. */
export interface AllocationView {
  readonly network: string
  readonly nodeId: string
  readonly hostname: string
  readonly range: string
  readonly range6?: string
  readonly parent: string
  readonly shim?: string
  readonly shim6?: string
  readonly count: AddressCount
  /** The node carries the ready label. */
  readonly isReady: boolean
  /** `null`: its agent was never heard. */
  readonly isAsWanted: boolean | null
  readonly faults: readonly ReportedFault[]
  /** Put together each time it is read. */
  readonly addresses: readonly AddressView[]
  /** A change under way: `draining to 172.80.9.0/24`. */
  readonly change?: string
}

export interface NetworkView {
  readonly name: string
  /** In force; where nothing is yet, as defined. */
  readonly definition: NetworkDefinition
  /** The file that defines it now. */
  readonly file?: string
  readonly isInForce: boolean
  /** Of the swarm network, where it is. */
  readonly networkId?: string
  readonly conditions: readonly Condition<NetworkConditionType>[]
  readonly issues: readonly DefinitionIssue[]
  readonly count: AddressCount
  readonly allocations: readonly AllocationView[]
  readonly freed: readonly FreedRange[]
  /** What keeping it would do next, a sentence each; empty when everything is as it should be. */
  readonly pending: readonly string[]
}

export interface NodeView {
  readonly id: string
  readonly hostname: string
  readonly role: 'manager' | 'worker'
  readonly state: string
  readonly availability: Availability
  readonly engineVersion: string
  readonly address?: string
  readonly cpus?: number
  readonly memoryBytes?: number
  readonly platform: SwarmNode['platform']
  /** Absent: no manager, or not known. */
  readonly manager?: ManagerStatus
  readonly agent: {
    /** Heard in the last 15 s. */
    readonly isHeard: boolean
    readonly version?: string
    readonly reportedAtMs?: number
    readonly revision?: number
    readonly faults: readonly ReportedFault[]
  }
  readonly hostAddresses: readonly { readonly link: string; readonly address: string }[]
  /** Sorted by network; put together each time they are read. */
  readonly allocations: readonly AllocationView[]
  readonly containers: NodeReport['containers']
  /** The newest one as it came; absent: never heard. */
  readonly report?: NodeReport
}

/** Reads, all from memory, no engine call. */
export interface NetworkCatalog {
  /** Sorted by name: those active and those defined. */
  networks(): readonly NetworkView[]
  /** Throws Fault `unknown-network`. */
  network(name: string): NetworkView
  /** Somebody looks at nodes: from now on they are read, and who leads for a minute. How far they are known now. */
  look(): SyncStatus
  /** Sorted by host name. */
  nodes(): readonly NodeView[]
  /** By id, or by exact host name where only one node has it. Throws Fault `unknown-node`. */
  node(idOrHostname: string): NodeView
  /** What is wrong with the folder and its files. */
  issues(): { readonly fault?: string; readonly issues: readonly DefinitionIssue[] }
}

/** Something about nodes or their networks changed, for the event feed: the views say what it is now. */
export interface NodesNews {
  readonly network?: string
  readonly node?: { readonly id: string; readonly hostname: string }
  /** For a person. */
  readonly text: string
}
