/** The figures of autoscaling: each autoscaler, decisions, writes and notifications. */
import { Counter, Histogram, type Registry } from 'prom-client'
import type { Autoscaler, ConditionType } from '../../autoscaling/autoscaler.ts'
import type { Decision } from '../../autoscaling/decision/decision.ts'
import type { BoundPolicy } from '../../autoscaling/policy/policies.ts'
import type { PolicyIssue } from '../../autoscaling/policy/policy.ts'
import type { ScalingListener } from '../../autoscaling/ports.ts'
import type { Clock } from '../../foundation/clock.ts'
import { loadGauges } from './load-metrics.ts'
import { type MetricsRegistry, SECONDS, scrapedGauges } from './registry.ts'

interface MetricsSource {
  readonly list: () => readonly Autoscaler[]
  readonly unheeded: () => Iterable<BoundPolicy>
}

export interface AutoscalingMetrics extends ScalingListener {
  /** What is read at each scrape; handed over once it exists, since its parts want the listener first. */
  watch(source: MetricsSource): void
  webhookAnswered(status: number): void
  /** What became of one alert: an outcome, or the code that says more. */
  alertAnswered(result: string): void
}

export function createAutoscalingMetrics(metrics: MetricsRegistry, now: Clock): AutoscalingMetrics {
  const { registers } = metrics
  const fill = autoscalerGauges(metrics)
  const decisions = createDecisionCounter(registers)
  const writes = new Counter({
    name: 'orrery_writes_total',
    help: 'Writes of a count by how they ended.',
    labelNames: ['result'],
    registers,
  })
  const conflicts = new Counter({
    name: 'orrery_conflicts_total',
    help: 'Writes that lost to somebody who wrote first, and were decided again.',
    registers,
  })
  const webhooks = new Counter({
    name: 'orrery_webhook_requests_total',
    help: 'Notifications of monitoring tools by the status they were answered with.',
    labelNames: ['code'],
    registers,
  })
  const alerts = new Counter({
    name: 'orrery_alerts_total',
    help: 'Alerts in notifications by what became of them.',
    labelNames: ['result'],
    registers,
  })
  const decisionSeconds = new Histogram({
    name: 'orrery_decision_seconds',
    help: 'From a request to its answer, writes included.',
    buckets: SECONDS,
    registers,
  })
  return {
    watch({ list, unheeded }) {
      metrics.beforeScrape(() => {
        const autoscalers = list()
        const services = new Set(autoscalers.map(({ observation }) => observation.name))
        for (const autoscaler of autoscalers) fill.autoscaler(autoscaler, now())
        for (const bound of unheeded()) fill.unheeded(bound)
        decisions.keepOnly((service) => services.has(service))
      })
    },
    decided(decision, tookMs) {
      decisions.count(decision)
      decisionSeconds.observe(tookMs / 1000)
    },
    wrote(_service, result) {
      writes.inc({ result })
      if (result === 'conflict') conflicts.inc()
    },
    observed({ before, after }) {
      if (after === undefined) decisions.keepOnly((service) => service !== before?.name)
    },
    alertAnswered: (result) => alerts.inc({ result }),
    webhookAnswered: (status) => webhooks.inc({ code: String(status) }),
  }
}

const LABELS = ['autoscaler', 'service']

/** What holds a step back, as a decision's codes, and the condition that says so. */
const HELD_BY: readonly { readonly reason: string; readonly type: ConditionType; readonly status: boolean }[] = [
  { reason: 'paused', type: 'Paused', status: true },
  { reason: 'rollout', type: 'RolloutSettled', status: false },
  { reason: 'maintenance', type: 'Maintenance', status: true },
  { reason: 'unknown-write', type: 'WriteUnknown', status: true },
]

