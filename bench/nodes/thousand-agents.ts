/** A controller that hears a thousand agents, each on a node of its own, and one that knows a hundred thousand tasks. */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../test/e2e/support/services.ts'
import { exactly, type Figure } from '../figure.ts'
import { processorSeconds, residentMb } from '../processor-time.ts'
import { ms } from '../statistics.ts'
import { NODES, startThousandNodes } from './thousand-nodes.ts'
import { figuresOf, firstFigures, takeTurns } from './under-reports.ts'

interface Options {
  /** 1000 unless told otherwise. */
  readonly nodes?: number
  readonly proof?: 'token' | 'certificate'
  readonly quick: boolean
  readonly progress: (line: string) => void
}

const ROUNDS = 3
const CONTAINERS = 20
const MANY = { containers: 100, tasks: 100 * NODES, windowMs: 30_000, everyMs: 200 }

export async function measureThousandAgents(options: Options): Promise<Figure[]> {
  const { quick, progress, nodes = NODES, proof = 'token' } = options
  const where = `${nodes} nodes${proof === 'token' ? '' : ', mutual TLS'}`
  const swarm = await startThousandNodes({ containers: CONTAINERS, progress, nodes, proof })
  try {
    const services = (['on the network', 'of another service'] as const).map((what, index) => {
      const name = `asked-${index}`
      return { what, name, id: swarm.createService(name, what === 'on the network' ? 'network' : 'nothing') }
    })
    progress('up with and without their reports, by turns')
    const found = await takeTurns({ ...swarm, services, rounds: quick ? 1 : ROUNDS })
    const { p99Ms, longestMs } = found.lag
    return [
      { name: `network on ${where}: made by itself`, measured: `all ready after ${ms(swarm.readyMs)}` },
      ...figuresOf({ services }, found, where),
      ...firstFigures({ services }, found, where),
      { name: `resident memory, ${where}`, measured: `${Math.round(found.memoryMb)} MB` },
      { name: `event loop kept waiting, ${where}`, measured: `p99 ${ms(p99Ms)}, longest ${ms(longestMs)}` },
    ]
  } finally {
    await swarm.close()
  }
}

/** Whether it stays ready and services on the network still grow. The agents have reported once and are silent then. */
export async function measureManyTasks({ progress }: Options): Promise<Figure[]> {
  const swarm = await startThousandNodes({ containers: MANY.containers, progress })
  const { controller, agents, headers } = swarm
  try {
    swarm.createService('asked', 'network')
    const up = async () => {
      const { status, body } = await controller.up('asked', { headers })
      return status === 200 && body.outcome === 'scaled'
    }
    progress(`${MANY.tasks} tasks`)
    const startedAt = performance.now()
    await eventually('a service on the network grows', up, { timeoutMs: 120_000 })
    const grownMs = performance.now() - startedAt
    // It grew on what was listed; a list of this length is old before the stream that follows it is complete.
    const isHeard = async () => (await controller.metric('orrery_tasks_heard')) === 1
    await eventually('the tasks are heard', isHeard, { timeoutMs: 120_000 })
    agents.report(false)
    const [before, from] = [processorSeconds(controller.pid), performance.now()]
    const seen = { ready: 0, looks: 0, grown: 0, slowestMs: 0 }
    while (performance.now() - from < MANY.windowMs) {
      const { status, tookMs } = await controller.call('GET', '/readyz')
      seen.looks += 1
      seen.ready += Number(status === 200)
      seen.slowestMs = Math.max(seen.slowestMs, tookMs)
      seen.grown += Number(await up())
      await sleep(MANY.everyMs)
    }
    const percent = (100_000 * (processorSeconds(controller.pid) - before)) / (performance.now() - from)
    const { now, highest } = residentMb(controller.pid)
    const where = `${MANY.tasks} tasks`
    return [
      { name: `first up on the network, ${where}`, measured: `grown ${ms(grownMs)} after they were first listed` },
      {
        name: `ready, ${where}`,
        measured: `${seen.ready} of ${seen.looks} looks, the slowest ${ms(seen.slowestMs)}`,
        limit: exactly(seen.ready === seen.looks, 'always'),
      },
      {
        name: `up on the network, ${where}`,
        measured: `${seen.grown} of ${seen.looks} scaled`,
        limit: exactly(seen.grown === seen.looks, 'each scaled'),
      },
      { name: `share of one core meanwhile, ${where}`, measured: `${percent.toFixed(1)} %` },
      {
        name: `resident memory, ${where}`,
        measured: `${Math.round(now)} MB (highest ${Math.round(highest)} MB)`,
      },
    ]
  } finally {
    await swarm.close()
  }
}
