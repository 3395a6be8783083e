/** Times of alerts: how long one stands without news, and how often news is worth a write. Pure. */
import type { Policy } from '../policy/policy.ts'

/** A monitoring tool is answered within a second: it repeats what was not, or forgets it. */
export const ALERT_PATIENCE_MS = 900

const MINUTE_MS = 60_000
const TTL_MS = 6 * 60 * MINUTE_MS
const TTL_UNASKED_MS = 30 * MINUTE_MS
const MAX_NEWS_EVERY_MS = 15 * MINUTE_MS

/** `asksAlertmanager`: Alertmanager can be asked what still fires. */
export function alertTtlMs(policy: Policy | undefined, asksAlertmanager: boolean): number {
  return policy?.alertTtlMs ?? (asksAlertmanager ? TTL_MS : TTL_UNASKED_MS)
}

export const newsEveryMs = (ttlMs: number): number => Math.min(ttlMs / 10, MAX_NEWS_EVERY_MS)
