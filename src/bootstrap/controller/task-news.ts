/** Whether the list of tasks is new enough to let a service grow: what it does not show must not be taken for free. */
import type { Clock, ServiceObservation, Services, SyncStatus } from '../../autoscaling/ports.ts'
import type { Tasks } from '../ports.ts'
import type { ServiceTasks } from '../tasks-by-service.ts'

/** It is read each second. */
const OLD_AFTER_MS = 5_000
/** How long after a decrease was seen a list must have been begun: Swarm marks the tasks to be stopped a little later. */
const SETTLE_MS = 100

export interface TaskNewsDeps {
  readonly tasks: Pick<Tasks, 'readAtMs'>
  readonly services: Pick<Services, 'onChange'>
  /** Of nodes and networks. */
  readonly sync: () => SyncStatus
  readonly now: Clock
}

/** Why the service can not grow before more is read; `undefined`: it can. */
export type TaskNews = (service: ServiceObservation, tasks: ServiceTasks) => string | undefined

export function createTaskNews({ tasks, services, sync, now }: TaskNewsDeps): TaskNews {
  const startedAtMs = now()
  /** By service id. Stopping containers keep their addresses, and an older list shows them as if they went on. */
  const decreasedAtMs = new Map<string, number>()
  services.onChange(({ id, before, after }) => {
    if (after === undefined) decreasedAtMs.delete(id)
    else if (before !== undefined && after.replicas < before.replicas) decreasedAtMs.set(id, now())
  })

  return ({ id, replicas }, { slots }) => {
    const { inSync, reason } = sync()
    if (!inSync) return `what is free is not known now: ${reason}`
    const readAtMs = tasks.readAtMs()
    if (readAtMs === undefined) return 'what is free is not known yet: the tasks of the Swarm were not read'
    const ageMs = now() - readAtMs
    if (ageMs > OLD_AFTER_MS) return `what is free is not known: tasks were last read ${Math.round(ageMs / 1000)} s ago`
    if (slots > replicas) return `${slots - replicas} tasks more than its count are still to be stopped`
    const settledAtMs = decreasedAtMs.has(id) ? (decreasedAtMs.get(id) ?? 0) + SETTLE_MS : startedAtMs
    return readAtMs < settledAtMs ? 'which tasks its last decrease stops is not known yet' : undefined
  }
}
