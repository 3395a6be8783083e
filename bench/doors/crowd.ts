/** A controller in the memory that the stack gives it, on a Swarm with very many services that are none of its business. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startController } from '../../test/e2e/support/controller.ts'
import { limitMemory, STACK_LIMIT_BYTES } from '../../test/e2e/support/memory-limit.ts'
import { eventually } from '../../test/e2e/support/services.ts'
import { exactly, type Figure } from '../figure.ts'
import { residentMb } from '../processor-time.ts'
import { ms } from '../statistics.ts'
import type { CrowdOrder } from './crowded-engine.ts'

const WITHOUT_POLICY = 100_000
const WITH_POLICY = 1_000
const UPS = 50
/** Two more full lists, one a minute, meanwhile. */
const STAYS_MS = 130_000
const STAYS_MS_QUICK = 65_000

export async function measureCrowd(options: {
  readonly quick: boolean
  readonly progress: (line: string) => void
  /** Fewer, for a test. */
  readonly services?: number
}): Promise<Figure[]> {
  const { quick, progress, services = WITHOUT_POLICY + WITH_POLICY } = options
  const folder = await mkdtemp(join(tmpdir(), 'orrery-crowd-'))
  const socketPath = join(folder, 'engine.sock')
  const engine = fork(join(import.meta.dirname, 'crowded-engine.ts'), { execArgv: ['--import', 'tsx'] })
  const limit = limitMemory(STACK_LIMIT_BYTES)
  try {
    const order: CrowdOrder = { socketPath, services, withPolicy: WITH_POLICY }
    engine.send(order)
    await once(engine, 'message')
    progress(`a controller with ${STACK_LIMIT_BYTES / 1024 / 1024} MiB, and ${services} services`)
    const startedAt = performance.now()
    const controller = await startController(
      { socketPath },
      { env: { LOG_LEVEL: process.env.CROWD_LOG ?? 'warn' }, waitReady: false, limit },
    )
    await controller.ready(300_000)
    const readyMs = performance.now() - startedAt
    const known = await controller.call<{ autoscalers: unknown[] }>('GET', '/v1/autoscaler')
    const seen = { looks: 0, ready: 0, scaled: 0, slowestMs: 0, wrong: '' }
    progress('ups, while everything is listed again')
    const until = performance.now() + (quick ? STAYS_MS_QUICK : STAYS_MS)
    while (performance.now() < until && !controller.hasEnded()) {
      const { status, body: readiness } = await controller.call('GET', '/readyz')
      if (status !== 200) seen.wrong = JSON.stringify(readiness)
      const { body, tookMs } = await controller.up(`service-${seen.looks % UPS}`)
      seen.looks += 1
      seen.ready += Number(status === 200)
      seen.scaled += Number(body.outcome === 'scaled' || body.code === 'at-max')
      seen.slowestMs = Math.max(seen.slowestMs, tookMs)
      await eventually('a moment later', async () => performance.now() > startedAt + 200 * seen.looks)
    }
    const { now, highest } = residentMb(controller.pid)
    const [where, failures] = [`${services} services, ${WITH_POLICY} with a policy`, limit.failures()]
    if (process.env.CROWD_LOG) for (const line of controller.log()) console.error(JSON.stringify(line).slice(0, 300))
    await controller.kill()
    return [
      {
        name: `start to ready, ${where}`,
        measured: ms(readyMs),
        limit: exactly(known.body.autoscalers.length === WITH_POLICY, 'all known'),
      },
      {
        name: `ready, ${where}`,
        measured: `${seen.ready} of ${seen.looks} looks${seen.wrong === '' ? '' : `, at last ${seen.wrong}`}`,
        limit: exactly(seen.ready === seen.looks && seen.looks > 0, 'always'),
      },
      {
        name: `up, ${where}`,
        measured: `${seen.scaled} of ${seen.looks} answered, the slowest ${ms(seen.slowestMs)}`,
        limit: exactly(seen.scaled === seen.looks, 'each'),
      },
      {
        name: `resident memory, ${where}`,
        measured: `${Math.round(now)} MB (highest ${Math.round(highest)} MB; the limit met ${failures} times)`,
        limit: exactly(failures === 0, 'in 512 MiB'),
      },
    ]
  } finally {
    engine.kill()
    limit.close()
    await rm(folder, { recursive: true, force: true })
  }
}
