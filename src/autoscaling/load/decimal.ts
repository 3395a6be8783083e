/**
 * Numbers of metrics and targets, exactly: whole billionths. Floats would make 111 of 10 % more than 100, and leave out a
 * tolerance's own end. Pure.
 */

/** Billionths: 1.5 is 1_500_000_000n. */
export type Decimal = bigint

export const ONE: Decimal = 1_000_000_000n
const PLACES = 9
/** What a sum of floats adds beyond this many digits is noise, and `ceil` would make a replica of it. */
const DIGITS = 12
/** Beyond it a count is the largest there is anyway. */
const MOST = 1e30

export type NumberReading =
  | { readonly kind: 'number'; readonly value: Decimal }
  | { readonly kind: 'nan' | 'infinite' | 'no-number' }

/** As Prometheus and JSON write numbers: `70`, `-0.5`, `1e-7`, `NaN`, `+Inf`. */
export function readNumber(text: string): NumberReading {
  if (/^nan$/i.test(text)) return { kind: 'nan' }
  if (/^[+-]?inf(inity)?$/i.test(text)) return { kind: 'infinite' }
  if (!/^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)(e[+-]?[0-9]{1,4})?$/i.test(text)) return { kind: 'no-number' }
  const float = Number(text)
  if (!Number.isFinite(float)) return { kind: 'infinite' }
  const capped = Math.max(-MOST, Math.min(MOST, float))
  return { kind: 'number', value: ofPlain(expand(capped.toExponential(DIGITS - 1))) }
}

/** A number as a policy writes it, `0.1`: all of its digits count. */
export function parseDecimal(text: string): Decimal | undefined {
  return /^[0-9]{1,15}([.][0-9]{1,15})?$/.test(text) ? ofPlain(text) : undefined
}

/** The shortest exact form: `1.5`. */
export function formatDecimal(value: Decimal): string {
  const size = value < 0n ? -value : value
  const fraction = `${size % ONE}`.padStart(PLACES, '0').replace(/0+$/, '')
  return `${value < 0n ? '-' : ''}${size / ONE}${fraction === '' ? '' : `.${fraction}`}`
}

/** Of two that are not negative; `divisor` is above 0. */
export const ceilDivide = (value: bigint, divisor: bigint): bigint => (value + divisor - 1n) / divisor

/** `1.23e+5` as `123000`. */
function expand(exponential: string): string {
  const [mantissa = '', exponent = '0'] = exponential.split('e')
  const isNegative = mantissa.startsWith('-')
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.')
  const point = whole.length + Number(exponent)
  const digits = `${whole}${fraction}`
  const padded = point > 0 ? digits.padEnd(point, '0') : digits.padStart(digits.length - point + 1, '0')
  const at = Math.max(point, 1)
  return `${isNegative ? '-' : ''}${padded.slice(0, at)}.${padded.slice(at)}`
}

/** `-12.5`, without exponent; places beyond the ninth are cut. */
function ofPlain(text: string): Decimal {
  const isNegative = text.startsWith('-')
  const [whole = '', fraction = ''] = text.replace('-', '').split('.')
  const size = BigInt(`${whole}${fraction.slice(0, PLACES).padEnd(PLACES, '0')}`)
  return isNegative ? -size : size
}
