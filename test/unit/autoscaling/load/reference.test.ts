/**
 * The core of measured load against HPA's published formulas, written down here once more and in another way: floats are not
 * used, numbers are thousandths as in Go, lists are walked from the front, and nothing is shared with the code but the types.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ONE } from '../../../../src/autoscaling/load/decimal.ts'
import { evaluate } from '../../../../src/autoscaling/load/evaluate.ts'
import { beginHistory, type LoadHistory, noteChange } from '../../../../src/autoscaling/load/history.ts'
import type { LoadPolicy, Rate } from '../../../../src/autoscaling/load/load-policy.ts'
import type { Measurement } from '../../../../src/autoscaling/load/measurement.ts'

const TICK_S = 15

interface Rule {
  readonly type: 'Pods' | 'Percent'
  readonly value: number
  readonly periodSeconds: number
}

interface Spec {
  readonly targets: readonly { readonly milli: number; readonly averageValue: boolean }[]
  readonly toleranceMilli: number
  readonly upWindow: number
  readonly downWindow: number
  readonly up: readonly Rule[]
  readonly down: readonly Rule[]
  readonly min: number
  readonly max: number
}

/** `null`: the metric cannot be had. `foreign`: somebody sets the count between two ticks. */
interface Step {
  readonly values: readonly (number | null)[]
  readonly foreign: number | null
}

const ceil = (a: number, b: number) => Math.floor((a + b - 1) / b)

/** reconcileAutoscaler, computeReplicasForMetrics, normalizeDesiredReplicasWithBehaviors; external metrics on spec replicas. */
function hpa(spec: Spec, start: number, steps: readonly Step[]): number[] {
  let replicas = start
  let recommendations = [{ value: start, t: 0 }]
  const events: { change: number; t: number }[] = []
  const out: number[] = []
  steps.forEach(({ values, foreign }, index) => {
    const t = index * TICK_S
    const proposals: number[] = []
    let invalid = 0
    spec.targets.forEach(({ milli, averageValue }, i) => {
      const value = values[i] ?? null
      if (value === null) {
        invalid += 1
        return
      }
      // usageRatio = value / (target * replicas), or value / target, inside [1 - tolerance, 1 + tolerance]
      const whole = averageValue ? milli * replicas : milli
      if (replicas === 0) proposals.push(ceil(value, milli))
      else if (
        value * 1000 >= whole * (1000 - spec.toleranceMilli) &&
        value * 1000 <= whole * (1000 + spec.toleranceMilli)
      )
        proposals.push(replicas)
      else proposals.push(averageValue ? ceil(value, milli) : ceil(value * replicas, milli))
    })
    let desired = replicas
    const metric = proposals.reduce((a, b) => (a > b ? a : b), -1)
    if (proposals.length > 0 && !(invalid > 0 && metric < replicas)) {
      let low = metric
      let high = metric
      for (const { value, t: at } of recommendations) {
        if (at > t - spec.upWindow && value < low) low = value
        if (at > t - spec.downWindow && value > high) high = value
      }
      recommendations.push({ value: metric, t })
      desired = replicas < low ? low : replicas
      if (desired > high) desired = high
      const changed = (period: number) =>
        events.reduce((sum, { change, t: at }) => (at > t - period ? sum + change : sum), 0)
      if (desired > replicas) {
        let limit = 0
        for (const rule of spec.up) {
          const before = replicas - changed(rule.periodSeconds)
          const proposed = rule.type === 'Pods' ? before + rule.value : ceil(before * (100 + rule.value), 100)
          if (proposed > limit) limit = proposed
        }
        // Ours: from 0 per cent alone would never begin.
        if (limit < 1 && spec.up.some(({ type }) => type === 'Percent')) limit = 1
        if (limit < replicas) limit = replicas
        if (desired > limit) desired = limit
      } else if (desired < replicas) {
        let limit = Number.MAX_SAFE_INTEGER
        for (const rule of spec.down) {
          const before = replicas - changed(rule.periodSeconds)
          const proposed = rule.type === 'Pods' ? before - rule.value : Math.floor((before * (100 - rule.value)) / 100)
          if (proposed < limit) limit = proposed
        }
        if (limit > replicas) limit = replicas
        if (desired < limit) desired = limit
      }
      if (desired > spec.max) desired = spec.max
      if (desired < spec.min) desired = spec.min
    } else {
      // Ours: while there is no value to act on the windows remember the current count.
      recommendations.push({ value: replicas, t })
    }
    if (desired !== replicas) events.push({ change: desired - replicas, t })
    replicas = desired
    out.push(replicas)
    if (foreign !== null && foreign !== replicas) {
      // Ours: whoever changes the count, the windows begin with it and the rates count it.
      const at = t + 5
      events.push({ change: foreign - replicas, t: at })
      recommendations = [{ value: foreign, t: at }]
      replicas = foreign
    }
  })
  return out
}

const rate = ({ type, value, periodSeconds }: Rule): Rate => ({
  amount: type === 'Pods' ? { kind: 'count', count: value } : { kind: 'percent', percent: value },
  periodMs: periodSeconds * 1000,
})

