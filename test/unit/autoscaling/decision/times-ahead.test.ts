/** Times that another clock wrote: whatever stands in labels, nobody waits for longer than the thing itself lasts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeAlertState, encodeAlertState } from '../../../../src/autoscaling/alerts/alert-record.ts'
import { decide } from '../../../../src/autoscaling/decision/decide.ts'
import { liveKeys } from '../../../../src/autoscaling/decision/recent-keys.ts'
import { COUNT_TRAITS } from '../../../../src/autoscaling/decision/request.ts'
import { boundsSource, PERSON_GRACE_MS } from '../../../../src/autoscaling/decision/request-source.ts'
import {
  decodeSharedState,
  encodeSharedState,
  type SharedState,
} from '../../../../src/autoscaling/decision/shared-state.ts'
import { decodeState, encodeState } from '../../../../src/autoscaling/decision/state.ts'
import { grownSince, notAhead } from '../../../../src/autoscaling/load/history.ts'
import { stabilize, widen } from '../../../../src/autoscaling/load/stabilize.ts'
import { UNSEEN } from '../../../../src/foundation/clock.ts'
import { GROWTH_MS } from '../../../../src/swarm/services.ts'
import {
  decideInput,
  down,
  NOW,
  observation,
  policy,
  reading,
  state,
  up,
} from '../../../support/builders/autoscaling.ts'

const HOUR_MS = 3_600_000
/** Days around the time at which it is seen. */
const anyTime = fc.integer({ min: NOW - 48 * HOUR_MS, max: NOW + 48 * HOUR_MS })
const anyLength = fc.integer({ min: 0, max: 4 * HOUR_MS })
const seenNow = () => NOW

