/** What the use cases that change networks say while they work, and how they end. */
import type { ClusterPlan, PlanProblem, Step } from '../plan/words.ts'
import { keyOfStep } from './steps.ts'

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
   * `unchanged`: there was nothing to do. `done`: everything matches the definition. `refused`: problems stood in the way, nothing
   * was written. `failed`: a step failed. `waiting`: patience ran out while others (agents, Swarm) had not done theirs.
   */
  readonly outcome: 'unchanged' | 'done' | 'refused' | 'failed' | 'waiting'
  /** For a person; empty when nothing is left to do. */
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

export interface ProgressReporter {
  /** What is left now: what is no longer there was done by somebody. Waiting is told when nothing can be done meanwhile. */
  outstanding(steps: readonly Step[], isWaiting: boolean): void
  begun(step: Step): void
  done(step: Step): void
  failed(step: Step, why: string): void
}

export function createProgressReporter(onProgress: OnProgress): ProgressReporter {
  /** Told as waiting and not yet as done. */
  const waiting = new Map<string, Step>()
  const told = new Map<string, string>()

  const tell = (step: Step, state: Progress['state'], text: string) => {
    const { network, node, do: what } = step
    onProgress({ network, ...(node === undefined ? {} : { node: node.hostname }), step: what, state, text })
  }

  return {
    outstanding(steps, isWaiting) {
      const left = new Set(steps.map(keyOfStep))
      for (const [key, step] of waiting) {
        if (left.has(key)) continue
        waiting.delete(key)
        tell(step, 'done', step.text)
      }
      for (const step of isWaiting ? steps : []) {
        const { waitsFor } = step
        if (waitsFor === undefined || told.get(keyOfStep(step)) === waitsFor) continue
        waiting.set(keyOfStep(step), step)
        told.set(keyOfStep(step), waitsFor)
        // What is ours mostly waits for a line above: only what others do is told before it is done.
        if (step.do === 'wait' || step.do === 'remove-network')
          tell(step, 'waiting', `${step.text}: waits for ${waitsFor}`)
      }
    },
    begun: (step) => tell(step, 'begun', step.text),
    done(step) {
      waiting.delete(keyOfStep(step))
      tell(step, 'done', step.text)
    },
    failed: (step, why) => tell(step, 'failed', `${step.text}: ${why}`),
  }
}
