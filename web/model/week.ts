/** The week of bounds as seven strips: a day each, what holds when. Pure. */
import type { Week } from '../api-types.ts'

export interface Part {
  /** Per cent of the day. */
  readonly left: number
  readonly width: number
  readonly text: string
  readonly source: string
  /** The policy's own bounds, outside of any window. */
  readonly isUsual: boolean
}

export interface Day {
  readonly fromMs: number
  readonly parts: readonly Part[]
  /** Per cent of this day; absent: now is on another one. */
  readonly now?: number
}

const DAY_MS = 86_400_000

/** As far as the stretches go, at most seven days. A day on which the clocks change is drawn as long as the others. */
export function days({ from, until, now, stretches }: Week): Day[] {
  const [startMs, endMs, nowMs] = [from, until, now].map(Date.parse) as [number, number, number]
  const count = Math.min(7, Math.max(1, Math.round((endMs - startMs) / DAY_MS)))
  const lengthMs = Math.abs((endMs - startMs) / count - DAY_MS) < DAY_MS / 24 ? (endMs - startMs) / count : DAY_MS
  return Array.from({ length: count }, (_, index) => {
    const fromMs = startMs + index * lengthMs
    const share = (ms: number) => (100 * (Math.min(Math.max(ms, fromMs), fromMs + lengthMs) - fromMs)) / lengthMs
    const parts = stretches.flatMap(({ from: begins, until: ends, min, max, source }) => {
      const [left, right] = [share(Date.parse(begins)), share(Date.parse(ends))]
      return right <= left
        ? []
        : [{ left, width: right - left, text: boundsText(min, max), source, isUsual: source === 'policy' }]
    })
    const isToday = nowMs >= fromMs && nowMs < fromMs + lengthMs
    return { fromMs, parts, ...(isToday && { now: share(nowMs) }) }
  })
}

export const boundsText = (min: number, max: number | null): string => (max === null ? `${min}+` : `${min}–${max}`)
