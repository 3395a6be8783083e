import { describe, expect, it } from 'vitest'
import { boundsAhead, policyAt } from '../../../../src/autoscaling/policy/policy-at.ts'
import { readPolicy } from '../../../../src/autoscaling/policy/read-policy.ts'

const plain = { 'autoscaler.enable': 'true', 'autoscaler.min': '2', 'autoscaler.max': '10' }

/** `office.from=0 8 * * *` as labels. */
const scheduled = (fields: Readonly<Record<string, string>>, bounds: Readonly<Record<string, string>> = plain) =>
  readPolicy({
    serviceName: 'web',
    labels: {
      ...bounds,
      ...Object.fromEntries(Object.entries(fields).map(([name, text]) => [`autoscaler.schedule.${name}`, text])),
    },
  })

const office = { 'office.from': '0 8 * * 1-5', 'office.to': '0 18 * * 1-5', 'office.tz': 'Europe/Oslo' }

describe('bounds over a time', () => {
  const ahead = (fields: Readonly<Record<string, string>>, from: string, until: string) => {
    const { policy } = scheduled(fields)
    if (policy === undefined) throw new Error('no policy')
    const { stretches, isCut } = boundsAhead(policy, Date.parse(from), Date.parse(until))
    const time = (ms: number) => new Date(ms).toISOString().slice(5, 16)
    return {
      isCut,
      stretches: stretches.map(({ fromMs, untilMs, bounds: { min, max, source } }) =>
        [time(fromMs), time(untilMs), `${min}-${max}`, source].join(' '),
      ),
    }
  }

  it('follow one another without gaps, in the clock of their zone', () => {
    const { stretches } = ahead({ ...office, 'office.min': '6' }, '2026-10-23T00:00Z', '2026-10-27T00:00Z')
    expect(stretches).toEqual([
      '10-23T00:00 10-23T06:00 2-10 policy',
      '10-23T06:00 10-23T16:00 6-10 schedule.office',
      // The weekend, in which the clock of Oslo went back.
      '10-23T16:00 10-26T07:00 2-10 policy',
      '10-26T07:00 10-26T17:00 6-10 schedule.office',
      '10-26T17:00 10-27T00:00 2-10 policy',
    ])
  })

  it('are one stretch where nothing changes, and as often as it does', () => {
    expect(ahead({}, '2026-06-01T00:00Z', '2026-06-08T00:00Z').stretches).toEqual([
      '06-01T00:00 06-08T00:00 2-10 policy',
    ])
    const always = { 'all.from': '0 * * * *', 'all.for': '1h', 'all.min': '3' }
    expect(ahead(always, '2026-06-01T00:00Z', '2026-06-08T00:00Z').stretches).toEqual([
      '06-01T00:00 06-08T00:00 3-10 schedule.all',
    ])
  })

  it('are cut where they change each minute, and say so', () => {
    const minutes = { 'm.from': '* * * * *', 'm.for': '30s', 'm.min': '3' }
    const { stretches, isCut } = ahead(minutes, '2026-06-01T00:00Z', '2026-06-08T00:00Z')
    expect([isCut, stretches.length]).toEqual([true, 500])
  })
})

describe('bounds at a time', () => {
  const boundsAt = (fields: Readonly<Record<string, string>>, at: string) => {
    const { policy, issues } = scheduled(fields)
    expect(issues).toEqual([])
    if (policy === undefined) throw new Error('no policy')
    const { min, max, source, untilMs } = policyAt(policy, Date.parse(at))
    return { min, max, source, until: untilMs === undefined ? undefined : new Date(untilMs).toISOString().slice(0, 16) }
  }

  it.each([
    {
      name: 'are the plain ones outside of every window',
      ...{ fields: { ...office, 'office.min': '6' }, at: '2026-06-01T05:59:59Z' },
      bounds: { min: 2, max: 10, source: 'policy', until: '2026-06-01T06:00' },
    },
    {
      name: 'are the window’s inside, and the plain one where the window says nothing',
      ...{ fields: { ...office, 'office.min': '6' }, at: '2026-06-01T06:00Z' },
      bounds: { min: 6, max: 10, source: 'schedule.office', until: '2026-06-01T16:00' },
    },
    {
      name: 'can be lower than the plain ones',
      ...{ fields: { ...office, 'office.min': '0', 'office.max': '0' }, at: '2026-06-01T06:00Z' },
      bounds: { min: 0, max: 0, source: 'schedule.office', until: '2026-06-01T16:00' },
    },
    {
      name: 'of windows that overlap are the highest min and the lowest max',
      fields: {
        ...{ 'a.from': '0 8 * * *', 'a.for': '4h', 'a.min': '3', 'a.max': '9' },
        ...{ 'b.from': '0 10 * * *', 'b.for': '4h', 'b.min': '5', 'b.max': '20' },
      },
      at: '2026-06-01T11:00Z',
      bounds: { min: 5, max: 9, source: 'schedule.a, schedule.b', until: '2026-06-01T12:00' },
    },
    {
      name: 'of windows that contradict each other: min wins',
      fields: {
        ...{ 'a.from': '0 8 * * *', 'a.for': '4h', 'a.min': '0', 'a.max': '3' },
        ...{ 'b.from': '0 10 * * *', 'b.for': '4h', 'b.min': '8' },
      },
      at: '2026-06-01T11:00Z',
      bounds: { min: 8, max: 8, source: 'schedule.a, schedule.b', until: '2026-06-01T12:00' },
    },
  ])('$name', ({ fields, at, bounds }) => {
    expect(boundsAt(fields, at)).toEqual(bounds)
  })

  it('are asked for again as time goes on, and back', () => {
    const { policy } = scheduled({ ...office, 'office.min': '6' })
    if (policy === undefined) throw new Error('no policy')
    const minAt = (at: string) => policyAt(policy, Date.parse(at)).min
    expect([minAt('2026-06-01T07:00Z'), minAt('2026-06-01T17:00Z'), minAt('2026-06-01T07:00Z')]).toEqual([6, 2, 6])
  })
})

