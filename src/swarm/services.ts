/** Services: what the engine says of one now, in the form that deciding needs. */

export type ServiceMode = 'replicated' | 'global' | 'replicated-job' | 'global-job' | 'unknown'

/** Swarm's own words (UpdateStatus.State). */
export type UpdateState =
  | 'updating'
  | 'paused'
  | 'completed'
  | 'rollback_started'
  | 'rollback_paused'
  | 'rollback_completed'

export interface PreviousSpec {
  /** `undefined` unless it was a replicated service. */
  readonly replicas: number | undefined
  /** The `autoscaler.state` label that the previous spec carried. */
  readonly stateLabel: string | undefined
  /** Whether its task template equals the current one. */
  readonly sameTemplate: boolean
  /** Whether it equals the current spec in everything but the count and our label. */
  readonly sameButCount: boolean
}

/** Where Swarm may put the tasks of a service, and what they need there: what the number of free addresses depends on. */
export interface Placement {
  /** Of the task template: ids, or names as somebody wrote them. Never empty. */
  readonly networks: readonly string[]
  /** As written: `node.labels.zone == a`. */
  readonly constraints: readonly string[]
  /** Tasks on one node; 0: no limit. */
  readonly maxPerNode: number
  /** Those the image is known to run on; empty: not known, so any. */
  readonly platforms: readonly { readonly os: string; readonly architecture: string }[]
  /** Why Swarm may pass a node over or spread by another rule than by tasks; absent: it spreads evenly. */
  readonly uneven?: string
  /** Tasks beside the count that an update or rollback starts before the old ones stop. */
  readonly surge: number | 'all'
}

/** What each task of a service may use: its limit, else its reservation; absent: neither is written. */
export interface TaskResources {
  /** Processor time, ns a second: 1e9 is one CPU. */
  readonly cpuNs?: number
  readonly memoryBytes?: number
}

export interface ServiceObservation {
  readonly id: string
  readonly name: string
  /** Version.Index of the object as read: what a write compares against. */
  readonly version: number
  readonly mode: ServiceMode
  /** From the spec, never a count of tasks. 0 unless the mode is `replicated`. */
  readonly replicas: number
  /** A null-prototype record: label names come from outside. */
  readonly labels: Readonly<Record<string, string>>
  /** Absent: nothing is limited or reserved. */
  readonly resources?: TaskResources
  /** Absent: its tasks are on no network. */
  readonly placement?: Placement
  /** Absent when Swarm has none, which it also has for some ms after every update. */
  readonly updateState?: UpdateState
  /** Absent before the first update of the service. */
  readonly previous?: PreviousSpec
  /** When this controller first saw this count together with this version's spec, ms since the epoch. */
  readonly firstSeenAtMs: number
  /** When this controller first saw the state label that it has, or had before a deploy; absent: it has none. */
  readonly stateSeenAtMs?: number
  /** When this controller first saw the current task template differ from the previous spec's; absent if it does not. */
  readonly templateChangeSeenAtMs?: number
}

export interface ServiceChange {
  readonly id: string
  readonly before: ServiceObservation | undefined
  /** Absent: the service is gone. */
  readonly after: ServiceObservation | undefined
}

/** The label that is written together with a count: what autoscaling remembers of the service. */
export const STATE_LABEL = 'autoscaler.state'

/** How long addresses are kept for a growth that was promised and not written yet. */
export const GROWTH_MS = 60_000
