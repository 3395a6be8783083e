/** The count over time: a line of steps, the bounds as a band, and the same points as a table. */
import { useState } from 'preact/hooks'
import type { HistoryPoint } from '../api-types.ts'
import { stepChart } from '../model/chart.ts'
import { clock, dateAndClock, span } from '../model/time.ts'
import { nowMs } from '../store.ts'
import { counted, Wide } from './ui.tsx'

const SPANS = { '15 min': 15 * 60_000, '1 h': 3_600_000, all: 0 } as const
type Span = keyof typeof SPANS

const HEIGHT = 180
const MOST_WIDTH = 1000
/** What stands beside it on the page. */
const MARGIN = 80

export function HistoryChart({ points, sinceMs }: { points: readonly HistoryPoint[]; sinceMs: number }) {
  const toMs = nowMs.value
  const [shown, show] = useState<Span>(toMs - sinceMs < SPANS['15 min'] ? 'all' : '15 min')
  // As wide as there is room, so that its words stay as large as the others.
  const width = Math.max(200, Math.min(MOST_WIDTH, innerWidth - MARGIN))
  const fromMs = SPANS[shown] === 0 ? Math.min(sinceMs, toMs - 60_000) : toMs - SPANS[shown]
  const chart = stepChart(
    points.map(({ at, replicas, min = 0, max = null }) => ({ atMs: Date.parse(at), replicas, min, max })),
    { fromMs, toMs, width, height: HEIGHT },
  )
  const last = points.at(-1)
  return (
    <figure class="chart">
      <fieldset class="choice">
        <legend class="unseen">Time shown</legend>
        {(Object.keys(SPANS) as Span[]).map((name) => (
          <button type="button" key={name} aria-pressed={shown === name} onClick={() => show(name)}>
            {name}
          </button>
        ))}
      </fieldset>
      <svg
        viewBox={`-30 -8 ${width + 36} ${HEIGHT + 30}`}
        role="img"
        aria-label={`Replicas over the last ${span(toMs - fromMs)}, now ${last?.replicas ?? 'unknown'}`}
      >
        {chart.ticks.map(({ value, y }) => (
          <g key={value}>
            <line class="tick" x1="0" x2={width} y1={y} y2={y} />
            <text x="-6" y={y + 4} text-anchor="end">
              {value}
            </text>
          </g>
        ))}
        <path class="band" d={chart.band} />
        <path class="line" d={chart.line} />
        {chart.unknownWidth > 60 && (
          <text class="faint" x="4" y="12">
            not remembered
          </text>
        )}
        <text x="0" y={HEIGHT + 18}>
          {clock(fromMs)}
        </text>
        <text x={width} y={HEIGHT + 18} text-anchor="end">
          now
        </text>
      </svg>
      <details>
        <summary>The same as a table ({counted(points.length, 'change')})</summary>
        <Wide label="Changes of the count">
          <table>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Count</th>
                <th scope="col">Bounds</th>
                <th scope="col">By</th>
              </tr>
            </thead>
            <tbody>
              {[...points].reverse().map(({ at, replicas, min, max, by, cause }) => (
                <tr key={at}>
                  <td>{dateAndClock(at)}</td>
                  <td class="number">{replicas}</td>
                  <td>{min === undefined ? '' : `${min}–${max ?? 'no max'}`}</td>
                  <td>{cause === undefined || cause === by ? by : `${by}: ${cause}`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      </details>
    </figure>
  )
}
