/** Times as people read them. Pure: `nowMs` is an argument. */

const MINUTE_S = 60
const HOUR_S = 3600
const DAY_S = 86_400

/** `8 s`, `4 min`, `3 h`, `2 d`: one unit, rounded down. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < MINUTE_S) return `${seconds} s`
  if (seconds < HOUR_S) return `${Math.floor(seconds / MINUTE_S)} min`
  if (seconds < DAY_S) return `${Math.floor(seconds / HOUR_S)} h`
  return `${Math.floor(seconds / DAY_S)} d`
}

/** `12 s ago`; `now` within a second, and for times that are ahead of this machine's clock. */
export function ago(at: string | undefined, nowMs: number): string {
  if (at === undefined) return 'never'
  const ms = nowMs - Date.parse(at)
  return ms < 1000 ? 'now' : `${span(ms)} ago`
}

/** `in 24 s`, rounded up, so that it never says 0 before the time has come; empty when it has. */
export function until(at: string | undefined, nowMs: number): string {
  if (at === undefined) return ''
  const ms = Date.parse(at) - nowMs
  return ms <= 0 ? '' : `in ${span(Math.ceil(ms / 1000) * 1000)}`
}

/** `14:03:07`, in the browser's zone. */
export const clock = (at: string | number): string =>
  new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** `26 Nov, 14:03:07`. */
export const dateAndClock = (at: string | number): string =>
  `${new Date(at).toLocaleDateString(undefined, { day: 'numeric', month: 'short' })}, ${clock(at)}`

/** `210 MB`, `1.4 GB`. */
export function bytes(value: number | undefined): string {
  if (value === undefined) return ''
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} GB`
  return `${Math.round(value / 1e6)} MB`
}
