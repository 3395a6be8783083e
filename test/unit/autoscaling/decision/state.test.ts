import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeState, encodeState, nextState } from '../../../../src/autoscaling/decision/state.ts'
import { key, NOW, state } from '../../../support/builders/autoscaling.ts'

describe('the state label', () => {
  it('comes back as it was written', () => {
    const written = state({ keys: [{ ...key('one'), wish: 'up', atSeconds: NOW / 1000, from: 2, to: 3 }] })
    expect(decodeState(encodeState(written))).toEqual(written)
  })

  it('of any content is read without a throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (label) => {
        const read = decodeState(label)
        if (read !== undefined) expect(Number.isSafeInteger(read.to)).toBe(true)
      }),
    )
    expect(decodeState(undefined)).toBeUndefined()
    expect(decodeState('{"v":1}')).toBeUndefined()
  })

  it('of a newer version is used as far as it can be read, and its unknown fields are sent back', () => {
    const newer =
      '{"v":7,"id":"w9","at":1767225600000,"from":2,"to":5,"dir":"up","cause":"oracle","tick":42,"up":1767225600000,"chg":1767225600000}'
    const read = decodeState(newer)
    expect(read).toMatchObject({ to: 5, lastUpMs: NOW, unknown: { tick: 42 } })
    const next = nextState(read, { writeId: 'w10', nowMs: NOW, from: 5, to: 6, cause: 'call' }, [])
    expect(JSON.parse(encodeState(next))).toMatchObject({ v: 7, tick: 42, to: 6 })
  })

  it('remembers when the count last went up, and when it last changed at all', () => {
    const raised = nextState(undefined, { writeId: 'a', nowMs: NOW, from: 1, to: 2, cause: 'call' }, [])
    const lowered = nextState(raised, { writeId: 'b', nowMs: NOW + 5000, from: 2, to: 1, cause: 'call' }, [])
    expect(raised).toMatchObject({ lastUpMs: NOW, lastChangeMs: NOW, direction: 'up' })
    expect(lowered).toMatchObject({ lastUpMs: NOW, lastChangeMs: NOW + 5000, direction: 'down' })
  })
})
