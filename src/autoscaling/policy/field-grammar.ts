/** What the values of policy fields look like. Pure. */
import { formatDuration, parseDuration } from '../../foundation/duration.ts'
import { MAX_WHOLE_NUMBER, parseWholeNumber } from '../../foundation/whole-number.ts'
import { parsePath } from '../load/json-path.ts'
import { parseCron } from '../schedule/cron.ts'
import { findZone } from '../schedule/zone.ts'
import { formatStep, MAX_STEP_PERCENT, parseStep } from './step.ts'

export interface Grammar {
  /** What a right value looks like; ends the sentence `"x" is not …`. */
  readonly expects: string
  /** The value in its one canonical form; `undefined`: malformed. */
  readonly canonical: (text: string) => string | undefined
  /** What is wrong with a malformed one, where more can be said than what it should look like. */
  readonly reason?: (text: string) => string | undefined
}

const matching = (expects: string, pattern: RegExp): Grammar => ({
  expects,
  canonical: (text) => (pattern.test(text) ? text : undefined),
})

export const wholeNumberFrom = (least: number): Grammar => ({
  expects: `a whole number from ${least} to ${MAX_WHOLE_NUMBER}`,
  canonical: (text) => {
    const value = parseWholeNumber(text)
    return value === undefined || value < least ? undefined : `${value}`
  },
})

export const duration: Grammar = {
  expects: 'a duration: `30s`, `5m`, `1h`, or a whole number of seconds',
  canonical: (text) => {
    const durationMs = parseDuration(text)
    return durationMs === undefined ? undefined : formatDuration(durationMs)
  },
}

export const step: Grammar = {
  expects: `a whole number from 1 to ${MAX_WHOLE_NUMBER}, or per cent from \`1%\` to \`${MAX_STEP_PERCENT}%\``,
  canonical: (text) => {
    const parsed = parseStep(text)
    return parsed === undefined ? undefined : formatStep(parsed)
  },
}

export const oneOf = (values: readonly string[]): Grammar => ({
  expects: `one of ${values.map((value) => `\`${value}\``).join(', ')}`,
  canonical: (text) => (values.includes(text) ? text : undefined),
})

export const autoscalerName = matching(
  'a name: a letter or digit, then up to 62 letters, digits, `_`, `.` or `-`',
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
)

const DECIMAL = /^[0-9]{1,15}(\.[0-9]{1,15})?$/

export const decimal = matching('a number of 0 or more: `70`, `0.1`', DECIMAL)

export const percentage = matching('per cent: `70` or `70%`', /^(?!0+(\.0*)?%?$)[0-9]{1,6}(\.[0-9]{1,6})?%?$/)

export const cron: Grammar = {
  expects: 'a cron expression with 5 or 6 fields: `0 8 * * 1-5`',
  canonical: (text) => ('cron' in parseCron(text) ? text.trim().replace(/\s+/g, ' ') : undefined),
  reason: (text) => {
    const reading = parseCron(text)
    return 'wrong' in reading ? reading.wrong : undefined
  },
}

export const timeZone: Grammar = {
  expects: 'a time zone that exists: `Europe/Berlin`, `UTC`',
  canonical: (text) => (/^[A-Za-z]/.test(text) && findZone(text) !== undefined ? text : undefined),
}

export const httpUrl = matching('a URL that begins with `http://` or `https://`', /^https?:\/\/[^\s/]\S*$/)

export const text: Grammar = {
  expects: 'a text',
  canonical: (written) => (written.trim() === '' ? undefined : written),
}

export const jsonPath: Grammar = {
  expects: 'a path into a JSON answer: `depth`, `queue.depth`, `items[0].depth`',
  canonical: (written) => (parsePath(written) === undefined ? undefined : written),
}

const canonicalRate = (rate: string): string | undefined => {
  const [amount, period, ...more] = rate.trim().split('/')
  if (amount === undefined || period === undefined || more.length > 0) return undefined
  const size = step.canonical(amount)
  const periodMs = parseDuration(period)
  return size === undefined || !periodMs ? undefined : `${size}/${formatDuration(periodMs)}`
}

export const rates: Grammar = {
  expects: 'rates such as `4/15s,100%/15s`: replicas or per cent in a time above 0',
  canonical: (written) => {
    const list = written.split(',').map(canonicalRate)
    return list.includes(undefined) ? undefined : list.join(',')
  },
}
