/**
 * Idempotency keys that changed the count, packed into the state label. Pure.
 *
 * Text form, so that 250 keys fit beside the rest of a 4 KB label: for each key its 11 hash characters, one flag
 * character, and only those numbers that differ from the entry before it, as base64 VLQ (the encoding of source maps,
 * with the URL-safe alphabet).
 */

export interface RecentKey {
  /** 64-bit hash, 11 base64url characters. */
  readonly hash: string
  /** 12-bit hash of what was asked, 2 base64url characters. */
  readonly wish: string
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

export const MAX_RECENT_KEYS = 250

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const HASH_LENGTH = 11
const WISH_LENGTH = 2
const SAME_SECOND = 1
const SAME_WISH = 2
const SAME_CHANGE = 4
const CHAINED = 8

/** Finds `hash` among the keys still live at `nowMs`. */
export function recall(
  keys: readonly RecentKey[],
  key: { hash: string; wish: string },
  at: { nowMs: number; windowMs: number },
): Recollection {
  const first = liveKeys(keys, at).find((known) => known.hash === key.hash)
  if (first === undefined) return { kind: 'fresh' }
  return { kind: first.wish === key.wish ? 'duplicate' : 'reused', first }
}

/** Drops what is older than the window. A time in the future counts as now. */
export function liveKeys(keys: readonly RecentKey[], at: { nowMs: number; windowMs: number }): readonly RecentKey[] {
  const oldest = Math.floor((at.nowMs - at.windowMs) / 1000)
  return keys.filter((key) => key.atSeconds >= oldest)
}

export function encodeRecentKeys(keys: readonly RecentKey[]): string {
  let text = ''
  let before: RecentKey = NOTHING
  for (const key of keys) {
    const change = key.to - key.from
    const flags =
      (key.atSeconds === before.atSeconds ? SAME_SECOND : 0) |
      (key.wish === before.wish ? SAME_WISH : 0) |
      (change === before.to - before.from ? SAME_CHANGE : 0) |
      (key.from === before.to ? CHAINED : 0)
    text += key.hash + ALPHABET.charAt(flags)
    if (!(flags & SAME_SECOND)) text += encodeNumber(key.atSeconds - before.atSeconds)
    if (!(flags & SAME_WISH)) text += key.wish
    if (!(flags & SAME_CHANGE)) text += encodeNumber(change)
    if (!(flags & CHAINED)) text += encodeNumber(key.from)
    before = key
  }
  return text
}

/** Reads as far as the text is sound: what follows a broken entry is forgotten, never guessed. */
export function decodeRecentKeys(text: string): readonly RecentKey[] {
  const keys: RecentKey[] = []
  const cursor = { text, at: 0 }
  let before: RecentKey = NOTHING
  while (cursor.at < text.length && keys.length < MAX_RECENT_KEYS) {
    const key = decodeEntry(cursor, before)
    if (key === undefined) break
    keys.push(key)
    before = key
  }
  return keys
}

const NOTHING: RecentKey = { hash: '', wish: '', atSeconds: 0, from: 0, to: 0 }

interface Cursor {
  readonly text: string
  at: number
}

function decodeEntry(cursor: Cursor, before: RecentKey): RecentKey | undefined {
  const hash = take(cursor, HASH_LENGTH)
  const flags = ALPHABET.indexOf(take(cursor, 1) ?? '?')
  if (hash === undefined || flags < 0) return undefined
  const elapsed = flags & SAME_SECOND ? 0 : decodeNumber(cursor)
  const wish = flags & SAME_WISH ? before.wish : take(cursor, WISH_LENGTH)
  const change = flags & SAME_CHANGE ? before.to - before.from : decodeNumber(cursor)
  const from = flags & CHAINED ? before.to : decodeNumber(cursor)
  if (elapsed === undefined || wish === undefined || change === undefined || from === undefined) return undefined
  return { hash, wish, atSeconds: before.atSeconds + elapsed, from, to: from + change }
}

function take(cursor: Cursor, length: number): string | undefined {
  const part = cursor.text.slice(cursor.at, cursor.at + length)
  cursor.at += length
  return part.length === length ? part : undefined
}

/** Zigzag, then groups of five bits, lowest first; arithmetic instead of shifts, since seconds exceed 31 bits. */
function encodeNumber(value: number): string {
  let rest = value < 0 ? -value * 2 - 1 : value * 2
  let text = ''
  do {
    const group = rest % 32
    rest = Math.floor(rest / 32)
    text += ALPHABET.charAt(rest > 0 ? group + 32 : group)
  } while (rest > 0)
  return text
}

function decodeNumber(cursor: Cursor): number | undefined {
  let value = 0
  for (let scale = 1; scale <= 32 ** 9; scale *= 32) {
    const digit = ALPHABET.indexOf(take(cursor, 1) ?? '?')
    if (digit < 0) return undefined
    value += (digit % 32) * scale
    if (digit < 32) return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }
  return undefined
}