/** Fills the gauges of one autoscaler. */
function autoscalerGauges(metrics: MetricsRegistry) {
  const gauge = scrapedGauges(metrics, LABELS)
  const current = gauge('current', 'Replicas in the spec of the service.')
  const desiredRaw = gauge('desired_raw', 'Replicas that the last decision was asked for, before any limit.')
  const desired = gauge('desired', 'Replicas that the last decision settled on.')
  const min = gauge('min', 'Least replicas of the policy.')
  const max = gauge('max', 'Most replicas of the policy; absent when the policy knows none.')
  const paused = gauge('paused', '1 when scaling is paused in any direction, by policy or by call.')
  const dryRunDesired = gauge(
    'dry_run_desired',
    'Replicas that the last decision would have written but for the dry run.',
  )
  const held = gauge('held', '1 for each reason that holds a step back now; otherwise absent.', ['reason'])
  const standing = gauge('standing_alerts', 'Alerts that make the service step each time one is due.', ['direction'])
  const lastScale = gauge('last_scale_timestamp', 'When the count was last changed here, seconds since the epoch.')
  const fillLoad = loadGauges(metrics)
  const issues = gauge('policy_issues', 'Things wrong with the policy; an error makes it invalid.', ['severity'])

  const fillIssues = (labels: Record<'autoscaler' | 'service', string>, found: readonly PolicyIssue[]) => {
    for (const severity of ['error', 'warning'] as const) {
      issues.set({ ...labels, severity }, found.filter((issue) => issue.severity === severity).length)
    }
  }

  const fillAutoscaler = (autoscaler: Autoscaler, nowMs: number) => {
    const { name, observation, reading, bounds, state, alerts, lastDecision, conditions } = autoscaler
    const labels = { autoscaler: name, service: observation.name }
    current.set(labels, observation.replicas)
    if (lastDecision) {
      desiredRaw.set(labels, lastDecision.wanted)
      desired.set(labels, lastDecision.outcome === 'dry-run' ? lastDecision.from : lastDecision.to)
      if (lastDecision.outcome === 'dry-run') dryRunDesired.set(labels, lastDecision.to)
    }
    if (bounds) min.set(labels, bounds.min)
    if (typeof bounds?.max === 'number') max.set(labels, bounds.max)
    const holds = (type: ConditionType, status: boolean) =>
      conditions.some((condition) => condition.type === type && condition.status === status)
    paused.set(labels, holds('Paused', true) ? 1 : 0)
    for (const { reason, type, status } of HELD_BY) if (holds(type, status)) held.set({ ...labels, reason }, 1)
    if (isCooling(autoscaler, nowMs)) held.set({ ...labels, reason: 'cooldown' }, 1)
    if (state) lastScale.set(labels, (state.lastChangeMs ?? state.atMs) / 1000)
    for (const direction of ['up', 'down'] as const) {
      const active = alerts.filter((alert) => alert.direction === direction && !alert.suspended)
      if (active.length > 0) standing.set({ ...labels, direction }, active.length)
    }
    if (autoscaler.load) fillLoad(labels, autoscaler.load)
    fillIssues(labels, reading.issues)
  }

  return {
    autoscaler: fillAutoscaler,
    /** One without a policy has only what is wrong with its labels. */
    unheeded({ observation, reading }: BoundPolicy) {
      fillIssues({ autoscaler: '', service: observation.name }, reading.issues)
    },
  }
}

const isCooling = ({ nextAllowedMs: { up = 0, down = 0 } }: Autoscaler, nowMs: number): boolean =>
  up > nowMs || down > nowMs

type Labels = Record<'autoscaler' | 'service' | 'outcome' | 'reason', string>

/** Counts decisions, and forgets those of services that are gone. */
interface DecisionCounter {
  count(decision: Decision): void
  /** Drops the series of every service that `isThere` does not know. */
  keepOnly(isThere: (service: string) => boolean): void
}

function createDecisionCounter(registers: Registry[]): DecisionCounter {
  const counter = new Counter({
    name: 'orrery_decisions_total',
    help: 'Decisions by outcome and reason (the code; empty where an outcome has none).',
    labelNames: ['autoscaler', 'service', 'outcome', 'reason'],
    registers,
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
