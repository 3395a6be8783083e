/** `orrery ls`: the autoscalers as a table, or as the API's JSON. */
import type { WireAutoscaler } from '../http/wire/autoscaler.ts'
import { type JsonOption, show } from './autoscaler/call.ts'
import type { Console, ExitCode } from './console.ts'
import { type Cell, textTable } from './text-table.ts'

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
  Unschedulable: true,
  LoadMeasured: false,
}

export const list = async (options: JsonOption, io: Console): Promise<ExitCode> =>
  await show<{ readonly autoscalers: readonly WireAutoscaler[] }>(
    { path: '/v1/autoscaler' },
    options,
    io,
    ({ autoscalers }) =>
      autoscalers.length === 0 ? 'No service has a scaling policy (autoscaler.enable=true).\n' : table(autoscalers),
  )

function table(autoscalers: readonly WireAutoscaler[]): string {
  const rows = autoscalers.map(({ name, service, observation, policy, lastDecision, conditions }) => [
    name,
    service,
    observation.replicas,
    policy.min?.value ?? '-',
    policy.max?.value ?? '-',
    lastDecision === undefined ? '-' : `${lastDecision.code ?? lastDecision.outcome}: ${lastDecision.reason}`,
    troubles(conditions),
  ])
  return textTable(['NAME', 'SERVICE', 'REPLICAS', 'MIN', 'MAX', 'LAST DECISION', 'CONDITIONS'], rows, {
    isRuled: true,
  })
}

function troubles(conditions: WireAutoscaler['conditions']): Cell {
  const found = conditions.filter(({ type, status }) => TROUBLES[type] === status)
  return found.length === 0
    ? 'ok'
    : found.map(({ type, status, reason }) => `${status ? '' : 'not '}${type}: ${reason}`)
}