describe('a schedule that is wrong makes the policy invalid, with field, value and what would be right', () => {
  const window = { 'w.from': '0 8 * * *', 'w.to': '0 18 * * *', 'w.min': '3' }
  const without = (name: keyof typeof window) =>
    Object.fromEntries(Object.entries(window).filter(([field]) => field !== name))

  it.each([
    { fields: { ...window, 'w.from': '0 8 * *' }, at: 'from', value: '0 8 * *', message: 'it has 4 fields' },
    { fields: { ...window, 'w.from': '' }, at: 'from', value: '', message: 'it has 0 fields' },
    { fields: { ...window, 'w.from': '0 0 30 2 *' }, at: 'from', value: '0 0 30 2 *', message: 'never fires' },
    { fields: { ...window, 'w.to': '0 0 31 11 *' }, at: 'to', value: '0 0 31 11 *', message: 'never fires' },
    {
      fields: { ...window, 'w.tz': 'Europe/Olso' },
      at: 'tz',
      value: 'Europe/Olso',
      message: 'a time zone that exists',
    },
    { fields: { ...window, 'w.tz': '+01:00' }, at: 'tz', value: '+01:00', message: 'a time zone that exists' },
    { fields: without('w.from'), at: 'from', value: undefined, message: 'a window needs `from`' },
    { fields: without('w.to'), at: 'from', value: undefined, message: '`from` needs `to`' },
    { fields: { ...window, 'w.for': '1h' }, at: 'to', value: '0 18 * * *', message: 'write one of them' },
    { fields: without('w.min'), at: 'from', value: '0 8 * * *', message: 'the window changes nothing' },
    { fields: { ...window, 'w.max': '2' }, at: 'min', value: '3', message: 'min 3 is above max 2' },
    { fields: { ...window, 'w.min': '11' }, at: 'min', value: '11', message: 'min 11 is above max 10, which holds' },
    {
      fields: { ...without('w.min'), 'w.max': '1' },
      at: 'max',
      value: '1',
      message: 'max 1 is below min 2, which holds',
    },
    { fields: { ...without('w.to'), 'w.for': '25h' }, at: 'for', value: '25h', message: 'longer than its period' },
    { fields: { ...without('w.to'), 'w.for': '0s' }, at: 'for', value: '0s', message: 'never open' },
    { fields: { ...window, 'w.to': '0 8 * * *' }, at: 'to', value: '0 8 * * *', message: 'never closes' },
    { fields: { ...window, 'w.min': '-1' }, at: 'min', value: '-1', message: 'a whole number from 0' },
    { fields: { ...window, 'w.for': 'long' }, at: 'for', value: 'long', message: 'a duration' },
  ])('$at `$value`: $message', ({ fields, at, value, message }) => {
    const { policy, issues } = scheduled(fields)
    expect(policy).toBeUndefined()
    const issue = issues.find(({ message: text }) => text.includes(message))
    expect(issue).toMatchObject({ severity: 'error', field: `autoscaler.schedule.w.${at}` })
    expect(issue?.value).toBe(value)
  })

  it.each([
    { name: 'a day long, each day', fields: { ...without('w.to'), 'w.for': '24h' } },
    {
      name: 'a day long in a zone whose clock changes',
      fields: { ...without('w.to'), 'w.for': '24h', 'w.tz': 'Europe/Oslo' },
    },
    {
      name: 'from and to that meet now and then',
      fields: { ...window, 'w.from': '0 8,12 * * *', 'w.to': '0 12,18 * * *' },
    },
    { name: 'a max beside the min', fields: { ...window, 'w.min': '11', 'w.max': '20' } },
  ])('$name is right', ({ fields }) => {
    expect(scheduled(fields).issues).toEqual([])
  })

  it('a min above a max that nobody wrote is right: such a max limits growth only', () => {
    const { policy, issues } = scheduled({ ...window, 'w.min': '200' }, { orbiter: 'true' })
    expect(issues).toEqual([])
    expect(policy && policyAt(policy, Date.parse('2026-06-01T12:00Z'))).toMatchObject({ min: 200, max: 200 })
  })
})
