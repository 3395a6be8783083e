/**
 * How many tasks of a service its networks have addresses for: `AddressCapacity` of the autoscaling ports, all from memory.
 *
 *   free on a node = usable - held by containers - tasks on their way - what other services may still put there
 *
 * What this cannot know or keep others from is in docs/decisions/0010-addresses-are-promised-before-they-are-used.md.
 */
import type { AddressCapacity, AddressClaim, Capacity, SharedStateStore } from '../../autoscaling/ports.ts'
import type { Nodes, Services } from '../../swarm/ports.ts'
import type { Placement, ServiceObservation } from '../../swarm/services.ts'
import type { Records } from '../ports.ts'
import { readyLabel } from '../record/record.ts'
import { type AddressRoomDeps, createAddressRoom } from './address-room.ts'
import { createAwaitedTasks, rulesOf } from './awaited-tasks.ts'
import { countWithin, spreadOver, surgeAt } from './ceiling.ts'
import { createLimitedNetworks } from './limited-networks.ts'
import { createPromisedGrowth, type Growths } from './promised-growth.ts'
import { createRecentDecreases, createTaskNews, type TaskNewsDeps } from './recent-decreases.ts'
import { createTaskPlaces } from './task-places.ts'

export interface AddressCapacityDeps extends AddressRoomDeps, Pick<TaskNewsDeps, 'sync'> {
  readonly services: Pick<Services, 'get' | 'list' | 'onChange'>
  readonly nodes: AddressRoomDeps['nodes'] & Pick<Nodes, 'list'>
  readonly tasks: AddressRoomDeps['tasks'] & TaskNewsDeps['tasks']
  readonly records: AddressRoomDeps['records'] & Pick<Records, 'unreadable'>
  readonly sharedState: Pick<SharedStateStore, 'current' | 'update'>
}

/** A service on the network that the question is about. */
interface Asked {
  readonly service: ServiceObservation
  readonly placement: Placement
  readonly network: string
}

export function createAddressCapacity(deps: AddressCapacityDeps): AddressCapacity {
  const { nodes, records, sharedState } = deps
  const limited = createLimitedNetworks(deps)
  const room = createAddressRoom(deps)
  const places = createTaskPlaces(deps)
  const decreases = createRecentDecreases(deps)
  const news = createTaskNews({ ...deps, decreases })
  const promised = createPromisedGrowth(deps)
  const awaited = createAwaitedTasks({ ...deps, places, limited, promised, decreases })

  const candidates = (asked: Asked, growths: Growths) => {
    const { service, placement, network } = asked
    const roomOf = room.on(network)
    const besideOn = awaited.beside(service.id, network, growths)
    return places.placesOf(service, placement).map((place) => {
      const { id, hostname } = place.node
      const { free: unheld, lack, startedOf } = roomOf(id)
      const unlisted = startedOf(service.id)
      const free = unheld - besideOn(id)
      return { count: place.count + unlisted, unlisted, isCertain: place.isCertain, hostname, lack, free }
    })
  }

  const onNetwork = (asked: Asked, growths: Growths): Capacity => {
    const { service, placement, network } = asked
    const takers = candidates(asked, growths)
    const { fits, tightest } = spreadOver(takers, rulesOf(placement))
    const placed = places.tasksOf(service.id).placed + takers.reduce((sum, { unlisted }) => sum + unlisted, 0)
    const ceiling = countWithin(placed + fits, placement.surge)
    const end = tightest === undefined ? undefined : takers[tightest]
    const reason = capacityReason({
      network,
      ceiling,
      nodes: takers.length,
      free: takers.reduce((sum, { free }) => sum + Math.max(0, free), 0),
      surge: surgeAt(ceiling, placement.surge),
      ...(end && { tightest: { hostname: end.hostname, free: end.free, ...(end.lack && { lack: end.lack }) } }),
      ...(placement.uneven !== undefined && { uneven: placement.uneven }),
    })
    return { ceiling, reason }
  }

  const lowest = (service: ServiceObservation, growths: Growths): Capacity | undefined => {
    const { placement } = service
    if (placement === undefined || service.mode !== 'replicated' || !limited.any()) return undefined
    const names = limited.of(placement)
    const unknown = whyUnknown(service, names)
    if (unknown !== undefined) return { ceiling: service.replicas, reason: unknown }
    return names
      .map((network) => onNetwork({ service, placement, network }, growths))
      .reduce<Capacity | undefined>(
        (low, one) => (low === undefined || one.ceiling < low.ceiling ? one : low),
        undefined,
      )
  }

  const whyUnknown = (service: ServiceObservation, names: readonly string[]) => {
    const unread = names.find((name) => !records.all().has(name))
    if (unread !== undefined) {
      return `the record of the network ${unread} cannot be understood: ${records.unreadable().get(unread)}`
    }
    // Before the networks are read nobody knows which one an id means.
    return names.length === 0 && limited.areKnown() ? undefined : news(service, places.tasksOf(service.id))
  }

  const ceilingOf = (service: ServiceObservation) => lowest(service, sharedState.current().growths)

  /** One at most on each manager: more than one may promise the same addresses at the same moment. */
  const areSeveral = () => nodes.list().filter(({ role }) => role === 'manager').length > 1

  const claim = (service: ServiceObservation, replicas: number): AddressClaim | undefined => {
    if (ceilingOf(service) === undefined) return undefined
    const takeBack = promised.promise(service, replicas)
    awaited.forget()
    const release = () => {
      takeBack()
      awaited.forget()
    }
    if (!areSeveral()) return { granted: Promise.resolve(true), release }
    const fits = (growths: Growths) => replicas <= (lowest(service, growths)?.ceiling ?? replicas)
    const granted = promised.share(service, replicas, fits)
    // What the others were not told is not promised here either.
    granted.then((isGranted) => isGranted || release(), release)
    return { granted, release }
  }

  return { ceilingOf, claim }
}

