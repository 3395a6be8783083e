import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeSharedState,
  EMPTY_SHARED_STATE,
  encodeSharedState,
  endPause,
  endPauseOfAll,
  forgetService,
  type SharedState,
  setPause,
  setPauseOfAll,
} from '../../../../src/autoscaling/decision/shared-state.ts'
import { UNSEEN } from '../../../../src/foundation/clock.ts'

const NOW = 1_700_000_000_000

const withPause = (id: string, pause: { scope: 'up' | 'down' | 'both'; sinceMs: number; untilMs?: number }) => ({
  ...EMPTY_SHARED_STATE,
  pauses: new Map([[id, pause]]),
})

describe('the labels of orrery-state', () => {
  it('are none when there is nothing to remember', () => {
    expect(encodeSharedState(EMPTY_SHARED_STATE, {}, UNSEEN, NOW)).toEqual({})
    expect(decodeSharedState({})).toEqual(EMPTY_SHARED_STATE)
  })

  it('carry pauses, restores and growths through a write and a read', () => {
    const id = fc.stringMatching(/^[a-z0-9]{25}$/)
    const time = fc.nat({ max: NOW })
    const pause = fc.record(
      {
        scope: fc.constantFrom('up', 'down', 'both'),
        sinceMs: time,
        untilMs: fc.integer({ min: NOW + 1, max: NOW * 2 }),
      },
      { requiredKeys: ['scope', 'sinceMs'] },
    )
    const growth = fc.record({
      replicas: fc.nat(),
      version: fc.nat(),
      untilMs: fc.integer({ min: NOW + 1, max: NOW * 2 }),
    })
    const restore = fc.record({
      replicas: fc.nat(),
      stateLabel: fc.option(fc.string(), { nil: undefined }),
      sinceMs: time,
    })
    const many = <T>(one: fc.Arbitrary<T>) => fc.array(fc.tuple(id, one))
    fc.assert(
      fc.property(many(pause), fc.option(pause), many(restore), many(growth), (pauses, ofAll, restores, growths) => {
        const kept = { pauses: new Map(pauses), restores: new Map(restores), growths: new Map(growths) }
        const state = { ...kept, ...(ofAll && { pauseAll: ofAll }) } as SharedState
        const read = decodeSharedState(encodeSharedState(state, {}, UNSEEN, NOW))
        expect(read.pauses).toEqual(state.pauses)
        expect(read.pauseAll).toEqual(state.pauseAll)
        expect(read.restores).toEqual(state.restores)
        expect(read.growths).toEqual(state.growths)
      }),
    )
  })

  it('pause both ways where a pause cannot be read', () => {
    const unreadable = ['', 'nonsense', 'null', '[]', '{}', '{"scope":"left","since":1}', '{"scope":"up","since":"x"}']
    for (const text of [...unreadable, '{"scope":"up","since":1,"until":"soon"}']) {
      expect(decodeSharedState({ 'pause.abc': text }).pauses.get('abc')).toEqual({ scope: 'both', sinceMs: 0 })
      expect(decodeSharedState({ 'pause-all': text }).pauseAll).toEqual({ scope: 'both', sinceMs: 0 })
    }
  })

  it('never throw, whatever is in them', () => {
    const name = fc.oneof(
      fc.string(),
      fc.string().map((id) => `pause.${id}`),
      fc.constant('pause-all'),
      fc.string().map((id) => `restore.${id}`),
    )
    fc.assert(
      fc.property(fc.dictionary(name, fc.oneof(fc.string(), fc.json())), (labels) => {
        const state = decodeSharedState(labels)
        expect(Object.entries(encodeSharedState(state, labels, UNSEEN, 0)).sort()).toEqual(
          Object.entries(labels).sort(),
        )
      }),
    )
  })

  it('that another version wrote are sent back untouched', () => {
    const labels = {
      'alert.abc': 'of a newer version',
      'pause.def': '{"scope":"up","since":5,"by":"a field of a newer version"}',
      'restore.ghi': 'unreadable',
    }
    const state = decodeSharedState(labels)
    const next = { ...state, pauses: new Map(state.pauses).set('new', { scope: 'down', sinceMs: 7 }) } as SharedState
    expect(encodeSharedState(next, labels, UNSEEN, NOW)).toEqual({
      ...labels,
      'pause.new': '{"scope":"down","since":7}',
    })
  })

  it('lose a pause that has ended, at the next write', () => {
    const labels = encodeSharedState(withPause('abc', { scope: 'up', sinceMs: 1, untilMs: NOW }), {}, UNSEEN, NOW - 1)
    expect(labels).toHaveProperty(['pause.abc'])
    expect(encodeSharedState(decodeSharedState(labels), labels, UNSEEN, NOW)).toEqual({})
  })

  it('lose a pause that was lifted and a count that was restored', () => {
    const labels = { 'pause.abc': '{"scope":"up","since":1}', 'restore.abc': '{"replicas":3,"since":1}' }
    expect(encodeSharedState(EMPTY_SHARED_STATE, labels, UNSEEN, NOW)).toEqual({})
  })

  it('may be of services with names such as __proto__', () => {
    const labels = encodeSharedState(withPause('__proto__', { scope: 'up', sinceMs: 1 }), {}, UNSEEN, NOW)
    expect(decodeSharedState(labels).pauses.get('__proto__')).toEqual({ scope: 'up', sinceMs: 1 })
  })

  it('lose growths that have ended, and any that cannot be read count for nothing', () => {
    const growths = new Map([
      ['over', { replicas: 3, version: 1, untilMs: NOW }],
      ['open', { replicas: 3, version: 1, untilMs: NOW + 1 }],
    ])
    const labels = encodeSharedState({ ...EMPTY_SHARED_STATE, growths }, { 'grow.odd': 'nonsense' }, UNSEEN, NOW)
    expect(labels).toEqual({
      'grow.odd': 'nonsense',
      'grow.open': JSON.stringify({ replicas: 3, version: 1, until: NOW + 1 }),
    })
    expect([...decodeSharedState(labels).growths.keys()]).toEqual(['open'])
  })
})

