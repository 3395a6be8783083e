import { describe, expect, it } from 'vitest'
import { parseCron } from '../../../../src/autoscaling/schedule/cron.ts'
import { lastFiring, nextFiring } from '../../../../src/autoscaling/schedule/firings.ts'
import { timing, wallClock } from './timing.ts'

/** The first `count` firings after an instant, as the zone's clock shows them with their offset. */
function firingsOf(cron: string, zone: string, from: string, count: number): string[] {
  const found: string[] = []
  let atMs = Date.parse(from)
  while (found.length < count) {
    const next = nextFiring(timing(cron, zone), atMs)
    if (next === undefined) break
    expect(lastFiring(timing(cron, zone), next)?.atMs, 'the last firing at a firing is that one').toBe(next)
    expect(lastFiring(timing(cron, zone), next - 1)?.atMs ?? 0).toBeLessThan(next)
    found.push(wallClock(next, zone))
    atMs = next
  }
  return found
}

describe('the nights in which clocks change', () => {
  it.each([
    {
      name: 'Oslo goes forward: a fixed time that is skipped counts at the first instant after the gap',
      ...{ cron: '30 2 * * *', zone: 'Europe/Oslo', from: '2026-03-27T12:00Z' },
      fires: ['28 02:30 GMT+1', '29 03:00 GMT+2', '30 02:30 GMT+2'],
    },
    {
      name: 'Oslo goes forward: several fixed times in the gap count once',
      ...{ cron: '0,15,30 2 * * *', zone: 'Europe/Oslo', from: '2026-03-28T12:00Z' },
      fires: ['29 03:00 GMT+2', '30 02:00 GMT+2'],
    },
    {
      name: 'Oslo goes forward: a time right after the gap and one in it are one',
      ...{ cron: '0 2,3 * * *', zone: 'Europe/Oslo', from: '2026-03-28T12:00Z' },
      fires: ['29 03:00 GMT+2', '30 02:00 GMT+2', '30 03:00 GMT+2'],
    },
    {
      name: 'Oslo goes forward: with a wildcard hour the skipped hour does not come',
      ...{ cron: '30 * * * *', zone: 'Europe/Oslo', from: '2026-03-29T00:00Z' },
      fires: ['29 01:30 GMT+1', '29 03:30 GMT+2', '29 04:30 GMT+2'],
    },
    {
      name: 'Oslo goes back: a fixed time that comes twice counts once, the first',
      ...{ cron: '30 2 * * *', zone: 'Europe/Oslo', from: '2026-10-24T12:00Z' },
      fires: ['25 02:30 GMT+2', '26 02:30 GMT+1'],
    },
    {
      name: 'Oslo goes back: with a wildcard hour it counts each time it comes',
      ...{ cron: '30 * * * *', zone: 'Europe/Oslo', from: '2026-10-25T00:00Z' },
      fires: ['25 02:30 GMT+2', '25 02:30 GMT+1', '25 03:30 GMT+1'],
    },
    {
      name: 'New York goes forward',
      ...{ cron: '30 2 * * *', zone: 'America/New_York', from: '2026-03-07T12:00Z' },
      fires: ['8 03:00 EDT', '9 02:30 EDT'],
    },
    {
      name: 'New York goes back',
      ...{ cron: '30 1 * * *', zone: 'America/New_York', from: '2026-10-31T12:00Z' },
      fires: ['1 01:30 EDT', '2 01:30 EST'],
    },
    {
      name: 'Lord Howe goes forward by half an hour',
      ...{ cron: '15 2 * * *', zone: 'Australia/Lord_Howe', from: '2026-10-02T12:00Z' },
      fires: ['3 02:15 GMT+10:30', '4 02:30 GMT+11', '5 02:15 GMT+11'],
    },
    {
      name: 'Lord Howe goes forward: with a wildcard hour the quarter does not come',
      ...{ cron: '15 * * * *', zone: 'Australia/Lord_Howe', from: '2026-10-03T14:30Z' },
      fires: ['4 01:15 GMT+10:30', '4 03:15 GMT+11'],
    },
    {
      name: 'Lord Howe goes back by half an hour',
      ...{ cron: '45 1 * * *', zone: 'Australia/Lord_Howe', from: '2026-04-04T00:00Z' },
      fires: ['5 01:45 GMT+11', '6 01:45 GMT+10:30'],
    },
    {
      name: 'Lord Howe goes back: with a wildcard hour the half hour comes twice',
      ...{ cron: '45 * * * *', zone: 'Australia/Lord_Howe', from: '2026-04-04T14:00Z' },
      fires: ['5 01:45 GMT+11', '5 01:45 GMT+10:30', '5 02:45 GMT+10:30'],
    },
    {
      name: 'Lord Howe: a time after the change is not lost',
      ...{ cron: '0 3 * * *', zone: 'Australia/Lord_Howe', from: '2026-04-04T00:00Z' },
      fires: ['5 03:00 GMT+10:30', '6 03:00 GMT+10:30'],
    },
    {
      name: 'Cairo skips midnight itself',
      ...{ cron: '0 0 * * *', zone: 'Africa/Cairo', from: '2026-04-23T12:00Z' },
      fires: ['24 01:00 GMT+3', '25 00:00 GMT+3'],
    },
    {
      name: 'Apia skipped a whole day',
      ...{ cron: '0 8 * * *', zone: 'Pacific/Apia', from: '2011-12-29T08:00Z' },
      fires: ['29 08:00 GMT-10', '31 00:00 GMT+14', '31 08:00 GMT+14'],
    },
  ])('$name', ({ cron, zone, from, fires }) => {
    expect(firingsOf(cron, zone, from, fires.length)).toEqual(fires)
  })
})

