/** `describe`, `explain`, `history`, `decisions`: what the API says of an autoscaler, for people. */
import type { Static } from '@sinclair/typebox'
import { visibleText } from '../../foundation/visible-text.ts'
import type { WireController } from '../../http/routes/process.ts'
import type { WireAutoscaler } from '../../http/wire/autoscaler.ts'
import type { WireDecision, WireExplanation } from '../../http/wire/decision.ts'
import type { WireHistory } from '../../http/wire/history.ts'
import type { TaskSchema } from '../../http/wire/task.ts'
import type { WireWeek } from '../../http/wire/week.ts'
import type { Console, ExitCode } from '../console.ts'
import { textTable } from '../text-table.ts'
import { ago, type JsonOption, pathOf, show } from './call.ts'
import { historyChart } from './history-chart.ts'
import { boundsText, clockText, weekStrip } from './week-strip.ts'

export interface ExplainOptions extends JsonOption {
  readonly by?: string
  readonly replicas?: string
}

type Described = WireAutoscaler & { readonly decisions: readonly WireDecision[] }

export const describe = async (name: string | undefined, options: JsonOption, io: Console): Promise<ExitCode> =>
  name === undefined
    ? await show<WireController>({ path: '/v1/controller' }, options, io, controllerText)
    : await show<Described>({ path: pathOf(name) }, options, io, described)

function controllerText({
  hostname,
  version,
  now,
  engine,
  dryRun,
  access,
  features,
  conditions,
}: WireController): string {
  const who = access.name === undefined ? '' : `, as ${access.name}`
  const on = Object.entries(features).map(([name, isOn]) => `${visibleText(name)} ${isOn ? 'on' : 'off'}`)
  const lines = [
    `controller on ${hostname}, version ${version}, its clock says ${now}`,
    `engine ${engine}${dryRun ? '; dry run: it writes nothing' : ''}`,
    `your role here is ${access.role}${who}`,
    ...(on.length === 0 ? [] : [on.join(', ')]),
  ]
  const rows = conditions.map(({ type, status, reason }) => [type, status ? 'yes' : 'no', reason])
  return `${lines.join('\n')}\n\n${textTable(['CONDITION', 'IS', 'REASON'], rows)}`
}

function described(one: Described): string {
  const { name, service, observation, policy, issues, conditions, nextAllowed, decisions } = one
  const paused = conditions.find(({ type, status }) => type === 'Paused' && status)
  const lines = [
    `${name}: ${observation.replicas} replicas of the service ${service}, bounds ${policy.min?.value ?? '-'} to ${policy.max?.value ?? 'no max'}`,
    `next step up ${nextAllowed.up ?? 'now'}, down ${nextAllowed.down ?? 'now'}`,
    ...(paused === undefined ? [] : [paused.reason]),
    ...(one.unsupported === undefined ? [] : [`not scaled: ${one.unsupported}`]),
    ...issues.map(({ severity, field, message }) => `${severity} in ${field}: ${message}`),
  ]
  const fields = Object.entries(policy).map(([field, { value, source }]) => [field, value, source])
  const found = conditions.map(({ type, status, since, reason }) => [type, status ? 'yes' : 'no', ago(since), reason])
  return [
    `${lines.join('\n')}\n\n`,
    textTable(['FIELD', 'VALUE', 'SOURCE'], fields),
    textTable(['CONDITION', 'IS', 'SINCE', 'REASON'], found),
    decisionTable(decisions),
  ].join('')
}

export async function explain(
  { name, direction }: { readonly name: string; readonly direction: 'up' | 'down' },
  { by, replicas, ...options }: ExplainOptions,
  io: Console,
): Promise<ExitCode> {
  const body = replicas === undefined ? { direction, ...(by !== undefined && { by }) } : { replicas: Number(replicas) }
  const call = { method: 'POST', path: pathOf(name, '/explain'), body } as const
  return await show<WireExplanation>(call, options, io, ({ stages, ...decision }) => {
    const rows = stages.map(({ stage, result, detail }) => [stage, result, detail])
    return `${sentence(decision)}\n${textTable(['STAGE', 'RESULT', 'DETAIL'], rows)}`
  })
}

