/**
 * What is known about services but belongs to no single service spec, because a deploy would erase it:
 * pauses set by call and counts to return to after a deploy. Pure; kept in the labels of the config `orrery-state`.
 */
import type { Direction } from './policy.ts'

export interface Pause {
  readonly scope: Direction | 'both'
  readonly sinceMs: number
  /** Absent: until resumed. */
  readonly untilMs?: number
}

/** The count that ran before a deploy reset it, with the state label it had. */
export interface PendingRestore {
  readonly replicas: number
  readonly stateLabel: string | undefined
  readonly sinceMs: number
}

/** Both maps are keyed by service id. */
export interface SharedState {
  readonly pauses: ReadonlyMap<string, Pause>
  readonly restores: ReadonlyMap<string, PendingRestore>
}

export const EMPTY_SHARED_STATE: SharedState = { pauses: new Map(), restores: new Map() }
