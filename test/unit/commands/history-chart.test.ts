import { describe, expect, it } from 'vitest'
import { historyChart } from '../../../src/commands/autoscaler/history-chart.ts'

const T0 = Date.UTC(2026, 0, 31, 12)
const at = (seconds: number) => new Date(T0 + seconds * 1000).toISOString()

describe('the chart of a history', () => {
  it('is as wide as 60 columns, with the highest count on top', () => {
    const lines = historyChart(
      [
        { at: at(0), replicas: 2 },
        { at: at(300), replicas: 8 },
      ],
      T0 + 600_000,
    ).split('\n')
    expect(lines[0]).toBe(`    8 ${' '.repeat(30)}${'█'.repeat(30)}`)
    expect(lines[7]).toBe(`    0 ${'█'.repeat(60)}`)
    expect(lines[8]).toContain(at(0))
  })

  it('shows a peak however short it was', () => {
    const points = [0, 100, 101].map((seconds, index) => ({ at: at(seconds), replicas: [1, 9, 1][index] ?? 0 }))
    expect(historyChart(points, T0 + 6_000_000)).toContain('    9 ')
  })

  it('is nothing without points', () => {
    expect(historyChart([], T0)).toBe('')
  })
})
