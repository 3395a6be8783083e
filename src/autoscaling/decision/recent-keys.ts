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

/** Drops what is older than the window. A time in the future counts as now. */
export function liveKeys(keys: readonly RecentKey[], at: At): readonly RecentKey[] {
  const oldest = Math.floor((at.nowMs - at.windowMs) / 1000)
  return keys.filter((key) => key.atSeconds >= oldest)
}

/** Of a key that was used for another wish. */
export function keyFault({ key }: Request, keys: readonly RecentKey[], at: At): Fault | undefined {
  if (key === undefined || recall(keys, key, at).kind !== 'reused') return undefined
  return new Fault('key-reused', 'this Idempotency-Key was used for another request; use a new key for a new wish')
}

/** Whether it was carried out before. */
export const isRepeated = ({ key }: Request, keys: readonly RecentKey[], at: At): boolean =>
  key !== undefined && recall(keys, key, at).kind === 'duplicate'

/** Each a list: hash, wish, seconds, from, to. */
export const encodeRecentKeys = (keys: readonly RecentKey[]) =>
  keys.map(({ hash, wish, atSeconds, from, to }) => [hash, wish, atSeconds, from, to])

/** What is no key is left out. */
export function decodeRecentKeys(stored: unknown): readonly RecentKey[] {
  if (!Array.isArray(stored)) return []
  return stored.flatMap((entry: unknown) => {
    const [hash, wish, atSeconds, from, to] = Array.isArray(entry) ? entry : []
    if (typeof hash !== 'string' || typeof wish !== 'string') return []
    return isWhole(atSeconds) && isWhole(from) && isWhole(to) ? [{ hash, wish, atSeconds, from, to }] : []
  })
}
