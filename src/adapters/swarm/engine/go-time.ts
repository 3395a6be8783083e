/** A time as Go writes it (RFC 3339 with up to 9 decimals) as ns since the epoch in digits; empty if it is not that. */
export function nanoOf(time: string | undefined): string {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(time ?? '')
  const seconds = Date.parse(`${parts?.[1]}Z`) / 1000
  return Number.isNaN(seconds) ? '' : `${seconds}${(parts?.[2] ?? '').padEnd(9, '0')}`
}
