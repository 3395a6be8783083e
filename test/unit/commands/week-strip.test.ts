import { describe, expect, it } from 'vitest'
import { boundsAhead } from '../../../src/autoscaling/policy/policy-at.ts'
import { readPolicy } from '../../../src/autoscaling/policy/read-policy.ts'
import { findZone, instantOf } from '../../../src/autoscaling/schedule/zone.ts'
import { clockText, weekStrip } from '../../../src/commands/autoscaler/week-strip.ts'
import type { WireWeek } from '../../../src/http/wire/week.ts'

/** `monday`: as the zone's clock shows it. */
function week(fields: Readonly<Record<string, string>>, monday: string, tz = 'UTC'): WireWeek {
  const labels = { 'autoscaler.enable': 'true', 'autoscaler.min': '2', 'autoscaler.max': '10', ...fields }
  const { policy, issues } = readPolicy({ serviceName: 'web', labels })
  const zone = findZone(tz)
  if (policy === undefined || zone === undefined) throw new Error(JSON.stringify(issues))
  const midnightMs = Date.parse(`${monday}T00:00Z`)
  const [fromMs, untilMs] = [instantOf(zone, midnightMs), instantOf(zone, midnightMs + 7 * 86_400_000)]
  const { stretches, isCut } = boundsAhead(policy, fromMs, untilMs)
  const time = (ms: number) => new Date(ms).toISOString()
  return {
    ...{ autoscaler: 'web', service: 'web', tz, cut: isCut, windows: [] },
    ...{ now: time(fromMs), from: time(fromMs), until: time(untilMs) },
    stretches: stretches.map(({ fromMs: from, untilMs: until, bounds: { min, max, source } }) => ({
      ...{ from: time(from), until: time(until), min, max, source },
    })),
  }
}

const office = {
  'autoscaler.schedule.office.from': '0 8 * * mon-fri',
  'autoscaler.schedule.office.to': '0 18 * * mon-fri',
  'autoscaler.schedule.office.tz': 'Europe/Oslo',
  'autoscaler.schedule.office.min': '6',
}

describe('the strip of a week', () => {
  it('has a row a day and a column half an hour, with what the marks mean below', () => {
    const lines = weekStrip(week(office, '2026-06-01', 'Europe/Oslo')).split('\n')
    expect(lines[0]).toBe('           0     3     6     9     12    15    18    21')
    expect(lines[1]).toBe(`Mon  1 Jun ${'.'.repeat(16)}${'#'.repeat(20)}${'.'.repeat(12)}`)
    expect(lines[6]).toBe(`Sat  6 Jun ${'.'.repeat(48)}`)
    expect(lines.slice(8)).toEqual(['. 2 to 10 (policy)', '# 6 to 10 (schedule.office)', ''])
  })

  it('leaves out what the clock skips, and keeps to the clock of the zone on both nights', () => {
    const spring = weekStrip(week(office, '2026-03-23', 'Europe/Oslo')).split('\n')
    expect(spring[7]).toBe(`Sun 29 Mar ${'.'.repeat(4)}  ${'.'.repeat(42)}`)
    const autumn = weekStrip(week(office, '2026-10-26', 'Europe/Oslo')).split('\n')
    expect(autumn[1]).toBe(`Mon 26 Oct ${'.'.repeat(16)}${'#'.repeat(20)}${'.'.repeat(12)}`)
  })

  it('shows a window that is shorter than a column', () => {
    const minute = {
      'autoscaler.schedule.m.from': '10 12 * * *',
      'autoscaler.schedule.m.for': '1m',
      'autoscaler.schedule.m.max': '3',
    }
    expect(weekStrip(week(minute, '2026-06-01')).split('\n')[1]).toBe(`Mon  1 Jun ${'.'.repeat(24)}#${'.'.repeat(23)}`)
  })
})

it('a time is written as the clock of the zone shows it', () => {
  expect(clockText('2026-06-01T06:00:00.000Z', 'Europe/Oslo')).toBe('Mon  1 Jun 08:00')
  expect(clockText('2026-06-01T06:00:30.000Z', 'UTC')).toBe('Mon  1 Jun 06:00:30')
})
