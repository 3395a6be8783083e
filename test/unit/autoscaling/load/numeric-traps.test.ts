import { describe, expect, it } from 'vitest'
import { formatDecimal, ONE, readNumber } from '../../../../src/autoscaling/load/decimal.ts'
import { evaluate } from '../../../../src/autoscaling/load/evaluate.ts'
import { beginHistory, type LoadHistory, noteChange } from '../../../../src/autoscaling/load/history.ts'
import type { LoadMetric, LoadPolicy } from '../../../../src/autoscaling/load/load-policy.ts'
import type { Measurement } from '../../../../src/autoscaling/load/measurement.ts'
import { limitRate, widen } from '../../../../src/autoscaling/load/stabilize.ts'

const MINUTE_MS = 60_000
const decimal = (text: string): bigint => {
  const number = readNumber(text)
  if (number.kind !== 'number') throw new Error(text)
  return number.value
}
const metric = (target: string, over: Partial<LoadMetric> = {}): LoadMetric =>
  ({ kind: 'query', name: 'm', query: '', type: 'per-replica', target: decimal(target), ...over }) as LoadMetric
const policy = (over: Partial<LoadPolicy> = {}): LoadPolicy => ({
  metrics: [metric('100')],
  ...{ windowUpMs: 0, windowDownMs: 5 * MINUTE_MS, warmupMs: 30_000, tolerance: ONE / 10n },
  rateUp: [
    { amount: { kind: 'count', count: 4 }, periodMs: 15_000 },
    { amount: { kind: 'percent', percent: 100 }, periodMs: 15_000 },
  ],
  rateDown: [{ amount: { kind: 'percent', percent: 100 }, periodMs: 15_000 }],
  fallback: { after: 3, mode: 'hold' },
  ...over,
})
const value = (text: string): Measurement => ({ kind: 'value', value: decimal(text) })
const MISSING: Measurement = { kind: 'missing', why: 'infinite', detail: 'infinite' }
const at = (
  current: number,
  measurements: Readonly<Record<string, Measurement>>,
  over: { policy?: LoadPolicy; history?: LoadHistory; nowMs?: number } = {},
) =>
  evaluate({
    policy: over.policy ?? policy(),
    ...{ current, bounds: { min: 1, max: 1000 }, measurements: new Map(Object.entries(measurements)) },
    history: over.history ?? beginHistory(current, -3_600_000),
    nowMs: over.nowMs ?? 0,
  })

describe('numeric traps', () => {
  it.each([
    { name: 'a ratio of exactly 1.1 is inside a tolerance of 0.1', current: 10, total: '1100', raw: 10 },
    { name: 'a ratio just above it is not', current: 10, total: '1100.001', raw: 12 },
    { name: 'a ratio of exactly 0.9 is inside too', current: 10, total: '900', raw: 10 },
    { name: 'a ratio just below it is not', current: 10, total: '899.999', raw: 9 },
    { name: 'a total of 620 at 100 each is 7', current: 5, total: '620', raw: 7 },
    { name: 'what a sum of floats leaves over is no replica', current: 1, total: '300.00000000000006', raw: 3 },
    { name: 'an exponent is read', current: 1, total: '3e2', raw: 3 },
    { name: 'more than any count is the largest count', current: 1, total: '1e300', raw: 1_000_000_000 },
  ])('$name', ({ current, total, raw }) => {
    expect(at(current, { m: value(total) }).counts?.raw).toBe(raw)
  })

  it('a target of 0.1 is a tenth, not the float next to it', () => {
    const tenth = policy({ metrics: [metric('0.1')] })
    expect(at(1, { m: value('0.3') }, { policy: tenth }).counts?.raw).toBe(3)
  })

  it('at 0 it is value over target without tolerance', () => {
    const counts = (text: string) => at(0, { m: value(text) }).counts?.raw
    expect([counts('0'), counts('1'), counts('100'), counts('101')]).toEqual([0, 1, 1, 2])
  })

  it.each([
    { name: '10 % up of 100 is 110, not 111', percent: 10, current: 100, wanted: 1000, to: 110 },
    { name: '90 % down of 10 is 1, not 0', percent: 90, current: 10, wanted: 0, to: 1 },
    { name: '10 % down of 5 moves by one', percent: 10, current: 5, wanted: 0, to: 4 },
  ])('$name', ({ percent, current, wanted, to }) => {
    const rates = [{ amount: { kind: 'percent', percent }, periodMs: 15_000 } as const]
    const given = { rateUp: rates, rateDown: rates, history: beginHistory(current, 0), nowMs: 0 }
    expect(limitRate(wanted, current, given)).toBe(to)
  })

  it.each([
    { current: 1, added: 0, limit: 5 },
    { current: 10, added: 0, limit: 20 },
    { current: 8, added: 4, limit: 8 },
  ])('from $current with $added added in the period the default rate allows $limit', ({ current, added, limit }) => {
    const change = { atMs: -1000, from: current - added, to: current, byLoad: true }
    const history = added === 0 ? beginHistory(current, -99_999) : noteChange(beginHistory(current, -99_999), change)
    expect(limitRate(1000, current, { ...policy(), history, nowMs: 0 })).toBe(limit)
  })

  it.each([
    ['NaN', 'nan'],
    ['+Inf', 'infinite'],
    ['-Inf', 'infinite'],
    ['Infinity', 'infinite'],
    ['1e999', 'infinite'],
    ['', 'no-number'],
    ['0x10', 'no-number'],
    ['12 apples', 'no-number'],
  ])('%s is %s', (text, kind) => {
    expect(readNumber(text)).toEqual({ kind })
  })

  it.each(['0', '1.5', '-0.25', '1000000000000', '0.000000001'])('%s is written as it was read', (text) => {
    expect(formatDecimal(decimal(text))).toBe(text)
  })
})

