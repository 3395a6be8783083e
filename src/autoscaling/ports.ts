/** What the autoscaling capability needs of the world. Types only; adapters implement them, `commands/` wires them. */
import type { AlertState } from './alerts/alert-state.ts'
import type { Decision } from './decision/decision.ts'
import type { Capacity } from './decision/limit-count.ts'
import type { SharedState } from './decision/shared-state.ts'
import type { ServiceObservation } from './observation.ts'
import type { PolicyFile, PolicyIssue } from './policy/policy.ts'

/** For capabilities that know services by these ports alone. */
export type { Capacity } from './decision/limit-count.ts'
export type { SharedState } from './decision/shared-state.ts'
export type { Placement, ServiceObservation } from './observation.ts'

export type Unsubscribe = () => void

/** Ms since the epoch. */
export type Clock = () => number

/** The part of pino that use cases see. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Whether what the cache says can be trusted: docs/architecture.md, "in sync". */
export interface SyncStatus {
  readonly inSync: boolean
  /** Why not, for a person, with what to do about it; empty when in sync. */
  readonly reason: string
  /** When a read through the leader last succeeded; absent if never. */
  readonly lastLeaderReadAtMs?: number
}

export interface ServiceChange {
  readonly id: string
  readonly before: ServiceObservation | undefined
  /** Absent: the service is gone. */
  readonly after: ServiceObservation | undefined
}

/** One compare-and-swap of a count, together with our label. */
export interface CountWrite {
  readonly id: string
  /** The version that was decided on. */
  readonly version: number
  readonly replicas: number
  readonly stateLabel: string
}

/**
 * How a write ended.
 * `conflict`: somebody wrote first, nothing changed. `gone`: no such service. `rejected`: the engine refuses it for good.
 * `unsent`: it never reached an engine. `unknown`: no answer, it may be in force, now or later.
 */
export type WriteResult =
  | { readonly kind: 'committed' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'rejected'; readonly message: string }
  | { readonly kind: 'unsent'; readonly message: string }
  | { readonly kind: 'unknown'; readonly message: string }

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

/** How many tasks of a service its networks have addresses for. */
export interface AddressCapacity {
  /** `undefined`: no network of the service has ranges, so nothing limits it. Never throws. */
  ceilingOf(service: ServiceObservation): Capacity | undefined
  /**
   * Takes the addresses for a growth that is about to be written on `service`, so that nobody else is promised them before
   * the tasks show. `undefined`: there are none to take.
   */
  claim(service: ServiceObservation, replicas: number): AddressClaim | undefined
}

export interface AddressClaim {
  /**
   * Whether the write may be sent; `false`: somebody else took the addresses meanwhile, decide again.
   * Rejects with Fault `engine-unavailable`, `conflicts-exhausted` or `write-rejected` where other controllers could not be told.
   */
  readonly granted: Promise<boolean>
  /** The write is not in force and never will be. Without it the claim ends with the version it was made on. */
  release(): void
}

/** A record that all controllers share: the labels of one Swarm config. */
export interface SharedStore<State> {
  /** From the cache, no engine call. */
  current(): State
  onChange(listener: (state: State) => void): Unsubscribe
  /**
   * Compare-and-swap with re-reading; `change` may run more than once. Resolves when it is in force.
   * Throws Fault `engine-unavailable`, `conflicts-exhausted` or `write-rejected`.
   */
  update(change: (state: State) => State): Promise<void>
}

/** What belongs to no single service: `orrery-state`. */
export type SharedStateStore = SharedStore<SharedState>

/** What is remembered of alerts: `orrery-alerts`. */
export type AlertStore = SharedStore<AlertState>

/** What fires, by Alertmanager's word. */
export interface FiringAlerts {
  /** Throws Error when it can not be asked or understood. */
  ask(): Promise<{
    readonly fingerprints: ReadonlySet<string>
    /** When Alertmanager started: before, it may not have heard of what fires. Absent: not known. */
    readonly startedAtMs?: number
  }>
}

/** Policies as files, watched. */
export interface PolicyFiles {
  list(): readonly PolicyFile[]
  /** What is wrong with the folder itself or with files that never parsed, by file name. */
  problems(): readonly { readonly file: string; readonly issue: PolicyIssue }[]
  onChange(listener: () => void): Unsubscribe
}

/** What the metrics and the event feed are told. */
export interface ScalingListener {
  decided(decision: Decision, tookMs: number): void
  wrote(service: string, result: WriteResult['kind']): void
  observed(change: ServiceChange): void
}

/** Something about nodes or their networks changed, for the event feed: the views say what it is now. */
export interface NodesNews {
  readonly network?: string
  readonly node?: { readonly id: string; readonly hostname: string }
  /** For a person. */
  readonly text: string
}
