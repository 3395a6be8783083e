/** The alerts of a notification by the service that they are for. */

import { Fault, type FaultCode } from '../../foundation/errors.ts'
import type { Decision } from '../decision/decision.ts'
import type { BoundPolicy } from '../policy/policies.ts'
import type { AlertMeaning, AlertTarget } from './alert-meaning.ts'
import type { AlertWish } from './alert-plan.ts'
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
