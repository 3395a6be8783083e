import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCron } from '../../../../src/autoscaling/schedule/cron.ts'
import { type ScheduleWindow, windowAt } from '../../../../src/autoscaling/schedule/window.ts'
import { timing } from './timing.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const window = (from: string, end: string | { forMs: number }, zone = 'UTC'): ScheduleWindow => ({
  name: 'w',
  from: timing(from, zone),
  end: typeof end === 'string' ? timing(end, zone) : end,
  min: 2,
})

/** When the window opens and closes from one instant to another. */
function edges(of: ScheduleWindow, from: string, to: string): string[] {
  const found: string[] = []
  let atMs = Date.parse(from)
  for (;;) {
    const { isOpen, untilMs } = windowAt(of, atMs)
    if (untilMs === undefined || untilMs > Date.parse(to)) return found
    expect(windowAt(of, untilMs - 1).isOpen).toBe(isOpen)
    expect(windowAt(of, untilMs).isOpen).toBe(!isOpen)
    found.push(`${isOpen ? 'closes' : 'opens'} ${new Date(untilMs).toISOString().slice(5, 16)}`)
    atMs = untilMs
  }
}

describe('a window', () => {
  it('is open from its first instant, and not in the one that closes it', () => {
    const office = window('0 8 * * *', '0 18 * * *')
    const at = (time: string) => windowAt(office, Date.parse(`2026-06-01T${time}Z`)).isOpen
    expect([at('07:59:59.999'), at('08:00'), at('17:59:59.999'), at('18:00')]).toEqual([false, true, true, false])
  })

  it('is right whenever one looks: a controller that was away at 08:00 is right at 08:05', () => {
    const office = window('0 8 * * 1-5', '0 18 * * 1-5', 'Europe/Oslo')
    const state = windowAt(office, Date.parse('2026-06-01T06:05Z'))
    expect(state).toMatchObject({ isOpen: true, untilMs: Date.parse('2026-06-01T16:00Z') })
    // Over the weekend it stays closed.
    expect(windowAt(office, Date.parse('2026-06-06T10:00Z'))).toMatchObject({
      isOpen: false,
      untilMs: Date.parse('2026-06-08T06:00Z'),
    })
  })

  it.each([
    {
      name: 'overnight',
      window: window('0 22 * * *', '0 6 * * *'),
      edges: ['closes 06-01T06:00', 'opens 06-01T22:00', 'closes 06-02T06:00', 'opens 06-02T22:00'],
    },
    {
      name: 'over a weekend, by its length',
      window: window('0 18 * * fri', { forMs: 60 * HOUR_MS }),
      edges: ['closes 06-01T06:00'],
    },
    {
      name: 'without a break while one ends where the next begins',
      window: window('0 8,12 * * *', '0 12,16 * * *'),
      edges: ['opens 06-01T08:00', 'closes 06-01T16:00', 'opens 06-02T08:00', 'closes 06-02T16:00'],
    },
    {
      name: 'without a break by length',
      window: window('0 8,12 * * *', { forMs: 4 * HOUR_MS }),
      edges: ['opens 06-01T08:00', 'closes 06-01T16:00', 'opens 06-02T08:00', 'closes 06-02T16:00'],
    },
  ])('goes $name', ({ window: of, edges: expected }) => {
    expect(edges(of, '2026-06-01T00:00Z', '2026-06-02T23:00Z')).toEqual(expected)
  })

  it.each([
    {
      name: 'Oslo, the night that is short: what opens in the gap opens at its end',
      window: window('30 2 * * *', '0 5 * * *', 'Europe/Oslo'),
      ...{ from: '2026-03-28T12:00Z', to: '2026-03-29T12:00Z' },
      edges: ['opens 03-29T01:00', 'closes 03-29T03:00'],
    },
    {
      name: 'Oslo, the night that is long: open once, from the first 02:30',
      window: window('30 2 * * *', '0 5 * * *', 'Europe/Oslo'),
      ...{ from: '2026-10-24T12:00Z', to: '2026-10-25T12:00Z' },
      edges: ['opens 10-25T00:30', 'closes 10-25T04:00'],
    },
    {
      name: 'Oslo, the night that is long: a length is a length',
      window: window('30 2 * * *', { forMs: 2 * HOUR_MS }, 'Europe/Oslo'),
      ...{ from: '2026-10-24T12:00Z', to: '2026-10-25T12:00Z' },
      edges: ['opens 10-25T00:30', 'closes 10-25T02:30'],
    },
    {
      name: 'New York, the night that is short: from and to in the gap leave nothing',
      window: window('10 2 * * *', '40 2 * * *', 'America/New_York'),
      ...{ from: '2026-03-07T12:00Z', to: '2026-03-09T12:00Z' },
      edges: ['opens 03-09T06:10', 'closes 03-09T06:40'],
    },
    {
      name: 'Lord Howe, the night that is long',
      window: window('0 1 * * *', '45 1 * * *', 'Australia/Lord_Howe'),
      ...{ from: '2026-04-04T08:00Z', to: '2026-04-05T08:00Z' },
      edges: ['opens 04-04T14:00', 'closes 04-04T14:45'],
    },
  ])('$name', ({ window: of, from, to, edges: expected }) => {
    expect(edges(of, from, to)).toEqual(expected)
  })
})

