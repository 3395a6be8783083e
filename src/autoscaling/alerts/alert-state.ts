/**
 * What is remembered of alerts, for all controllers: those that stand, and which of them each group of alerts was last seen to
 * have; and what news, people and time make of it. Pure.
 */
import type { Direction, Policy, Step } from '../policy/policy.ts'
import type { Sender } from './notification.ts'

/** An alert that fires for a service with `autoscaler.on-firing=repeat`: a step each time one is due. */
export interface StandingAlert {
  readonly serviceId: string
  readonly direction: Direction
  /** Its fingerprint, or a hash of it where that is no word of at most 64 characters. */
  readonly alertId: string
  readonly source: Sender
  /** The alert's name, for people; empty if it has none. */
  readonly name: string
  /** When its sender says that it began; as sent. */
  readonly startsAt: string
  readonly by?: Step
  /** When it first stood here. */
  readonly sinceMs: number
  /** When a notification, or Alertmanager when asked, last said that it fires; to about a tenth of its time to live. */
  readonly newsAtMs: number
  /** The service's count when a notification last made it stand. */
  readonly replicas: number
  /** Somebody set the count by hand since: no step until the next notification. */
  readonly suspended: boolean
}

/** A group of alerts, to know a notification that only comes because some of them resolved. */
export interface RememberedGroup {
  readonly atSeconds: number
  /** 8 characters each. */
  readonly firing: ReadonlySet<string>
}

export interface AlertState {
  /** By `standingKey`. */
  readonly standing: ReadonlyMap<string, StandingAlert>
  /** By hash. */
  readonly groups: ReadonlyMap<string, RememberedGroup>
}

export const EMPTY_ALERT_STATE: AlertState = { standing: new Map(), groups: new Map() }

export const ALERT_HASH_LENGTH = 8

export const standingKey = ({
  serviceId,
  direction,
  alertId,
}: Pick<StandingAlert, 'serviceId' | 'direction' | 'alertId'>): string => `${serviceId}.${direction}.${alertId}`

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

/** A monitoring tool is answered within a second: it repeats what was not, or forgets it. */
export const ALERT_PATIENCE_MS = 900

/**
 * How long a notification that changed the count is remembered where nobody says otherwise. Both halves of a pair of Alertmanagers
 * repeat what a receiver did not take with pauses of up to a minute of their own, so that the same may come 90 s apart. It stays
 * below the two minutes that are a common `repeat_interval`.
 */
export const ALERT_WINDOW_MS = 100_000

const MINUTE_MS = 60_000
const TTL_MS = 6 * 60 * MINUTE_MS
const TTL_UNASKED_MS = 30 * MINUTE_MS
const MAX_NEWS_EVERY_MS = 15 * MINUTE_MS

/** `asksAlertmanager`: Alertmanager can be asked what still fires. */
export function alertTtlMs(policy: Policy | undefined, asksAlertmanager: boolean): number {
  return policy?.alertTtlMs ?? (asksAlertmanager ? TTL_MS : TTL_UNASKED_MS)
}

export const newsEveryMs = (ttlMs: number): number => Math.min(ttlMs / 10, MAX_NEWS_EVERY_MS)
