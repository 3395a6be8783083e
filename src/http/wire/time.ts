/** Times on the wire: RFC 3339, UTC. */

/** The last moment a Date can hold; beyond it toISOString throws. */
const MAX_TIME_MS = 8.64e15

/** Ms since the epoch, as `2026-01-31T12:00:00.000Z`. */
export const rfc3339 = (timeMs: number): string =>
  new Date(Math.min(MAX_TIME_MS, Math.max(-MAX_TIME_MS, Math.trunc(timeMs)))).toISOString()
