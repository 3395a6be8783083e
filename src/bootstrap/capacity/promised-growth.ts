/**
 * Growth that is written or about to be, and does not show in the service yet: this controller's in memory and, where there
 * may be other controllers, in `orrery-state` for them. It ends with the version of the service that it was made on:
 * whoever sees a newer one sees the growth itself, or that it never came.
 */

import type { SharedState, SharedStateStore } from '../../autoscaling/ports.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Services, Tasks } from '../../swarm/ports.ts'
import { GROWTH_MS, type ServiceObservation } from '../../swarm/services.ts'

export type Growths = SharedState['growths']
type Growth = Growths extends ReadonlyMap<string, infer One> ? One : never

/** Longer than any write takes to come into force, even one without an answer. */
/** For that long some controller may not have seen what others see: then it is not in sync, and grows nothing. */
const UNSEEN_MS = 10_000
/** Tasks that were read so long after a growth show it, clocks of the controllers included. */
const SHOWN_MS = 3_000

export interface PromisedGrowth {
  /** The count that the service has or is promised, the higher one. `growths`: what the controllers share. */
  countOf(service: ServiceObservation, growths: Growths): number
  /** Remembers it in memory; the answer ends it. */
  promise(service: ServiceObservation, replicas: number): () => void
  /**
   * Tells the other controllers, unless `isGranted` says with what they say that there is no room. Throws Fault
   * `engine-unavailable`, `conflicts-exhausted` or `write-rejected`.
   */
  share(service: ServiceObservation, replicas: number, isGranted: (growths: Growths) => boolean): Promise<boolean>
}

export interface PromisedGrowthDeps {
  readonly services: Pick<Services, 'get'>
  readonly tasks: Pick<Tasks, 'readAtMs'>
  readonly sharedState: Pick<SharedStateStore, 'update'>
  readonly now: Clock
}

export function createPromisedGrowth({ services, tasks, sharedState, now }: PromisedGrowthDeps): PromisedGrowth {
  const own = new Map<string, Growth>()

  /** Also of a service that this controller did not hear of yet. */
  const isOpen = (serviceId: string, { version, untilMs }: Growth) =>
    (services.get(serviceId)?.version ?? version) <= version && untilMs > now()

  const madeAtMs = ({ untilMs }: Growth) => untilMs - GROWTH_MS

  /** One that came and went again may have left tasks that the list does not show. */
  const mayHaveTasks = (growth: Growth) => (tasks.readAtMs() ?? 0) < madeAtMs(growth) + SHOWN_MS

  /** Kept for others too, who may not see yet what this controller sees. */
  const isOver = (serviceId: string, growth: Growth) =>
    !isOpen(serviceId, growth) && now() - madeAtMs(growth) > UNSEEN_MS

  const growthOn = ({ version }: ServiceObservation, replicas: number) => ({
    ...{ replicas, version },
    untilMs: now() + GROWTH_MS,
  })

  return {
    countOf({ id, replicas }, growths) {
      const [promise, growth] = [own.get(id), growths.get(id)]
      const mine = promise !== undefined && isOpen(id, promise) ? promise.replicas : 0
      const shared = growth !== undefined && (isOpen(id, growth) || mayHaveTasks(growth)) ? growth.replicas : 0
      return Math.max(replicas, mine, shared)
    },
    promise(service, replicas) {
      for (const [id, growth] of own) if (!isOpen(id, growth)) own.delete(id)
      // One without an answer may still come into force, in its place.
      const before = own.get(service.id)
      const growth = growthOn(service, Math.max(replicas, before?.replicas ?? 0))
      own.set(service.id, growth)
      return () => {
        if (own.get(service.id) !== growth) return
        if (before === undefined) own.delete(service.id)
        else own.set(service.id, before)
      }
    },
    async share(service, replicas, isGranted) {
      let granted = false
      await sharedState.update((state) => {
        const growths = new Map([...state.growths].filter(([id, growth]) => !isOver(id, growth)))
        granted = isGranted(growths)
        const before = growths.get(service.id)
        const most = before !== undefined && isOpen(service.id, before) ? Math.max(replicas, before.replicas) : replicas
        return granted ? { ...state, growths: growths.set(service.id, growthOn(service, most)) } : state
      })
      return granted
    },
  }
}
