/**
 * Whether a controller that hears a thousand agents keeps answering: `up` with and without their reports, by turns, so that
 * both meet the same noise.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'undici'
import type { Controller } from '../../test/e2e/support/controller.ts'
import { eventually } from '../../test/e2e/support/services.ts'
import { followUpdates, type UpdateEvents } from '../calls/update-events.ts'
import { atMost, exactly, type Figure } from '../figure.ts'
import { processorSeconds, residentMb } from '../processor-time.ts'
import { median, ms, percentile } from '../statistics.ts'
import type { AgentsTold, SimulatedAgents } from './simulated-agents.ts'

export interface Reported {
  /** Where its engine's events are. */
  readonly socketPath: string
  readonly controller: Controller
  readonly agents: SimulatedAgents
  readonly headers: Readonly<Record<string, string>>
  /** What is scaled: in words for the table, and the service. */
  readonly services: readonly { readonly what: string; readonly name: string; readonly id: string }[]
  readonly rounds: number
}

/** A turn without reports takes 11 s: each agent leaves out two or three, so that most count as silent when they come back. */
const QUIET_MS = 5_000
const CALLS_MS = 6_000
/** Between two calls: what they leave to do is done. */
const REST_MS = 150
const LIMIT = 1.5
const PERCENT = { heard: 30, silent: 10 }

interface Turns {
  /** Until the engine's event says that the update is committed, by service. */
  readonly committedMs: ReadonlyMap<string, number[]>
  /** Of these the first after each quiet time. */
  readonly firstMs: ReadonlyMap<string, number[]>
  readonly quiet: { seconds: number; ms: number }
}

export interface UnderReports {
  readonly without: Turns
  readonly with: Turns
  readonly told: AgentsTold
  readonly memoryMb: number
  readonly lag: { readonly p99Ms: number; readonly longestMs: number }
}

export async function takeTurns(on: Reported): Promise<UnderReports> {
  const { agents, controller, services } = on
  const updates = await followUpdates(on.socketPath)
  const client = new Client(controller.url)
  for (const { name } of services) {
    // On a network not before all tasks and containers are known.
    await eventually(`${name} can grow`, async () => await up(client, name, on.headers).then(() => true), {
      timeoutMs: 180_000,
    })
  }
  const turns = { without: noTurns(on), with: noTurns(on) }
  await agents.tell()
  await eventLoopLag(on)
  const lags: { p99Ms: number; longestMs: number }[] = []
  for (let round = 0; round < on.rounds; round += 1) {
    agents.report(true)
    await takeTurn(on, turns.with, { client, updates })
    lags.push(await eventLoopLag(on))
    agents.report(false)
    await takeTurn(on, turns.without, { client, updates })
    await eventLoopLag(on)
  }
  agents.report(true)
  const told = await agents.tell()
  updates.close()
  await client.close()
  return {
    ...{ ...turns, told, memoryMb: residentMb(controller.pid).now },
    lag: {
      p99Ms: median(lags.map(({ p99Ms }) => p99Ms)),
      longestMs: Math.max(...lags.map(({ longestMs }) => longestMs)),
    },
  }
}

const noTurns = ({ services }: Reported): Turns => {
  const empty = () => new Map(services.map(({ name }) => [name, []]))
  return { committedMs: empty(), firstMs: empty(), quiet: { seconds: 0, ms: 0 } }
}

async function takeTurn(
  { controller, headers, services }: Reported,
  { committedMs, firstMs, quiet }: Turns,
  { client, updates }: { readonly client: Client; readonly updates: UpdateEvents },
): Promise<void> {
  const before = { seconds: processorSeconds(controller.pid), at: performance.now() }
  await sleep(QUIET_MS)
  quiet.seconds += processorSeconds(controller.pid) - before.seconds
  quiet.ms += performance.now() - before.at
  const endsAt = performance.now() + CALLS_MS
  for (let call = 0; performance.now() < endsAt; call += 1) {
    for (const { name, id } of services) {
      const committed = updates.next(id)
      const startedAt = performance.now()
      await up(client, name, headers)
      const tookMs = (await committed) - startedAt
      committedMs.get(name)?.push(tookMs)
      if (call === 0) firstMs.get(name)?.push(tookMs)
      await sleep(REST_MS)
    }
  }
}

async function up(client: Client, name: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const answer = await client.request({ method: 'POST', path: `/v1/autoscaler/${name}/up`, headers })
  const text = await answer.body.text()
  if (answer.statusCode !== 200 || !text.includes('"scaled"')) throw new Error(`up: ${answer.statusCode} ${text}`)
}

/** Since it was last asked. Node's own histogram, whose clock ticks each 10 ms. */
async function eventLoopLag({ controller, headers }: Reported): Promise<{ p99Ms: number; longestMs: number }> {
  const { body } = await controller.call<string>('GET', '/metrics', { headers })
  const of = (name: string) =>
    1000 * Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)$`, 'm').exec(String(body))?.[1])
  return { p99Ms: of('p99'), longestMs: of('max') }
}

/** `where`: what the calls were made on, for the names. */
export function figuresOf({ services }: Pick<Reported, 'services'>, found: UnderReports, where: string): Figure[] {
  const { told } = found
  const spread = (values: readonly number[]) => `${ms(median(values))} (p95 ${ms(percentile(values, 95))})`
  const ofService = ({ what, name }: Reported['services'][number]): Figure => {
    const [heard, silent] = [found.with.committedMs.get(name) ?? [], found.without.committedMs.get(name) ?? []]
    const ratio = median(heard) / median(silent)
    return {
      name: `up ${what}, with / without reports, ${where}`,
      measured: `${ratio.toFixed(2)}x: ${spread(heard)} / ${spread(silent)}`,
      limit: atMost(ratio, LIMIT, 'x'),
    }
  }
  const percent = ({ quiet }: Turns) => (100_000 * quiet.seconds) / quiet.ms
  const [heard, silent] = [percent(found.with), percent(found.without)]
  const missed = told.refused + told.late
  return [
    ...services.map(ofService),
    {
      name: `reports of all agents, ${where}`,
      measured: `${told.answered} answered in ${ms(told.tookMs / told.answered)} each, ${Math.round(told.bytes / told.answered / 100) / 10} KB`,
      limit: exactly(missed === 0, missed === 0 ? 'each answered' : `each answered: ${missed} not ${told.silent}`),
    },
    {
      name: `share of one core with reports, ${where}`,
      measured: `${heard.toFixed(1)} %`,
      limit: atMost(heard, PERCENT.heard, ' %'),
    },
    {
      name: `share of one core without reports, ${where}`,
      measured: `${silent.toFixed(1)} %`,
      limit: atMost(silent, PERCENT.silent, ' %'),
    },
  ]
}

/** The first call after a rest finds what was counted before out of date. */
export function firstFigures({ services }: Pick<Reported, 'services'>, found: UnderReports, where: string): Figure[] {
  return services.map(({ what, name }) => {
    const of = ({ firstMs }: Turns) => ms(median(firstMs.get(name) ?? []))
    return {
      name: `first up ${what} after a rest, ${where}`,
      measured: `${of(found.with)} with reports, ${of(found.without)} without`,
    }
  })
}
