import { describe, expect, it } from 'vitest'
import type { Week } from '../../web/api-types.ts'
import { days } from '../../web/model/week.ts'

const at = (day: number, hour: number) => new Date(Date.UTC(2026, 0, 5 + day, hour)).toISOString()
const week = (change: Partial<Week> = {}): Week => ({
  ...{ now: at(1, 6), tz: 'UTC', from: at(0, 0), until: at(7, 0), cut: false },
  stretches: [
    { from: at(0, 0), until: at(0, 18), min: 1, max: 4, source: 'policy' },
    { from: at(0, 18), until: at(1, 6), min: 2, max: null, source: 'schedule.night' },
    { from: at(1, 6), until: at(7, 0), min: 1, max: 4, source: 'policy' },
  ],
  ...change,
})

describe('the week of bounds', () => {
  it('is cut at midnight, and says what holds and where now is', () => {
    const [first, second, ...rest] = days(week())
    expect(first?.parts).toEqual([
      { left: 0, width: 75, text: '1–4', source: 'policy', isUsual: true },
      { left: 75, width: 25, text: '2+', source: 'schedule.night', isUsual: false },
    ])
    expect(second).toMatchObject({
      now: 25,
      parts: [
        { left: 0, width: 25 },
        { left: 25, width: 75, isUsual: true },
      ],
    })
    expect(first?.now).toBeUndefined()
    expect(rest).toHaveLength(5)
  })

  it('has seven days where the clocks change, and each is full', () => {
    const until = new Date(Date.parse(at(7, 0)) - 3_600_000).toISOString()
    const shorter = week({ until, stretches: [{ from: at(0, 0), until, min: 1, max: 4, source: 'policy' }] })
    const drawn = days(shorter)
    expect(drawn).toHaveLength(7)
    for (const { parts } of drawn) expect(parts.map(({ width }) => Math.round(width))).toEqual([100])
  })

  it('ends where the list was cut', () => {
    const until = at(2, 0)
    expect(
      days(week({ until, cut: true, stretches: [{ from: at(0, 0), until, min: 1, max: 4, source: 'policy' }] })),
    ).toHaveLength(2)
  })
})
