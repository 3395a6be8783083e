import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/foundation/duration.ts'

describe('a duration', () => {
  it.each([
    { text: '30s', durationMs: 30_000 },
    { text: '5m', durationMs: 300_000 },
    { text: '1h', durationMs: 3_600_000 },
    { text: '90', durationMs: 90_000 },
    { text: '0', durationMs: 0 },
    { text: '0s', durationMs: 0 },
    { text: '007m', durationMs: 420_000 },
    { text: '1000000000s', durationMs: 1e12 },
  ])('of $text is $durationMs ms', ({ text, durationMs }) => {
    expect(parseDuration(text)).toBe(durationMs)
  })

  it.each([
    '',
    's',
    '-1s',
    '+1s',
    '1.5m',
    '1h30m',
    '5 m',
    ' 5m',
    '5m\n',
    '5M',
    '1d',
    '100ms',
    '1e3',
    '0x10',
    '٣s',
    'NaN',
    'Infinity',
  ])('is not %j', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  it.each(['1000000001s', '277778h', `${'9'.repeat(400)}s`])(
    'of more than 1e9 seconds is a typing error: %s',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )

  it.each([
    { durationMs: 0, text: '0s' },
    { durationMs: 45_000, text: '45s' },
    { durationMs: 60_000, text: '1m' },
    { durationMs: 90_000, text: '90s' },
    { durationMs: 5_400_000, text: '90m' },
    { durationMs: 86_400_000, text: '24h' },
    { durationMs: 1, text: '1s' },
    { durationMs: -5, text: '0s' },
  ])('of $durationMs ms is written $text', ({ durationMs, text }) => {
    expect(formatDuration(durationMs)).toBe(text)
  })

  it('of whole seconds survives being written and read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000_000 }), (seconds) => {
        expect(parseDuration(formatDuration(seconds * 1000))).toBe(seconds * 1000)
      }),
    )
  })
})
