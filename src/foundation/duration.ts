/** Durations as policies write them: `30s`, `5m`, `1h`, or a whole number of seconds. Pure. */
import { parseWholeNumber } from './whole-number.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** About 31 years: beyond it a typing error is likelier than a wish, and no sum with a time of day can overflow. */
const MAX_DURATION_MS = 1_000_000_000 * SECOND_MS

const unitMs = (unit: string | undefined): number => {
  if (unit === 'h') return HOUR_MS
  return unit === 'm' ? MINUTE_MS : SECOND_MS
}

/** Milliseconds; `undefined` when the text is not a duration or above 1e9 seconds. */
export const parseDuration = (text: string): number | undefined => {
  const match = /^([0-9]+)([smh]?)$/.exec(text)
  const amount = match?.[1] === undefined ? undefined : parseWholeNumber(match[1])
  if (amount === undefined) return undefined
  const durationMs = amount * unitMs(match?.[2])
  return durationMs <= MAX_DURATION_MS ? durationMs : undefined
}

/** The shortest exact form that `parseDuration` reads: `1h`, `90m`, `45s`. Parts of a second count as a whole one. */
export const formatDuration = (durationMs: number): string => {
  const seconds = Math.ceil(Math.max(0, durationMs) / SECOND_MS)
  if (seconds > 0 && seconds % 3600 === 0) return `${seconds / 3600}h`
  if (seconds > 0 && seconds % 60 === 0) return `${seconds / 60}m`
  return `${seconds}s`
}