describe('whatever times stand in the labels, while nothing happens', () => {
  it('no wait that is told grows longer, and each is over after its own length', () => {
    fc.assert(
      fc.property(
        fc.record({ up: anyTime, change: anyTime, at: anyTime, settles: fc.option(anyTime) }),
        fc.record({
          ...{ sinceMs: anyTime, lengthMs: anyLength, scope: fc.constantFrom('up', 'down', 'both') },
          isOfAll: fc.boolean(),
        }),
        fc.record({ cooldownUpMs: anyLength, cooldownDownMs: anyLength }),
        fc.constantFrom(up(), down()),
        (times, pause, cooldowns, request) => {
          const label = encodeState(state({ atMs: times.at, lastUpMs: times.up, lastChangeMs: times.change }))
          const { sinceMs, lengthMs, scope, isOfAll } = pause
          const one = { scope, sinceMs, untilMs: sinceMs + lengthMs }
          const shared = isOfAll ? { pauseAll: one } : { pauses: new Map([['id-web', one]]) }
          const labels = encodeSharedState({ ...NOTHING_SHARED, ...shared } as SharedState, {}, UNSEEN, 0)
          const { pauses, pauseAll } = decodeSharedState(labels, seenNow)
          const given = {
            ...{ request, reading: reading(cooldowns) },
            state: decodeState(label, NOW),
            pause: pauses.get('id-web'),
            pauseAll,
            observation: observation(times.settles === null ? {} : { templateChangeSeenAtMs: times.settles }),
          }
          let told = Number.POSITIVE_INFINITY
          for (const afterMs of [0, 1000, 60_000, HOUR_MS, 4 * HOUR_MS - 1]) {
            const { decision } = decide(decideInput({ ...given, nowMs: NOW + afterMs }))
            const { retryAtMs = told } = decision
            if (decision.code === 'cooldown' || decision.code === 'paused') expect(retryAtMs).toBeLessThanOrEqual(told)
            told = retryAtMs
          }
          const longest = Math.max(lengthMs, cooldowns.cooldownUpMs, cooldowns.cooldownDownMs)
          const { decision } = decide(decideInput({ ...given, nowMs: NOW + longest }))
          expect(['cooldown', 'paused']).not.toContain(decision.code)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('a rollout settles within its own time, wherever this machine’s clock is put', () => {
    // Around the ten seconds, before and after: any time is hardly ever near.
    const aroundMs = 30_000
    fc.assert(
      fc.property(fc.integer({ min: NOW - aroundMs, max: NOW + aroundMs }), (seenAtMs) => {
        const hold = (nowMs: number) =>
          decide(decideInput({ observation: observation({ templateChangeSeenAtMs: seenAtMs }), nowMs })).decision
        // Set back by more than the ten seconds nobody waits, until the clock is so far again.
        for (const nowMs of [NOW, Math.max(NOW, seenAtMs - 10_000)]) {
          const { code, retryAtMs = 0 } = hold(nowMs)
          expect(code === 'rollout').toBe(Math.abs(seenAtMs - nowMs) <= 10_000 && nowMs < seenAtMs + 10_000)
          if (code !== 'rollout') continue
          expect(retryAtMs).toBeLessThanOrEqual(nowMs + 20_000)
          expect(hold(retryAtMs).code).not.toBe('rollout')
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('keys are forgotten after the window, and firings of alerts after theirs', () => {
    fc.assert(
      fc.property(fc.array(anyTime, { minLength: 1, maxLength: 20 }), (times) => {
        const keys = times.map((atMs, index) => ({
          ...{ hash: `hash-${index}`, wish: 'up', from: 1, to: 2 },
          atSeconds: Math.floor(atMs / 1000),
        }))
        const read = decodeState(encodeState(state({ keys })), NOW)?.keys ?? []
        expect(read).toHaveLength(keys.length)
        expect(liveKeys(read, { nowMs: NOW + 61_000, windowMs: 60_000 })).toEqual([])
      }),
    )
  })

  it('an alert has no news, and a group no sight, that is younger than when it was seen', () => {
    fc.assert(
      fc.property(anyTime, anyTime, (sinceMs, newsAtMs) => {
        const labels = {
          'stand.id-web.up.abc': JSON.stringify({
            src: 'alertmanager',
            starts: '',
            since: sinceMs,
            news: newsAtMs,
            n: 1,
          }),
          'group.g': `${Math.floor(newsAtMs / 1000).toString(36)}:`,
        }
        const read = decodeAlertState(labels, seenNow)
        for (const alert of read.standing.values()) {
          expect(alert.sinceMs).toBe(Math.min(sinceMs, NOW))
          expect(alert.newsAtMs).toBe(Math.min(newsAtMs, NOW))
        }
        expect(read.groups.get('g')?.atSeconds).toBeLessThanOrEqual(NOW / 1000)
        expect(encodeAlertState(read, labels, seenNow), 'that alone is no reason to write').toEqual(labels)
      }),
    )
  })

  it('a tick of the load holds up none after it, wherever this machine’s clock is put', () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 1, max: HOUR_MS }), (seenAtMs, tickMs) => {
        // The label as it was read when this clock said `seenAtMs`, and the next tick of the clock as it is now.
        const acted = decodeState(encodeState(state({ cause: 'load', tickMs: seenAtMs })), seenAtMs)
        const request = {
          kind: 'recommend',
          replicas: 5,
          why: '',
          cause: 'load',
          traits: { ...COUNT_TRAITS, tickMs: NOW },
        } as const
        const at = (nowMs: number) =>
          decide(
            decideInput({ request: { ...request, traits: { ...request.traits, tickMs: nowMs } }, state: acted, nowMs }),
          ).decision
        // At the latest the one after the next.
        expect(at(NOW + tickMs).code === 'duplicate' && at(NOW + 2 * tickMs).code === 'duplicate').toBe(false)
      }),
    )
  })

  it('a count that a person set outside the bounds is corrected after its grace, wherever this machine’s clock is put', () => {
    const aroundMs = 3 * PERSON_GRACE_MS
    fc.assert(
      fc.property(fc.integer({ min: NOW - aroundMs, max: NOW + aroundMs }), (countSeenAtMs) => {
        const bound = { observation: observation({ replicas: 50 }), policy: policy(), state: undefined, countSeenAtMs }
        const isLater = (nowMs: number) => boundsSource.due(bound, nowMs) === 'later'
        for (const nowMs of [NOW, Math.max(NOW, countSeenAtMs - PERSON_GRACE_MS)]) {
          const isNear = Math.abs(countSeenAtMs - nowMs) <= PERSON_GRACE_MS && nowMs < countSeenAtMs + PERSON_GRACE_MS
          expect(isLater(nowMs)).toBe(isNear)
          // From when it was seen, or twice that where the clock was set back by less.
          expect(isLater(nowMs + 2 * PERSON_GRACE_MS)).toBe(countSeenAtMs > nowMs + PERSON_GRACE_MS)
        }
        expect(boundsSource.due(bound, countSeenAtMs + PERSON_GRACE_MS)).toMatchObject({ kind: 'bounds' })
      }),
      { numRuns: 2000 },
    )
  })

  it('what measured load remembers holds the count for its own window at most, wherever this machine’s clock is put', () => {
    const load = { windowUpMs: 60_000, windowDownMs: 300_000 }
    fc.assert(
      fc.property(
        fc.array(fc.record({ atMs: anyTime, count: fc.integer({ min: 5, max: 50 }) }), { maxLength: 20 }),
        fc.array(fc.record({ atMs: anyTime, from: fc.nat(50), to: fc.nat(50), byLoad: fc.boolean() }), {
          maxLength: 20,
        }),
        fc.record({ factor: fc.constantFrom(1, 2, 4), untilMs: anyTime }),
        (recommendations, changes, widening) => {
          const history = notAhead({ recommendations, changes, widening, failures: new Map() }, NOW)
          const down = (nowMs: number) => stabilize(1, 50, { ...load, windowDownMs: 300_000, history, nowMs })
          expect(down(NOW + 300_000)).toBe(1)
          expect(stabilize(50, 4, { ...load, history, nowMs: NOW + 60_000 })).toBe(50)
          expect(grownSince(history, NOW)).toBe(0)
          expect(widen(history, { windowDownMs: 1, nowMs: NOW + 3_600_000 })).toEqual({ factor: 1, untilMs: 0 })
          let held = 50
          for (const afterMs of [0, 60_000, 150_000, 299_999]) {
            expect(down(NOW + afterMs)).toBeLessThanOrEqual(held)
            held = down(NOW + afterMs)
          }
        },
      ),
    )
  })

  it('growth that another controller promises takes addresses for a minute at most', () => {
    const labels = { 'grow.id-web': JSON.stringify({ replicas: 9, version: 1, until: NOW + HOUR_MS }) }
    const read = decodeSharedState(labels, seenNow)
    expect(read.growths.get('id-web')?.untilMs).toBe(NOW + GROWTH_MS)
    expect(encodeSharedState(read, labels, seenNow, 0)).toEqual(labels)
  })
})

describe('a pause that begins ahead', () => {
  it.each([
    {
      name: 'lasts its own length from when it was seen',
      until: NOW + 3 * HOUR_MS,
      is: { untilMs: NOW + 2 * HOUR_MS },
    },
    { name: 'lasts until resumed, if it has no end', until: undefined, is: { sinceMs: NOW } },
  ])('$name', ({ until, is }) => {
    const labels = { 'pause.id-web': JSON.stringify({ scope: 'both', since: NOW + HOUR_MS, until }) }
    const read = decodeSharedState(labels, seenNow)
    expect(read.pauses.get('id-web')).toMatchObject(is)
    expect(encodeSharedState(read, labels, seenNow, 0)).toEqual(labels)
  })
})

const NOTHING_SHARED = { pauses: new Map(), restores: new Map(), growths: new Map() }
