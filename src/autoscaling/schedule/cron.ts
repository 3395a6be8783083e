/**
 * Cron expressions: 5 fields, or 6 with seconds first. What crontab(5) says, and `0/30`: from 0 on, every 30th. Pure.
 * Times here are of a wall clock without a zone: ms since 1970-01-01T00:00 as that clock shows it.
 */
import { DAY_MS, dayOf } from './calendar.ts'

export interface Cron {
  /** Each ascending and never empty. */
  readonly seconds: readonly number[]
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly daysOfMonth: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  /** 0 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number>
  /** crontab(5): with both kinds of day restricted, either will do. */
  readonly eitherDay: boolean
  /** The hour is a wildcard: such times count each time the clock shows them, others once a day. */
  readonly everyHour: boolean
}

export type CronReading = { readonly cron: Cron } | { readonly wrong: string }

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface FieldSpec {
  readonly title: string
  readonly least: number
  readonly most: number
  /** The first of them means `least`. */
  readonly names?: readonly string[]
}

const SECOND: FieldSpec = { title: 'second', least: 0, most: 59 }
const FIELDS: readonly FieldSpec[] = [
  { title: 'minute', least: 0, most: 59 },
  { title: 'hour', least: 0, most: 23 },
  { title: 'day of the month', least: 1, most: 31 },
  { title: 'month', least: 1, most: 12, names: MONTHS },
  // 7 is Sunday too.
  { title: 'day of the week', least: 0, most: 7, names: WEEKDAYS },
]

