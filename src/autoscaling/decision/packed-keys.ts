/**
 * How versions before wrote the recent keys, to read them after an upgrade: one text, for each key its 11 hash characters, one
 * flag character, and only those numbers that differ from the entry before it, as base64 VLQ. Pure.
 */
import { MAX_RECENT_KEYS, type RecentKey } from './recent-keys.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const HASH_LENGTH = 11
const WISH_LENGTH = 2
const SAME_SECOND = 1
const SAME_WISH = 2
const SAME_CHANGE = 4
const CHAINED = 8

/** Reads as far as the text is sound: what follows a broken entry is forgotten, never guessed. */
export function decodePackedKeys(text: string): readonly RecentKey[] {
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
