import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeRecentKeys,
  encodeRecentKeys,
  liveKeys,
  MAX_RECENT_KEYS,
  type RecentKey,
  recall,
} from '../../../../src/autoscaling/decision/recent-keys.ts'
import { encodeState, fitsLabel } from '../../../../src/autoscaling/decision/state.ts'
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
  it('come back from their packed form as they were', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 60 }), (keys) => {
        expect(decodeRecentKeys(encodeRecentKeys(keys))).toEqual(keys)
      }),
    )
  })

  it('are read from any text without a throw, and a broken tail costs only itself', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { minLength: 2, maxLength: 10 }), fc.string(), (keys, garbage) => {
        const read = decodeRecentKeys(`${encodeRecentKeys(keys)}${garbage}`)
        expect(read.slice(0, keys.length)).toEqual(keys)
      }),
    )
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(decodeRecentKeys(text))))
  })

  it('fit 250 times into the label when they come one by one, a second apart', () => {
    const keys = Array.from({ length: MAX_RECENT_KEYS }, (_, index) => ({
      hash: `hash${index}`.padEnd(11, 'x'),
      wish: 'aa',
      atSeconds: 1_767_225_600 + index,
      from: 100 + index,
      to: 101 + index,
    }))
    expect(fitsLabel(state({ keys }))).toBe(true)
    expect(encodeState(state({ keys })).length).toBeLessThanOrEqual(4096)
    expect(fitsLabel(state({ keys: [...keys, ...keys.slice(0, 1)] }))).toBe(false)
  })

  const at = { nowMs: NOW, windowMs: 60_000 }
  const known: RecentKey = { hash: 'aaaaaaaaaaa', wish: 'up', atSeconds: NOW / 1000 - 10, from: 3, to: 4 }

  it('tell a new key, a repeated wish and a key used for another wish apart', () => {
    expect(recall([known], { hash: 'bbbbbbbbbbb', wish: 'up' }, at).kind).toBe('fresh')
    expect(recall([known], { hash: known.hash, wish: 'up' }, at)).toEqual({ kind: 'duplicate', first: known })
    expect(recall([known], { hash: known.hash, wish: 'dn' }, at).kind).toBe('reused')
  })

  it('are forgotten after the window, and a time in the future is as good as now', () => {
    const old = { ...known, atSeconds: NOW / 1000 - 61 }
    const future = { ...known, atSeconds: NOW / 1000 + 3600 }
    expect(recall([old], { hash: known.hash, wish: 'up' }, at).kind).toBe('fresh')
    expect(liveKeys([old, known, future], at)).toEqual([known, future])
  })
})
