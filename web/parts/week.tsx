/** Which bounds hold when, this week: a strip a day, and the same as a table. */
import { get } from '../api.ts'
import type { Week } from '../api-types.ts'
import { clock } from '../model/time.ts'
import { boundsText, days } from '../model/week.ts'
import { useRead, Wide } from './ui.tsx'

export function WeekSection({ name }: { name: string }) {
  const path = `v1/autoscaler/${encodeURIComponent(name)}/schedule`
  const { data: week, problem } = useRead(
    () => get<Week>(path),
    name,
    (service) => service === name,
  )
  if (week === undefined) return problem === '' ? null : <p class="problem">{problem}</p>
  const shown = (at: string | number, options: Intl.DateTimeFormatOptions) =>
    new Date(at).toLocaleString(undefined, { ...options, timeZone: week.tz })
  const current = week.stretches.find(({ until }) => Date.parse(until) > Date.parse(week.now))
  return (
    <section>
      <h2>Week</h2>
      <p class="why">
        {current && `${boundsText(current.min, current.max)} now, by ${current.source}. `}
        Times are of {week.tz}.
      </p>
      <div class="week" role="img" aria-label="Bounds of each day; the table below says the same">
        <div class="day" aria-hidden="true">
          <span />
          <span class="hours">
            {[0, 6, 12, 18, 24].map((hour) => (
              <span key={hour}>{hour}</span>
            ))}
          </span>
        </div>
        {days(week).map(({ fromMs, parts, now }) => (
          <div key={fromMs} class="day">
            <b>{shown(fromMs + 43_200_000, { weekday: 'short' })}</b>
            <svg viewBox="0 0 1000 26" preserveAspectRatio="none" aria-hidden="true">
              {parts.map(({ left, width, text, source, isUsual }) => (
                <rect key={left} x={left * 10} width={width * 10} height="26" class={isUsual ? 'usual' : 'window'}>
                  <title>{`${text}, ${source}`}</title>
                </rect>
              ))}
              {now !== undefined && <rect x={now * 10} width="3" height="26" class="now" />}
            </svg>
            <span class="faint">{[...new Set(parts.map(({ text }) => text))].join(', ')}</span>
          </div>
        ))}
      </div>
      <details>
        <summary>The same as a table ({week.stretches.length} stretches)</summary>
        <Wide label="Bounds of the week">
          <table>
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">Until</th>
                <th scope="col">Bounds</th>
                <th scope="col">By</th>
              </tr>
            </thead>
            <tbody>
              {week.stretches.map(({ from, until, min, max, source }) => (
                <tr key={from}>
                  <td>{shown(from, MOMENT)}</td>
                  <td>{shown(until, MOMENT)}</td>
                  <td class="number">{boundsText(min, max)}</td>
                  <td>{source}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
        {week.cut && <p class="notice">The bounds change too often for one list: it ends at {clock(week.until)}.</p>}
      </details>
    </section>
  )
}

const MOMENT: Intl.DateTimeFormatOptions = { weekday: 'short', hour: '2-digit', minute: '2-digit' }
