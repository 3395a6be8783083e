/** The last decisions of each service, in memory, the feed that `GET /v1/event` streams, and who else is told of a decision. */

import type { Logger } from '../../foundation/logger.ts'
import type { ServiceChange } from '../../swarm/services.ts'
import type { EventFeed, OrreryEvent } from '../autoscaler.ts'
import type { Decision } from '../decision/decision.ts'
import type { ScalingListener } from '../ports.ts'

const KEPT_DECISIONS = 50

export interface DecisionLog extends EventFeed {
  decided(serviceId: string, decision: Decision): void
  /** Tells the feed; forgets the decisions of a service that is gone. */
  observed(change: ServiceChange): void
  /** Newest first. */
  of(serviceId: string): readonly Decision[]
  last(serviceId: string): Decision | undefined
  /** Of every service, newest first. */
  all(): readonly Decision[]
}

export function createDecisionLog(): DecisionLog {
  const decisions = new Map<string, Decision[]>()
  const listeners = new Set<(event: OrreryEvent) => void>()
  const publish = (event: OrreryEvent) => {
    for (const listener of listeners) listener(event)
  }
  return {
    decided(serviceId, decision) {
      const kept = decisions.get(serviceId) ?? []
      kept.push(decision)
      if (kept.length > KEPT_DECISIONS) kept.shift()
      decisions.set(serviceId, kept)
      publish({ type: 'decision', data: decision })
    },
    observed({ id, after }) {
      if (after === undefined) decisions.delete(id)
      publish({ type: 'observation', data: after ?? { id, gone: true } })
    },
    of: (serviceId) => (decisions.get(serviceId) ?? []).toReversed(),
    last: (serviceId) => decisions.get(serviceId)?.at(-1),
    all: () => [...decisions.values()].flat().sort((a, b) => b.atMs - a.atMs),
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
  return (serviceId, decision, tookMs) => {
    log.decided(serviceId, decision)
    listener.decided(decision, tookMs)
    const level = decision.outcome === 'scaled' ? 'info' : 'debug'
    // A line is a system call, and callers wait for their answers.
    setImmediate(() => logger[level]({ event: 'decision', ...decision }, sentence(decision)))
  }
}

function sentence({ service, outcome, code, from, to, reason }: Decision): string {
  const what = outcome === 'scaled' ? `scaled ${service} from ${from} to ${to}` : `${service}: ${code ?? outcome}`
  return `${what}: ${reason}`
}