describe('the pause of everything', () => {
  const all = { scope: 'both', sinceMs: 1, untilMs: NOW } as const

  it('is a label of its own, goes with the write after its end, and is put right where a clock is ahead', () => {
    const labels = encodeSharedState({ ...EMPTY_SHARED_STATE, pauseAll: all }, {}, UNSEEN, NOW - 1)
    expect(labels).toEqual({ 'pause-all': JSON.stringify({ scope: 'both', since: 1, until: NOW }) })
    expect(encodeSharedState(decodeSharedState(labels), labels, UNSEEN, NOW)).toEqual({})
    const ahead = { 'pause-all': JSON.stringify({ scope: 'up', since: NOW + 5000, until: NOW + 65_000 }) }
    const { pauseAll } = decodeSharedState(ahead, () => NOW)
    expect(pauseAll).toMatchObject({ sinceMs: NOW, untilMs: NOW + 60_000 })
  })

  it('and those of single services leave each other alone', () => {
    const at = { nowMs: NOW }
    const single = setPause(EMPTY_SHARED_STATE, 'web', { scope: 'up', ...at })
    const both = setPauseOfAll(single, { scope: 'both', forMs: 1000, by: 'ole', ...at })
    expect(both).toEqual({ ...single, pauseAll: { scope: 'both', sinceMs: NOW, untilMs: NOW + 1000, by: 'ole' } })
    expect(endPause(both, 'web', 'both')).toMatchObject({ pauses: new Map(), pauseAll: both.pauseAll })
    expect(endPauseOfAll(both, 'both')).toEqual({ ...single, pauseAll: undefined })
    expect(endPauseOfAll(both, 'up').pauseAll).toMatchObject({ scope: 'down', by: 'ole' })
    expect(endPauseOfAll(endPauseOfAll(both, 'up'), 'up').pauseAll).toMatchObject({ scope: 'down' })
    expect(forgetService(both, 'web').pauseAll).toEqual(both.pauseAll)
  })
})
