/** What callers that mean no good cost everybody else: the controller in the memory that the stack gives it, fuzzed and then held. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Controller, startController } from '../../test/e2e/support/controller.ts'
import { limitMemory, STACK_LIMIT_BYTES } from '../../test/e2e/support/memory-limit.ts'
import { type FakeEngine, startFakeEngine } from '../../test/support/fake-engine/fake-engine.ts'
import { atMost, exactly, type Figure } from '../figure.ts'
import { residentMb } from '../processor-time.ts'
import { ms } from '../statistics.ts'
import type { AttackOrder } from './attackers.ts'
import { createMutator, type FuzzedAnswer, send } from './mutated-requests.ts'

export interface DoorsWish {
  readonly requests: number
  readonly seed: number
  readonly attack: Omit<AttackOrder, 'port' | 'headers'>
  readonly progress: (line: string) => void
}

export interface DoorsFound {
  /** By status, 0 for none. */
  readonly statuses: Readonly<Record<number, number>>
  /** 5xx that no route of ours may answer. */
  readonly faults: readonly FuzzedAnswer[]
  /** What was written in the engine while only callers without a right to write had called. */
  readonly unlawful: readonly string[]
  /** What was written by those who may: else nothing was tried. */
  readonly lawful: number
  readonly residentMb: { readonly before: number; readonly fuzzed: number; readonly highest: number }
  /** Of a good caller, while the connections were held and the pipelines full. */
  readonly waits: {
    readonly count: number
    readonly failed: number
    readonly medianMs: number
    readonly longestMs: number
  }
  /** How often the memory limit was met. */
  readonly limitMet: number
}

const SECRETS = { read: 'r'.repeat(24), scale: 's'.repeat(24), admin: 'a'.repeat(24), agent: 'g'.repeat(24) }
const bearer = (role: keyof typeof SECRETS) => `Authorization: Bearer ${SECRETS[role]}`
const LAWLESS = {
  nobody: '',
  read: bearer('read'),
  agent: bearer('agent'),
  wrong: 'Authorization: Basic eDp5',
  'page of others': `Authorization: Basic ${Buffer.from(`x:${SECRETS.admin}`).toString('base64')}\r\nOrigin: https://evil.example`,
}
const LAWFUL = { scale: bearer('scale'), admin: bearer('admin') }
/** Orbiter's and docker-scaler's plain clients are told of refusals by 500, as they always were. */
const COMPATIBLE = /^\/+(orbiter\/+)?(handle|autoscaler)\b|^\/+v1\/+(orbiter|scale-service)\b/
const AT_ONCE = 16
const WARM_UP = 2_000

export async function tryDoors({ requests, seed, attack, progress }: DoorsWish): Promise<DoorsFound> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-doors-'))
  const tokenFile = join(folder, 'tokens')
  await writeFile(
    tokenFile,
    Object.entries(SECRETS)
      .map((words) => words.join(' '))
      .join('\n'),
    { mode: 0o600 },
  )
  const engine = await startFakeEngine()
  engine.addService({
    name: 'web',
    labels: { 'autoscaler.enable': 'true', 'autoscaler.max': '50', 'autoscaler.cooldown': '0s' },
  })
  const limit = limitMemory(STACK_LIMIT_BYTES)
  try {
    const socketPath = engine.host.replace('unix://', '')
    const env = { LOG_LEVEL: 'warn', ORRERY_TOKEN_FILE: tokenFile }
    const controller = await startController({ socketPath }, { env, limit })
    const port = Number(new URL(controller.url).port)
    const routes = await routesOf(controller)
    const seen: FuzzedAnswer[] = []
    const statuses: Record<number, number> = {}
    const fuzz = async (roles: Readonly<Record<string, string>>, count: number) => {
      const next = createMutator({ seed: seed + count, routes, roles })
      let left = count
      const one = async () => {
        while (left > 0) {
          left -= 1
          const answer = await send(port, next())
          statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
          if (answer.status >= 500) seen.push(answer)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, one))
    }
    progress(`${requests} requests of seed ${seed}`)
    await fuzz({ ...LAWLESS, ...LAWFUL }, Math.min(WARM_UP, requests))
    const before = residentMb(controller.pid).now
    engine.forgetCalls()
    await fuzz(LAWLESS, Math.ceil(requests * 0.6))
    const unlawful = writesIn(engine)
    await fuzz(LAWFUL, Math.ceil(requests * 0.4))
    const lawful = writesIn(engine).length
    const fuzzed = residentMb(controller.pid).now
    const waits = await underAttack({
      controller,
      order: { ...attack, port, headers: `${bearer('read')}\r\n` },
      progress,
    })
    const { highest } = residentMb(controller.pid)
    return {
      ...{ statuses, unlawful, lawful, waits },
      faults: seen.filter(isFault),
      residentMb: { before, fuzzed, highest },
      limitMet: limit.failures(),
    }
  } finally {
    limit.close()
    await engine.close()
    await rm(folder, { recursive: true, force: true })
  }
}

