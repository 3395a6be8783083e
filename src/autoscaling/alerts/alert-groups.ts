/** The alerts of a notification by the service that they are for, and what is remembered of their group. Pure. */
import { Fault, type FaultCode } from '../../foundation/errors.ts'
import type { Decision } from '../decision/decision.ts'
import type { BoundPolicy } from '../policy/policies.ts'
import type { AlertMeaning, AlertTarget } from './alert-meaning.ts'
import type { AlertWish } from './alert-plan.ts'
import type { AlertState, RememberedGroup } from './alert-state.ts'
import type { Alert, Notification } from './notification.ts'

/** What came of one alert. */
export type AlertResult = { readonly fingerprint: string } & (
  | { readonly kind: 'decision'; readonly decision: Decision }
  /** Nothing was measured, or it is a test; it names no autoscaler. */
  | { readonly kind: 'no-data'; readonly reason: string; readonly atMs: number }
  | {
      readonly kind: 'error'
      readonly code: FaultCode | 'malformed' | 'invalid-value'
      readonly detail: string
      readonly retryAfterMs?: number
    }
)

export interface AlertGroup {
  readonly autoscaler: BoundPolicy
  readonly wishes: readonly AlertWish[]
  /** Where each wish is among the alerts of the notification. */
  readonly positions: readonly number[]
}

export interface GroupedAlerts {
  /** Of each alert that is for no service; the others are open. */
  readonly results: readonly (AlertResult | undefined)[]
  readonly groups: readonly AlertGroup[]
}

interface GroupDeps {
  readonly meaningOf: (alert: Alert) => AlertMeaning
  /** Throws Fault. */
  readonly find: (target: AlertTarget) => BoundPolicy
  readonly nowMs: number
}

/** Throws Fault `not-in-sync`, which is none of an alert. */
export function groupAlerts({ alerts }: Notification, { meaningOf, find, nowMs }: GroupDeps): GroupedAlerts {
  const finds = remembered(find)
  const groups = new Map<string, { autoscaler: BoundPolicy; wishes: AlertWish[]; positions: number[] }>()
  const results = alerts.map((alert, position): AlertResult | undefined => {
    const { fingerprint } = alert
    const meaning = meaningOf(alert)
    if (meaning.kind === 'no-data') return { fingerprint, kind: 'no-data', reason: meaning.reason, atMs: nowMs }
    if (meaning.kind === 'problem') return { fingerprint, kind: 'error', code: meaning.code, detail: meaning.detail }
    const autoscaler = finds(meaning.target)
    if (autoscaler instanceof Fault) return alertResult(fingerprint, autoscaler)
    const { id } = autoscaler.observation
    const group = groups.get(id) ?? { autoscaler, wishes: [], positions: [] }
    group.wishes.push({ ...meaning, alert })
    group.positions.push(position)
    groups.set(id, group)
    return undefined
  })
  return { results, groups: [...groups.values()] }
}

export function alertResult(fingerprint: string, outcome: Decision | Fault): AlertResult {
  if (!(outcome instanceof Fault)) return { fingerprint, kind: 'decision', decision: outcome }
  const { code, message, retryAfterMs } = outcome
  return { fingerprint, kind: 'error', code, detail: message, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

/** Many alerts are for few services. */
function remembered(find: GroupDeps['find']): (target: AlertTarget) => BoundPolicy | Fault {
  const found = new Map<string, BoundPolicy | Fault>()
  return (target) => {
    const name = `${target.label} ${target.name}`
    const known = found.get(name) ?? findOrFault(target, find)
    found.set(name, known)
    return known
  }
}

function findOrFault(target: AlertTarget, find: GroupDeps['find']): BoundPolicy | Fault {
  try {
    return find(target)
  } catch (error) {
    if (error instanceof Fault && error.code !== 'not-in-sync') return error
    throw error
  }
}

const MAX_GROUPS = 200
/** About 160 KB of labels, which Swarm takes with ease. */
const MAX_ALERTS = 20_000
/** How old the time of an unchanged group may get before it is written again. */
const REWRITE_SECONDS = 3600

/** Nothing remembered: `false`. */
export function isKnownWhole(group: RememberedGroup | undefined, firing: readonly string[]): boolean {
  return group !== undefined && firing.every((hash) => group.firing.has(hash))
}

/** The same state where nothing worth a write has changed. Forgets what was heard of least lately. */
export function rememberGroup(
  state: AlertState,
  key: string,
  { firing, nowMs }: { readonly firing: readonly string[]; readonly nowMs: number },
): AlertState {
  const before = state.groups.get(key)
  const atSeconds = Math.floor(nowMs / 1000)
  if (firing.length === 0) return before === undefined ? state : { ...state, groups: without(state.groups, key) }
  const next = new Set(firing)
  if (before !== undefined && sameSet(before.firing, next) && atSeconds - before.atSeconds < REWRITE_SECONDS) {
    return state
  }
  const groups = new Map(without(state.groups, key)).set(key, { atSeconds, firing: next })
  return { ...state, groups: newest(groups) }
}

function newest(groups: ReadonlyMap<string, RememberedGroup>): ReadonlyMap<string, RememberedGroup> {
  const kept = new Map<string, RememberedGroup>()
  let alerts = 0
  for (const [key, group] of [...groups].sort(([, a], [, b]) => b.atSeconds - a.atSeconds)) {
    alerts += group.firing.size
    if (kept.size >= MAX_GROUPS || alerts > MAX_ALERTS) break
    kept.set(key, group)
  }
  return kept
}

function without(groups: AlertState['groups'], key: string): AlertState['groups'] {
  const kept = new Map(groups)
  kept.delete(key)
  return kept
}

function sameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((value) => other.has(value))
}
