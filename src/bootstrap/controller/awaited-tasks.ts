/**
 * Tasks that Swarm may still put on nodes for what is written or promised, at worst: those of a count that are not placed
 * yet, and those that an update may start beside the count.
 */
import type { Placement, ServiceObservation } from '../../autoscaling/ports.ts'
import { spreadOver, surgeAt } from '../ceiling.ts'
import type { Nodes, Tasks } from '../ports.ts'
import type { TaskPlaces } from './task-places.ts'

/** By node id; nodes that get none may be missing. */
export type ByNode = ReadonlyMap<string, number>

export interface AwaitedTasks {
  /** Of one service with this count. */
  of(service: ServiceObservation, placement: Placement, count: number): ByNode
}

export interface AwaitedDeps {
  readonly places: TaskPlaces
  readonly nodes: Pick<Nodes, 'onChange'>
  readonly tasks: Pick<Tasks, 'onChange'>
}

export const rulesOf = ({ maxPerNode, uneven }: Placement) => ({ maxPerNode, isEven: uneven === undefined })

const NONE: ByNode = new Map()

export function createAwaitedTasks({ places, nodes, tasks }: AwaitedDeps): AwaitedTasks {
  const known = new Map<string, { readonly placement: Placement; readonly count: number; readonly byNode: ByNode }>()
  for (const source of [nodes, tasks]) source.onChange(() => known.clear())

  /** For the count itself, and beside it what an update may start and has not started. */
  const stillToCome = (serviceId: string, count: number, surge: Placement['surge']): number => {
    const { placed, placedSlots } = places.tasksOf(serviceId)
    const beside = placed - placedSlots
    return Math.max(0, count - placedSlots) + Math.max(0, surgeAt(count, surge) - beside)
  }

  const find = (service: ServiceObservation, placement: Placement, count: number): ByNode => {
    if (service.mode === 'global') {
      const without = places.placesOf(service, placement).filter((place) => place.count === 0)
      return new Map(without.map(({ node }) => [node.id, 1]))
    }
    // Of a job only the tasks that there are count: what it will start, and when, is not in its spec.
    if (service.mode !== 'replicated') return NONE
    const awaited = stillToCome(service.id, count, placement.surge)
    if (awaited === 0) return NONE
    const found = places.placesOf(service, placement).map((place) => ({ ...place, free: 0 }))
    const most = spreadOver(found, rulesOf(placement)).mostOf(awaited)
    return new Map(found.map(({ node }, index) => [node.id, most[index] ?? 0]))
  }

  return {
    of(service, placement, count) {
      const { id } = service
      const before = known.get(id)
      if (before?.placement === placement && before.count === count) return before.byNode
      const byNode = find(service, placement, count)
      known.set(id, { placement, count, byNode })
      return byNode
    },
  }
}
