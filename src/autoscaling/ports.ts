/** What the autoscaling capability needs of the world. Types only; adapters implement them, `commands/` wires them. */

import type { Unsubscribe } from '../foundation/listeners.ts'
import type { SharedStore } from '../swarm/ports.ts'
import type { ServiceChange, ServiceObservation } from '../swarm/services.ts'
import type { WriteResult } from '../swarm/write-result.ts'
import type { AlertState } from './alerts/alert-state.ts'
import type { Capacity } from './decision/decide-input.ts'
import type { Decision } from './decision/decision.ts'
import type { SharedState } from './decision/shared-state.ts'
import type { Measurement } from './load/measurement.ts'
import type { PolicyFile, PolicyIssue } from './policy/policy.ts'

/** For capabilities that know this one by its ports alone. */
export type { Capacity } from './decision/decide-input.ts'
export type { SharedState } from './decision/shared-state.ts'

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
  /** The write did not take effect and never will. Without it the claim ends with the version it was made on. */
  release(): void
}

/** What belongs to no single service: `orrery-state`. */
export type SharedStateStore = SharedStore<SharedState>

/** What is remembered of alerts: `orrery-alerts`. */
export type AlertStore = SharedStore<AlertState>

/** What fires, by Alertmanager's word. */
export interface FiringAlerts {
  /** Throws Error when it cannot be asked or understood. */
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

/** Where the values of metrics come from. */
export interface LoadSources {
  /** Absent: none is configured. */
  readonly queries?: QuerySource
  readonly urls: UrlSource
}

export interface QuerySource {
  /** Never throws, and answers within seconds. */
  ask(query: string): Promise<Measurement>
}

export interface UrlSource {
  /** A GET without any credential; `path` says where the number is in the JSON. Never throws, and answers within seconds. */
  ask(url: string, path: string): Promise<Measurement>
}

/** The wall clock, a second at a time. */
export interface Ticks {
  /** Calls at the beginning of each second of the wall clock, and once at once. */
  each(listener: () => void): Unsubscribe
}

/** What metrics show of a tick of measured load as a whole. */
export interface TickFigures {
  /** Ms since the epoch. */
  readonly atMs: number
  /** How late it began. */
  readonly lateMs: number
  readonly tookMs: number
  readonly services: number
}
