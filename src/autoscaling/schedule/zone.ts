/**
 * Time zones by Intl's own data: how far a zone's clock is from UTC, and when that changes. Pure: what is worked out is kept,
 * since Intl is slow.
 */
import { DAY_MS, dayOf, daysTo, startOfYearMs } from './calendar.ts'

/** A stretch of time in which a zone's clock does not jump. Ms since the epoch; it begins and ends with each UTC year too. */
export interface Stretch {
  readonly startMs: number
  readonly endMs: number
  /** What the clock shows less UTC. */
  readonly offsetMs: number
  /** The same just before `startMs`. */
  readonly offsetBeforeMs: number
}

export interface Zone {
  readonly name: string
  stretchAt(atMs: number): Stretch
}

/** By names in small letters: a zone may be written in any, and what is worked out of it is kept once. */
const zones = new Map<string, Zone>()

/** `undefined`: no such zone. */
export function findZone(name: string): Zone | undefined {
  if (!/^[\w+\-/:]{1,64}$/.test(name)) return undefined
  const known = zones.get(name.toLowerCase())
  if (known !== undefined) return known
  const offsetAt = offsetReader(name)
  if (offsetAt === undefined) return undefined
  const byYear = new Map<number, readonly Stretch[]>()
  const zone: Zone = {
    name,
    stretchAt(atMs) {
      const year = dayOf(Math.floor(atMs / DAY_MS)).year
      const stretches = byYear.get(year) ?? stretchesOf(year, offsetAt)
      byYear.set(year, stretches)
      const found = stretches.find(({ endMs }) => atMs < endMs)
      if (found === undefined) throw new RangeError(`no stretch of ${name} holds ${atMs}`)
      return found
    },
  }
  zones.set(name.toLowerCase(), zone)
  return zone
}

/** The first instant at which the zone's clock shows `shownMs`, or what comes after it where that is skipped. */
export function instantOf(zone: Zone, shownMs: number): number {
  // No clock is as far as a day from UTC.
  let stretch = zone.stretchAt(shownMs - DAY_MS)
  while (shownMs - stretch.offsetMs >= stretch.endMs) stretch = zone.stretchAt(stretch.endMs)
  return Math.max(shownMs - stretch.offsetMs, stretch.startMs)
}

/** What the zone's clock shows at an instant. */
export const shownAt = (zone: Zone, atMs: number): number => atMs + zone.stretchAt(atMs).offsetMs

/** Nobody changes the clock twice within a day. */
function stretchesOf(year: number, offsetAt: (ms: number) => number): readonly Stretch[] {
  const endOfYear = startOfYearMs(year + 1)
  const stretches: Stretch[] = []
  let startMs = startOfYearMs(year)
  let offsetBeforeMs = offsetAt(startMs - 1000)
  let offsetMs = offsetAt(startMs)
  for (let dayMs = startMs; dayMs < endOfYear; dayMs += DAY_MS) {
    const next = offsetAt(dayMs + DAY_MS - 1000)
    if (next === offsetMs) continue
    const endMs = changeBetween(dayMs, dayMs + DAY_MS - 1000, offsetAt)
    stretches.push({ startMs, endMs, offsetMs, offsetBeforeMs })
    offsetBeforeMs = offsetMs
    offsetMs = next
    startMs = endMs
  }
  stretches.push({ startMs, endMs: endOfYear, offsetMs, offsetBeforeMs })
  return stretches
}

function changeBetween(earlierMs: number, laterMs: number, offsetAt: (ms: number) => number): number {
  const before = offsetAt(earlierMs)
  let low = earlierMs / 1000
  let high = laterMs / 1000
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle * 1000) === before) low = middle
    else high = middle
  }
  return high * 1000
}

function offsetReader(timeZone: string): ((ms: number) => number) | undefined {
  if (/^utc$/i.test(timeZone)) return () => 0
  const fields = { year: 'numeric', month: 'numeric', day: 'numeric' } as const
  const clock = { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone, calendar: 'gregory', ...fields, ...clock })
  } catch {
    // RangeError: no such zone, which is an answer.
    return undefined
  }
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]))
    const of = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type))
    const days = daysTo({ year: of('year'), month: of('month'), dayOfMonth: of('day') })
    return days * DAY_MS + ((of('hour') * 60 + of('minute')) * 60 + of('second')) * 1000 - ms
  }
}
