/**
 * Who has or will have an address of one network on one node. A stopping container holds its own to the end; a task on its
 * way will take one; what has ended gave it back at once. Pure.
 */
import type { NodeReport, ReportedContainer } from '../../swarm/node-report.ts'
import type { SwarmTask } from '../../swarm/tasks.ts'

/** Addresses that containers may have, hold, and may still get. `null`: only the agent knows, and it was never heard. */
export interface AddressCount {
  readonly usable: number
  readonly used: number | null
  readonly free: number | null
}

/** From this part of the addresses on, they are scarce. */
export const SCARCE_PERCENT = 80

export interface AddressUse {
  /** Containers that hold one, Swarm's or not. */
  readonly held: readonly ReportedContainer[]
  /** Tasks without such a container that have not ended. */
  readonly waiting: readonly SwarmTask[]
}

/**
 * How many containers hold an address for a task of the service that is not among the node's listed ones yet. One that has
 * gone from them is not: a report of just before its end still shows its container.
 */
export function unlistedTasks(
  serviceId: string,
  held: AddressUse['held'],
  { listed, isGone }: { readonly listed: readonly SwarmTask[]; readonly isGone: (taskId: string) => boolean },
): number {
  const isUnlisted = (taskId: string) => !isGone(taskId) && !listed.some(({ id }) => id === taskId)
  return held.filter((one) => one.serviceId === serviceId && one.taskId !== undefined && isUnlisted(one.taskId)).length
}

export interface UseInput {
  readonly network: string
  /** Of the swarm network; absent: not there or not known, then no task waits for it. */
  readonly networkId: string | undefined
  readonly containers: NodeReport['containers']
  /** Of this node. */
  readonly tasks: readonly SwarmTask[]
}

const ENDED: ReadonlySet<string> = new Set(['exited', 'dead'])
const HOLDING: ReadonlySet<string> = new Set(['running', 'paused', 'restarting'])
/** Swarm's words for a task that has a node and may take an address there. */
const ON_ITS_WAY: ReadonlySet<string> = new Set(['assigned', 'accepted', 'preparing', 'ready', 'starting', 'running'])

/** The addresses that a container has of this network; `undefined`: it is not on it. */
export const addressesOn = (network: string, { addresses }: ReportedContainer) =>
  addresses.find((one) => one.network === network)

function holdsAddress(network: string, container: ReportedContainer): boolean {
  const found = addressesOn(network, container)
  if (found === undefined || ENDED.has(container.state)) return false
  return found.address !== undefined || found.address6 !== undefined || HOLDING.has(container.state)
}

export function addressUse({ network, networkId, containers, tasks }: UseInput): AddressUse {
  const held = containers.filter((container) => holdsAddress(network, container))
  if (networkId === undefined) return { held, waiting: [] }
  const started = new Set(held.flatMap(({ taskId }) => (taskId === undefined ? [] : [taskId])))
  // Also a running one that the report does not show yet.
  const isWaiting = ({ id, state, networkIds }: SwarmTask) =>
    ON_ITS_WAY.has(state) && networkIds.includes(networkId) && !started.has(id)
  return { held, waiting: tasks.filter(isWaiting) }
}

/** `use` absent: the agent was never heard. */
export function countAddresses(usable: number, use: AddressUse | undefined): AddressCount {
  if (use === undefined) return { usable, used: null, free: null }
  const used = use.held.length
  return { usable, used, free: Math.max(0, usable - used - use.waiting.length) }
}

/** Of several nodes. What is not known adds nothing; `null` only where nothing at all is known. */
export function sumCounts(counts: readonly AddressCount[]): AddressCount {
  const total = (of: 'used' | 'free') => {
    const known = counts.flatMap((count) => count[of] ?? [])
    return known.length === 0 && counts.length > 0 ? null : known.reduce((sum, one) => sum + one, 0)
  }
  const usable = counts.reduce((sum, count) => sum + count.usable, 0)
  return { usable: Math.min(usable, Number.MAX_SAFE_INTEGER), used: total('used'), free: total('free') }
}

/** What is taken, tasks on their way included, in per cent of what is usable, rounded down; `undefined`: not known. */
export function percentTaken({ usable, free }: AddressCount): number | undefined {
  if (free === null) return undefined
  return usable === 0 ? 100 : Math.floor(((usable - free) / usable) * 100)
}

export const areScarce = (count: AddressCount): boolean => (percentTaken(count) ?? 0) >= SCARCE_PERCENT

interface Allocation {
  readonly network: string
  readonly nodeId: string
  readonly range: string
  readonly count: AddressCount
}

/** `keepOnly` forgets every other network. */
export function createLeastFree() {
  const seen = new Map<string, Map<string, number>>()
  const keepFree = ({ network, nodeId, range, count }: Allocation, isHeard: boolean): AddressCount => {
    if (count.free === null) return count
    const ofNetwork = seen.get(network) ?? new Map<string, number>()
    seen.set(network, ofNetwork)
    const key = `${nodeId} ${range}`
    const known = ofNetwork.get(key) ?? count.free
    const free = isHeard ? count.free : Math.min(known, count.free)
    ofNetwork.set(key, free)
    return { ...count, free }
  }
  const keepOnly = (networks: readonly string[]) => {
    for (const network of seen.keys()) if (!networks.includes(network)) seen.delete(network)
  }
  return Object.assign(keepFree, { keepOnly })
}
