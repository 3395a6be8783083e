/** Windows of a schedule: whether one is open at an instant, and when that changes next. Pure. */
import { type FiringTimes, lastFiring, nextFiring } from './firings.ts'

export interface ScheduleWindow {
  /** As the operator named it: `night` of `autoscaler.schedule.night.from`. */
  readonly name: string
  /** Opens it; the instant itself belongs to the window. */
  readonly from: FiringTimes
  /** What closes it: times that do not belong to it any more, or how long it lasts. */
  readonly end: FiringTimes | { readonly forMs: number }
  /** At least one of the two. */
  readonly min?: number
  readonly max?: number
}

export interface WindowState {
  readonly isOpen: boolean
  /** Until when it holds at least, ms since the epoch; absent: for ever. */
  readonly untilMs?: number
  /** How many times were looked at for it: what it cost. */
  readonly looks: number
}

/** One that opens in the instant in which it closes goes on; so many times are looked past at once. */
const MOST_SEAMS = 400

export function windowAt(window: ScheduleWindow, atMs: number): WindowState {
  const isOpen = isOpenAt(window, atMs)
  let untilMs = atMs
  let looks = 1
  for (; looks <= MOST_SEAMS; looks += 1) {
    const nextMs = isOpen ? nextEnd(window, untilMs) : nextFiring(window.from, untilMs)
    if (nextMs === undefined) return { isOpen, looks }
    untilMs = nextMs
    if (isOpenAt(window, nextMs) !== isOpen) break
  }
  return { isOpen, untilMs, looks }
}

export function isOpenAt({ from, end }: ScheduleWindow, atMs: number): boolean {
  const opened = lastFiring(from, atMs)
  if (opened === undefined) return false
  if ('forMs' in end) return atMs < opened.atMs + end.forMs
  const closed = lastFiring(end, atMs)
  if (closed === undefined || closed.atMs < opened.atMs) return true
  // Where the clock was put forward both may count in one instant: the later by the clock is the later.
  return closed.atMs === opened.atMs && closed.shownMs <= opened.shownMs
}

function nextEnd({ from, end }: ScheduleWindow, atMs: number): number | undefined {
  if (!('forMs' in end)) return nextFiring(end, atMs)
  const opened = lastFiring(from, atMs)
  // Two windows can overlap where the clock was put forward.
  return opened === undefined ? undefined : Math.max(opened.atMs + end.forMs, atMs + 1)
}
