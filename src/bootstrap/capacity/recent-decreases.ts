/**
 * Services that lost replicas since the tasks were last read. Their tasks may have got addresses in between and hold them
 * while they stop, and the list shows neither: until it is read anew, they count as if nothing had been taken away.
 */
import type { Clock } from '../../foundation/clock.ts'
import type { Services, Tasks } from '../../swarm/ports.ts'
import type { ServiceObservation } from '../../swarm/services.ts'
import type { SyncStatus } from '../../swarm/sync.ts'
import type { ServiceTasks } from './tasks-by.ts'

/** How long after a decrease was seen a list must have been begun: Swarm marks the tasks to be stopped a little later. */
const SETTLE_MS = 100

export interface RecentDecreases {
  /** Whether the list of tasks was read after the service's last decrease, and after this controller began to look. */
  isSettled(serviceId: string): boolean
  /** The highest count since the list was read; 0 if it did not get lower. */
  peakOf(serviceId: string): number
  /** Services that were removed since then, with the highest count they had. */
  removed(): readonly ServiceObservation[]
}

export interface RecentDecreasesDeps {
  readonly services: Pick<Services, 'onChange'>
  readonly tasks: Pick<Tasks, 'readAtMs'>
  readonly now: Clock
}

interface Decrease {
  readonly service: ServiceObservation
  readonly isRemoved: boolean
  readonly atMs: number
}

export function createRecentDecreases({ services, tasks, now }: RecentDecreasesDeps): RecentDecreases {
  const startedAtMs = now()
  const decreases = new Map<string, Decrease>()

  const wasReadAfter = (atMs: number) => (tasks.readAtMs() ?? Number.NEGATIVE_INFINITY) >= atMs

  const open = (serviceId: string): Decrease | undefined => {
    const decrease = decreases.get(serviceId)
    if (decrease === undefined || !wasReadAfter(decrease.atMs + SETTLE_MS)) return decrease
    decreases.delete(serviceId)
    return undefined
  }

  services.onChange(({ id, before, after }) => {
    if (before?.placement === undefined || (after !== undefined && after.replicas >= before.replicas)) return
    const replicas = Math.max(before.replicas, open(id)?.service.replicas ?? 0)
    decreases.set(id, { service: { ...before, replicas }, isRemoved: after === undefined, atMs: now() })
  })

  return {
    isSettled: (serviceId) => wasReadAfter(startedAtMs) && open(serviceId) === undefined,
    peakOf: (serviceId) => open(serviceId)?.service.replicas ?? 0,
    removed: () =>
      [...decreases.keys()].flatMap((id) => {
        const decrease = open(id)
        return decrease?.isRemoved === true ? [decrease.service] : []
      }),
  }
}

/** It is read each second. */
const OLD_AFTER_MS = 5_000

export interface TaskNewsDeps {
  readonly tasks: Pick<Tasks, 'readAtMs'>
  readonly decreases: Pick<RecentDecreases, 'isSettled'>
  /** Of nodes and networks. */
  readonly sync: () => SyncStatus
  readonly now: Clock
}

/** Why the service cannot grow before more is read; `undefined`: it can. */
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
