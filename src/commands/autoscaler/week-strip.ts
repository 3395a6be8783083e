/** The week of an autoscaler as lines of text: a row a day, a column half an hour of the zone's clock. Pure. */
import { DAY_MS } from '../../autoscaling/schedule/calendar.ts'
import { findZone, instantOf, shownAt, type Zone } from '../../autoscaling/schedule/zone.ts'
import type { WireWeek } from '../../http/wire/week.ts'

type Stretch = WireWeek['stretches'][number]

const COLUMN_MS = 1_800_000
const COLUMNS = DAY_MS / COLUMN_MS
/** Of the plain bounds, then of the others in the order in which they come. */
const MARKS = ['.', ...'#=+o%@*x&abcdefghijklmnpqrstuvwyz']
/** For all that are left, should there be so many. */
const LAST_MARK = '?'

/** `6 to 20`, `2 or more`. */
export const boundsText = ({ min, max }: Pick<Stretch, 'min' | 'max'>): string =>
  max === null ? `${min} or more` : `${min} to ${max}`

/** `Thu 26 Nov 18:00`, as the zone's clock shows it. */
export function clockText(at: string, tz: string): string {
  const zone = findZone(tz)
  if (zone === undefined) return at
  const shown = new Date(shownAt(zone, Date.parse(at)))
  const seconds = shown.getUTCSeconds() === 0 ? 16 : 19
  return `${dayText(shown.getTime())} ${shown.toISOString().slice(11, seconds)}`
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function dayText(shownMs: number): string {
  const shown = new Date(shownMs)
  const day = `${shown.getUTCDate()}`.padStart(2)
  return `${DAYS[shown.getUTCDay()]} ${day} ${MONTHS[shown.getUTCMonth()]}`
}

/** A column shows a window even if it is open for a part of it only; what the clock skips that night is blank. */
export function weekStrip({ from, until, tz, stretches }: WireWeek): string {
  const zone = findZone(tz)
  if (zone === undefined) return ''
  const marks = marksOf(stretches)
  const lines: string[] = []
  const endMs = Date.parse(until)
  for (let dayMs = shownAt(zone, Date.parse(from)); instantOf(zone, dayMs) < endMs; dayMs += DAY_MS) {
    const cells = Array.from({ length: COLUMNS }, (_, column) => {
      const found = stretchIn({ zone, stretches, shownMs: dayMs + column * COLUMN_MS })
      return found === undefined ? ' ' : (marks.get(meaning(found)) ?? LAST_MARK)
    })
    lines.push(`${dayText(dayMs)} ${cells.join('')}`.trimEnd())
  }
  const hours = Array.from({ length: 8 }, (_, index) => `${index * 3}`.padEnd(6)).join('')
  const legend = [...marks].map(([text, mark]) => `${mark} ${text}`)
  return `${[`           ${hours}`.trimEnd(), ...lines, ...legend].join('\n')}\n`
}

const meaning = (stretch: Stretch): string => `${boundsText(stretch)} (${stretch.source})`

function marksOf(stretches: readonly Stretch[]): ReadonlyMap<string, string> {
  const plain = stretches.filter(({ source }) => source === 'policy')
  const meanings = new Set([...plain, ...stretches].map(meaning))
  const marks = plain.length === 0 ? MARKS.slice(1) : MARKS
  return new Map([...meanings].map((text, index) => [text, marks[index] ?? LAST_MARK]))
}

function stretchIn({
  zone,
  stretches,
  shownMs,
}: {
  readonly zone: Zone
  readonly stretches: readonly Stretch[]
  readonly shownMs: number
}): Stretch | undefined {
  const startMs = instantOf(zone, shownMs)
  const endMs = instantOf(zone, shownMs + COLUMN_MS)
  if (startMs >= endMs) return undefined
  const inside = stretches.filter(({ from, until }) => Date.parse(from) < endMs && Date.parse(until) > startMs)
  return inside.find(({ source }) => source !== 'policy') ?? inside[0]
}
