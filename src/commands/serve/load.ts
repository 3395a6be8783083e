/** Measured load put together: the clock, the sources, and the book that evaluates. */
import { createTicks } from '../../adapters/clock/ticks.ts'
import { measureLoadTicks } from '../../adapters/metrics/load-metrics.ts'
import { createJsonUrls } from '../../adapters/prometheus/json-url.ts'
import { createPrometheus } from '../../adapters/prometheus/prometheus.ts'
import { createLoadBook, type LoadBook } from '../../autoscaling/evaluation/load-book.ts'
import { createTaskTroubles, type TaskTroubles } from '../../autoscaling/evaluation/task-troubles.ts'
import type { Policies } from '../../autoscaling/policy/policies.ts'
import type { Base } from './capability.ts'
import type { Networks } from './networks.ts'

export interface ServedLoad {
  readonly book: LoadBook
  readonly troubles: TaskTroubles
  start(): void
  close(): Promise<void>
}

/** What the networks know, and measured load needs too. */
export type LoadNeeds = Pick<Networks, 'reports' | 'nodes' | 'tasks' | 'activate'> & {
  /** Where Prometheus is just now; absent: there is none. */
  readonly prometheus?: (() => Promise<string>) | undefined
}

export function openLoad(base: Base, needs: LoadNeeds & { readonly policies: Policies }): ServedLoad {
  const { swarm, logger, now, stopping: signal } = base
  const { services } = swarm
  const { policies, reports, nodes, tasks, activate, prometheus } = needs
  const { tickMs } = base.config
  const urls = createJsonUrls({ signal })
  const queries = prometheus && createPrometheus({ url: prometheus, now, signal })
  const troubles = createTaskTroubles({ tasks, now })
  const ticks = createTicks()
  const sources = { urls, ...(queries && { queries }) }
  const book = createLoadBook({ services, policies, reports, nodes, tasks, sources, ticks, tickMs, logger, now })

  measureLoadTicks(base.metrics, book.lastTick)

  const measuredIds = (): readonly string[] | undefined => {
    const ids = [...policies.optedIn()].flatMap(({ observation, reading }) =>
      reading.policy?.load === undefined ? [] : [observation.id],
    )
    return ids.length === 0 ? undefined : ids
  }
  let stopFollowing: (() => void) | undefined
  /** Where nothing is measured, no network is looked after and nobody looks, neither nodes nor tasks are read. */
  const followTasks = () => {
    // Whoever follows them: a person who lists autoscalers is told which ones Swarm cannot place.
    troubles.look()
    if (measuredIds() === undefined) return
    activate()
    stopFollowing ??= tasks.follow(measuredIds)
  }
  let stop = () => {}
  return {
    book,
    troubles,
    start() {
      stop = ticks.each(followTasks)
      book.start()
    },
    async close() {
      stop()
      stopFollowing?.()
      troubles.close()
      await Promise.all([book.close(), urls.close()])
    },
  }
}
