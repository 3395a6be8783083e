/**
 * Measured load: evaluates every service that follows a metric once a tick, and keeps what came of it. Ticks are multiples of
 * their length on the wall clock, so that controllers measure at the same times; the tick is recorded with the write, so that
 * of several controllers one acts on it.
 */

import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { Services } from '../../swarm/ports.ts'
import { type ServiceChange, STATE_LABEL } from '../../swarm/services.ts'
import type { LoadEvaluation } from '../autoscaler.ts'
import { COUNT_TRAITS, type Traits } from '../decision/request.ts'
import type { RequestSource } from '../decision/request-source.ts'
import { decodeState } from '../decision/state.ts'
import { ONE, readNumber } from '../load/decimal.ts'
import { type Evaluation, evaluate } from '../load/evaluate.ts'
import { beginHistory, type LoadHistory, notAhead, noteChange } from '../load/history.ts'
import type { LoadMetric, LoadPolicy } from '../load/load-policy.ts'
import { type Measurement, missing } from '../load/measurement.ts'
import type { BoundPolicy, Policies } from '../policy/policies.ts'
import type { Policy } from '../policy/policy.ts'
import { policyAt } from '../policy/policy-at.ts'
import type { LoadSources, TickFigures, Ticks } from '../ports.ts'
import { createMeasure, type Measure } from './measure.ts'
import { lookAtUsage, type TaskUsageDeps } from './task-usage.ts'

export interface LoadBookDeps extends TaskUsageDeps {
  readonly services: Pick<Services, 'onChange' | 'sync'>
  readonly policies: Pick<Policies, 'optedIn' | 'byId'>
  readonly sources: LoadSources
  readonly ticks: Ticks
  readonly tickMs: number
  readonly logger: Logger
  readonly now: Clock
}

export interface LoadBook {
  readonly source: RequestSource
  /** Of the last tick; absent before the first, and for a service without metrics. */
  of(serviceId: string): LoadEvaluation | undefined
  /** What an evaluation would come to now, with a metric's value as given. Changes nothing. */
  simulate(bound: BoundPolicy, values: ReadonlyMap<string, string>): Evaluation | undefined
  lastTick(): TickFigures | undefined
  /** Called with what a tick came to for one service. */
  onEvaluated(listener: (serviceId: string, evaluation: LoadEvaluation) => void): void
  start(): void
  close(): Promise<void>
}

export const LOAD_SOURCE = 'load'

export const LOAD_TRAITS: Traits = { ...COUNT_TRAITS, source: LOAD_SOURCE, waitsForPlacement: true }

