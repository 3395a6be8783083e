/** What is registered, as others see it, and the use cases that `http` and `commands` may call. */
import type { Condition } from '../foundation/conditions.ts'
import type { Entry, EntryIssue } from './entry.ts'

export type RegistrationState =
  /** In Consul, as desired. */
  | 'registered'
  /** Desired, and not there yet or refused. */
  | 'missing'
  /** Desired, and there with something else. */
  | 'differs'
  /** There, ours, and on its way out. */
  | 'extra'
  /** There, ours, and left as it is: too little is known of its task. */
  | 'kept'

export interface Registration {
  readonly id: string
  readonly state: RegistrationState
  /** Why it is not `registered`. */
  readonly reason?: string
  /** The name in Consul. */
  readonly name: string
  /** The Swarm's words for where it comes from. */
  readonly service: string
  readonly taskId: string
  readonly node: string
  readonly address: string
  readonly port: number
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  /** Absent where it is only in Consul. */
  readonly desired?: Entry
}

export interface RegistrationView {
  readonly mode: 'catalog' | 'agent'
  /** Of this controller; in agent mode the agents write. */
  readonly role: 'writer' | 'standby' | 'agents'
  readonly consul: string
  /** Absent before the first. */
  readonly lastSync?: SyncRecord
  readonly conditions: readonly RegistrationCondition[]
  /** Sorted by id. */
  readonly registrations: readonly Registration[]
  readonly issues: readonly EntryIssue[]
}

/** One turn in which the writer synchronized Consul. */
export interface SyncRecord {
  readonly atMs: number
  readonly tookMs: number
  readonly transactions: number
  readonly writes: number
  /** The whole catalog was read for it. */
  readonly isFull: boolean
}

export type RegistrationCondition = Condition<'ConsulReachable' | 'Registered' | 'KeysUnderstood'>

export interface Registrations {
  /** Reads Consul where this controller is not the writer. Throws Fault `not-in-sync` or `consul-unavailable`. */
  view(): Promise<RegistrationView>
  /** As far as is known without a read of Consul. */
  conditions(): readonly RegistrationCondition[]
  /** Without a read of Consul, for metrics. */
  figures(): RegistrationFigures
  /**
   * Reads everything anew and brings Consul in step; resolves with what came of it. `undefined`: another controller writes.
   * Throws Fault `not-in-sync` or `consul-unavailable`.
   */
  resync(): Promise<SyncRecord | undefined>
}

export interface RegistrationFigures {
  readonly desired: number
  /** Entries of ours that are in Consul; absent unless this controller is the writer. */
  readonly registered?: number
  readonly isWriter: boolean
  readonly isReachable: boolean
  readonly refused: number
  readonly leftOut: number
  readonly lastSyncAtMs?: number
}
