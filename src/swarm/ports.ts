/** The Swarm as every capability may need it. Types only; `adapters/swarm` implements them. */
import type { Unsubscribe } from '../foundation/listeners.ts'
import type { EngineNetwork } from './networks.ts'
import type { HeardReport, NodeReport } from './node-report.ts'
import type { Availability, ManagerStatus, SwarmNode } from './nodes.ts'
import type { ServiceChange, ServiceObservation } from './services.ts'
import type { SyncStatus } from './sync.ts'
import type { SwarmTask } from './tasks.ts'
import type { WriteResult } from './write-result.ts'

/** The services of the Swarm: a cache fed by events, and the one write there is. */
export interface Services {
  /** Current observations, no engine call. */
  list(): Iterable<ServiceObservation>
  get(id: string): ServiceObservation | undefined
  sync(): SyncStatus
  /** Called after the cache changed; also once for every service after each resync that changed it. */
  onChange(listener: (change: ServiceChange) => void): Unsubscribe
  /** Called when `sync().inSync` changes. */
  onSync(listener: (status: SyncStatus) => void): Unsubscribe
  /** Reads one service through the leader into the cache. `undefined`: it is gone. Throws Fault `engine-unavailable`. */
  refresh(id: string): Promise<ServiceObservation | undefined>
  /** Never throws. After `committed` the cache shows the new count at once, but its version only after `refresh`. */
  writeCount(write: CountWrite): Promise<WriteResult>
}

/** One compare-and-swap of a count, together with our label. */
export interface CountWrite {
  readonly id: string
  /** The version that was decided on. */
  readonly version: number
  readonly replicas: number
  readonly stateLabel: string
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
  write(write: NodeWrite): Promise<WriteResult>
}

/** Who leads, and which managers are reached: asked for while somebody looks and for a minute more. */
export interface Managers {
  look(): void
  /** `undefined`: not known, or no manager. */
  get(nodeId: string): ManagerStatus | undefined
  /** Called after what is known changed. */
  onChange(listener: () => void): Unsubscribe
}

export interface NodeWrite {
  readonly id: string
  /** The version that was decided on. */
  readonly version: number
  /** `null` takes a label away. Labels that are not named stay. */
  readonly labels?: Readonly<Record<string, string | null>>
  readonly availability?: Availability
}

/** The tasks of the Swarm but for ended history, heard as they change or, where they cannot be heard, asked for each second. */
export interface Tasks {
  /** Of every service where they are heard; where they are asked for, of the services that are followed. No engine call. */
  list(): readonly SwarmTask[]
  get(id: string): SwarmTask | undefined
  /** The newest that failed or were rejected, a few of each service, newest last: as far as they were heard or listed. */
  failed(): readonly SwarmTask[]
  /** It was in the list and has gone since; remembered for a while. */
  isGone(id: string): boolean
  /** Whether the list can be trusted: it is complete, of now, and the Swarm is read through its leader. */
  sync(): SyncStatus
  /** Everything that was decided before is in the list; absent: never read, or nobody follows. Ms since the epoch. */
  readAtMs(): number | undefined
  /** Called after the list changed. */
  onChange(listener: () => void): Unsubscribe
  /** Reads those of the followed services through the leader. Throws Fault `engine-unavailable`. */
  refresh(): Promise<void>
  /**
   * From now on these services' tasks matter: ids, asked for before each read; `undefined`: none, or not known yet. Nothing is
   * read while nobody follows.
   */
  follow(serviceIds: () => readonly string[] | undefined): Following
  /** The ids that a follower gives have changed: read soon. */
  soon(): void
  /** How they are known now, and why not better; for people. */
  source(): TaskSource
}

export type Following = Unsubscribe & {
  /** Whether the tasks of its services were read since it first knew these: without, the list may lack them though it is in sync. */
  isRead(): boolean
}

/** `heard`: each change when it happens, by swarmkit's watch. `asked`: each second. `idle`: nobody follows. */
export interface TaskSource {
  readonly kind: 'heard' | 'asked' | 'idle'
  /** Why they are not heard; empty when they are. */
  readonly reason: string
}

/** The networks of the manager's engine: swarm-scope ones of the cluster, and its own local ones. */
export interface SwarmNetworks {
  /** As last read, no engine call. */
  current(): readonly EngineNetwork[]
  onChange(listener: () => void): Unsubscribe
  /** Throws Fault `engine-unavailable`. */
  read(): Promise<readonly EngineNetwork[]>
  /** A swarm-scope network made from a config-only one. 409 is a conflict: somebody made it first. Never throws. */
  create(network: { readonly name: string; readonly driver: string; readonly configFrom: string }): Promise<WriteResult>
  /** By id. The engine refuses while a service uses it (`rejected`). Never throws. */
  remove(id: string): Promise<WriteResult>
  /** The version of the engine that takes the calls, and its node's id. Throws Fault `engine-unavailable`. */
  engine(): Promise<{ readonly version: string; readonly nodeId: string }>
}

/** A record that all controllers share: the labels of one Swarm config. */
export interface SharedStore<State> {
  /** From the cache, no engine call. */
  current(): State
  onChange(listener: (state: State) => void): Unsubscribe
  /**
   * Compare-and-swap with re-reading; `change` may run more than once. Resolves when it is written.
   * Throws Fault `engine-unavailable`, `conflicts-exhausted` or `write-rejected`.
   */
  update(change: (state: State) => State): Promise<void>
}

/** The newest report of each agent. */
export interface AgentReports {
  get(nodeId: string): HeardReport | undefined
  list(): readonly HeardReport[]
  onChange(listener: () => void): Unsubscribe
}

export interface AgentNews {
  /** Called when what a report says of networks is news, or an agent is heard that was not. */
  onNews(listener: (report: NodeReport) => void): Unsubscribe
}