const policyOf = (spec: Spec): LoadPolicy => ({
  metrics: spec.targets.map(({ milli, averageValue }, index) => ({
    ...{ kind: 'query', name: `m${index}`, query: '', target: (BigInt(milli) * ONE) / 1000n },
    type: averageValue ? 'per-replica' : 'value',
  })),
  windowUpMs: spec.upWindow * 1000,
  windowDownMs: spec.downWindow * 1000,
  rateUp: spec.up.map(rate),
  rateDown: spec.down.map(rate),
  tolerance: (BigInt(spec.toleranceMilli) * ONE) / 1000n,
  warmupMs: 0,
  fallback: { after: 3, mode: 'hold' },
})

const measured = (values: readonly (number | null)[]) =>
  new Map(
    values.map((value, index): [string, Measurement] => [
      `m${index}`,
      value === null
        ? { kind: 'missing', why: 'error', detail: 'away' }
        : { kind: 'value', value: (BigInt(value) * ONE) / 1000n },
    ]),
  )

/** What the code makes of it; windows are widened only by what this test does not look at. */
function ours(spec: Spec, start: number, steps: readonly Step[]): number[] {
  const policy = policyOf(spec)
  const bounds = { min: spec.min, max: spec.max }
  let replicas = start
  let history: LoadHistory = beginHistory(start, 0)
  return steps.map(({ values, foreign }, index) => {
    const nowMs = index * TICK_S * 1000
    // Flap detection is ours alone: without turns to count it is as HPA.
    const changes = history.changes.map((change) => ({ ...change, byLoad: false }))
    const found = evaluate({
      policy,
      current: replicas,
      bounds,
      measurements: measured(values),
      history: { ...history, changes },
      nowMs,
    })
    history = found.history
    const next = found.counts?.afterBounds ?? replicas
    if (next !== replicas) history = noteChange(history, { atMs: nowMs, from: replicas, to: next, byLoad: true })
    replicas = next
    if (foreign !== null && foreign !== replicas) {
      history = noteChange(history, { atMs: nowMs + 5000, from: replicas, to: foreign, byLoad: false })
      replicas = foreign
    }
    return next
  })
}

const rule = fc.record<Rule>({
  type: fc.constantFrom('Pods', 'Percent'),
  value: fc.integer({ min: 1, max: 150 }),
  periodSeconds: fc.constantFrom(15, 30, 60),
})
const spec = fc.record({
  targets: fc.array(fc.record({ milli: fc.integer({ min: 1, max: 20_000 }), averageValue: fc.boolean() }), {
    minLength: 1,
    maxLength: 3,
  }),
  toleranceMilli: fc.constantFrom(0, 50, 100, 333),
  upWindow: fc.constantFrom(0, 15, 30, 60),
  downWindow: fc.constantFrom(0, 15, 60, 120),
  up: fc.array(rule, { minLength: 1, maxLength: 2 }),
  down: fc.array(rule, { minLength: 1, maxLength: 2 }),
  min: fc.integer({ min: 0, max: 5 }),
  max: fc.integer({ min: 5, max: 60 }),
})
const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 400_000 }) },
  { weight: 1, arbitrary: fc.constant(null) },
)
const step = fc.record({
  values: fc.array(value, { minLength: 3, maxLength: 3 }),
  foreign: fc.oneof(
    { weight: 9, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 60 }) },
  ),
})
const valuesFor = (found: Spec, steps: readonly Step[]) =>
  steps.map((one) => ({ ...one, values: one.values.slice(0, found.targets.length) }))

describe('the core of measured load', () => {
  it('is HPA’s own at every step of 100,000 random histories', { timeout: 300_000 }, () => {
    fc.assert(
      fc.property(
        spec,
        fc.integer({ min: 1, max: 40 }),
        fc.array(step, { minLength: 1, maxLength: 12 }),
        (found, start, steps) => {
          const given = valuesFor(found, steps)
          expect(ours(found, start, given)).toEqual(hpa(found, start, given))
        },
      ),
      { numRuns: 100_000 },
    )
  })

  const once = fc.tuple(spec, fc.integer({ min: 0, max: 60 }), step)
  const evaluated = (found: Spec, current: number, values: readonly (number | null)[]) =>
    evaluate({
      policy: policyOf(found),
      current,
      bounds: found,
      measurements: measured(values.slice(0, found.targets.length)),
      history: beginHistory(current, 0),
      nowMs: 1_000_000,
    })

  it('is always in bounds, never goes down on part of the data, and is monotone in the metric', () => {
    fc.assert(
      fc.property(once, fc.integer({ min: 0, max: 100_000 }), ([found, current, { values }], more) => {
        const { counts } = evaluated(found, current, values)
        if (counts !== undefined) {
          expect(counts.afterBounds).toBeGreaterThanOrEqual(found.min)
          expect(counts.afterBounds).toBeLessThanOrEqual(found.max)
          if (values.slice(0, found.targets.length).includes(null))
            expect(counts.afterRate).toBeGreaterThanOrEqual(current)
        }
        const raised = evaluated(
          found,
          current,
          values.map((one) => (one === null ? null : one + more)),
        )
        if (counts !== undefined && raised.counts !== undefined && found.toleranceMilli === 0)
          expect(raised.counts.raw).toBeGreaterThanOrEqual(counts.raw)
      }),
      { numRuns: 20_000 },
    )
  })
})
