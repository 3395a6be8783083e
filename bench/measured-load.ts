/** What 1000 services that follow a metric cost one controller: a local server in place of Prometheus, which only answers. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Controller, endControllers, startController } from '../test/e2e/support/controller.ts'
import { eventually } from '../test/e2e/support/services.ts'
import type { EngineKind } from '../test/lab/packages/engines.ts'
import { startLab } from '../test/lab/start-lab.ts'
import { connectRawEngine } from './calls/raw-engine.ts'
import { createService } from './calls/services.ts'
import { atMost, exactly, type Figure } from './figure.ts'
import { callsAMinute, callsSoFar } from './idle.ts'
import { processorSeconds, residentMb } from './processor-time.ts'

const SERVICES = 1000
const TICK_MS = 15_000
const TICKS = 8
const TICKS_QUICK = 3

export async function measureLoad(options: {
  readonly engine: EngineKind
  readonly quick: boolean
  readonly progress: (line: string) => void
}): Promise<Figure[]> {
  const { progress, quick } = options
  const windowMs = (quick ? TICKS_QUICK : TICKS) * TICK_MS
  const asked: string[] = []
  const prometheus = createServer(async (request, answer) => {
    let form = ''
    for await (const chunk of request) form += chunk
    asked.push(new URLSearchParams(form).get('query') ?? '')
    const result = [{ metric: {}, value: [Date.now() / 1000, '95'] }]
    answer.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }))
  }).listen(0, '127.0.0.1')
  await once(prometheus, 'listening')
  const url = `http://127.0.0.1:${(prometheus.address() as AddressInfo).port}`
  const lab = await startLab({ nodes: 1, managers: 1, engine: options.engine, images: [], onProgress: progress })
  const [manager] = lab.managers
  if (manager === undefined) throw new Error('a lab without a manager')
  const hands = connectRawEngine(manager.socketPath, 8)
  try {
    progress(`making ${SERVICES} services that follow a query each, and ${SERVICES} that share one`)
    const follow = async (name: string, query: string) => {
      const labels = { 'autoscaler.metric.q.query': query, 'autoscaler.metric.q.target': '100' }
      // 95 against 100 for each of one replica: within the tolerance, so the ticks are measured and not the writes.
      await createService(hands, { name, replicas: 1, labels })
    }
    const each = Array.from({ length: SERVICES }, (_, index) => index)
    await Promise.all(each.map(async (index) => await follow(`own-${index}`, `sum(own_${index})`)))
    const socket = { ORRERY_SWARM_SOCKET: `/proc/${manager.pid}/root/run/docker/swarm/control.sock` }
    const controller = await startController(manager, { env: { LOG_LEVEL: 'info', PROMETHEUS_URL: url, ...socket } })
    const figures = await measureTicks(controller, { windowMs, progress })
    const ownAsked = await askedInOneTick(controller, asked)
    await Promise.all(each.map(async (index) => await follow(`shared-${index}`, 'sum(shared)')))
    await eventually('both kinds are known', async () => (await evaluated(controller)) === 2 * SERVICES, {
      timeoutMs: 60_000,
      everyMs: 1000,
    })
    const allAsked = await askedInOneTick(controller, asked)
    return [
      ...figures,
      {
        name: `measured load: queries in one tick, ${SERVICES} of their own, then ${SERVICES} services more with one`,
        measured: `${ownAsked}, then ${allAsked}`,
        limit: exactly(ownAsked === SERVICES && allAsked === SERVICES + 1, `${SERVICES}, then ${SERVICES + 1}`),
      },
    ]
  } finally {
    endControllers()
    await hands.close()
    prometheus.closeAllConnections()
    prometheus.close()
    progress('taking the lab down')
    await lab.down()
  }
}

async function measureTicks(
  controller: Controller,
  { windowMs, progress }: { readonly windowMs: number; readonly progress: (line: string) => void },
): Promise<Figure[]> {
  await eventually('all are evaluated', async () => (await evaluated(controller)) === SERVICES, {
    timeoutMs: 60_000,
    everyMs: 1000,
  })
  progress(`ticks of ${SERVICES} services for ${windowMs / 1000} s`)
  const before = { calls: await callsSoFar(controller), seconds: processorSeconds(controller.pid) }
  const startedMs = Date.now()
  const [late, took]: [number[], number[]] = [[], []]
  while (Date.now() - startedMs < windowMs) {
    await sleep(TICK_MS / 3)
    late.push(await controller.metric('orrery_load_tick_late_seconds'))
    took.push(await controller.metric('orrery_load_tick_seconds'))
  }
  const share = (100 * 1000 * (processorSeconds(controller.pid) - before.seconds)) / (Date.now() - startedMs)
  const made = callsAMinute(before.calls, await callsSoFar(controller), windowMs)
  const [latest, longest] = [Math.max(...late), Math.max(...took)]
  const of = `${SERVICES} services with a query each, tick ${TICK_MS / 1000} s`
  return [
    {
      name: `measured load: share of one core, ${of}`,
      measured: `${share.toFixed(1)} %`,
      limit: atMost(share, 25, ' %'),
    },
    { name: 'measured load: how late a tick began at most', measured: `${latest} s`, limit: atMost(latest, 1, ' s') },
    { name: 'measured load: how long a tick took at most, its queries included', measured: `${longest} s` },
    { name: 'measured load: engine calls a minute', measured: `${Math.round(made.all)} (${made.described})` },
    { name: 'measured load: resident', measured: `${Math.round(residentMb(controller.pid).now)} MB` },
  ]
}

/** Services that have a value. */
async function evaluated(controller: Controller): Promise<number> {
  const { body } = await controller.call<string>('GET', '/metrics')
  return String(body)
    .split('\n')
    .filter((line) => line.startsWith('orrery_load_metric_value{')).length
}

/** How many questions come between two ticks. */
async function askedInOneTick(controller: Controller, asked: string[]): Promise<number> {
  const untilQuiet = async () => {
    for (let before = -1; before !== asked.length; ) {
      before = asked.length
      await sleep(3000)
    }
  }
  await untilQuiet()
  asked.length = 0
  await eventually(
    'a tick',
    async () => (await controller.call('GET', '/healthz')).status === 200 && asked.length > 0,
    {
      timeoutMs: 2 * TICK_MS,
    },
  )
  await untilQuiet()
  return asked.length
}
