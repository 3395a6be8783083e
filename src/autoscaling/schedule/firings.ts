/**
 * When a cron expression fires in a zone. A fixed time that the clock skips counts at the first instant after the gap; one
 * that comes twice counts once, the first; with a wildcard hour each counts as it comes. Pure.
 */
import { DAY_MS } from './calendar.ts'
import { type Cron, nextTime, previousTime } from './cron.ts'
import type { Stretch, Zone } from './zone.ts'

export interface FiringTimes {
  readonly cron: Cron
  readonly zone: Zone
}

/** 29 February on a given day of the week can be 40 years away. */
const LONGEST_GAP_MS = 42 * 366 * DAY_MS

/** No clock is as far from UTC: so far from a time of the calendar nothing fires by it. */
const AROUND_MS = 2 * DAY_MS

/** The first firing after `afterMs`. */
export function nextFiring({ cron, zone }: FiringTimes, afterMs: number): number | undefined {
  const lastMs = afterMs + LONGEST_GAP_MS
  let stretch = zone.stretchAt(afterMs)
  let fromMs = afterMs + 1
  while (stretch.startMs < lastMs) {
    const { startMs, endMs, offsetMs } = stretch
    if (startMs >= fromMs && skippedTime(cron, stretch) !== undefined) return startMs
    const shown = nextTime(cron, Math.max(fromMs + offsetMs, leastShown(cron, stretch)), endMs + offsetMs)
    if (shown !== undefined) return shown - offsetMs
    fromMs = endMs
    // What a zone's clock did in years in which nothing fires takes long to find out: first by the calendar alone.
    const around = nextTime(cron, fromMs - AROUND_MS, lastMs)
    if (around === undefined) return undefined
    stretch = zone.stretchAt(Math.max(fromMs, around - AROUND_MS))
  }
  return undefined
}

export interface Firing {
  readonly atMs: number
  /** What the clock shows then, or would have shown had it not been skipped: of two in one instant the later is the later. */
  readonly shownMs: number
}

/** The last firing at or before `atMs`. */
export function lastFiring({ cron, zone }: FiringTimes, atMs: number): Firing | undefined {
  const leastMs = atMs - LONGEST_GAP_MS
  let stretch = zone.stretchAt(atMs)
  let untilMs = atMs
  while (stretch.endMs > leastMs) {
    const { startMs, offsetMs } = stretch
    const shown = previousTime(cron, untilMs + offsetMs, leastShown(cron, stretch))
    if (shown !== undefined) return { atMs: shown - offsetMs, shownMs: shown }
    const skipped = skippedTime(cron, stretch)
    if (skipped !== undefined) return { atMs: startMs, shownMs: skipped }
    const around = previousTime(cron, startMs + AROUND_MS, leastMs)
    if (around === undefined) return undefined
    stretch = zone.stretchAt(Math.min(startMs - 1, around + AROUND_MS))
    untilMs = Math.min(startMs, stretch.endMs) - 1
  }
  return undefined
}

/** What the clock shows when a stretch's own times begin: what it showed before the clock went back has had its turn. */
function leastShown({ everyHour }: Cron, { startMs, offsetMs, offsetBeforeMs }: Stretch): number {
  return startMs + (everyHour ? offsetMs : Math.max(offsetMs, offsetBeforeMs))
}

/** The last fixed time that was skipped when the clock went forward at the start. */
function skippedTime(cron: Cron, { startMs, offsetMs, offsetBeforeMs }: Stretch): number | undefined {
  if (cron.everyHour || offsetMs <= offsetBeforeMs) return undefined
  return previousTime(cron, startMs + offsetMs - 1, startMs + offsetBeforeMs)
}