describe('missing data', () => {
  const several = policy({ metrics: [metric('100', { name: 'a' }), metric('100', { name: 'b' })] })

  it('an infinite value holds the count', () => {
    expect(at(5, { m: MISSING }).counts).toBeUndefined()
  })

  it('of several, the valid ones say 3 at 5: held; they say 8: grown', () => {
    expect(at(5, { a: value('300'), b: MISSING }, { policy: several }).counts).toBeUndefined()
    expect(at(5, { a: value('800'), b: MISSING }, { policy: several }).counts?.afterRate).toBe(8)
  })

  it('after three in a row the fallback is asked for, through windows and rates', () => {
    const fixed = policy({ windowDownMs: 0, fallback: { after: 3, mode: 'static', replicas: 2 } })
    let history = beginHistory(5, 0)
    const asked = [1, 2, 3].map((tick) => {
      const found = at(5, { m: MISSING }, { policy: fixed, history, nowMs: tick * 15_000 })
      history = found.history
      return found.counts?.afterRate
    })
    expect(asked).toEqual([undefined, undefined, 2])
  })

  it('when the values come back nothing shrinks at once', () => {
    let history = beginHistory(8, 0)
    for (let tick = 1; tick < 40; tick += 1) history = at(8, { m: MISSING }, { history, nowMs: tick * 15_000 }).history
    expect(at(8, { m: value('100') }, { history, nowMs: 40 * 15_000 }).counts?.afterWindow).toBe(8)
  })
})

describe('a controller that is started in the middle of a window', () => {
  it('never shrinks early: the window begins with the current count', () => {
    const history = beginHistory(8, 0)
    expect(at(8, { m: value('300') }, { history, nowMs: 5 * MINUTE_MS - 1 }).counts?.afterWindow).toBe(8)
    expect(at(8, { m: value('300') }, { history, nowMs: 5 * MINUTE_MS }).counts?.afterWindow).toBe(3)
  })
})

describe('a count that flaps', () => {
  const turns = (count: number, fromMs: number) =>
    Array.from({ length: count + 1 }, (_, index) => {
      const [from, to] = index % 2 === 0 ? [2, 4] : [4, 2]
      return { atMs: fromMs + index * MINUTE_MS, from, to, byLoad: true }
    })
  const given = { windowDownMs: 5 * MINUTE_MS, nowMs: 10 * MINUTE_MS }

  it('three turns within four windows double the window for an hour, again to four times, and no further', () => {
    const none = { factor: 1, untilMs: 0 }
    expect(widen({ changes: turns(2, 1), widening: none }, given)).toEqual(none)
    const once = widen({ changes: turns(3, 1), widening: none }, given)
    expect(once).toEqual({ factor: 2, untilMs: 70 * MINUTE_MS })
    expect(widen({ changes: turns(3, 1), widening: once }, given), 'the same turns count once').toEqual(once)
    const later = { ...given, nowMs: 20 * MINUTE_MS }
    const twice = widen({ changes: turns(3, 11 * MINUTE_MS), widening: once }, later)
    expect(twice.factor).toBe(4)
    const last = { ...given, nowMs: 30 * MINUTE_MS }
    expect(widen({ changes: turns(3, 21 * MINUTE_MS), widening: twice }, last)).toEqual(twice)
    expect(widen({ changes: [], widening: twice }, { ...given, nowMs: 90 * MINUTE_MS }).factor).toBe(1)
  })

  it('calls that turn the count are no flapping of load', () => {
    const changes = turns(5, 1).map((change) => ({ ...change, byLoad: false }))
    expect(widen({ changes, widening: { factor: 1, untilMs: 0 } }, given).factor).toBe(1)
  })
})
