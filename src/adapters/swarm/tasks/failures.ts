/** Why tasks failed, in Swarm's own words, for a while: what has ended is in no list of tasks any more. */
import type { SwarmTask } from '../../../swarm/tasks.ts'

const KEPT_A_SERVICE = 5
const KEPT_SERVICES = 500

export interface Failures {
  /** Keeps it if it failed or was rejected. */
  note(task: SwarmTask): void
  /** Newest last. */
  all(): readonly SwarmTask[]
}

export function createFailures(): Failures {
  const byService = new Map<string, readonly SwarmTask[]>()
  return {
    note(task) {
      if (task.state !== 'failed' && task.state !== 'rejected') return
      const others = (byService.get(task.serviceId) ?? []).filter(({ id }) => id !== task.id)
      byService.delete(task.serviceId)
      byService.set(task.serviceId, [...others, task].sort(byTime).slice(-KEPT_A_SERVICE))
      const [oldest] = byService.keys()
      if (byService.size > KEPT_SERVICES && oldest !== undefined) byService.delete(oldest)
    },
    all: () => [...byService.values()].flat().sort(byTime),
  }
}

const byTime = (a: SwarmTask, b: SwarmTask): number => (a.statusAtMs ?? 0) - (b.statusAtMs ?? 0)
