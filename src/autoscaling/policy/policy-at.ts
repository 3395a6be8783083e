/** A policy read at a time: which bounds hold now. Whatever asks for min or max asks here; nothing else knows schedules. Pure. */
import { type ScheduleWindow, type WindowState, windowAt } from '../schedule/window.ts'
import type { Policy } from './policy.ts'

/** Min and max, and whether a person wrote them: a written bound is kept unasked, a defaulted max limits growth only. */
export type Bounds = Pick<Policy, 'min' | 'max' | 'minWritten' | 'maxWritten'>

export interface BoundsInForce extends Bounds {
  /** What they come from: `policy`, or the fields of the schedules whose windows are open, such as `schedule.night`. */
  readonly source: string
  /** When they next change, ms since the epoch; absent: never by time alone. */
  readonly untilMs?: number
}

/** What was found of a policy last: it is asked for often, and holds for long. */
const found = new WeakMap<Policy, { readonly bounds: BoundsInForce; readonly fromMs: number }>()

/** The bounds of `policy` at `nowMs`. */
export function policyAt(policy: Policy, nowMs: number): BoundsInForce {
  const known = found.get(policy)
  if (known !== undefined && known.fromMs <= nowMs && nowMs < (known.bounds.untilMs ?? Number.POSITIVE_INFINITY)) {
    return known.bounds
  }
  const bounds = boundsAt(policy, nowMs)
  found.set(policy, { bounds, fromMs: nowMs })
  return bounds
}

const boundsAt = (policy: Policy, nowMs: number): BoundsInForce =>
  boundsIn(
    policy,
    policy.schedules.map((window) => stateAt(window, nowMs)),
  )

interface WindowNow extends WindowState {
  readonly window: ScheduleWindow
}
const stateAt = (window: ScheduleWindow, atMs: number): WindowNow => ({ window, ...windowAt(window, atMs) })

/** A window's bounds replace the plain ones. Of several open at once: the highest min, the lowest max; min wins. */
function boundsIn(plain: Policy, states: readonly WindowNow[]): BoundsInForce {
  const { min, max, minWritten, maxWritten } = plain
  const open = states.filter(({ isOpen }) => isOpen).map(({ window }) => window)
  const untilMs = states.flatMap((state) => state.untilMs ?? [])
  const until = untilMs.length === 0 ? {} : { untilMs: Math.min(...untilMs) }
  if (open.length === 0) return { min, max, minWritten, maxWritten, source: 'policy', ...until }
  const mins = open.flatMap((window) => window.min ?? [])
  const maxes = open.flatMap((window) => window.max ?? [])
  const least = mins.length > 0 ? Math.max(...mins) : min
  const most = maxes.length > 0 ? Math.min(...maxes) : max
  return {
    min: least,
    max: most === null ? null : Math.max(least, most),
    minWritten: minWritten || mins.length > 0,
    maxWritten: maxWritten || maxes.length > 0,
    source: open.map(({ name }) => `schedule.${name}`).join(', '),
    ...until,
  }
}

/** Whether a count is inside the bounds that a person wrote; 0 below min is maintenance and judged by decide(). */
export function inWrittenBounds(replicas: number, { min, max, maxWritten }: Bounds): boolean {
  return (replicas >= min || replicas === 0) && !(maxWritten && max !== null && replicas > max)
}

export interface BoundsStretch {
  /** Ms since the epoch; the instant itself belongs to it, the end does not. */
  readonly fromMs: number
  readonly untilMs: number
  readonly bounds: Pick<BoundsInForce, 'min' | 'max' | 'source'>
}

export interface BoundsAhead {
  /** One after another without gaps, each unlike the one before. */
  readonly stretches: readonly BoundsStretch[]
  /** Windows that open each minute make too many of them: the list ends before the time asked for. */
  readonly isCut: boolean
}

const MOST_STRETCHES = 500
/** Changes that change nothing are looked past, and not for ever: some 50 ms of work. */
const MOST_LOOKS = 5000

/** The bounds over a time. */
export function boundsAhead(policy: Policy, fromMs: number, untilMs: number): BoundsAhead {
  const stretches: BoundsStretch[] = []
  let states = policy.schedules.map((window) => stateAt(window, fromMs))
  let looks = 0
  for (let atMs = fromMs; atMs < untilMs; ) {
    const { min, max, source, untilMs: changesMs = untilMs } = boundsIn(policy, states)
    const last = stretches.at(-1)
    const isSame = last?.bounds.min === min && last.bounds.max === max && last.bounds.source === source
    if ((stretches.length === MOST_STRETCHES && !isSame) || looks > MOST_LOOKS) return { stretches, isCut: true }
    const endMs = Math.min(changesMs, untilMs)
    if (last !== undefined && isSame) stretches[stretches.length - 1] = { ...last, untilMs: endMs }
    else stretches.push({ fromMs: atMs, untilMs: endMs, bounds: { min, max, source } })
    atMs = endMs
    // The others are as they were.
    states = states.map((state) => {
      if (state.untilMs === undefined || state.untilMs > endMs) return state
      const next = stateAt(state.window, endMs)
      looks += next.looks
      return next
    })
  }
  return { stretches, isCut: false }
}
