/** Whether the list of tasks is new enough to let a service grow: what it does not show must not be taken for free. */
import type { Clock } from '../../foundation/clock.ts'
import type { Tasks } from '../../swarm/ports.ts'
import type { ServiceObservation } from '../../swarm/services.ts'
import type { SyncStatus } from '../../swarm/sync.ts'
import type { RecentDecreases } from './recent-decreases.ts'
import type { ServiceTasks } from './tasks-by-service.ts'

/** It is read each second. */
const OLD_AFTER_MS = 5_000

export interface TaskNewsDeps {
  readonly tasks: Pick<Tasks, 'readAtMs'>
  readonly decreases: Pick<RecentDecreases, 'isSettled'>
  /** Of nodes and networks. */
  readonly sync: () => SyncStatus
  readonly now: Clock
}

/** Why the service can not grow before more is read; `undefined`: it can. */
export type TaskNews = (service: ServiceObservation, tasks: ServiceTasks) => string | undefined

export function createTaskNews({ tasks, decreases, sync, now }: TaskNewsDeps): TaskNews {
  return ({ id, replicas }, { slots }) => {
    const { inSync, reason } = sync()
    if (!inSync) return `what is free is not known now: ${reason}`
    const readAtMs = tasks.readAtMs()
    if (readAtMs === undefined) return 'what is free is not known yet: the tasks of the Swarm were not read'
    const ageMs = now() - readAtMs
    if (ageMs > OLD_AFTER_MS) return `what is free is not known: tasks were last read ${Math.round(ageMs / 1000)} s ago`
    if (slots > replicas) return `${slots - replicas} tasks more than its count are still to be stopped`
    return decreases.isSettled(id) ? undefined : 'which tasks its last decrease stops is not known yet'
  }
}