/** `wrong` says what is wrong and what would be right. */
export function parseCron(text: string): CronReading {
  const parts = text.trim().split(/\s+/)
  if (text.trim() === '' || (parts.length !== 5 && parts.length !== 6)) {
    const count = text.trim() === '' ? 0 : parts.length
    return { wrong: `it has ${count} fields; 5 are needed (\`0 8 * * 1-5\`), or 6 with seconds first` }
  }
  const specs = parts.length === 6 ? [SECOND, ...FIELDS] : FIELDS
  const values: (readonly number[])[] = parts.length === 6 ? [] : [[0]]
  for (const [index, spec] of specs.entries()) {
    const written = parts[index] ?? ''
    const found = parseField(written, spec)
    if (found === undefined) return { wrong: `its ${spec.title} \`${written}\` is not ${expected(spec)}` }
    values.push(found)
  }
  const [seconds = [], minutes = [], hours = [], daysOfMonth = [], months = [], weekdays = []] = values
  const [hour = '', dayOfMonth = '', , dayOfWeek = ''] = parts.slice(-4)
  const cron: Cron = {
    ...{ seconds, minutes, hours },
    daysOfMonth: new Set(daysOfMonth),
    months: new Set(months),
    daysOfWeek: new Set(weekdays.map((day) => day % 7)),
    eitherDay: !isStar(dayOfMonth) && !isStar(dayOfWeek),
    everyHour: hour.split(',').some((item) => item.startsWith('*') || /^0+\//.test(item)),
  }
  // Every date of a year falls on every day of the week, if not in this year.
  if (!cron.eitherDay && !daysOfMonth.some((day) => months.some((month) => day <= longestMonth(month)))) {
    return { wrong: 'it never fires: no month that it names has such a day' }
  }
  return { cron }
}

const longestMonth = (month: number): number => (month === 2 ? 29 : [4, 6, 9, 11].includes(month) ? 30 : 31)

/** The first time at or after `fromMs` and before `endMs`. */
export function nextTime(cron: Cron, fromMs: number, endMs: number): number | undefined {
  for (let dayMs = startOfDay(fromMs); dayMs < endMs; dayMs += DAY_MS) {
    if (!isDay(cron, dayMs)) continue
    const timeMs = firstOfDay(cron, Math.max(0, fromMs - dayMs))
    if (timeMs !== undefined) return dayMs + timeMs < endMs ? dayMs + timeMs : undefined
  }
  return undefined
}

/** The last time at or before `atMs` and not before `leastMs`. */
export function previousTime(cron: Cron, atMs: number, leastMs: number): number | undefined {
  for (let dayMs = startOfDay(atMs); dayMs > leastMs - DAY_MS; dayMs -= DAY_MS) {
    if (!isDay(cron, dayMs)) continue
    const timeMs = lastOfDay(cron, Math.min(DAY_MS - 1, atMs - dayMs))
    if (timeMs !== undefined) return dayMs + timeMs >= leastMs ? dayMs + timeMs : undefined
  }
  return undefined
}

function isStar(field: string): boolean {
  return field.includes('*') || field === '?'
}

function parseField(written: string, spec: FieldSpec): readonly number[] | undefined {
  const values = new Set<number>()
  for (const item of written.split(',')) {
    const found = parseItem(item.toLowerCase(), spec)
    if (found === undefined) return undefined
    for (const value of found) values.add(value)
  }
  return [...values].sort((one, other) => one - other)
}

/** `*`, `5`, `mon`, `1-5`, `22-6`, each with `/n`; `5/n` goes on to the end. */
function parseItem(item: string, spec: FieldSpec): readonly number[] | undefined {
  const match = /^(\*|\?|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/([0-9]{1,4}))?$/.exec(item)
  if (match === null) return undefined
  const [, start = '', end, step] = match
  const isAll = start === '*' || (start === '?' && spec.title.startsWith('day'))
  if (isAll && end !== undefined) return undefined
  const most = spec.title === 'day of the week' ? 6 : spec.most
  const from = isAll ? spec.least : parseValue(start, spec)
  const to = isAll || (end === undefined && step !== undefined) ? most : parseValue(end ?? start, spec)
  const every = step === undefined ? 1 : Number(step)
  if (from === undefined || to === undefined || every === 0) return undefined
  // A range that ends before it begins goes over the end: `fri-mon`, `22-6`.
  const length = to >= from ? to - from : to - from + (most - spec.least + 1)
  const values: number[] = []
  for (let offset = 0; offset <= length; offset += every) {
    const value = from + offset
    values.push(value <= Math.max(most, to) ? value : value - (most - spec.least + 1))
  }
  return values
}

function parseValue(text: string, { least, most, names = [] }: FieldSpec): number | undefined {
  const named = names.findIndex((name) => text === name || (text.length > 3 && FULL_NAMES.get(name) === text))
  if (named >= 0) return named + least
  if (!/^[0-9]{1,4}$/.test(text)) return undefined
  const value = Number(text)
  return value >= least && value <= most ? value : undefined
}

const FULL_NAMES: ReadonlyMap<string, string> = new Map(
  [
    ...['january', 'february', 'march', 'april', 'june', 'july', 'august', 'september', 'october', 'november'],
    ...['december', 'sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'],
  ].map((name) => [name.slice(0, 3), name]),
)

function expected({ least, most, names }: FieldSpec): string {
  const named = names === undefined ? '' : `, \`${names[0]}\` to \`${names.at(-1)}\``
  return `${least} to ${most}${named}, a range \`a-b\`, a list \`a,b\`, \`*\`, or one of these with a step \`/n\``
}

const startOfDay = (ms: number): number => Math.floor(ms / DAY_MS) * DAY_MS

function isDay(cron: Cron, dayMs: number): boolean {
  const { month, dayOfMonth, dayOfWeek } = dayOf(dayMs / DAY_MS)
  if (!cron.months.has(month)) return false
  const ofMonth = cron.daysOfMonth.has(dayOfMonth)
  const ofWeek = cron.daysOfWeek.has(dayOfWeek)
  return cron.eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek
}

/** Ms of the day, at or after `fromMs`. */
function firstOfDay({ hours, minutes, seconds }: Cron, fromMs: number): number | undefined {
  const [hour, minute, second] = clockOf(Math.ceil(fromMs / 1000))
  for (const h of hours) {
    if (h < hour) continue
    for (const m of minutes) {
      if (h === hour && m < minute) continue
      const isNow = h === hour && m === minute
      const s = isNow ? seconds.find((value) => value >= second) : seconds[0]
      if (s !== undefined) return ((h * 60 + m) * 60 + s) * 1000
    }
  }
  return undefined
}

/** Ms of the day, at or before `atMs`. */
function lastOfDay({ hours, minutes, seconds }: Cron, atMs: number): number | undefined {
  const [hour, minute, second] = clockOf(Math.floor(atMs / 1000))
  for (const h of hours.toReversed()) {
    if (h > hour) continue
    for (const m of minutes.toReversed()) {
      if (h === hour && m > minute) continue
      const isNow = h === hour && m === minute
      const s = isNow ? seconds.findLast((value) => value <= second) : seconds.at(-1)
      if (s !== undefined) return ((h * 60 + m) * 60 + s) * 1000
    }
  }
  return undefined
}

const clockOf = (second: number): readonly [number, number, number] => [
  Math.floor(second / 3600),
  Math.floor(second / 60) % 60,
  second % 60,
]
