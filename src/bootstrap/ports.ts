/** What the bootstrap needs of the world. Types only; adapters implement them, `commands/` wires them. */
import type { NodeReport } from '../agent/report.ts'
import type { SyncStatus, Unsubscribe } from '../autoscaling/ports.ts'
import type { DefinitionSet } from './definition/definition.ts'
import type { Availability, NetworkRecord } from './record/record.ts'

/** A node as the managers know it. */
export interface SwarmNode {
  readonly id: string
  /** Version.Index: what a write compares against. */
  readonly version: number
  readonly hostname: string
  readonly role: 'manager' | 'worker'
  /** Swarm's word. */
  readonly state: 'unknown' | 'down' | 'ready' | 'disconnected'
  readonly availability: Availability
  readonly labels: Readonly<Record<string, string>>
  /** `Status.Addr`; absent where Swarm has none. */
  readonly address?: string
  readonly engineVersion: string
  readonly platform: { readonly os: string; readonly architecture: string }
  /** `Description.Engine.Labels`, for constraints. */
  readonly engineLabels: Readonly<Record<string, string>>
}

/** How a compare-and-swap or a create or remove ended; as in the autoscaling ports. */
export type StepResult =
  | { readonly kind: 'done' }
  /** Somebody wrote first: read again and look again. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'rejected'; readonly message: string }
  | { readonly kind: 'unsent'; readonly message: string }
  | { readonly kind: 'unknown'; readonly message: string }

export interface NodeWrite {
  readonly id: string
  /** The version that was decided on. */
  readonly version: number
  /** `null` takes a label away. Labels that are not named stay. */
  readonly labels?: Readonly<Record<string, string | null>>
  readonly availability?: Availability
}

/** The nodes of the Swarm: a cache fed by events, and the one write there is. */
export interface Nodes {
  list(): readonly SwarmNode[]
  get(id: string): SwarmNode | undefined
  sync(): SyncStatus
  onChange(listener: () => void): Unsubscribe
  /** Reads all nodes into the cache. Throws Fault `engine-unavailable`. */
  refresh(): Promise<void>
  /** Sends the spec back as it was read, changed in what is named. Never throws. */
  write(write: NodeWrite): Promise<StepResult>
}

/** A task as the managers know it. */
export interface SwarmTask {
  readonly id: string
  readonly serviceId: string
  /** Absent until it is assigned. */
  readonly nodeId?: string
  /** Of a replicated service. */
  readonly slot?: number
  /** Swarm's words: running, shutdown, remove, … */
  readonly desiredState: string
  /** Swarm's words: new, pending, assigned, …, running, complete, shutdown, failed, rejected, remove, orphaned. */
  readonly state: string
  /** Why, where Swarm says. */
  readonly error?: string
  /** Ids of swarm networks that it is attached to. */
  readonly networkIds: readonly string[]
}

/** The tasks of the Swarm, asked for each second and at once on events of services and nodes. */
export interface Tasks {
  list(): readonly SwarmTask[]
  /** When the read began that brought the list; absent: never read. Ms since the epoch. */
  readAtMs(): number | undefined
  onChange(listener: () => void): Unsubscribe
  /** Throws Fault `engine-unavailable`. */
  refresh(): Promise<void>
}

/** A network as this manager's engine shows it. */
export interface EngineNetwork {
  readonly id: string
  readonly name: string
  /** `null` on a config-only network. */
  readonly driver: string
  readonly scope: string
  readonly configOnly: boolean
  /** Empty if none. */
  readonly configFrom: string
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  readonly subnets: readonly {
    readonly subnet: string
    readonly range?: string
    readonly gateway?: string
    readonly aux: Readonly<Record<string, string>>
  }[]
}

/** The networks of the manager's engine: swarm-scope ones of the cluster, and its own local ones. */
export interface SwarmNetworks {
  /** As last read, no engine call. */
  current(): readonly EngineNetwork[]
  onChange(listener: () => void): Unsubscribe
  /** Throws Fault `engine-unavailable`. */
  read(): Promise<readonly EngineNetwork[]>
  /** A swarm-scope network made from a config-only one. 409 is a conflict: somebody made it first. Never throws. */
  create(network: { readonly name: string; readonly driver: string; readonly configFrom: string }): Promise<StepResult>
  /** By id. The engine refuses while a service uses it (`rejected`). Never throws. */
  remove(id: string): Promise<StepResult>
  /** The version of the engine that takes the calls, and its node's id. Throws Fault `engine-unavailable`. */
  engine(): Promise<{ readonly version: string; readonly nodeId: string }>
}

/** The records of all networks: Swarm configs `orrery-network-<name>`. */
export interface Records {
  /** From the cache, no engine call. By name of the network. */
  all(): ReadonlyMap<string, NetworkRecord>
  /** Records that are there and can not be understood, with the reason: nothing may be written over them. */
  unreadable(): ReadonlyMap<string, string>
  /** Version.Index of one record: an agent that was given this revision or a higher one knows it. Absent: no record. */
  revisionOf(name: string): number | undefined
  /** The highest Version.Index of all `orrery-` configs that was ever seen, read together with the records. */
  revision(): number
  onChange(listener: () => void): Unsubscribe
  /** Reads them all anew. Throws Fault `engine-unavailable`. */
  refresh(): Promise<void>
  /**
   * Compare-and-swap with re-reading; `change` may run more than once, with `undefined` where there is no record.
   * Returning what it was given writes nothing; returning `undefined` removes the record. Resolves when it is in force.
   * Throws Fault `engine-unavailable`, `conflicts-exhausted` or `write-rejected`.
   */
  update(name: string, change: (record: NetworkRecord | undefined) => NetworkRecord | undefined): Promise<void>
}

/** The definitions, watched. */
export interface Definitions {
  current(): DefinitionSet
  onChange(listener: () => void): Unsubscribe
}

/** The newest report of each agent. */
export interface AgentReports {
  get(nodeId: string): HeardReport | undefined
  list(): readonly HeardReport[]
  onChange(listener: () => void): Unsubscribe
}

export interface HeardReport {
  readonly report: NodeReport
  /** This controller's clock, ms since the epoch. */
  readonly receivedAtMs: number
  /** By network: since when each report said that it is not as wanted; one that is, or was never told of, is not here. */
  readonly notAsWantedSinceMs?: ReadonlyMap<string, number>
}
