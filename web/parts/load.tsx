/** Measured load: each metric against its target, and what each stage leaves of the count that they ask for. */
import type { Autoscaler } from '../api-types.ts'
import { Badge, When, Wide } from './ui.tsx'

const STAGES = [
  ['raw', 'asked for'],
  ['window', 'after the window'],
  ['rate', 'after the rate limit'],
  ['bounds', 'within the bounds'],
] as const

export function LoadSection({ load, policy }: { load: NonNullable<Autoscaler['load']>; policy: Autoscaler['policy'] }) {
  const targetOf = (name: string) => policy[`metric.${name}.target`]?.value ?? policy[`${name}.target`]?.value
  const { at, metrics, counts, windowDownSeconds, reason, current } = load
  return (
    <section>
      <h2>Measured load</h2>
      <p class="why">
        {reason} · judged <When at={at} /> for {current} replicas, down window {windowDownSeconds} s
      </p>
      <Wide label="Metrics">
        <table class="log">
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col">Value</th>
              <th scope="col">Target</th>
              <th scope="col">Asks for</th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {metrics.map(({ name, value, wanted, missing, fallback, reason: why }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="number">
                  {value === undefined ? (
                    <Badge tone="warn">{missing ?? 'no value'}</Badge>
                  ) : (
                    Number(value.toPrecision(4))
                  )}
                </td>
                <td class="number">{targetOf(name) ?? '–'}</td>
                <td class="number">{wanted ?? '–'}</td>
                <td class="whole">
                  {fallback && <Badge tone="warn">fallback</Badge>} {why}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {counts && (
        <ol class="path">
          {STAGES.map(([stage, words], index) => {
            const before = STAGES[index - 1]?.[0]
            const isLimit = before !== undefined && counts[before] !== counts[stage]
            return (
              <li key={stage} class={isLimit ? 'limit' : ''}>
                <b>{counts[stage]}</b> {words}
              </li>
            )
          })}
        </ol>
      )}
    </section>
  )
}
