/** The gauges of each autoscaler, filled anew for every scrape, so that a removed service leaves none behind. */
import { Gauge, type Registry } from 'prom-client'
import type { Autoscaler, Condition } from '../../autoscaling/autoscaler.ts'

const LABELS = ['autoscaler', 'service']

/** What holds a step back, as a decision's codes, and the condition that says so. */
const HELD_BY: readonly { readonly reason: string; readonly type: Condition['type']; readonly status: boolean }[] = [
  { reason: 'paused', type: 'Paused', status: true },
  { reason: 'rollout', type: 'RolloutSettled', status: false },
  { reason: 'maintenance', type: 'Maintenance', status: true },
  { reason: 'unknown-write', type: 'WriteUnknown', status: true },
]

export interface ServiceGauges {
  fill(autoscalers: readonly Autoscaler[], nowMs: number): void
}

export function createServiceGauges(registry: Registry): ServiceGauges {
  const gauges: Gauge[] = []
  const gauge = (name: string, help: string, more: readonly string[] = []) => {
    const made = new Gauge({ name: `orrery_${name}`, help, labelNames: [...LABELS, ...more], registers: [registry] })
    gauges.push(made)
    return made
  }
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
  const issues = gauge('policy_issues', 'Things wrong with the policy; an error makes it invalid.', ['severity'])

  const fillOne = (autoscaler: Autoscaler, nowMs: number) => {
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
    const holds = (type: Condition['type'], status: boolean) =>
      conditions.some((condition) => condition.type === type && condition.status === status)
    paused.set(labels, holds('Paused', true) ? 1 : 0)
    for (const { reason, type, status } of HELD_BY) if (holds(type, status)) held.set({ ...labels, reason }, 1)
    if (isCooling(autoscaler, nowMs)) held.set({ ...labels, reason: 'cooldown' }, 1)
    if (state) lastScale.set(labels, (state.lastChangeMs ?? state.atMs) / 1000)
    for (const direction of ['up', 'down'] as const) {
      const active = alerts.filter((alert) => alert.direction === direction && !alert.suspended)
      if (active.length > 0) standing.set({ ...labels, direction }, active.length)
    }
    for (const severity of ['error', 'warning'] as const) {
      issues.set({ ...labels, severity }, reading.issues.filter((issue) => issue.severity === severity).length)
    }
  }

  return {
    fill(autoscalers, nowMs) {
      for (const each of gauges) each.reset()
      for (const autoscaler of autoscalers) fillOne(autoscaler, nowMs)
    },
  }
}

const isCooling = ({ nextAllowedMs: { up = 0, down = 0 } }: Autoscaler, nowMs: number): boolean =>
  up > nowMs || down > nowMs
