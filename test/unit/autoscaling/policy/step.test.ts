import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Direction, Step } from '../../../../src/autoscaling/policy/policy.ts'
import { formatStep, parseStep, stepSize } from '../../../../src/autoscaling/policy/step.ts'

const percent = (value: number): Step => ({ kind: 'percent', percent: value })
const anyStep = fc.oneof(
  fc.record({ kind: fc.constant('count' as const), count: fc.integer({ min: 1, max: 1_000_000_000 }) }),
  fc.record({ kind: fc.constant('percent' as const), percent: fc.integer({ min: 1, max: 10_000 }) }),
)
const anyCount = fc.integer({ min: 0, max: 1_000_000_000 })
const anyDirection = fc.constantFrom<Direction>('up', 'down')

describe('the size of a step', () => {
  it.each([
    { step: '3', current: 5, direction: 'up', size: 3 },
    { step: '3', current: 1, direction: 'down', size: 3 },
    { step: '10%', current: 100, direction: 'up', size: 10 },
    { step: '10%', current: 101, direction: 'up', size: 11 },
    { step: '90%', current: 10, direction: 'down', size: 9 },
    { step: '10%', current: 5, direction: 'down', size: 1 },
    { step: '25%', current: 6, direction: 'up', size: 2 },
    { step: '25%', current: 6, direction: 'down', size: 1 },
    { step: '25%', current: 0, direction: 'up', size: 1 },
    { step: '1%', current: 1_000_000_000, direction: 'up', size: 10_000_000 },
    { step: '7%', current: 100, direction: 'up', size: 7 },
    { step: '14%', current: 50, direction: 'up', size: 7 },
    { step: '29%', current: 100, direction: 'down', size: 29 },
    { step: '57%', current: 100, direction: 'down', size: 57 },
    { step: '100%', current: 8, direction: 'down', size: 8 },
    { step: '10000%', current: 1_000_000_000, direction: 'up', size: 100_000_000_000 },
  ] as const)('$step $direction of $current is $size', ({ step, current, direction, size }) => {
    const parsed = parseStep(step)
    expect(parsed && stepSize(parsed, current, direction)).toBe(size)
  })

  it('is a whole number of at least 1', () => {
    fc.assert(
      fc.property(anyStep, anyCount, anyDirection, (step, current, direction) => {
        const size = stepSize(step, current, direction)
        expect(Number.isSafeInteger(size)).toBe(true)
        expect(size).toBeGreaterThanOrEqual(1)
      }),
    )
  })

  it('in per cent is the exact share, rounded up on the way up and down on the way down', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), anyCount, (share, current) => {
        const hundredths = BigInt(share) * BigInt(current)
        const atLeastOne = (size: bigint) => Number(size > 1n ? size : 1n)
        expect(stepSize(percent(share), current, 'up')).toBe(atLeastOne((hundredths + 99n) / 100n))
        expect(stepSize(percent(share), current, 'down')).toBe(atLeastOne(hundredths / 100n))
      }),
    )
  })

  it('never shrinks as the count grows', () => {
    fc.assert(
      fc.property(anyStep, anyCount, anyCount, anyDirection, (step, a, b, direction) => {
        const [less, more] = a < b ? [a, b] : [b, a]
        expect(stepSize(step, less, direction)).toBeLessThanOrEqual(stepSize(step, more, direction))
      }),
    )
  })
})

describe('a step', () => {
  it.each([
    '',
    '0',
    '0%',
    '-1',
    '+1',
    '1.5',
    '1,5',
    ' 1',
    '1 ',
    '25 %',
    '%',
    '1%%',
    '1e3',
    '0x1',
    '1000000001',
    '10001%',
    'one',
    '٣',
    '9'.repeat(400),
  ])('is not %j', (text) => {
    expect(parseStep(text)).toBeUndefined()
  })

  it('survives being written and read', () => {
    fc.assert(
      fc.property(anyStep, (step) => {
        expect(parseStep(formatStep(step))).toEqual(step)
      }),
    )
  })
})
