/** What the values of policy fields look like. Pure. */
import { formatDuration, parseDuration } from '../../foundation/duration.ts'
import { MAX_WHOLE_NUMBER, parseWholeNumber } from '../../foundation/whole-number.ts'
import { parsePath } from '../load/json-path.ts'
import type { Rate } from '../load/load-policy.ts'
import { parseCron } from '../schedule/cron.ts'
import { findZone } from '../schedule/zone.ts'
import { type Direction, formatStep, MAX_STEP_PERCENT, parseStep } from './step.ts'

/** Which directions a pause stops. */
export type PauseScope = 'none' | Direction | 'both'

export interface Grammar<T = string> {
  /** What a right value looks like; ends the sentence `"x" is not …`. */
  readonly expects: string
  /** What it means; `undefined`: malformed. */
  readonly parse: (text: string) => T | undefined
  /** The value in its one canonical form; `undefined`: malformed. */
  readonly canonical: (text: string) => string | undefined
  /** What is wrong with a malformed one, where more can be said than what it should look like. */
  readonly reason?: (text: string) => string | undefined
}

const grammar = <T>(
  expects: string,
  parse: (text: string) => T | undefined,
  format: (value: T) => string,
): Grammar<T> => ({
  expects,
  parse,
  canonical: (text) => {
    const value = parse(text)
    return value === undefined ? undefined : format(value)
  },
})

/** A text, as `canonical` has it. */
const texts = (expects: string, canonical: Grammar['canonical']): Grammar => ({ expects, parse: canonical, canonical })

const matching = (expects: string, pattern: RegExp): Grammar =>
  texts(expects, (text) => (pattern.test(text) ? text : undefined))

/** A few words, and what each means. */
const words = <T>(meanings: readonly (readonly [string, T])[]): Grammar<T> => {
  const known = new Map(meanings)
  return {
    expects: `one of ${[...known.keys()].map((word) => `\`${word}\``).join(', ')}`,
    parse: (text) => known.get(text),
    canonical: (text) => (known.has(text) ? text : undefined),
  }
}

export const oneOf = <const T extends string>(...values: readonly T[]): Grammar<T> =>
  words(values.map((value) => [value, value]))

export const boolean = words([
  ['true', true],
  ['false', false],
])

export const pauseScope = words<PauseScope>([
  ['false', 'none'],
  ['true', 'both'],
  ['up', 'up'],
  ['down', 'down'],
])

export const wholeNumberFrom = (least: number): Grammar<number> => {
  const parse = (text: string) => {
    const value = parseWholeNumber(text)
    return value === undefined || value < least ? undefined : value
  }
  return grammar(`a whole number from ${least} to ${MAX_WHOLE_NUMBER}`, parse, String)
}

export const duration = grammar(
  'a duration: `30s`, `5m`, `1h`, or a whole number of seconds',
  parseDuration,
  formatDuration,
)

export const step = grammar(
  `a whole number from 1 to ${MAX_WHOLE_NUMBER}, or per cent from \`1%\` to \`${MAX_STEP_PERCENT}%\``,
  parseStep,
  formatStep,
)

export const autoscalerName = matching(
  'a name: a letter or digit, then up to 62 letters, digits, `_`, `.` or `-`',
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
)

const DECIMAL = /^[0-9]{1,15}(\.[0-9]{1,15})?$/

export const decimal = matching('a number of 0 or more: `70`, `0.1`', DECIMAL)

export const percentage = matching('per cent: `70` or `70%`', /^(?!0+(\.0*)?%?$)[0-9]{1,6}(\.[0-9]{1,6})?%?$/)

export const cron: Grammar = {
  ...texts('a cron expression with 5 or 6 fields: `0 8 * * 1-5`', (text) =>
    'cron' in parseCron(text) ? text.trim().replace(/\s+/g, ' ') : undefined,
  ),
  reason: (text) => {
    const reading = parseCron(text)
    return 'wrong' in reading ? reading.wrong : undefined
  },
}

export const timeZone = texts('a time zone that exists: `Europe/Berlin`, `UTC`', (text) =>
  /^[A-Za-z]/.test(text) && findZone(text) !== undefined ? text : undefined,
)

export const httpUrl = matching('a URL that begins with `http://` or `https://`', /^https?:\/\/[^\s/]\S*$/)

export const text = texts('a text', (written) => (written.trim() === '' ? undefined : written))

export const jsonPath = texts('a path into a JSON answer: `depth`, `queue.depth`, `items[0].depth`', (written) =>
  parsePath(written) === undefined ? undefined : written,
)

const parseRate = (text: string): Rate | undefined => {
  const [size = '', period = '', ...more] = text.trim().split('/')
  const amount = parseStep(size)
  const periodMs = parseDuration(period)
  return amount === undefined || !periodMs || more.length > 0 ? undefined : { amount, periodMs }
}

export const rates = grammar<readonly Rate[]>(
  'rates such as `4/15s,100%/15s`: replicas or per cent in a time above 0',
  (text) => {
    const read = text.split(',').map(parseRate)
    return read.every((rate) => rate !== undefined) ? read : undefined
  },
  (read) => read.map(({ amount, periodMs }) => `${formatStep(amount)}/${formatDuration(periodMs)}`).join(','),
)
