/** Tells log, feed and metrics of a decision. */

import type { Logger } from '../../foundation/logger.ts'
import type { Decision } from '../decision/decision.ts'
import type { ScalingListener } from '../ports.ts'
import type { DecisionLog } from './decision-log.ts'

export type TellDecision = (serviceId: string, decision: Decision, tookMs: number) => void

export function createTeller(deps: {
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
