/** A table of decisions, newest first. */
import type { Decision } from '../api-types.ts'
import { href } from '../model/route.ts'
import type { Tone } from '../model/rows.ts'
import { Badge, Empty, When, Wide } from './ui.tsx'

const TONES: Record<string, Tone> = { scaled: 'ok', unchanged: 'busy', held: 'warn', 'dry-run': 'warn' }

/** Who asked: the alert, the token's name or the address, else what asks unasked. */
export function whoAsked({ origin, alerts = [], caller }: Decision): string {
  if (alerts.length > 0) return `alert ${alerts.join(', ')}`
  const who = caller?.name ?? caller?.address
  return [origin, who].filter((text) => text !== undefined).join(' by ')
}

export function DecisionTable({ decisions, withService }: { decisions: readonly Decision[]; withService: boolean }) {
  if (decisions.length === 0) return <Empty>None since this controller started.</Empty>
  return (
    <Wide label="Decisions">
      <table class="log">
        <thead>
          <tr>
            <th scope="col">When</th>
            {withService && <th scope="col">Autoscaler</th>}
            <th scope="col">Outcome</th>
            <th scope="col">Count</th>
            <th scope="col">Why</th>
            <th scope="col">Who</th>
          </tr>
        </thead>
        <tbody>
          {decisions.map((decision) => (
            <tr key={decision.id ?? `${decision.autoscaler} ${decision.at}`}>
              <td>
                <When at={decision.at} />
              </td>
              {withService && (
                <td>
                  <a href={href('service', decision.autoscaler)}>{decision.autoscaler}</a>
                </td>
              )}
              <td>
                <Badge tone={TONES[decision.outcome] ?? 'bad'}>{decision.code ?? decision.outcome}</Badge>
              </td>
              <td class="number">
                {decision.from === decision.to ? decision.from : `${decision.from} → ${decision.to}`}
              </td>
              <td class="whole">
                {decision.reason} {decision.note && !decision.reason.includes(decision.note) && <q>{decision.note}</q>}
              </td>
              <td>{whoAsked(decision)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  )
}
