/** Asks the sources for what metrics are worth at one tick: each question once, and no slow one holds up another service. */

import type { ServiceObservation } from '../../swarm/services.ts'
import type { LoadMetric } from '../load/load-policy.ts'
import { type Measurement, missing } from '../load/measurement.ts'
import type { LoadSources } from '../ports.ts'
import type { TaskUsage } from './task-usage.ts'

export interface MeasureInput {
  readonly service: ServiceObservation
  readonly warmupMs: number
}

export type Measure = (metric: LoadMetric, input: MeasureInput) => Promise<Measurement>

/** For one tick: what was asked once is not asked again. */
export function createMeasure({ queries, urls }: LoadSources, usage: TaskUsage): Measure {
  const asked = new Map<string, Promise<Measurement>>()
  const once = (key: string, ask: () => Promise<Measurement>): Promise<Measurement> => {
    const known = asked.get(key) ?? ask()
    asked.set(key, known)
    return known
  }
  return async (metric, { service, warmupMs }) => {
    switch (metric.kind) {
      case 'query':
        return queries === undefined
          ? NO_PROMETHEUS
          : await once(`query ${metric.query}`, () => queries.ask(metric.query))
      case 'url':
        return await once(`url ${metric.path} ${metric.url}`, () => urls.ask(metric.url, metric.path))
      default: {
        const each = metric.kind === 'cpu' ? service.resources?.cpuNs : service.resources?.memoryBytes
        if (each === undefined) return missing('error', `no limit and no reservation of ${metric.kind}`)
        return usage.of(service, { kind: metric.kind, each, warmupMs })
      }
    }
  }
}

const NO_PROMETHEUS = missing('error', 'PROMETHEUS_URL is not set')
