/** How the alerts of a step are named: its idempotency key, the note for people, the hashes that are remembered. Pure. */

import type { RequestKey } from '../decision/request.ts'
import { DAY_MS, daysTo } from '../schedule/calendar.ts'
import type { AlertStep } from './alert-plan.ts'
import { ALERT_HASH_LENGTH } from './alert-state.ts'
import type { Alert, Notification } from './notification.ts'

/** SHA-256 in base64url. */
export type Digest = (text: string) => string

const HASH_LENGTH = 11
const WISH_LENGTH = 2
const ID_LENGTH = 22
const NAME_LENGTH = 100

/**
 * What makes two deliveries the same one: neither sender has a delivery id, and a retry is byte for byte like an
 * intended repeat, so group, receiver, direction and the alerts (fingerprint and start) have to do.
 */
export function alertKey(
  { because, direction, alerts }: AlertStep,
  { groupKey, receiver }: Notification,
  { digest, autoscaler }: { readonly digest: Digest; readonly autoscaler: string },
): RequestKey {
  const identities = alerts.map(({ identity, startsAt }) => [identity, instant(startsAt)].join(' ')).sort()
  const text = JSON.stringify([autoscaler, because, direction, groupKey, receiver, identities])
  return {
    hash: digest(text).slice(0, HASH_LENGTH),
    wish: digest(`${direction}:alert`).slice(0, WISH_LENGTH),
  }
}

/** `alert HighLoad`, `alerts HighLoad and 2 more resolved`. */
export function alertNote({ because, alerts }: AlertStep): string {
  const first = alertName(alerts[0]) || 'without a name'
  const more = alerts.length - 1
  const who = more === 0 ? `alert ${first}` : `alerts ${first} and ${more} more`
  return because === 'resolved' ? `${who} resolved` : who
}

export const alertName = (alert: Alert | undefined): string =>
  (alert?.labels.get('alertname') ?? '').slice(0, NAME_LENGTH)

/** A word for the alert: its fingerprint where that is one. */
export const alertId = ({ identity }: Alert, digest: Digest): string =>
  /^[A-Za-z0-9_-]{1,64}$/.test(identity) ? identity : digest(identity).slice(0, ID_LENGTH)

/** One firing of an alert. */
export const alertHash = ({ identity, startsAt }: Alert, digest: Digest): string =>
  digest(`${identity}\n${instant(startsAt)}`).slice(0, ALERT_HASH_LENGTH)

/** The firing that ended, for good; empty for one that does not say when it began: the next would be the same. */
export function endHash({ identity, startsAt }: Alert, digest: Digest): string {
  const start = instant(startsAt)
  return typeof start === 'number' && start > 0 ? digest(`${identity}\n${start}`).slice(0, HASH_LENGTH) : ''
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d(?:\.\d+)?)(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** Whole ms since the epoch, however the instant is spelt; a text that is none stays what it is. */
export function instant(text: string): number | string {
  const found = RFC3339.exec(text.trim())
  if (found === null) return text
  const [year = 0, month = 0, dayOfMonth = 0, hours = 0, minutes = 0, seconds = 0] = found.slice(1, 7).map(Number)
  const offset = (Number(found[8] ?? 0) * 60 + Number(found[9] ?? 0)) * (found[7] === '-' ? -1 : 1)
  const dayMs = ((hours * 60 + minutes - offset) * 60 + seconds) * 1000
  // Senders give up to nine digits of a second.
  return daysTo({ year, month, dayOfMonth }) * DAY_MS + Math.floor(dayMs + 1e-4)
}

/** A group as one receiver, or one route of it, sees it: each is told everything. */
export const groupHash = ({ groupKey, receiver }: Notification, route: string, digest: Digest): string =>
  digest(JSON.stringify([groupKey, receiver, route])).slice(0, HASH_LENGTH)
