/**
 * Tasks that Swarm may still put on nodes for what is written or promised, at worst: those of a count that are not placed
 * yet, and those that an update may start beside the count.
 */
import type { Clock } from '../../foundation/clock.ts'
import type { Nodes, Services, SwarmNetworks, Tasks } from '../../swarm/ports.ts'
import type { Placement, ServiceObservation } from '../../swarm/services.ts'
import type { Records } from '../ports.ts'
import { spreadOver, surgeAt } from './ceiling.ts'
import type { LimitedNetworks } from './limited-networks.ts'
import type { Growths, PromisedGrowth } from './promised-growth.ts'
import type { RecentDecreases } from './recent-decreases.ts'
import type { TaskPlaces } from './task-places.ts'

/** By node id; nodes that get none may be missing. */
export type ByNode = ReadonlyMap<string, number>

export interface AwaitedTasks {
  /** Of all services on the network but one; `growths`: what the controllers share. */
  beside(serviceId: string, network: string, growths: Growths): (nodeId: string) => number
  /** Promises were made or taken back. */
  forget(): void
}

export interface AwaitedDeps {
  readonly places: TaskPlaces
  readonly limited: LimitedNetworks
  readonly promised: Pick<PromisedGrowth, 'countOf'>
  readonly decreases: Pick<RecentDecreases, 'peakOf' | 'removed'>
  readonly services: Pick<Services, 'list' | 'onChange'>
  readonly nodes: Pick<Nodes, 'onChange'>
  readonly tasks: Pick<Tasks, 'onChange'>
  readonly records: Pick<Records, 'onChange'>
  readonly networks: Pick<SwarmNetworks, 'onChange'>
  readonly now: Clock
}

/** What all services are to get on one network. */
interface Total {
  readonly growths: Growths
  readonly countedAtMs: number
  readonly sum: ByNode
  readonly byService: ReadonlyMap<string, ByNode>
}

/** Promises also end by time alone. */
const TOTAL_MS = 1000

export const rulesOf = ({ maxPerNode, uneven }: Placement) => ({ maxPerNode, isEven: uneven === undefined })

const NONE: ByNode = new Map()

export function createAwaitedTasks(deps: AwaitedDeps): AwaitedTasks {
  const { places, limited, promised, decreases, services, nodes, tasks, records, networks, now } = deps
  const known = new Map<string, { readonly placement: Placement; readonly count: number; readonly byNode: ByNode }>()
  const totals = new Map<string, Total>()
  for (const source of [nodes, tasks]) source.onChange(() => known.clear())
  for (const source of [nodes, tasks, records, networks]) source.onChange(() => totals.clear())
  services.onChange(({ id, before, after }) => {
    if (after === undefined) known.delete(id)
    if (before?.placement !== undefined || after?.placement !== undefined) totals.clear()
  })

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
    const found = places.placesOf(service, placement)
    const byNode = new Map<string, number>()
    for (const [index, most] of spreadOver(found, rulesOf(placement)).mostOf(awaited).entries()) {
      const node = found[index]?.node
      if (most > 0 && node !== undefined) byNode.set(node.id, most)
    }
    return byNode
  }

  const ofService = (service: ServiceObservation, placement: Placement, count: number): ByNode => {
    const before = known.get(service.id)
    if (before?.placement === placement && before.count === count) return before.byNode
    const byNode = find(service, placement, count)
    known.set(service.id, { placement, count, byNode })
    return byNode
  }

  const count = (network: string, growths: Growths): Total => {
    const sum = new Map<string, number>()
    const byService = new Map<string, ByNode>()
    for (const service of [...services.list(), ...decreases.removed()]) {
      const { placement } = service
      if (placement === undefined || !limited.of(placement).includes(network)) continue
      const replicas = Math.max(promised.countOf(service, growths), decreases.peakOf(service.id))
      const byNode = ofService(service, placement, replicas)
      byService.set(service.id, byNode)
      for (const [id, awaited] of byNode) sum.set(id, (sum.get(id) ?? 0) + awaited)
    }
    return { growths, countedAtMs: now(), sum, byService }
  }

  const totalOn = (network: string, growths: Growths): Total => {
    const before = totals.get(network)
    const isNew = before?.growths === growths && Math.abs(now() - before.countedAtMs) < TOTAL_MS
    const total = isNew ? before : count(network, growths)
    totals.set(network, total)
    return total
  }

  return {
    beside(serviceId, network, growths) {
      const { sum, byService } = totalOn(network, growths)
      const own = byService.get(serviceId) ?? NONE
      return (nodeId) => (sum.get(nodeId) ?? 0) - (own.get(nodeId) ?? 0)
    },
    forget: () => totals.clear(),
  }
}
