/** A caller that goes on while controllers come and go: `up`, each with a key of its own, repeated until it is a step. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { WireDecision } from '../../../src/http/wire/decision.ts'
import { eventually } from './services.ts'

export interface AllThrough {
  /** The call under way is still answered. Throws what went wrong with any: no step within a minute. */
  end(): Promise<{
    readonly answered: number
    readonly longestMs: number
    /** What else was answered, and how often: a code, or why there was no answer. */
    readonly otherwise: Readonly<Record<string, number>>
  }>
}

/** A minute of this has fewer keys than an autoscaler remembers. */
const EVERY_MS = 300

export function upAllThrough(url: string, token: string): AllThrough {
  let isOver = false
  let [answered, longestMs] = [0, 0]
  const otherwise: Record<string, number> = {}

  const call = async (key: string): Promise<string> => {
    const headers = { authorization: `Bearer ${token}`, 'idempotency-key': key }
    const answer = await fetch(url, { method: 'POST', headers, signal: AbortSignal.timeout(10_000) })
    const { outcome, code } = (await answer.json()) as Partial<WireDecision>
    return code ?? outcome ?? ''
  }
  const isStep = async (key: string): Promise<boolean> => {
    const said = await call(key).catch((error: Error) => `no answer: ${error.name}`)
    // What was done, and its answer lost, is a duplicate.
    if (said === 'scaled' || said === 'duplicate') return true
    otherwise[said] = (otherwise[said] ?? 0) + 1
    return false
  }
  const calling = (async () => {
    for (; !isOver; await sleep(EVERY_MS)) {
      const key = `up-${answered}`
      const startedAtMs = performance.now()
      await eventually(`${key} is a step`, () => isStep(key), { timeoutMs: 60_000 })
      answered += 1
      longestMs = Math.max(longestMs, performance.now() - startedAtMs)
    }
  })()
  // It is `end` that tells.
  calling.catch(() => undefined)

  return {
    async end() {
      isOver = true
      await calling
      return { answered, longestMs, otherwise }
    },
  }
}
