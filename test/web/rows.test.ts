import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Summary } from '../../web/api-types.ts'
import { isIn, overview, statusOf } from '../../web/model/rows.ts'

const NOW = Date.UTC(2026, 0, 31, 12)
const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString()

const row = (name: string, change: Partial<Summary> = {}): Summary => ({
  name,
  service: name,
  replicas: 3,
  running: 3,
  min: 1,
  max: 10,
  nextAllowed: {},
  ...change,
})

describe('what a row says', () => {
  it.each([
    { name: 'nothing, when nothing is wrong', change: {}, word: 'ok', why: '' },
    { name: 'that tasks are missing', change: { running: 1 }, word: 'scaling', why: '1 of 3 tasks are running' },
    { name: 'that it is at max', change: { max: 3 }, word: 'at max', why: 'max is 3' },
    {
      name: 'how long a cooldown takes',
      change: { nextAllowed: { up: at(24) } },
      word: 'cooldown',
      why: 'up is possible in 24 s',
    },
    {
      name: 'who paused it, why and until when, before anything but an error',
      change: { running: 0, pause: { direction: 'both', since: at(0), until: at(300), by: 'ole', reason: 'moving' } },
      word: 'paused',
      why: 'paused, ends in 5 min — ole: moving',
    },
    {
      name: 'an error before all else',
      change: { attention: { type: 'Valid', reason: 'max is not a number', severity: 'error' }, max: 3 },
      word: 'invalid policy',
      why: 'max is not a number',
    },
  ] as const)('$name', ({ change, word, why }) => {
    expect(statusOf(row('web', change), NOW)).toMatchObject({ word, why })
  })

  const ofAll = { direction: 'both', since: at(0), until: at(600), by: 'ops', reason: 'the database moves' } as const

  it.each([
    {
      name: 'that everything is paused',
      change: {},
      why: 'everything is paused, ends in 10 min — ops: the database moves',
    },
    {
      name: 'its own pause before that of everything',
      change: { pause: { direction: 'up', since: at(0), by: 'ole' } },
      why: 'paused (up), until it is resumed — ole',
    },
    {
      name: 'that everything is paused once its own pause has ended',
      change: { pause: { direction: 'up', since: at(-9), until: at(0) } },
      why: 'everything is paused, ends in 10 min — ops: the database moves',
    },
  ] as const)('$name', ({ change, why }) => {
    expect(statusOf(row('web', change), NOW, ofAll)).toMatchObject({ word: 'paused', why })
    expect(isIn('paused', row('web', change), NOW, ofAll)).toBe(true)
  })

  it('nothing of pauses that have ended, though nobody has said so yet', () => {
    const over = row('web', { pause: { direction: 'both', since: at(-9), until: at(0) } })
    expect(statusOf(over, NOW, { ...ofAll, until: at(-1) }).word).toBe('ok')
    expect(isIn('paused', over, NOW, { ...ofAll, until: at(-1) })).toBe(false)
  })

  it('an unknown number of running tasks is not a service that scales', () => {
    expect(isIn('scaling', row('web', { running: null }), NOW)).toBe(false)
  })
})

describe('the overview', () => {
  const rows = [
    row('shop_web10', { stack: 'shop' }),
    row('shop_web9', { stack: 'shop' }),
    row('alone'),
    row('bill_db', { stack: 'bill', attention: { type: 'Valid', reason: 'no', severity: 'error' } }),
  ]

  it('groups by stack, and sorts numbers in names as numbers', () => {
    const { groups } = overview(rows, { most: 300, nowMs: NOW })
    expect(groups.map(({ stack, rows: found }) => [stack, ...found.map(({ name }) => name)])).toEqual([
      ['', 'alone'],
      ['bill', 'bill_db'],
      ['shop', 'shop_web9', 'shop_web10'],
    ])
  })

  it('shows the worst first where asked, whatever the stack', () => {
    const [first] = overview(rows, { most: 300, order: 'worst', nowMs: NOW }).groups
    expect(first?.rows[0]?.name).toBe('bill_db')
  })

  it('wants every word of the filter', () => {
    expect(overview(rows, { text: 'shop 10', most: 300, nowMs: NOW }).count).toBe(1)
    expect(overview(rows, { text: 'shop bill', most: 300, nowMs: NOW }).count).toBe(0)
  })

  it('never drops a row without counting it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/)), fc.integer({ min: 1, max: 8 }), (names, most) => {
        const { groups, count, left } = overview(
          names.map((name) => row(name)),
          { most, nowMs: NOW },
        )
        const shown = groups.flatMap(({ rows: found }) => found).length
        expect(count).toBe(names.length)
        expect(shown + left).toBe(names.length)
      }),
    )
  })
})