export interface CapacityWords {
  readonly network: string
  readonly ceiling: number
  /** Nodes that may get a task, and the free addresses on all of them. */
  readonly nodes: number
  readonly free: number
  /** The node that ends it; absent: a limit of tasks on a node does, or no node may get a task. */
  readonly tightest?: {
    readonly hostname: string
    readonly free: number
    readonly lack?: 'no-range' | 'not-ready' | 'unheard'
  }
  /** Why any node may get all of the tasks. */
  readonly uneven?: string
  /** Tasks that an update starts beside the count. */
  readonly surge: number
}

/** `the network vlan40 has 3 free addresses on 3 nodes: at most 39 replicas spread evenly; node lab-2 is full` */
function capacityReason(words: CapacityWords): string {
  const { network, ceiling, nodes, free, uneven, surge } = words
  if (nodes === 0) return `no node may get a task of it, so no address of the network ${network} can be promised`
  const what = `the network ${network} has ${some(free, 'free address', 'free addresses')} on ${some(nodes, 'node', 'nodes')}`
  const kept = surge === 0 ? '' : `, with ${some(surge, 'address', 'addresses')} kept for its updates`
  const most = `at most ${some(ceiling, 'replica', 'replicas')} ${uneven === undefined ? 'spread evenly' : `wherever they go, since ${uneven}`}`
  return [`${what}: ${most}${kept}`, ...end(words)].join('; ')
}

function end({ network, tightest }: CapacityWords): readonly string[] {
  if (tightest === undefined) return []
  const { hostname, free, lack } = tightest
  switch (lack) {
    case 'no-range':
      return [`node ${hostname} would get a task and has no range of it: ${mend(network)}`]
    case 'not-ready':
      return [`node ${hostname} would get a task and is not ready for it: ${mend(network)}`]
    case 'unheard':
      return [`the agent of node ${hostname} has never reported, so nobody knows what is free there`]
    case undefined:
      return [free <= 0 ? `node ${hostname} is full` : `node ${hostname} has ${free} left`]
    default:
      return lack satisfies never
  }
}

const mend = (network: string): string => `constrain the service to node.labels.${readyLabel(network)} == ready`

const some = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`
