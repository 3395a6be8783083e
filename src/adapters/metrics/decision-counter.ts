/** Counts decisions, and forgets those of services that are gone. */
import { Counter, type Registry } from 'prom-client'
import type { Decision } from '../../autoscaling/decision/decision.ts'

type Labels = Record<'autoscaler' | 'service' | 'outcome' | 'reason', string>

export interface DecisionCounter {
  count(decision: Decision): void
  /** Drops the series of every service that `isThere` does not know. */
  keepOnly(isThere: (service: string) => boolean): void
}

export function createDecisionCounter(registry: Registry): DecisionCounter {
  const counter = new Counter({
    name: 'orrery_decisions_total',
    help: 'Decisions by outcome and reason (the code; empty where an outcome has none).',
    labelNames: ['autoscaler', 'service', 'outcome', 'reason'],
    registers: [registry],
  })
  /** The counter can only remove series by all of their labels. */
  const seriesOf = new Map<string, Map<string, Labels>>()
  return {
    count({ autoscaler, service, outcome, code = '' }) {
      const labels: Labels = { autoscaler, service, outcome, reason: code }
      const series = seriesOf.get(service) ?? new Map<string, Labels>()
      seriesOf.set(service, series.set(`${autoscaler} ${outcome} ${code}`, labels))
      counter.inc(labels)
    },
    keepOnly(isThere) {
      for (const [service, series] of [...seriesOf]) {
        if (isThere(service)) continue
        for (const labels of series.values()) counter.remove(labels)
        seriesOf.delete(service)
      }
    },
  }
}
