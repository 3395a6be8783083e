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

/** What parseCron takes for "never" is longer than this by a year. */
const LONGEST_GAP_MS = 42 * 366 * DAY_MS

/** The first firing after `afterMs`. */
export function nextFiring(timing: FiringTimes, afterMs: number): number | undefined {
  const { cron, zone } = timing
  let stretch = zone.stretchAt(afterMs)
  let fromMs = afterMs + 1
  while (stretch.startMs < afterMs + LONGEST_GAP_MS) {
    const { startMs, endMs, offsetMs } = stretch
    if (startMs >= fromMs && skippedTime(cron, stretch) !== undefined) return startMs
    const shown = nextTime(cron, Math.max(fromMs + offsetMs, leastShown(cron, stretch)), endMs + offsetMs)
    if (shown !== undefined) return shown - offsetMs
    fromMs = endMs
    stretch = zone.stretchAt(endMs)
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
  let stretch = zone.stretchAt(atMs)
  let untilMs = atMs
  while (stretch.endMs > atMs - LONGEST_GAP_MS) {
    const { startMs, offsetMs } = stretch
    const shown = previousTime(cron, untilMs + offsetMs, leastShown(cron, stretch))
    if (shown !== undefined) return { atMs: shown - offsetMs, shownMs: shown }
    const skipped = skippedTime(cron, stretch)
    if (skipped !== undefined) return { atMs: startMs, shownMs: skipped }
    untilMs = startMs - 1
    stretch = zone.stretchAt(untilMs)
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
