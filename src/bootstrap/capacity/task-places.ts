/** Which nodes Swarm may give a service's next tasks, and how many it has there, from memory. */

import type { SwarmNode } from '../../swarm/nodes.ts'
import type { Nodes, Tasks } from '../../swarm/ports.ts'
import type { Placement, ServiceObservation } from '../../swarm/services.ts'
import { eligible } from './eligible.ts'
import { groupByService, type ServiceTasks } from './tasks-by-service.ts'

export interface Place {
  readonly node: SwarmNode
  readonly count: number
  /** `false`: it may as well get none. */
  readonly isCertain: boolean
  /** Free addresses are another's business: 0. */
  readonly free: number
}

export interface TaskPlaces {
  tasksOf(serviceId: string): ServiceTasks
  /** The same order each time, until nodes change. */
  placesOf(service: ServiceObservation, placement: Placement): readonly Place[]
}

export interface TaskPlacesDeps {
  readonly nodes: Pick<Nodes, 'list' | 'onChange'>
  readonly tasks: Pick<Tasks, 'list' | 'onChange'>
}

export function createTaskPlaces({ nodes, tasks }: TaskPlacesDeps): TaskPlaces {
  let grouped: ReturnType<typeof groupByService> | undefined
  /** Many services have the same constraints. */
  const eligibleFor = new Map<string, readonly Pick<Place, 'node' | 'isCertain'>[]>()
  tasks.onChange(() => {
    grouped = undefined
  })
  nodes.onChange(() => eligibleFor.clear())

  const tasksOf = (serviceId: string): ServiceTasks => {
    grouped ??= groupByService(tasks.list())
    return grouped(serviceId)
  }

  const eligibleNodes = (placement: Placement) => {
    const key = JSON.stringify([placement.constraints, placement.platforms])
    const known = eligibleFor.get(key)
    if (known !== undefined) return known
    const found = nodes.list().flatMap((node) => {
      const answer = eligible(node, placement)
      return answer === 'no' ? [] : [{ node, isCertain: answer === 'yes' }]
    })
    eligibleFor.set(key, found)
    return found
  }

  return {
    tasksOf,
    placesOf({ id }, placement) {
      const { byNode } = tasksOf(id)
      // Field by field: with many services and nodes there are many of them, and spreading costs several times as much.
      return eligibleNodes(placement).map(({ node, isCertain }) => ({
        node,
        isCertain,
        count: byNode.get(node.id) ?? 0,
        free: 0,
      }))
    },
  }
}