const isFault = ({ status, target, text }: FuzzedAnswer): boolean => {
  // What a retry mends: two writes of many at once may meet. It says so.
  if (status === 503 && /retry-after: \d/i.test(text)) return false
  return !(status === 500 && COMPATIBLE.test(target))
}

const writesIn = (engine: FakeEngine): string[] =>
  engine.calls.flatMap(({ endpoint, path }) => (endpoint.startsWith('GET') ? [] : [`${endpoint} ${path}`]))

async function routesOf(controller: Controller) {
  const { body } = await controller.call<{ paths: Record<string, Record<string, unknown>> }>('GET', '/openapi.json')
  const listed = Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method, path })),
  )
  return [
    ...listed,
    { method: 'get', path: '/ui/' },
    { method: 'get', path: '/openapi.json' },
    { method: 'get', path: '/docs' },
  ]
}

async function underAttack(of: {
  readonly controller: Controller
  readonly order: AttackOrder
  readonly progress: (line: string) => void
}) {
  const { controller, order, progress } = of
  const attackers = fork(join(import.meta.dirname, 'attackers.ts'), { execArgv: ['--import', 'tsx'] })
  const headers = { authorization: `Bearer ${SECRETS.scale}` }
  const waits: number[] = []
  let failed = 0
  let isOver = false
  let [phase, phaseLongestMs] = ['idle connections open', 0]
  const endPhase = (next: string) => {
    progress(`${phase}: a good caller waited ${ms(phaseLongestMs)} at most`)
    ;[phase, phaseLongestMs] = [next, 0]
  }
  attackers.on('message', (next) => endPhase(String(next)))
  attackers.once('exit', () => {
    isOver = true
  })
  attackers.send(order)
  while (!isOver) {
    for (const path of ['/healthz', '/v1/autoscaler/web']) {
      const startedAt = performance.now()
      const status = await controller.call('GET', path, { headers, timeoutMs: 60_000 }).then(
        ({ status: said }) => said,
        () => 0,
      )
      const waitMs = performance.now() - startedAt
      waits.push(waitMs)
      phaseLongestMs = Math.max(phaseLongestMs, waitMs)
      failed += Number(status !== 200)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  endPhase('')
  attackers.kill()
  if (attackers.exitCode === null) await once(attackers, 'exit')
  const sorted = waits.toSorted((one, other) => one - other)
  return {
    count: waits.length,
    failed,
    medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0,
    longestMs: sorted.at(-1) ?? 0,
  }
}

const FULL = {
  ...{ idle: 2_000, slow: 1_000, unread: 300, eachMs: 3_000 },
  pipelined: {
    ...{ sockets: 10, requests: 1800 },
    paths: [
      '/openapi.json',
      '/metrics',
      '/v1/autoscaler',
      '/v1/autoscaler/web',
      '/docs',
      '/ui/',
      '/healthz',
      '/nothing',
    ],
  },
}

export async function measureDoors({ progress }: { readonly progress: (line: string) => void }): Promise<Figure[]> {
  const found = await tryDoors({ requests: 100_000, seed: 20_261_126, attack: FULL, progress })
  const { before, fuzzed, highest } = found.residentMb
  const { count, failed, medianMs, longestMs } = found.waits
  return [
    {
      name: '100,000 odd requests of all roles',
      measured: Object.entries(found.statuses)
        .map(([status, times]) => `${status}: ${times}`)
        .join(', '),
      limit: exactly(found.faults.length === 0, 'no fault of ours'),
    },
    {
      name: 'written for those who may not',
      measured: `${found.unlawful.length} (for those who may: ${found.lawful})`,
      limit: exactly(found.unlawful.length === 0 && found.lawful > 0, 'nothing'),
    },
    {
      name: 'resident memory after them',
      measured: `${fuzzed.toFixed(0)} MB, before ${before.toFixed(0)} MB`,
      limit: exactly(fuzzed <= before * 1.2, '+ 20 %'),
    },
    {
      name: `a good caller beside ${FULL.idle} idle, ${FULL.slow} slow, ${FULL.unread} unread connections and full pipelines`,
      measured: `${count} calls, ${failed} failed, median ${ms(medianMs)}, longest ${ms(longestMs)}`,
      limit: atMost(longestMs, 100, ' ms'),
    },
    {
      name: 'resident memory at its highest',
      measured: `${highest.toFixed(0)} MB; the limit of 512 MiB met ${found.limitMet} times`,
      limit: exactly(found.limitMet === 0, 'in 512 MiB'),
    },
  ]
}
