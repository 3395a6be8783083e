/** Times on the wire: RFC 3339, UTC. */

/** The last moment a Date can hold; beyond it toISOString throws. */
const MAX_TIME_MS = 8.64e15

/** The text of the time asked for last: the conditions of a long list mostly began at the same moments. */
const last = { timeMs: Number.NaN, text: '' }

/** Ms since the epoch, as `2026-01-31T12:00:00.000Z`. */
export function rfc3339(timeMs: number): string {
  if (timeMs === last.timeMs) return last.text
  last.text = new Date(Math.min(MAX_TIME_MS, Math.max(-MAX_TIME_MS, Math.trunc(timeMs)))).toISOString()
  last.timeMs = timeMs
  return last.text
}
