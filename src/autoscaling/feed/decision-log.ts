/** The last decisions of each service, in memory, the feed that `GET /v1/event` streams, and who else is told of a decision. */

import type { Logger } from '../../foundation/logger.ts'
import type { ServiceChange } from '../../swarm/services.ts'
import type { EventFeed, OrreryEvent } from '../autoscaler.ts'
import { type Decision, reasonAndNote } from '../decision/decision.ts'
import type { ScalingListener } from '../ports.ts'

const KEPT_DECISIONS = 50

/** A refusal that lasts is told once in so long a time. */
const TOLD_EVERY_MS = 60_000

export interface DecisionLog extends EventFeed {
  /** With an id, and whose it is: before it is told, and before its caller is answered. */
  named(decision: Decision): Decision
  /**
   * Whether it is worth a line for whoever asks tomorrow why nothing was scaled: a change, a refusal for another reason than
   * the one that was told last, and once a minute one that lasts. `more`: how many like it were not told in between.
   */
  decided(serviceId: string, decision: Decision): { readonly isNews: boolean; readonly more: number }
  /** Tells the feed; forgets the decisions of a service that is gone. */
  observed(change: ServiceChange): void
  /** Newest first. */
  of(serviceId: string): readonly Decision[]
  last(serviceId: string): Decision | undefined
  /** Of every service, newest first. */
  all(): readonly Decision[]
}

/** `controller`: its id; absent: decisions are not named. */
export function createDecisionLog(controller?: string): DecisionLog {
  let lastId = 0
  const decisions = new Map<string, Decision[]>()
  const told = new Map<string, { readonly outcome: string; readonly atMs: number; readonly more: number }>()
  const listeners = new Set<(event: OrreryEvent) => void>()
  /** Of all services; absent: something was decided since. */
  let all: readonly Decision[] | undefined
  const publish = (event: OrreryEvent) => {
    for (const listener of listeners) listener(event)
  }
  return {
    named(decision) {
      if (controller === undefined) return decision
      lastId += 1
      return { id: `${controller}-${lastId}`, controller, ...decision }
    },
    decided(serviceId, decision) {
      const kept = decisions.get(serviceId) ?? []
      kept.push(decision)
      if (kept.length > KEPT_DECISIONS) kept.shift()
      decisions.set(serviceId, kept)
      all = undefined
      publish({ type: 'decision', data: decision })
      const { code, atMs } = decision
      if (code === 'already-there') return { isNews: false, more: 0 }
      const outcome = code ?? decision.outcome
      const last = told.get(serviceId)
      const isSame = last?.outcome === outcome && decision.outcome !== 'scaled'
      const isNews = !isSame || atMs - last.atMs >= TOLD_EVERY_MS
      const more = isSame ? last.more : 0
      told.set(serviceId, isNews ? { outcome, atMs, more: 0 } : { ...last, more: more + 1 })
      return { isNews, more }
    },
    observed({ id, after }) {
      if (after === undefined) {
        decisions.delete(id)
        all = undefined
        told.delete(id)
      }
      publish({ type: 'observation', data: after ?? { id, gone: true } })
    },
    of: (serviceId) => (decisions.get(serviceId) ?? []).toReversed(),
    last: (serviceId) => decisions.get(serviceId)?.at(-1),
    all() {
      all ??= [...decisions.values()].flat().sort((a, b) => b.atMs - a.atMs)
      return all
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

export type TellDecision = (serviceId: string, decision: Decision, tookMs: number) => void

export function createDecisionPublisher(deps: {
  readonly log: DecisionLog
  readonly listener: ScalingListener
  readonly logger: Logger
}): TellDecision {
  const { log, listener, logger } = deps
  return (serviceId, given, tookMs) => {
    const decision = given.id === undefined ? log.named(given) : given
    const { isNews, more } = log.decided(serviceId, decision)
    listener.decided(decision, tookMs)
    const level = isNews ? 'info' : 'debug'
    const fields = { event: 'decision', ...decision, ...(isNews && more > 0 && { more }) }
    // A line is a system call, and callers wait for their answers.
    setImmediate(() => logger[level](fields, sentence(decision)))
  }
}

function sentence(decision: Decision): string {
  const { service, outcome, code, from, to } = decision
  const what = outcome === 'scaled' ? `scaled ${service} from ${from} to ${to}` : `${service}: ${code ?? outcome}`
  return `${what}: ${reasonAndNote(decision)}`
}
