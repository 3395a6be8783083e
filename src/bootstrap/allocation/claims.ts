/** What new nodes claim, before anything is drawn from the pool: a pinned range, or the one they had. Pure. */
import { type Block, blockOf, contains, formatBlock } from '../../foundation/address.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import type { FamilyDefinition, NetworkDefinition } from '../definition/definition.ts'
import type { Ranges } from '../record/record.ts'
import { type AddressPool, type Claimant, openAddressPool, type PoolEntry } from './address-pool.ts'
import type { AllocationInput, AllocationNode, AllocationProblem } from './allocation.ts'
import { ambiguousPin, pinTaken } from './allocation-problems.ts'
import { holderOf, type PreviousAllocation, previousAllocations } from './previous-allocations.ts'

export interface AddressPools {
  readonly four: AddressPool
  /** Absent: the network has no IPv6. */
  readonly six: AddressPool | undefined
}

/** A node, what is settled of its range, and where that comes from. What is not settled is drawn from the pool. */
export interface Claim {
  readonly node: AllocationNode
  readonly settled: Partial<Ranges>
  readonly previous?: PreviousAllocation
}

export interface Claims {
  /** In the order in which they are served. */
  readonly claims: readonly Claim[]
  readonly problems: readonly AllocationProblem[]
}

export const openAddressPools = (input: Omit<AllocationInput, 'nodes'>): AddressPools => {
  const { ipv4, ipv6 } = input.definition
  return {
    four: openAddressPool(ipv4, 4, input),
    six: ipv6 === undefined ? undefined : openAddressPool(ipv6, 6, input),
  }
}

/** Each family's pool with the block that is claimed of it. */
const claimedBlocks = (
  { range, range6 }: Partial<Ranges>,
  { four, six }: AddressPools,
): readonly (readonly [AddressPool, Block])[] => [
  ...(range === undefined ? [] : [[four, blockOf(range)] as const]),
  ...(range6 === undefined || six === undefined ? [] : [[six, blockOf(range6)] as const]),
]

/** What stands in the way of giving these ranges. */
export const conflictsOf = (
  ranges: Partial<Ranges>,
  claimant: Claimant,
  addressPools: AddressPools,
): readonly PoolEntry[] =>
  claimedBlocks(ranges, addressPools).flatMap(([addressPool, block]) => addressPool.conflicts(block, claimant))

/** Whether the node may have back what it had: the definition allows it, and nobody else has any of it. */
const isSound = (
  previous: PreviousAllocation,
  node: AllocationNode,
  addressPools: AddressPools,
  pinned: Partial<Ranges>,
): boolean => {
  const had = holderOf(previous)
  if (pinned.range !== undefined && pinned.range !== had.range) return false
  if (pinned.range6 !== undefined && had.range6 !== undefined && pinned.range6 !== had.range6) return false
  const keys = [node.id, node.hostname]
  const isAllocation = previous.kind === 'allocation'
  const claimant = isAllocation ? { keys: [...keys, previous.allocation.nodeId] } : { keys, freed: previous.freed }
  // What was made by hand and taken over is where it is, whatever the pool.
  const isAnywhere = isAllocation ? previous.allocation.isAdopted : previous.freed.isAdopted === true
  const isAllowed = ([addressPool, block]: readonly [AddressPool, Block]): boolean => {
    const isPlaced = isAnywhere || addressPool.isInPool(block) || Object.values(pinned).includes(formatBlock(block))
    return isPlaced && contains(addressPool.subnet, block)
  }
  return (
    claimedBlocks(had, addressPools).every(isAllowed) &&
    conflictsOf({ ...pinned, ...rangesOnly(had) }, claimant, addressPools).length === 0
  )
}

const rangesOnly = ({ range, range6 }: Ranges): Ranges => ({ range, ...withoutUndefined({ range6 }) })

const byHostname = (one: AllocationNode, other: AllocationNode): number => {
  if (one.hostname !== other.hostname) return one.hostname < other.hostname ? -1 : 1
  return one.id < other.id ? -1 : 1
}

/** Ready nodes without an allocation, in the order in which they are served: pinned by id, by host name, all others. */
export const newcomers = ({ definition, nodes, allocations }: AllocationInput): readonly AllocationNode[] => {
  const rank = new Map(nodes.map((node) => [node.id, pinRank(definition, node)]))
  const rankOf = ({ id }: AllocationNode): number => rank.get(id) ?? 2
  return nodes
    .filter(({ id, state, platform }) => state === 'ready' && platform.os === 'linux' && !allocations.has(id))
    .sort((one, other) => rankOf(one) - rankOf(other) || byHostname(one, other))
}

export const settleClaims = (
  waiting: readonly AllocationNode[],
  input: AllocationInput,
  addressPools: AddressPools,
): Claims => {
  const { definition, nodes, nowMs } = input
  const ambiguous = ambiguousPins(definition, nodes)
  const left = previousAllocations(input)
  const used = new Set<PreviousAllocation>()
  const problems: AllocationProblem[] = []
  const claims = waiting.flatMap((node): Claim[] => {
    const pinned = pinnedRanges(definition, node)
    const rank = pinRank(definition, node)
    if (rank !== 2 && ambiguous.has(node.hostname)) {
      problems.push(ambiguousPin(node, nodes))
      return []
    }
    const previous = left(node).find(
      (candidate) => !used.has(candidate) && isSound(candidate, node, addressPools, pinned),
    )
    if (previous !== undefined) {
      used.add(previous)
      return [{ node, settled: { ...pinned, ...rangesOnly(holderOf(previous)) }, previous }]
    }
    const conflicts = conflictsOf(pinned, { keys: [node.id, node.hostname] }, addressPools)
    if (conflicts.length === 0) return [{ node, settled: pinned }]
    problems.push(pinTaken({ node, pinned, conflicts, network: definition.name, nowMs }))
    return []
  })
  return { claims, problems }
}

type Named = Pick<AllocationNode, 'id' | 'hostname'>

/** The key under which a node is pinned: its id wins over its host name. */
const pinKey = (family: FamilyDefinition | undefined, { id, hostname }: Named): string | undefined =>
  family === undefined ? undefined : [id, hostname].find((key) => Object.hasOwn(family.pins, key))

const pinOf = (family: FamilyDefinition | undefined, node: Named): string | undefined => {
  const key = pinKey(family, node)
  return key === undefined ? undefined : family?.pins[key]
}

export const pinnedRanges = ({ ipv4, ipv6 }: NetworkDefinition, node: Named): Partial<Ranges> =>
  withoutUndefined({ range: pinOf(ipv4, node), range6: pinOf(ipv6, node) })

const keysOf = ({ ipv4, ipv6 }: NetworkDefinition, node: Named) => [pinKey(ipv4, node), pinKey(ipv6, node)]

/** 0: pinned by its id, 1: by its host name, 2: not at all. */
const pinRank = (definition: NetworkDefinition, node: Named): 0 | 1 | 2 => {
  const keys = keysOf(definition, node)
  if (keys.includes(node.id)) return 0
  return keys.includes(node.hostname) ? 1 : 2
}

/** Host names that are pinned and that two nodes have which may run: which of them is meant? */
const ambiguousPins = (definition: NetworkDefinition, nodes: readonly AllocationNode[]): ReadonlySet<string> => {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const node of nodes) {
    if (node.state === 'down' || !keysOf(definition, node).includes(node.hostname)) continue
    if (seen.has(node.hostname)) twice.add(node.hostname)
    seen.add(node.hostname)
  }
  return twice
}
