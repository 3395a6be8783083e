/** Idempotency keys that changed the count, as the state label holds them. Pure. */
import { Fault } from '../../foundation/errors.ts'
import { isWhole } from '../../foundation/stored-json.ts'
import type { Request, RequestKey } from './request.ts'

export interface RecentKey extends RequestKey {
  /** Whole seconds since the epoch. */
  readonly atSeconds: number
  readonly from: number
  readonly to: number
}

/** What is known of a keyed request: never seen, the same wish again, or the key of another wish. */
export type Recollection =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'duplicate'; readonly first: RecentKey }
  | { readonly kind: 'reused'; readonly first: RecentKey }

/** About 10 KB of label. Every task of the service carries its labels, so more than it takes is not kept. */
export const MAX_RECENT_KEYS = 250

interface At {
  readonly nowMs: number
  readonly windowMs: number
}

/** Finds `hash` among the keys still live at `nowMs`. */
export function recall(keys: readonly RecentKey[], key: RequestKey, at: At): Recollection {
  const first = liveKeys(keys, at).find((known) => known.hash === key.hash)
  if (first === undefined) return { kind: 'fresh' }
  return { kind: first.wish === key.wish ? 'duplicate' : 'reused', first }
}

/** Drops what is older than the window, or than its own. */
export function liveKeys(keys: readonly RecentKey[], { nowMs, windowMs }: At): readonly RecentKey[] {
  return keys.filter(({ atSeconds, keepMs = 0 }) => {
    const lengthMs = Math.max(windowMs, keepMs)
    // Further ahead than that, this machine's clock was set back since.
    return atSeconds >= Math.floor((nowMs - lengthMs) / 1000) && atSeconds <= Math.ceil((nowMs + lengthMs) / 1000)
  })
}

/** Of a key that was used for another wish. */
export function keyFault({ key }: Request, keys: readonly RecentKey[], at: At): Fault | undefined {
  if (key === undefined || recall(keys, key, at).kind !== 'reused') return undefined
  return new Fault('key-reused', 'this Idempotency-Key was used for another request; use a new key for a new request')
}

/** Whether it was carried out before. */
export const isRepeated = ({ key }: Request, keys: readonly RecentKey[], at: At): boolean =>
  key !== undefined && recall(keys, key, at).kind === 'duplicate'

/** Each a list: hash, wish, seconds, from, to, and the seconds that it is kept where it has its own. */
export const encodeRecentKeys = (keys: readonly RecentKey[]) =>
  keys.map(({ hash, wish, atSeconds, from, to, keepMs }) => [
    ...[hash, wish, atSeconds, from, to],
    ...(keepMs === undefined ? [] : [Math.ceil(keepMs / 1000)]),
  ])

/** Nobody means a key to be remembered for longer. */
const MAX_KEEP_SECONDS = 3600

/** What is no key is left out. */
export function decodeRecentKeys(stored: unknown): readonly RecentKey[] {
  if (!Array.isArray(stored)) return []
  return stored.flatMap((entry: unknown) => {
    const [hash, wish, atSeconds, from, to, keep] = Array.isArray(entry) ? entry : []
    if (typeof hash !== 'string' || typeof wish !== 'string') return []
    if (!isWhole(atSeconds) || !isWhole(from) || !isWhole(to)) return []
    return {
      hash,
      wish,
      atSeconds,
      from,
      to,
      ...(isWhole(keep) && { keepMs: Math.min(keep, MAX_KEEP_SECONDS) * 1000 }),
    }
  })
}

/** A firing of an alert whose end changed the count: it has no second one, however late it is told again. */
export interface EndedFiring {
  readonly hash: string
  readonly from: number
  readonly to: number
}

/** The oldest are forgotten: about 2 KB of label. */
const MAX_ENDED = 50

/** The first of `ends`, if every one of them has ended before. */
export function endedBefore(ended: readonly EndedFiring[], ends: readonly string[]): EndedFiring | undefined {
  const known = ends.map((end) => ended.find(({ hash }) => hash === end))
  return known.every((each) => each !== undefined) ? known[0] : undefined
}

/** `ended` with those of `ends` that can be told from others. */
export function withEnded(
  ended: readonly EndedFiring[],
  ends: readonly string[],
  { from, to }: Omit<EndedFiring, 'hash'>,
): readonly EndedFiring[] {
  const isNew = (hash: string) => hash !== '' && !ended.some((known) => known.hash === hash)
  return [...ended, ...ends.filter(isNew).map((hash) => ({ hash, from, to }))].slice(-MAX_ENDED)
}

/** Each a list: hash, from, to. */
export const encodeEnded = (ended: readonly EndedFiring[]) => ended.map(({ hash, from, to }) => [hash, from, to])

export function decodeEnded(stored: unknown): readonly EndedFiring[] {
  if (!Array.isArray(stored)) return []
  return stored.flatMap((entry: unknown) => {
    const [hash, from, to] = Array.isArray(entry) ? entry : []
    return typeof hash === 'string' && isWhole(from) && isWhole(to) ? [{ hash, from, to }] : []
  })
}
