/** Timings as tests write them, and instants as a zone's clock shows them. */
import { parseCron } from '../../../../src/autoscaling/schedule/cron.ts'
import type { FiringTimes } from '../../../../src/autoscaling/schedule/firings.ts'
import { findZone } from '../../../../src/autoscaling/schedule/zone.ts'

export function timing(cron: string, zone = 'UTC'): FiringTimes {
  const reading = parseCron(cron)
  const found = findZone(zone)
  if ('wrong' in reading || found === undefined) throw new Error(`${cron} in ${zone}`)
  return { cron: reading.cron, zone: found }
}

/** `29 03:00 GMT+2`: the day of the month, the time, the zone's name then. */
export function wallClock(atMs: number, timeZone: string): string {
  const fields = {
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  } as const
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, ...fields }).formatToParts(atMs)
  const of = (type: string) => parts.find((part) => part.type === type)?.value
  return `${of('day')} ${of('hour')}:${of('minute')} ${of('timeZoneName')}`
}