describe('expressions', () => {
  it.each([
    { name: 'names and ranges', cron: '0 8 * * mon-FRI', fires: ['2 08:00 UTC', '5 08:00 UTC'] },
    { name: 'a range over the end of the week', cron: '0 8 * * fri-mon', fires: ['2 08:00 UTC', '3 08:00 UTC'] },
    { name: 'Sunday by both its numbers', cron: '0 8 * * 0,7', fires: ['4 08:00 UTC', '11 08:00 UTC'] },
    {
      name: 'a step from a start',
      cron: '5/20 8 * * *',
      fires: ['2 08:05 UTC', '2 08:25 UTC', '2 08:45 UTC', '3 08:05 UTC'],
    },
    { name: '0/30', cron: '0/30 * * * *', fires: ['2 00:30 UTC', '2 01:00 UTC'] },
    {
      name: 'a step over a range',
      cron: '0 9-17/4 * * *',
      fires: ['2 09:00 UTC', '2 13:00 UTC', '2 17:00 UTC', '3 09:00 UTC'],
    },
    { name: 'seconds', cron: '30 0 8 * * *', fires: ['2 08:00 UTC', '3 08:00 UTC'] },
    {
      name: 'either day, as crontab(5) has it',
      cron: '0 8 13 * mon',
      fires: ['5 08:00 UTC', '12 08:00 UTC', '13 08:00 UTC'],
    },
    { name: 'both days, with a star in one', cron: '0 8 */2 * mon', fires: ['5 08:00 UTC', '19 08:00 UTC'] },
    { name: 'a month by name', cron: '0 8 1 Feb ?', fires: ['1 08:00 UTC', '1 08:00 UTC'] },
    { name: '29 February', cron: '0 0 29 2 *', fires: ['29 00:00 UTC', '29 00:00 UTC'] },
    { name: 'blanks around and between', cron: '  0   8 * * * ', fires: ['2 08:00 UTC'] },
  ])('$name', ({ cron, fires }) => {
    // A Friday.
    expect(firingsOf(cron, 'UTC', '2026-01-02T00:00Z', fires.length)).toEqual(fires)
  })

  it.each([
    { cron: '', wrong: 'it has 0 fields' },
    { cron: '0 8 * *', wrong: 'it has 4 fields' },
    { cron: '0 0 8 * * * *', wrong: 'it has 7 fields' },
    { cron: '60 8 * * *', wrong: 'its minute `60`' },
    { cron: '0 24 * * *', wrong: 'its hour `24`' },
    { cron: '0 8 0 * *', wrong: 'its day of the month `0`' },
    { cron: '0 8 * 13 *', wrong: 'its month `13`' },
    { cron: '0 8 * * 8', wrong: 'its day of the week `8`' },
    { cron: '0 8 * * moonday', wrong: 'its day of the week `moonday`' },
    { cron: '*/0 8 * * *', wrong: 'its minute `*/0`' },
    { cron: '0 8 1, * *', wrong: 'its day of the month `1,`' },
    { cron: '0 8 L * *', wrong: 'its day of the month `L`' },
    { cron: '? 8 * * *', wrong: 'its minute `?`' },
    { cron: '-5 8 * * *', wrong: 'its minute `-5`' },
    { cron: '0 0 30 2 *', wrong: 'it never fires' },
    { cron: '0 0 31 4,6,9,11 *', wrong: 'it never fires' },
  ])('refuses `$cron`', ({ cron, wrong }) => {
    expect(parseCron(cron)).toEqual({ wrong: expect.stringContaining(wrong) })
  })
})
