/** The changes made to standing alerts. Pure; each may be applied more than once, and returns the same state where nothing changes. */

import type { Direction } from '../policy/policy.ts'
import { type AlertState, type StandingAlert, standingKey } from './alert-state.ts'

/** Of one service and direction; one alone makes it step, the others only say when it ends. */
const MAX_OF_ONE_KIND = 50

/** News of an alert. News closer together than `newsEveryMs` is no change. */
export function stand(state: AlertState, alert: StandingAlert, newsEveryMs: number): AlertState {
  const key = standingKey(alert)
  const before = state.standing.get(key)
  if (before !== undefined && saysTheSame(before, alert) && alert.newsAtMs - before.newsAtMs < newsEveryMs) return state
  if (before === undefined && countOf(state, alert) >= MAX_OF_ONE_KIND) return state
  const next = before === undefined ? alert : { ...alert, sinceMs: before.sinceMs }
  return { ...state, standing: new Map(state.standing).set(key, next) }
}

function saysTheSame(before: StandingAlert, now: StandingAlert): boolean {
  return (
    !before.suspended &&
    before.startsAt === now.startsAt &&
    before.source === now.source &&
    JSON.stringify(before.by) === JSON.stringify(now.by)
  )
}

function countOf(state: AlertState, { serviceId, direction }: StandingAlert): number {
  return alertsOf(state, serviceId).filter((alert) => alert.direction === direction).length
}

/** States do not change, so each is looked through once. */
const byService = new WeakMap<AlertState['standing'], ReadonlyMap<string, readonly StandingAlert[]>>()

/** Those that stand for the service, suspended ones too. */
export function alertsOf({ standing }: AlertState, serviceId: string): readonly StandingAlert[] {
  const known = byService.get(standing) ?? grouped(standing)
  byService.set(standing, known)
  return known.get(serviceId) ?? []
}

function grouped(standing: AlertState['standing']): ReadonlyMap<string, readonly StandingAlert[]> {
  const groups = new Map<string, StandingAlert[]>()
  for (const alert of standing.values()) {
    const group = groups.get(alert.serviceId) ?? []
    group.push(alert)
    groups.set(alert.serviceId, group)
  }
  return groups
}

/** Drops every standing alert that `ends` chooses. */
export function end(state: AlertState, ends: (alert: StandingAlert) => boolean): AlertState {
  const kept = [...state.standing].filter(([, alert]) => !ends(alert))
  return kept.length === state.standing.size ? state : { ...state, standing: new Map(kept) }
}

export interface CountByHand {
  /** When it was set, or seen. */
  readonly atMs: number
  /** The count, where it may have been set long before it was seen: news that knew of it is newer. */
  readonly replicas?: number
}

/** The count was set by hand: what stood before waits for its next notification. */
export function suspend(state: AlertState, serviceId: string, { atMs, replicas }: CountByHand): AlertState {
  const isOlder = (alert: StandingAlert) => alert.newsAtMs <= atMs && alert.replicas !== replicas
  const changed = [...state.standing].filter(
    ([, alert]) => alert.serviceId === serviceId && !alert.suspended && isOlder(alert),
  )
  if (changed.length === 0) return state
  const standing = new Map(state.standing)
  for (const [key, alert] of changed) standing.set(key, { ...alert, suspended: true })
  return { ...state, standing }
}

/** Alertmanager says that these still fire; a suspended one stays so. */
export function confirm(
  state: AlertState,
  keys: ReadonlySet<string>,
  { nowMs, newsEveryMs }: { readonly nowMs: number; readonly newsEveryMs: (alert: StandingAlert) => number },
): AlertState {
  const due = [...state.standing].filter(
    ([key, alert]) => keys.has(key) && nowMs - alert.newsAtMs >= newsEveryMs(alert),
  )
  if (due.length === 0) return state
  const standing = new Map(state.standing)
  for (const [key, alert] of due) standing.set(key, { ...alert, newsAtMs: nowMs })
  return { ...state, standing }
}

/** Which way the service's alerts that stand and are not suspended push it; up beats down. */
export function standingOf(
  state: AlertState,
  serviceId: string,
): { readonly direction: Direction; readonly alerts: readonly StandingAlert[] } | undefined {
  const own = alertsOf(state, serviceId).filter(({ suspended }) => !suspended)
  if (own.length === 0) return undefined
  const direction = own.some((alert) => alert.direction === 'up') ? 'up' : 'down'
  return { direction, alerts: own.filter((alert) => alert.direction === direction) }
}
