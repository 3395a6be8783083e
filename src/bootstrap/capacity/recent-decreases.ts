/**
 * Services that lost replicas since the tasks were last read. Their tasks may have got addresses in between and hold them
 * while they stop, and the list shows neither: until it is read anew, they count as if nothing had been taken away.
 */
import type { Clock } from '../../foundation/clock.ts'
import type { Services, Tasks } from '../../swarm/ports.ts'
import type { ServiceObservation } from '../../swarm/services.ts'

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
