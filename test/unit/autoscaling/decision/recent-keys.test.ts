import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePackedKeys } from '../../../../src/autoscaling/decision/packed-keys.ts'
import { liveKeys, type RecentKey, recall } from '../../../../src/autoscaling/decision/recent-keys.ts'
import { decodeState, encodeState, nextState } from '../../../../src/autoscaling/decision/state.ts'
import { NOW, state } from '../../../support/builders/autoscaling.ts'

const base64url = (length: number) => fc.stringMatching(new RegExp(`^[A-Za-z0-9_-]{${length}}$`))

const anyKey: fc.Arbitrary<RecentKey> = fc.record({
  hash: base64url(11),
  wish: base64url(2),
  atSeconds: fc.integer({ min: 0, max: 4_000_000_000 }),
  from: fc.integer({ min: 0, max: 1_000_000_000 }),
  to: fc.integer({ min: 0, max: 1_000_000_000 }),
})

describe('recent keys', () => {
  it('come back from the label as they were', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 60 }), (keys) => {
        expect(decodeState(encodeState(state({ keys })))).toEqual(state({ keys }))
      }),
    )
  })

  it('are read from whatever stands there without a throw, and what is no key costs only itself', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { minLength: 2, maxLength: 10 }), fc.anything(), (keys, garbage) => {
        const label = JSON.parse(encodeState(state({ keys })))
        const read = decodeState(JSON.stringify({ ...label, recent: [garbage, ...label.recent, garbage] }))
        expect(read?.keys).toEqual(expect.arrayContaining(keys))
        expect(() => decodeState(JSON.stringify({ ...label, recent: garbage }))).not.toThrow()
      }),
    )
  })

  const at = { nowMs: NOW, windowMs: 60_000 }
  const known: RecentKey = { hash: 'aaaaaaaaaaa', wish: 'up', atSeconds: NOW / 1000 - 10, from: 3, to: 4 }

  it('tell a new key, a repeated wish and a key used for another wish apart', () => {
    expect(recall([known], { hash: 'bbbbbbbbbbb', wish: 'up' }, at).kind).toBe('fresh')
    expect(recall([known], { hash: known.hash, wish: 'up' }, at)).toEqual({ kind: 'duplicate', first: known })
    expect(recall([known], { hash: known.hash, wish: 'dn' }, at).kind).toBe('reused')
  })

  it('are forgotten after the window, and when they are further ahead than that', () => {
    const old = { ...known, atSeconds: NOW / 1000 - 61 }
    const [near, far] = [1, 3600].map((seconds) => ({ ...known, atSeconds: NOW / 1000 + seconds }))
    expect(recall([old], { hash: known.hash, wish: 'up' }, at).kind).toBe('fresh')
    expect(liveKeys([old, known, near, far] as RecentKey[], at)).toEqual([known, near])
  })
})

describe('keys that a version before has packed', () => {
  it('are read as they were', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 60 }), (keys) => {
        expect(decodePackedKeys(packed(keys))).toEqual(keys)
      }),
    )
  })

  it('are read from any text without a throw, and a broken tail costs only itself', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { minLength: 2, maxLength: 10 }), fc.string(), (keys, garbage) => {
        const read = decodePackedKeys(`${packed(keys)}${garbage}`)
        expect(read.slice(0, keys.length)).toEqual(keys)
      }),
    )
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(decodePackedKeys(text))))
  })

  it('survive the upgrade, and one beside a controller that was not upgraded yet', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { minLength: 1, maxLength: 9 }), fc.array(anyKey, { maxLength: 9 }), (old, ours) => {
        const written = JSON.parse(encodeState(state({ keys: ours })))
        // The version before knows no `recent`: it sends it back untouched beside its own.
        const read = decodeState(JSON.stringify({ ...written, keys: packed(old) }))
        expect(read?.keys).toEqual([...old, ...ours])
        const change = { writeId: 'w9', nowMs: NOW, from: 3, to: 4, cause: 'call' }
        const next = JSON.parse(encodeState(nextState(read, change, read?.keys ?? [])))
        expect(next).not.toHaveProperty('keys')
        expect(decodeState(JSON.stringify(next))?.keys).toEqual([...old, ...ours])
      }),
    )
  })
})

// The writer of that version.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const SAME_SECOND = 1
const SAME_WISH = 2
const SAME_CHANGE = 4
const CHAINED = 8

const NOTHING: RecentKey = { hash: '', wish: '', atSeconds: 0, from: 0, to: 0 }

function packed(keys: readonly RecentKey[]): string {
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
