/** `orrery ls`: the autoscalers as a table, or as the API's JSON. */
import Table from 'cli-table3'
import type { WireAutoscaler } from '../http/wire/autoscaler.ts'
import type { Console, ExitCode } from './console.ts'
import { callController, problemText } from './controller-client.ts'

/** Conditions worth a word when they are like this. */
const TROUBLES: Readonly<Partial<Record<WireAutoscaler['conditions'][number]['type'], boolean>>> = {
  Valid: false,
  Supported: false,
  InSync: false,
  RolloutSettled: false,
  Paused: true,
  Maintenance: true,
  RestorePending: true,
  WriteUnknown: true,
  InBounds: false,
  AtCapacity: true,
}

export async function list(options: { readonly json?: true }, io: Console): Promise<ExitCode> {
  const answer = await callController(io, { path: '/v1/autoscaler' })
  if (answer.status !== 200) {
    io.err(`orrery: ${problemText(answer)}\n`)
    return 1
  }
  if (options.json) {
    io.out(`${answer.text}\n`)
    return 0
  }
  const { autoscalers }: { autoscalers: readonly WireAutoscaler[] } = JSON.parse(answer.text)
  io.out(autoscalers.length === 0 ? 'No service has a scaling policy (autoscaler.enable=true).\n' : table(autoscalers))
  return 0
}

function table(autoscalers: readonly WireAutoscaler[]): string {
  const rows = new Table({
    head: ['NAME', 'SERVICE', 'REPLICAS', 'MIN', 'MAX', 'LAST DECISION', 'CONDITIONS'],
    style: { head: [], border: [] },
  })
  for (const { name, service, observation, policy, lastDecision, conditions } of autoscalers) {
    rows.push([
      name,
      service,
      observation.replicas,
      policy.min?.value ?? '-',
      policy.max?.value ?? '-',
      lastDecision === undefined ? '-' : `${lastDecision.code ?? lastDecision.outcome}: ${lastDecision.reason}`,
      troubles(conditions),
    ])
  }
  return `${rows.toString()}\n`
}

function troubles(conditions: WireAutoscaler['conditions']): string {
  const found = conditions.filter(({ type, status }) => TROUBLES[type] === status)
  return found.length === 0
    ? 'ok'
    : found.map(({ type, status, reason }) => `${status ? '' : 'not '}${type}: ${reason}`).join('\n')
}
