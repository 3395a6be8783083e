/** Tells each step once as begun, waiting, and done, whoever took it in the end. */
import type { Step } from '../plan/words.ts'
import type { OnProgress, Progress } from './progress.ts'

export interface StepTeller {
  /** What is left now: what is no longer there was done by somebody. Waiting is told when nothing can be done meanwhile. */
  outstanding(steps: readonly Step[], isWaiting: boolean): void
  begun(step: Step): void
  done(step: Step): void
  failed(step: Step, why: string): void
}

const keyOf = ({ network, node, do: what, text }: Step): string => [network, node?.id, what, text].join('\n')

export function createTeller(onProgress: OnProgress): StepTeller {
  /** Told as waiting and not yet as done. */
  const waiting = new Map<string, Step>()
  const told = new Map<string, string>()

  const tell = (step: Step, state: Progress['state'], text: string) => {
    const { network, node, do: what } = step
    onProgress({ network, ...(node === undefined ? {} : { node: node.hostname }), step: what, state, text })
  }

  return {
    outstanding(steps, isWaiting) {
      const left = new Set(steps.map(keyOf))
      for (const [key, step] of waiting) {
        if (left.has(key)) continue
        waiting.delete(key)
        tell(step, 'done', step.text)
      }
      for (const step of isWaiting ? steps : []) {
        const { waitsFor } = step
        if (waitsFor === undefined || told.get(keyOf(step)) === waitsFor) continue
        waiting.set(keyOf(step), step)
        told.set(keyOf(step), waitsFor)
        // What is ours waits for a line above: only what others do is told before it is done.
        if (step.do === 'wait') tell(step, 'waiting', `${step.text}: waits for ${waitsFor}`)
      }
    },
    begun: (step) => tell(step, 'begun', step.text),
    done(step) {
      waiting.delete(keyOf(step))
      tell(step, 'done', step.text)
    },
    failed: (step, why) => tell(step, 'failed', `${step.text}: ${why}`),
  }
}
