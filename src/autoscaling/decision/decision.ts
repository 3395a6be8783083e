/** A decision: the answer to a request, always with an outcome and a reason. Clients rely on the codes: docs/http-api.md. */
import type { Direction } from '../policy/policy.ts'
import type { Caller } from './request.ts'

export type HeldCode =
  | 'cooldown'
  | 'rollout'
  | 'paused'
  | 'duplicate'
  | 'resolved'
  | 'no-data'
  | 'maintenance'
  | 'unschedulable'
  | 'unknown-write'
export type UnchangedCode = 'at-max' | 'at-min' | 'at-capacity' | 'already-there'

export type Outcome = 'scaled' | 'unchanged' | 'held' | 'dry-run' | 'invalid-policy' | 'unsupported'

/** One stage that changed the wanted count. */
export interface Limit {
  readonly stage: 'min' | 'max' | 'capacity'
  readonly before: number
  readonly after: number
  readonly reason: string
}

export interface Decision {
  /** The autoscaler's name. */
  readonly autoscaler: string
  /** The Swarm service's name. */
  readonly service: string
  readonly outcome: Outcome
  readonly code?: HeldCode | UnchangedCode
  /** One sentence for a person. */
  readonly reason: string
  readonly from: number
  readonly to: number
  /** What was asked for, before any limit. */
  readonly wanted: number
  readonly limits: readonly Limit[]
  /** Ms since the epoch: when asking again may be answered otherwise. */
  readonly retryAtMs?: number
  /** Ms since the epoch. */
  readonly atMs: number
  /** Of this decision, and of the controller that took it; set when it is logged. */
  readonly id?: string
  readonly controller?: string
  /** Who or what asked: `call`, `alert`, `orbiter`, or a request source such as `restore`. */
  readonly origin?: string
  /** Which way it would have gone; absent: neither. */
  readonly direction?: Direction
  /** Names of the alerts that asked. */
  readonly alerts?: readonly string[]
  readonly caller?: Caller
  /** What the caller said, apart from the reason. */
  readonly note?: string
}

/** What decided, and what the caller said to it; of an alert it may be in the reason already. */
export const reasonAndNote = ({ reason, note }: Pick<Decision, 'reason' | 'note'>): string =>
  note === undefined || reason.includes(note) ? reason : `${reason} (${note})`

/** One stage of the pipeline as `explain` shows it. */
export interface Stage {
  readonly stage: string
  readonly result: 'pass' | 'skip' | 'stop' | 'limit'
  readonly detail: string
}
