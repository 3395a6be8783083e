/** What the use cases that change networks tell while they work, and how they end. Types only. */
import type { ClusterPlan, PlanProblem } from '../plan/words.ts'

/** One line of progress. */
export interface Progress {
  readonly network: string
  /** Host name. */
  readonly node?: string
  /** What kind of step. */
  readonly step: 'write-record' | 'remove-record' | 'write-node' | 'create-network' | 'remove-network' | 'wait'
  /** `waiting` is told once for each thing that is waited for, `done` also when somebody else did it. */
  readonly state: 'begun' | 'waiting' | 'done' | 'failed'
  readonly text: string
}

export type OnProgress = (progress: Progress) => void

export interface ChangeResult {
  /**
   * `unchanged`: there was nothing to do. `done`: everything is as wanted. `refused`: problems stood in the way, nothing
   * was written. `failed`: a step failed. `waiting`: patience ran out while others (agents, Swarm) had not done theirs.
   */
  readonly outcome: 'unchanged' | 'done' | 'refused' | 'failed' | 'waiting'
  /** For a person; empty when all is as wanted. */
  readonly reason: string
  /** What was written here, in order. */
  readonly done: readonly string[]
  /** What is left to do. */
  readonly left: readonly string[]
  /** Of what it was not allowed or not able to do. */
  readonly problems: readonly PlanProblem[]
  /** As it is at the end. */
  readonly plan: ClusterPlan
}

/** How long to wait for what others do, and when to stop at once. */
export interface Patience {
  /** Ms without anything changing; default 120000. */
  readonly patienceMs?: number
  readonly signal?: AbortSignal
}
