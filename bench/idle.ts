/** What the controller asks of the engine while nobody asks anything of it: without networks and without Consul. */
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost, type Figure } from './figure.ts'
import { processorSeconds } from './processor-time.ts'
import type { Stage } from './stage.ts'

const WINDOW_MS = 120_000
const WINDOW_MS_QUICK = 20_000
const MINUTE_MS = 60_000
/**
 * The leader read every 2 s; each minute one list of the services, and one each of the configs that hold shared state. Since
 * somebody has looked at what runs: one each of nodes, networks and the engine's facts too, and tasks are heard.
 */
const CALLS_A_MINUTE = 37

export async function measureIdle({ controller, progress, quick }: Stage, services: number): Promise<Figure[]> {
  const windowMs = quick ? WINDOW_MS_QUICK : WINDOW_MS
  progress(`idle for ${windowMs / 1000} s`)
  const before = { calls: await callsSoFar(controller), seconds: processorSeconds(controller.pid) }
  await sleep(windowMs)
  const seconds = processorSeconds(controller.pid) - before.seconds
  const made = callsAMinute(before.calls, await callsSoFar(controller), windowMs)
  return [
    {
      name: `idle: engine calls a minute, ${services} services`,
      measured: `${made.all} (${made.described}), 1 event stream`,
      limit: callsAtMost(made.all, CALLS_A_MINUTE, windowMs),
    },
    {
      name: `idle: share of one core, ${services} services`,
      measured: `${((100 * seconds * 1000) / windowMs).toFixed(1)} %`,
    },
  ]
}

type Calls = ReadonlyMap<string, number>

/** What was called between two looks. */
export function callsAMinute(before: Calls, after: Calls, windowMs: number) {
  const made = [...after].flatMap(([endpoint, count]) => {
    const perMinute = ((count - (before.get(endpoint) ?? 0)) * MINUTE_MS) / windowMs
    return perMinute > 0 ? [{ endpoint, perMinute: Math.round(perMinute * 10) / 10 }] : []
  })
  return {
    all: made.reduce((sum, { perMinute }) => sum + perMinute, 0),
    described: made.map(({ endpoint, perMinute }) => `${endpoint} ${perMinute}`).join(', '),
  }
}

/** A window cut from a running clock may hold a call or two more than its share. */
export const callsAtMost = (all: number, limit: number, windowMs: number) => ({
  ...atMost(all, limit),
  times: all / (limit + (2 * MINUTE_MS) / windowMs),
})

interface Scraped {
  call(method: 'GET', path: string): Promise<{ readonly body: unknown }>
}

/** Ended calls by endpoint; an event stream that stays open is none. */
export async function callsSoFar({ call }: Scraped): Promise<Map<string, number>> {
  const { body } = await call('GET', '/metrics')
  const calls = new Map<string, number>()
  for (const line of String(body).split('\n')) {
    const [, labels = '', count] = /^orrery_docker_call_seconds_count\{(.*)\} (\S+)$/.exec(line) ?? []
    const label = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1] ?? ''
    if (count === undefined) continue
    const endpoint = `${label('method')} ${label('endpoint')}`
    calls.set(endpoint, (calls.get(endpoint) ?? 0) + Number(count))
  }
  return calls
}
