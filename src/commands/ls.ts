/** `orrery ls`: the autoscalers as a table, or as the API's JSON; what changes of them; services without a policy. */
import type { Static } from '@sinclair/typebox'
import { visibleText } from '../foundation/visible-text.ts'
import type { WireAutoscaler, WirePauseOfAll } from '../http/wire/autoscaler.ts'
import { type ServiceSchema, TROUBLES, type WireSummary } from '../http/wire/summary.ts'
import { ago, type JsonOption, show } from './autoscaler/call.ts'
import { pauseOfAllText } from './autoscaler/change.ts'
import { follow } from './autoscaler/follow.ts'
import type { Console, ExitCode } from './console.ts'
import { type Cell, textTable } from './text-table.ts'

export interface ListOptions extends JsonOption {
  /** Go on, with a line for each autoscaler that changes. */
  readonly watch?: true
  /** Every service, with why it is not scaled. */
  readonly all?: true
}

export async function list({ watch, all, ...options }: ListOptions, io: Console): Promise<ExitCode> {
  if (all) return await services(options, io)
  const code = await autoscalers(options, io)
  if (!watch || code !== 0) return code
  return await follow(io, ({ type, data }) => {
    if (type !== 'autoscaler') return
    const row = data as unknown as WireSummary | { readonly name: string; readonly gone: true }
    io.out(options.json ? `${JSON.stringify(row)}\n` : `${visibleText(changed(row))}\n`)
  })
}

function changed(row: WireSummary | { readonly name: string; readonly gone: true }): string {
  const at = new Date().toISOString()
  if ('gone' in row) return `${at} ${row.name}: gone`
  const { name, running, replicas, min, max, attention, lastReason, lastCode } = row
  const count = `${running ?? '-'} of ${replicas} running, bounds ${min ?? '-'} to ${max ?? 'no max'}`
  // What was held by a pause says so for ever; one that is over has no attention.
  const last = lastCode === 'paused' ? undefined : lastReason
  return `${at} ${name}: ${[count, attention?.reason ?? last].filter(Boolean).join('; ')}`
}

const services = async (options: JsonOption, io: Console): Promise<ExitCode> =>
  await show<{ readonly services: readonly Static<typeof ServiceSchema>[] }>(
    { path: '/v1/service' },
    options,
    io,
    ({ services: found }) => {
      const rows = found.map(({ name, mode, replicas, autoscaler, reason }) => [
        ...[name, mode, replicas ?? '-', autoscaler ?? '-', reason ?? ''],
      ])
      return textTable(['SERVICE', 'MODE', 'REPLICAS', 'AUTOSCALER', 'WHY NOT'], rows)
    },
  )

const NONE = 'No service has a scaling policy (autoscaler.enable=true).\n'

const autoscalers = async (options: JsonOption, io: Console): Promise<ExitCode> =>
  await show<{ readonly autoscalers: readonly WireAutoscaler[] } & WirePauseOfAll>(
    {
      path: '/v1/autoscaler',
      // How many tasks run, and which cannot be placed.
      isKnown: ({ autoscalers: found }) => found.every(({ running }) => running !== undefined),
    },
    options,
    io,
    ({ autoscalers: found, pause }) => `${pauseOfAllText(pause) ?? ''}${found.length === 0 ? NONE : table(found)}`,
  )

function table(found: readonly WireAutoscaler[]): string {
  const rows = found.map(({ name, service, observation, running, policy, lastDecision, conditions }) => [
    name,
    service,
    running === undefined || running === observation.replicas
      ? observation.replicas
      : `${observation.replicas} (${running} running)`,
    policy.min?.value ?? '-',
    policy.max?.value ?? '-',
    decided(lastDecision, conditions),
    troubles(conditions),
  ])
  return textTable(['NAME', 'SERVICE', 'REPLICAS', 'MIN', 'MAX', 'LAST DECISION', 'CONDITIONS'], rows, {
    isRuled: true,
  })
}

function decided(last: WireAutoscaler['lastDecision'], conditions: WireAutoscaler['conditions']): Cell {
  if (last === undefined) return '-'
  const { at, code, outcome, reason } = last
  const what = code ?? outcome
  const isOver = code === 'paused' && !conditions.some(({ type, status }) => type === 'Paused' && status)
  const said = reason.startsWith(what) ? reason : `${what}: ${reason}`
  return [ago(at), said, ...(isOver ? ['not paused any more'] : [])]
}

function troubles(conditions: WireAutoscaler['conditions']): Cell {
  const found = conditions.filter(({ type, status }) => TROUBLES.some(([of, bad]) => of === type && bad === status))
  return found.length === 0
    ? 'ok'
    : found.map(({ type, status, reason }) => `${status ? '' : 'not '}${type}: ${reason}`)
}