function sentence({ autoscaler, outcome, code, from, to, reason, retryAt }: WireDecision): string {
  const what = outcome === 'scaled' ? `would go from ${from} to ${to}` : `would be ${code ?? outcome}`
  return `${autoscaler}: ${what}: ${reason}${retryAt === undefined ? '' : ` (again from ${retryAt})`}`
}

interface WireTasks {
  readonly tasks: readonly Static<typeof TaskSchema>[]
}

export async function tasks(name: string | undefined, options: JsonOption, io: Console): Promise<ExitCode> {
  const path = name === undefined ? '/v1/task' : pathOf(name, '/tasks')
  return await show<WireTasks>({ path, isKnown: () => true }, options, io, ({ tasks: found }) => {
    const rows = found.map(({ id, service, slot, node, state, desiredState, since, error, message, addresses }) => [
      name === undefined && service !== undefined ? `${service}.${slot ?? id}` : (slot ?? id),
      node?.hostname ?? node?.id ?? '-',
      state === desiredState ? state : `${state} (wanted: ${desiredState})`,
      ago(since),
      (addresses ?? []).join(' '),
      error ?? message ?? '',
    ])
    return rows.length === 0
      ? `${name ?? 'The Swarm'} has no tasks.\n`
      : textTable(['TASK', 'NODE', 'STATE', 'SINCE', 'ADDRESS', 'SWARM SAYS'], rows)
  })
}

export const history = async (name: string, options: JsonOption, io: Console): Promise<ExitCode> =>
  await show<WireHistory>({ path: pathOf(name, '/history') }, options, io, ({ since, points }) => {
    const rows = points.map(({ at, replicas, min, max, by, cause }) => [
      at,
      replicas,
      min === undefined ? '-' : `${min} to ${max ?? 'no max'}`,
      cause === undefined ? by : `${by}: ${cause}`,
    ])
    return `${historyChart(points, Date.now())}\n${textTable(['AT', 'REPLICAS', 'BOUNDS', 'BY'], rows)}remembered since ${since}\n`
  })

export const schedule = async (name: string, options: JsonOption, io: Console): Promise<ExitCode> =>
  await show<WireWeek>({ path: pathOf(name, '/schedule') }, options, io, weekText)

function weekText(week: WireWeek): string {
  const { autoscaler, now, tz, windows, stretches, cut } = week
  const current = stretches.find(({ until }) => Date.parse(until) > Date.parse(now))
  const holds = current === undefined ? '' : `${boundsText(current)} replicas now, by ${current.source}`
  if (windows.length === 0) return `${autoscaler} has no schedule: ${holds}, at any time.\n`
  const at = (time: string) => clockText(time, tz)
  const until = current === undefined || current === stretches.at(-1) ? '' : ` until ${at(current.until)}`
  const written = windows.map((one) => [
    ...[one.name, one.from, one.to ?? `for ${one.for}`, one.tz],
    ...[one.min ?? '-', one.max ?? '-'],
  ])
  const rows = stretches.map((one) => [at(one.from), at(one.until), one.min, one.max ?? '-', one.source])
  return [
    `${autoscaler}: ${holds}${until}. Times are of ${tz}, where it is ${at(now)}.\n\n`,
    `${weekStrip(week)}\n`,
    textTable(['WINDOW', 'FROM', 'TO', 'ZONE', 'MIN', 'MAX'], written),
    textTable(['FROM', 'UNTIL', 'MIN', 'MAX', 'BY'], rows),
    cut ? 'The bounds change too often for one list: it ends here.\n' : '',
  ].join('')
}

export async function decisions(name: string | undefined, options: JsonOption, io: Console): Promise<ExitCode> {
  const path = name === undefined ? '/v1/decision' : pathOf(name, '/decisions')
  return await show<{ readonly decisions: readonly WireDecision[] }>({ path }, options, io, ({ decisions: found }) =>
    found.length === 0 ? 'No decision since this controller started.\n' : decisionTable(found),
  )
}

function decisionTable(found: readonly WireDecision[]): string {
  const rows = found.map(({ at, autoscaler, outcome, code, from, to, reason, note }) => [
    ...[at, autoscaler, code ?? outcome],
    from === to ? from : `${from} -> ${to}`,
    [reason, note !== undefined && reason.includes(note) ? undefined : note],
  ])
  return textTable(['AT', 'AUTOSCALER', 'OUTCOME', 'COUNT', 'REASON'], rows)
}
