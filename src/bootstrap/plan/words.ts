/** What is to be done about the networks, and why: the words of the plan. Types only; plan.ts makes it. */

import type { EngineNetwork } from '../../swarm/networks.ts'
import type { HeardReport } from '../../swarm/node-report.ts'
import type { SwarmNode } from '../../swarm/nodes.ts'
import type { NodeWrite } from '../../swarm/ports.ts'
import type { SwarmTask } from '../../swarm/tasks.ts'
import type { DefinitionSet } from '../definition/definition.ts'
import type { NetworkRecord } from '../record/record.ts'

/**
 * `keep`: keeps what the record says true, and finishes what was begun; every controller in sync does it.
 * `auto`: also makes new definitions active and gives ranges to new nodes. It changes and removes nothing.
 * `apply`: the command. Also makes a changed definition active.
 */
export type PlanMode = 'keep' | 'auto' | 'apply'

export interface PlanOptions {
  readonly mode: PlanMode
  /** Whether nodes may be drained to give them another range or parent; only with `apply`. */
  readonly allowDrain: boolean
  /** Ms since the epoch. */
  readonly nowMs: number
  /** Without the line of each node. */
  readonly isBrief?: boolean
}

/** A service that may have tasks on a network. */
export interface ServiceUse {
  readonly id: string
  readonly name: string
  /** As in its spec: ids of networks, or names. */
  readonly networks: readonly string[]
}

/** All that is known, as last read. */
export interface Observed {
  readonly records: ReadonlyMap<string, NetworkRecord>
  /** By network: Version.Index of its record. */
  readonly revisions: ReadonlyMap<string, number>
  /** Records that are there and cannot be understood, with the reason. */
  readonly unreadable: ReadonlyMap<string, string>
  readonly nodes: readonly SwarmNode[]
  readonly reports: readonly HeardReport[]
  /** Of the engine that takes the calls. */
  readonly networks: readonly EngineNetwork[]
  readonly engine: { readonly version: string; readonly nodeId: string }
  /** Of the services on these networks. */
  readonly tasks: readonly SwarmTask[]
  /** When the read of the tasks began, ms since the epoch; absent: they were not read. */
  readonly tasksReadAtMs?: number
  /** Of a service that a task names; `undefined`: it is not known. */
  readonly serviceName: (id: string) => string | undefined
}

/** What is wanted of a node's config-only network, or stands in the way. */
export type NodeAction =
  /** It is as the record says; where the agent is not heard: as far as is known. */
  | 'keep'
  /** The agent makes it. */
  | 'create'
  /** Made by hand and equal to what is wanted: `network adopt` takes it over. */
  | 'adopt'
  /** Of that name, and different from what is wanted. */
  | 'refuse-different'
  /** Somebody else's network or address is in the way. */
  | 'refuse-foreign'
  /** Ours, and to be different: only with the node drained. */
  | 'drain-and-recreate'
  /** It gets no range now: it is down, no Linux, or only `apply` and `auto` give it one. */
  | 'none'

/** One node's line of a network's plan. */
export interface PlanRow {
  readonly nodeId: string
  readonly hostname: string
  /** Wanted: what it has or gets; absent for a node that gets none. */
  readonly range?: string
  readonly range6?: string
  /** Addresses for containers in the range. */
  readonly capacity?: number
  readonly parent: string
  readonly shim?: string
  readonly shim6?: string
  readonly action: NodeAction
  /** For a person, a sentence without its last point. */
  readonly reason: string
  /** It carries the ready label. */
  readonly isReady: boolean
}

/** Why nothing is done about a network, or a part of it. */
export interface PlanProblem {
  /** Absent: of the folder of definitions, or of the whole Swarm. */
  readonly network?: string
  readonly node?: { readonly id: string; readonly hostname: string }
  /** Stable: `different-network`, `foreign-network`, `pool-too-small`, … */
  readonly code: PlanProblemCode
  /** What is wrong and what would be right. */
  readonly message: string
}

export type PlanProblemCode =
  | 'folder-unreadable'
  | 'definition-invalid'
  | 'definition-conflict'
  | 'orphaned'
  | 'unreadable-record'
  | 'record-lost'
  | 'not-changeable'
  | 'needs-drain'
  | 'nowhere-to-drain-to'
  | 'no-range'
  | 'foreign-network'
  | 'different-network'
  | 'can-be-adopted'
  | 'same-subnet'
  | 'address-in-range'
  | 'engine-cannot'
  | 'in-use'

export type NetworkVerdict =
  /** As it should be. */
  | 'kept'
  /** Something is to be done, or under way. */
  | 'pending'
  /** Defined, and only `apply` or ORRERY_NETWORK_AUTO makes it active. */
  | 'not-in-force'
  /** The definition differs from what is active. */
  | 'definition-conflict'
  /** In force, and its definition is gone. What is active is kept. */
  | 'orphaned'
  /** `network remove` began. */
  | 'removing'
  /** Problems stand in the way; nothing is done before they are fixed. */
  | 'refused'

interface StepBase {
  readonly network: string
  readonly node?: { readonly id: string; readonly hostname: string }
  /** What is done, for a person: `give worker1 172.80.3.0/24`. */
  readonly text: string
  /** What it waits for; absent: it can be done now. */
  readonly waitsFor?: string
  /** Who it waits for has said what is in the way: it ends when a person mends that. */
  readonly isStuck?: true
}

/** In the order in which they are taken. Who takes one reads again and plans again before the next. */
export type Step =
  /** `basis` is the record that was decided on, absent where there was none; another one in its place is a conflict. */
  | (StepBase & { readonly do: 'write-record'; readonly basis?: NetworkRecord; readonly record: NetworkRecord })
  | (StepBase & { readonly do: 'remove-record'; readonly basis: NetworkRecord })
  | (StepBase & { readonly do: 'write-node'; readonly write: NodeWrite })
  | (StepBase & { readonly do: 'create-network'; readonly driver: string; readonly configFrom: string })
  | (StepBase & { readonly do: 'remove-network'; readonly id: string })
  /** Not ours to do: an agent's, or Swarm's. */
  | (StepBase & { readonly do: 'wait'; readonly waitsFor: string })

export interface NetworkPlan {
  readonly name: string
  readonly verdict: NetworkVerdict
  readonly problems: readonly PlanProblem[]
  /** Sorted by host name: every node of the Swarm, and nodes that left and still have an allocation. Empty in a brief plan. */
  readonly nodes: readonly PlanRow[]
  readonly steps: readonly Step[]
}

export interface ClusterPlan {
  /** Sorted by name: those active and those defined. */
  readonly networks: readonly NetworkPlan[]
  /** Of no single network. */
  readonly problems: readonly PlanProblem[]
}

/** What `plan` reads. */
export interface PlanInput {
  readonly wanted: DefinitionSet
  readonly observed: Observed
  readonly options: PlanOptions
}
