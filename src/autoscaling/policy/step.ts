/** Steps: how far one call moves the count. Pure. */

import { parseWholeNumber } from '../../foundation/whole-number.ts'

/** How far one call moves the count: a number of replicas, or per cent of the current count. */
export type Step =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'percent'; readonly percent: number }

export type Direction = 'up' | 'down'

/** A hundredfold and once more; more is a typing error. */
export const MAX_STEP_PERCENT = 10_000

/** A whole number from 1 to 1e9, or per cent from `1%` to `10000%`; `undefined`: anything else. */
export const parseStep = (text: string): Step | undefined => {
  const isPercent = text.endsWith('%')
  const value = parseWholeNumber(isPercent ? text.slice(0, -1) : text)
  if (value === undefined || value < 1) return undefined
  if (!isPercent) return { kind: 'count', count: value }
  return value <= MAX_STEP_PERCENT ? { kind: 'percent', percent: value } : undefined
}

/** The form that `parseStep` reads: `2`, `25%`. */
export const formatStep = (step: Step): string => (step.kind === 'count' ? `${step.count}` : `${step.percent}%`)

/**
 * How many replicas one step is: at least 1; per cent of `current`, up rounded up and down rounded down.
 * `current` is a whole number >= 0. Not limited by any bound: a step down may be larger than the count.
 */
export const stepSize = (step: Step, current: number, direction: Direction): number => {
  if (step.kind === 'count') return step.count
  // Whole numbers all the way: in floats 10 % up of 100 is 11 and 90 % down of 10 is 10.
  const hundredths = current * step.percent
  const rest = hundredths % 100
  const whole = (hundredths - rest) / 100
  return Math.max(1, direction === 'up' && rest > 0 ? whole + 1 : whole)
}
