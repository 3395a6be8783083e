/** The windows of a policy's schedules, from the fields `schedule.<n>.…`. Pure. */
import { parseDuration } from '../../foundation/duration.ts'
import { parseWholeNumber } from '../../foundation/whole-number.ts'
import { DAY_MS } from '../schedule/calendar.ts'
import { parseCron } from '../schedule/cron.ts'
import { type FiringTimes, nextFiring } from '../schedule/firings.ts'
import { isOpenAt, type ScheduleWindow } from '../schedule/window.ts'
import { findZone } from '../schedule/zone.ts'
import { type FieldLayer, issueOf, namesOf, type Picked, pick } from './field-layer.ts'
import { errorIssue } from './issue.ts'
import type { PolicyIssue } from './policy.ts'
import type { Bounds } from './policy-at.ts'
import { LABEL_PREFIX } from './policy-fields.ts'

export interface SchedulesReading {
  readonly windows: readonly ScheduleWindow[]
  readonly issues: readonly PolicyIssue[]
}

/** Any day will do: what is looked at is the same every year, or every 28. */
const SAMPLE_FROM_MS = 946_857_600_000
const SAMPLE_UNTIL_MS = SAMPLE_FROM_MS + 84 * 366 * DAY_MS
const SAMPLES = 100

/** `bounds`: the plain ones. A malformed field has its issue from its layer; here only what fields say together is judged. */
export function readSchedules(layers: readonly FieldLayer[], bounds: Bounds): SchedulesReading {
  const windows: ScheduleWindow[] = []
  const issues: PolicyIssue[] = []
  for (const name of namesOf('schedule', layers)) {
    const read = readWindow(name, layers, bounds)
    if ('issue' in read) issues.push(...(read.issue === undefined ? [] : [read.issue]))
    else windows.push(read)
  }
  return { windows, issues }
}

function readWindow(
  name: string,
  layers: readonly FieldLayer[],
  bounds: Bounds,
): ScheduleWindow | { readonly issue: PolicyIssue | undefined } {
  const of = (field: string) => pick(layers, `schedule.${name}.${field}`)
  const [from, to, length, tz, min, max] = [of('from'), of('to'), of('for'), of('tz'), of('min'), of('max')]
  const wrong = (message: string, at?: Picked) => ({
    issue: at ? issueOf(at, message) : errorIssue({ field: `${LABEL_PREFIX}schedule.${name}.from`, message }),
  })

  const zone = findZone(tz?.value ?? 'UTC')
  const opens = from === undefined ? undefined : parseCron(from.value)
  const closes = to === undefined ? undefined : parseCron(to.value)
  const forMs = length === undefined ? undefined : parseDuration(length.value)
  const least = min === undefined ? undefined : parseWholeNumber(min.value)
  const most = max === undefined ? undefined : parseWholeNumber(max.value)
  const isRead = (opens === undefined || 'cron' in opens) && (closes === undefined || 'cron' in closes)
  const areNumbers = (min === undefined || least !== undefined) && (max === undefined || most !== undefined)
  if (zone === undefined || !isRead || !areNumbers || (length !== undefined && forMs === undefined))
    return { issue: undefined }

  if (from === undefined || opens === undefined) return wrong('a window needs `from`: a cron expression that opens it')
  if (to === undefined && length === undefined)
    return wrong('`from` needs `to`, a cron expression, or `for`, a duration')
  if (to !== undefined && length !== undefined)
    return wrong('`to` and `for` both end the window: write one of them', to)
  if (min === undefined && max === undefined)
    return wrong('the window changes nothing: write `min`, `max` or both', from)

  const end = closes === undefined ? { forMs: forMs ?? 0 } : { cron: closes.cron, zone }
  const window: ScheduleWindow = {
    name,
    from: { cron: opens.cron, zone },
    end,
    ...(least !== undefined && { min: least }),
    ...(most !== undefined && { max: most }),
  }
  const endless = wrongLength(window)
  if (endless !== undefined) return wrong(endless, to ?? length)
  const crossed = wrongBounds({ least, most, bounds })
  return crossed === undefined ? window : wrong(crossed, min ?? max)
}

function wrongLength({ from, end }: ScheduleWindow): string | undefined {
  // The clock's changes do not make a window too long: judged by a clock that has none.
  const opens = plain(from)
  if (!('forMs' in end))
    return neverCloses(opens, plain(end)) ? 'the window never closes: whenever `to` fires, `from` fires too' : undefined
  if (end.forMs === 0) return 'the window is never open: `for` must be above 0'
  const shortestMs = shortestPeriodMs(opens)
  if (end.forMs <= shortestMs) return undefined
  return `the window is longer than its period: \`from\` fires again after ${shortestMs / 1000} s, and \`for\` is ${end.forMs / 1000} s`
}

function plain({ cron }: FiringTimes): FiringTimes {
  const zone = findZone('UTC')
  if (zone === undefined) throw new Error('there is always UTC')
  return { cron, zone }
}

function shortestPeriodMs(opens: FiringTimes): number {
  let shortestMs = Number.POSITIVE_INFINITY
  let atMs = nextFiring(opens, SAMPLE_FROM_MS)
  for (let sample = 0; sample < SAMPLES && atMs !== undefined && atMs < SAMPLE_UNTIL_MS; sample += 1) {
    const next = nextFiring(opens, atMs)
    if (next !== undefined) shortestMs = Math.min(shortestMs, next - atMs)
    atMs = next
  }
  return shortestMs
}

function neverCloses(from: FiringTimes, end: FiringTimes): boolean {
  const window: ScheduleWindow = { name: '', from, end }
  let atMs = nextFiring(from, SAMPLE_FROM_MS) ?? SAMPLE_FROM_MS
  for (let sample = 0; sample < SAMPLES && atMs < SAMPLE_UNTIL_MS; sample += 1) {
    const closesMs = nextFiring(end, atMs)
    if (closesMs === undefined) return true
    if (!isOpenAt(window, closesMs)) return false
    atMs = closesMs
  }
  return true
}

interface Numbers {
  readonly least: number | undefined
  readonly most: number | undefined
  readonly bounds: Bounds
}

/** A bound that the window does not replace holds in it too. */
function wrongBounds({ least, most, bounds }: Numbers): string | undefined {
  const plainMax = bounds.maxWritten ? bounds.max : null
  const min = least ?? bounds.min
  const max = most ?? plainMax
  if (max === null || min <= max) return undefined
  if (least !== undefined && most !== undefined)
    return `min ${least} is above max ${most} inside the window; min <= max is needed`
  if (least !== undefined)
    return `min ${least} is above max ${max}, which holds inside the window too; write \`max\` beside it`
  return `max ${max} is below min ${min}, which holds inside the window too; write \`min\` beside it`
}
