/** Labels that nobody writes by hand: what they cost has an end, and what is wrong with them is said. */
import { describe, expect, it } from 'vitest'
import { boundsAhead, policyAt } from '../../../../src/autoscaling/policy/policy-at.ts'
import { parseCron } from '../../../../src/autoscaling/schedule/cron.ts'
import { lastFiring, nextFiring } from '../../../../src/autoscaling/schedule/firings.ts'
import { findZone } from '../../../../src/autoscaling/schedule/zone.ts'
import { issuesOf, native, reading } from './policy-reading.ts'

const NOW_MS = Date.parse('2026-06-01T12:00Z')
const WEEK_MS = 7 * 86_400_000

/** All that a controller does with a service's labels, and the processor time that it takes, ms. */
function cost(labels: Record<string, string>) {
  const before = process.cpuUsage()
  const read = reading(native(labels))
  const ahead = read.policy && boundsAhead(read.policy, NOW_MS, NOW_MS + WEEK_MS)
  if (read.policy !== undefined) policyAt(read.policy, NOW_MS)
  const { user, system } = process.cpuUsage(before)
  return { read, ahead, ms: (user + system) / 1000 }
}

const schedules = (count: number, of: (n: number) => Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) =>
      Object.entries(of(n)).map(([field, text]) => [`autoscaler.schedule.s${n}.${field}`, text]),
    ).flat(),
  )
const night = { from: '0 22 * * *', to: '0 6 * * *', min: '2' }

describe('labels without end', () => {
  it.each([
    {
      name: 'a window that opens and closes on 29 February',
      labels: schedules(1, () => ({ from: '0 0 29 2 *', to: '0 0 29 2 *', min: '2' })),
      issues: ['error autoscaler.schedule.s0.to'],
    },
    {
      name: 'a hundred that do so for an hour, in a zone that must be worked out',
      labels: schedules(100, (n) => ({ from: `${n % 60} 0 29 2 *`, for: '1h', min: '2', tz: 'America/Chicago' })),
      issues: [],
    },
    {
      name: 'a hundred that never fire',
      labels: schedules(100, () => ({ from: '0 0 31 2,4,6,9,11 *', for: '1h', min: '2' })),
      issues: Array.from({ length: 100 }, (_, n) => `error autoscaler.schedule.s${n}.from`),
    },
    {
      name: 'one that opens each second for a second',
      labels: schedules(1, () => ({ from: '* * * * * *', for: '1s', min: '2' })),
      issues: [],
    },
    { name: 'a hundred schedules', labels: schedules(100, () => night), issues: [] },
    { name: 'ten thousand', labels: schedules(10_000, () => night), issues: ['error autoscaler.schedule'] },
    {
      name: 'ten thousand metrics',
      labels: Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`autoscaler.metric.m${n}.query`, 'up'])),
      issues: ['error autoscaler.metric'],
    },
    {
      name: 'two thousand unknown fields',
      labels: Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`autoscaler.cooldwn-${n}`, '1s'])),
      issues: [...Array.from({ length: 20 }, (_, n) => `warning autoscaler.cooldwn-${n}`), 'warning autoscaler.…'],
    },
    {
      name: 'a cron expression of a megabyte',
      labels: schedules(1, () => ({ ...night, from: `${'1,'.repeat(500_000)}1 8 * * *` })),
      issues: ['error autoscaler.schedule.s0.from'],
    },
    {
      name: 'rates of a megabyte',
      labels: { 'autoscaler.rate.up': Array.from({ length: 200_000 }, () => '4/15s').join(',') },
      issues: ['error autoscaler.rate.up'],
    },
    {
      name: 'a paused of a megabyte, which pauses',
      labels: { 'autoscaler.paused': 'x'.repeat(1_000_000) },
      issues: ['warning autoscaler.paused'],
    },
  ])('$name', ({ labels, issues }) => {
    const { read, ms } = cost(labels)
    expect(issuesOf(read)).toEqual(issues)
    // Tens of ms; without an end some took minutes.
    expect(ms).toBeLessThan(5_000)
  })

  it('the longest values that are read', () => {
    const query = 'x'.repeat(16_384)
    const metric = (text: string) => ({ 'autoscaler.metric.m.query': text, 'autoscaler.metric.m.target': '1' })
    expect(issuesOf(cost(metric(query)).read)).toEqual([])
    const { issues } = cost(metric(`${query}x`)).read
    expect(issues[0]?.message).toBe('it has 16385 characters; at most 16384 are read')
  })

  it('a week of changes that change nothing is cut after so many looks, and says so', () => {
    const { ahead } = cost(schedules(1, () => ({ from: '* * * * * *', for: '1s', min: '2' })))
    expect([ahead?.isCut, ahead?.stretches.length]).toEqual([true, 1])
    const { ahead: whole } = cost(schedules(100, () => night))
    expect([whole?.isCut, whole?.stretches.length]).toEqual([false, 15])
  })

  it('a zone in other letters is the same zone, and what no zone is called is none', () => {
    expect(findZone('EUROPE/oslo')).toBe(findZone('Europe/Oslo'))
    for (const name of ['', 'Europe/Tōkyō', 'Asia/To\u212ayo', 'x'.repeat(65)]) expect(findZone(name)).toBeUndefined()
  })

  it('a firing that is years away is found in its zone', () => {
    const { cron } = parseCron('30 2 29 2 *') as { cron: Parameters<typeof nextFiring>[0]['cron'] }
    for (const [name, clock] of [['Europe/Oslo', '01:30'] as const, ['America/New_York', '07:30'] as const]) {
      const zone = findZone(name)
      if (zone === undefined) throw new Error(name)
      expect(nextFiring({ cron, zone }, NOW_MS)).toBe(Date.parse(`2028-02-29T${clock}Z`))
      expect(lastFiring({ cron, zone }, NOW_MS)?.atMs).toBe(Date.parse(`2024-02-29T${clock}Z`))
    }
  })
})

it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s is a name as any other', (name) => {
  const read = reading(
    native({
      'autoscaler.name': name === '__proto__' ? 'proto' : name,
      [`autoscaler.schedule.${name}.from`]: night.from,
      [`autoscaler.schedule.${name}.to`]: night.to,
      [`autoscaler.schedule.${name}.min`]: '3',
      [`autoscaler.metric.${name}.query`]: 'up',
      [`autoscaler.metric.${name}.target`]: '1',
    }),
  )
  expect(issuesOf(read)).toEqual([])
  expect(read.policy && policyAt(read.policy, Date.parse('2026-06-01T23:00Z'))).toMatchObject({
    ...{ min: 3, max: 10, source: `schedule.${name}` },
  })
  expect(read.policy?.load?.metrics.map((metric) => metric.name)).toEqual([name])
})