describe('a year', () => {
  const zones = ['Europe/Oslo', 'America/New_York', 'Australia/Lord_Howe']
  const year = { fromMs: Date.UTC(2026, 0), toMs: Date.UTC(2027, 0) }

  it('of schedules in a fake clock takes under a second, and every edge is where the clock says', () => {
    const startedMs = performance.now()
    let changes = 0
    for (const zone of zones) {
      for (const of of [
        window('0 8 * * 1-5', '0 18 * * 1-5', zone),
        window('30 1 * * *', { forMs: 90 * MINUTE_MS }, zone),
      ]) {
        for (let atMs = year.fromMs; atMs < year.toMs; changes += 1) atMs = windowAt(of, atMs).untilMs ?? year.toMs
      }
    }
    expect(changes).toBeGreaterThan(3 * (2 * 260 + 2 * 364))
    expect(performance.now() - startedMs).toBeLessThan(1000)
  })

  /** A clock that is walked minute by minute, and knows nothing but what Intl shows. */
  it.each(zones)('in %s, minute by minute, agrees with a clock that is walked', (zone) => {
    const [opens, closes] = [
      { hour: 1, minute: 45 },
      { hour: 3, minute: 15 },
    ]
    const of = window('45 1 * * *', '15 3 * * *', zone)
    const clock = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hour: 'numeric',
      minute: 'numeric',
      day: 'numeric',
      hourCycle: 'h23',
    })
    let isOpen = false
    let last = { day: '', minutes: 0 }
    const done = new Set<string>()
    // Each half hour of the year, and each minute of the days around the changes.
    for (let atMs = year.fromMs; atMs < year.toMs; atMs += MINUTE_MS) {
      if (!nearChange(zone, atMs) && atMs % (15 * MINUTE_MS) !== 0) continue
      const parts = clock.formatToParts(atMs)
      const day = parts.find(({ type }) => type === 'day')?.value ?? ''
      const minutes =
        Number(parts.find(({ type }) => type === 'hour')?.value) * 60 +
        Number(parts.find(({ type }) => type === 'minute')?.value)
      if (day !== last.day) done.clear()
      for (const [what, { hour, minute }] of Object.entries({ opens, closes })) {
        if (minutes < hour * 60 + minute || done.has(what)) continue
        done.add(what)
        isOpen = what === 'opens'
      }
      last = { day, minutes }
      expect(windowAt(of, atMs).isOpen, new Date(atMs).toISOString()).toBe(isOpen)
    }
  })

  function nearChange(zone: string, atMs: number): boolean {
    const nights: Record<string, readonly string[]> = {
      'Europe/Oslo': ['2026-03-29', '2026-10-25'],
      'America/New_York': ['2026-03-08', '2026-11-01'],
      'Australia/Lord_Howe': ['2026-04-05', '2026-10-04'],
    }
    return (nights[zone] ?? []).some((night) => Math.abs(Date.parse(night) - atMs) < 24 * HOUR_MS)
  }
})

describe('whatever the expressions', () => {
  const field = (least: number, most: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min: least, max: most }).map(String),
      fc.integer({ min: 2, max: 20 }).map((step) => `*/${step}`),
    )
  const cron = fc
    .tuple(field(0, 59), field(0, 23), fc.constant('*'), fc.constant('*'), field(0, 6))
    .map((fields) => fields.join(' '))
    .filter((text) => 'cron' in parseCron(text))

  it('the state holds until it says that it changes', () => {
    const at = fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) })
    const zone = fc.constantFrom('UTC', 'Europe/Oslo', 'America/New_York', 'Australia/Lord_Howe')
    fc.assert(
      fc.property(cron, cron, zone, at, fc.double({ min: 0, max: 1, noNaN: true }), (from, to, tz, atMs, part) => {
        const of = window(from, to, tz)
        const { isOpen, untilMs } = windowAt(of, atMs)
        const end = Math.min(untilMs ?? Number.POSITIVE_INFINITY, atMs + 400 * 24 * HOUR_MS)
        const between = Math.floor(atMs + (end - 1 - atMs) * part)
        expect(windowAt(of, between).isOpen).toBe(isOpen)
      }),
      { numRuns: 2000 },
    )
  })
})
