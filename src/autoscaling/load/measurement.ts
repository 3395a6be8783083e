/** What a source says of one metric at one tick. Pure. */
import { type Decimal, formatDecimal } from './decimal.ts'

/**
 * Why there is no number. `error`: it cannot be reached or answers with an error. `slow`: no answer in time. `refused`: it does
 * not accept the query. `several`: more than one series. `old`: measured too long ago. `negative`: below 0. `no-number`: what
 * was found is none. `unreported`: no agent has told of the tasks.
 */
export const MISSING = [
  'error',
  'slow',
  'refused',
  'empty',
  'nan',
  'infinite',
  'several',
  'old',
  'negative',
  'no-number',
  'unreported',
] as const

export type Missing = (typeof MISSING)[number]

export type Measurement =
  | { readonly kind: 'value'; readonly value: Decimal }
  | Usage
  | { readonly kind: 'missing'; readonly why: Missing; readonly detail: string }

/** `detail`: a sentence for a person. */
export const missing = (why: Missing, detail: string): Measurement => ({ kind: 'missing', why, detail })

/** What the tasks of a service use of what each may use, both in the same unit: ns of processor time a second, or bytes. */
export interface Usage {
  readonly kind: 'usage'
  /** Sum over the measured tasks. */
  readonly used: bigint
  /** Of one task: its limit, else its reservation. Above 0. */
  readonly each: bigint
  /** Tasks that are old enough and were measured. */
  readonly measured: number
  /** Tasks younger than the warm-up. */
  readonly warming: number
  /** Tasks that should have been measured and were not. */
  readonly unmeasured: number
}

/** For people and graphs, where digits may be lost; per cent of usage. `undefined`: nothing was measured. */
export function valueOfMeasurement(measurement: Measurement): number | undefined {
  if (measurement.kind === 'value') return Number(formatDecimal(measurement.value))
  if (measurement.kind === 'missing' || measurement.measured === 0) return undefined
  return Number((measurement.used * 10_000n) / (measurement.each * BigInt(measurement.measured))) / 100
}