export function createLoadBook(deps: LoadBookDeps): LoadBook {
  const { services, policies, sources, tickMs, logger, now } = deps
  const histories = new Map<string, LoadHistory>()
  const evaluations = new Map<string, LoadEvaluation>()
  const listeners = new Set<(serviceId: string, evaluation: LoadEvaluation) => void>()
  const underWay = new Set<Promise<void>>()
  let lastTickMs = 0
  let figures: TickFigures | undefined
  let closed = false

  const forget = (id: string) => {
    histories.delete(id)
    evaluations.delete(id)
  }

  const observe = ({ id, before, after }: ServiceChange) => {
    if (after === undefined) return forget(id)
    const history = histories.get(id)
    if (history === undefined || before === undefined || before.replicas === after.replicas) return
    const state = decodeState(after.labels[STATE_LABEL], after.stateSeenAtMs)
    const byLoad = state?.cause === LOAD_SOURCE && state.to === after.replicas
    // A write of ours counts from its tick, or a rate of one tick would reach into the next.
    const atMs = byLoad ? (state.tickMs ?? now()) : now()
    histories.set(id, noteChange(history, { atMs, from: before.replicas, to: after.replicas, byLoad }))
  }

  /** At first sight: as if the current count had been asked for just now; of changes only the last is known, from the label. */
  const historyOf = ({ observation }: BoundPolicy, atMs: number): LoadHistory => {
    const known = histories.get(observation.id)
    if (known !== undefined) return notAhead(known, now())
    const begun = beginHistory(observation.replicas, atMs)
    const state = decodeState(observation.labels[STATE_LABEL], observation.stateSeenAtMs)
    if (state === undefined || state.to !== observation.replicas) return begun
    const { from, to } = state
    const byLoad = state.cause === LOAD_SOURCE
    return { ...begun, changes: [{ atMs: byLoad ? (state.tickMs ?? state.atMs) : state.atMs, from, to, byLoad }] }
  }

  const evaluateOne = async (id: string, load: LoadPolicy, { measure, atMs }: { measure: Measure; atMs: number }) => {
    const service = policies.byId(id)?.observation
    if (service === undefined) return
    const measured = await Promise.all(
      load.metrics.map(async (metric) => {
        const found = await measure(metric, { service, warmupMs: load.warmupMs })
        return [metric.name, found] as const
      }),
    )
    // Measuring takes time: what is decided on is what is there now.
    const bound = policies.byId(id)
    const policy = bound?.reading.policy
    if (bound === undefined || policy?.load === undefined || closed) return
    // A source that was slow then and is quick again: what came later says more, unless the clock was set back since.
    const lastTickMs = evaluations.get(id)?.tickMs ?? 0
    if (lastTickMs > atMs && lastTickMs <= now()) return
    const history = historyOf(bound, atMs)
    const evaluation = evaluate({
      ...inputOf(bound, policy, policy.load),
      measurements: new Map(measured),
      history,
      nowMs: atMs,
    })
    logWidening(bound, history, evaluation)
    histories.set(id, evaluation.history)
    const kept = { tickMs: atMs, ...evaluation }
    evaluations.set(id, kept)
    for (const listener of listeners) listener(id, kept)
  }

  const logWidening = ({ observation }: BoundPolicy, before: LoadHistory, { widening, windowDownMs }: Evaluation) => {
    if (widening.factor <= before.widening.factor) return
    logger.warn(
      { event: 'load-flaps', service: observation.name, windowDownSeconds: windowDownMs / 1000 },
      `the count of ${observation.name} flaps: for an hour it shrinks only after ${windowDownMs / 1000} s`,
    )
  }

  const inputOf = ({ observation }: BoundPolicy, policy: Policy, load: LoadPolicy) => {
    const { min, max } = policyAt(policy, now())
    return { policy: load, current: observation.replicas, bounds: { min, max } }
  }

  const tick = async (atMs: number, dueMs: number) => {
    const startedMs = now()
    const measure = createMeasure(sources, lookAtUsage(deps, startedMs))
    const due: Promise<void>[] = []
    for (const { observation, reading } of policies.optedIn()) {
      const load = reading.policy?.load
      if (load === undefined) forget(observation.id)
      else if (observation.mode === 'replicated') due.push(evaluateOne(observation.id, load, { measure, atMs }))
    }
    await Promise.all(due)
    figures = { atMs, lateMs: Math.max(0, startedMs - dueMs), tookMs: now() - startedMs, services: due.length }
  }

  const look = () => {
    const atMs = Math.floor(now() / tickMs) * tickMs
    if (closed || atMs === lastTickMs || !services.sync().inSync) return
    // The first is due when it can be, in the middle of a tick: nobody is late then.
    const dueMs = lastTickMs === 0 ? now() : atMs
    lastTickMs = atMs
    const done = tick(atMs, dueMs)
      .catch((error: unknown) => logger.error({ event: 'load-failed', err: error }, 'measured load was not evaluated'))
      .finally(() => underWay.delete(done))
    underWay.add(done)
  }

  const source: RequestSource = {
    name: LOAD_SOURCE,
    due({ observation, policy, state }, nowMs) {
      const evaluation = evaluations.get(observation.id)
      if (policy.load === undefined || evaluation?.counts === undefined) return undefined
      // What was measured of another count, or too long ago, or was acted on, says nothing now.
      if (evaluation.current !== observation.replicas || nowMs - evaluation.tickMs >= 2 * tickMs) return undefined
      if (state?.tickMs !== undefined && state.tickMs >= evaluation.tickMs && state.tickMs <= nowMs) return undefined
      const { afterRate, afterBounds } = evaluation.counts
      if (afterBounds === observation.replicas) return undefined
      const why = `measured load: ${evaluation.reason}`
      return {
        kind: 'recommend',
        replicas: afterRate,
        why,
        cause: LOAD_SOURCE,
        traits: { ...LOAD_TRAITS, tickMs: evaluation.tickMs },
      }
    },
  }

  const stops = [services.onChange(observe)]
  return {
    source,
    of: (id) => evaluations.get(id),
    simulate(bound, values) {
      const { policy } = bound.reading
      if (policy?.load === undefined) return undefined
      const atMs = now()
      const last = evaluations.get(bound.observation.id)?.metrics ?? []
      const given = policy.load.metrics.flatMap((metric) => {
        const text = values.get(metric.name)
        return text === undefined ? [] : [[metric.name, simulated(text, metric, bound.observation.replicas)] as const]
      })
      const measurements = new Map([...last.map(({ name, measurement }) => [name, measurement] as const), ...given])
      return evaluate({
        ...inputOf(bound, policy, policy.load),
        measurements,
        history: historyOf(bound, atMs),
        nowMs: atMs,
      })
    },
    lastTick: () => figures,
    onEvaluated(listener) {
      listeners.add(listener)
    },
    start() {
      stops.push(deps.ticks.each(look))
    },
    async close() {
      closed = true
      for (const stop of stops) stop()
      await Promise.all(underWay)
    },
  }
}

/** As a source would have answered; per cent where the metric is one. */
function simulated(text: string, metric: LoadMetric, replicas: number): Measurement {
  const number = readNumber(text)
  if (number.kind !== 'number') return missing(number.kind, `${text} is given`)
  if (metric.kind === 'query' || metric.kind === 'url') return { kind: 'value', value: number.value }
  const tasks = Math.max(1, replicas)
  return {
    kind: 'usage',
    used: number.value * BigInt(tasks),
    each: 100n * ONE,
    measured: tasks,
    warming: 0,
    unmeasured: 0,
  }
}
