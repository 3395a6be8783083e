/**
 * Which allocations no longer fit the definition, and what those nodes should have instead. They are not moved here: that
 * needs a drain. The prefix length is no reason: `range` is for ranges given from now on. Pure.
 */
import { type Block, blockOf, contains, formatBlock } from '../../foundation/address.ts'
import type { NodeAllocation, Ranges } from '../record/record.ts'
import type { AddressPool } from './address-pool.ts'
import { draw } from './allocate.ts'
import type { AllocationInput, AllocationProblem } from './allocation.ts'
import { holderText, pinTaken } from './allocation-problems.ts'
import { type AddressPools, type Claim, conflictsOf, openAddressPools, pinnedRanges } from './claims.ts'

export interface Misfit {
  readonly allocation: NodeAllocation
  /** Phrases for a person. */
  readonly reasons: readonly string[]
  /** What it should have; absent: there is nothing to give, see the problems. */
  readonly wanted?: Ranges
}

export interface Fit {
  /** By node id; an allocation that fits is not among them. */
  readonly misfits: ReadonlyMap<string, Misfit>
  /** Why some of them cannot be given another range. */
  readonly problems: readonly AllocationProblem[]
}

/** What is wrong with one family's range; empty: nothing. */
type Check = (allocation: NodeAllocation, pinned: Partial<Ranges>) => readonly string[]

const placeOf = (addressPool: AddressPool, range: Block, { isAdopted }: NodeAllocation): readonly string[] => {
  const { subnet } = addressPool.family
  const text = formatBlock(range)
  if (!contains(addressPool.subnet, range)) return [`${text} is outside the subnet ${subnet}`]
  // What was made by hand and taken over is where it is, whatever the pool.
  return isAdopted || addressPool.isInPool(range) ? [] : [`${text} is outside the pool`]
}

const checkFamily =
  (addressPool: AddressPool, own: (ranges: Partial<Ranges>) => string | undefined, nowMs: number): Check =>
  (allocation, pinned) => {
    const [has, pin] = [own(allocation), own(pinned)]
    if (has === undefined) return [`it has no range of ${addressPool.family.subnet}`]
    if (pin !== undefined && pin !== has) return [`it is pinned to ${pin} and has ${has}`]
    const range = blockOf(has)
    const keys = [allocation.nodeId, allocation.hostname]
    const inTheWay = addressPool.conflicts(range, { keys }).map(({ holder }) => holderText(holder, nowMs))
    return [...(pin === undefined ? placeOf(addressPool, range, allocation) : []), ...new Set(inTheWay)]
  }

const four = ({ range }: Partial<Ranges>) => range
const six = ({ range6 }: Partial<Ranges>) => range6

interface Checked {
  readonly allocation: NodeAllocation
  readonly pinned: Partial<Ranges>
  readonly reasons: readonly string[]
  /** What may stay. */
  readonly kept: Partial<Ranges>
}

const check = (allocation: NodeAllocation, input: AllocationInput, addressPools: AddressPools): Checked => {
  const pinned = pinnedRanges(input.definition, { id: allocation.nodeId, hostname: allocation.hostname })
  const reasons4 = checkFamily(addressPools.four, four, input.nowMs)(allocation, pinned)
  const reasons6 =
    addressPools.six === undefined ? [] : checkFamily(addressPools.six, six, input.nowMs)(allocation, pinned)
  const surplus =
    addressPools.six === undefined && allocation.range6 !== undefined
      ? [`it has ${allocation.range6}, and the network has no IPv6 any more`]
      : []
  const kept = {
    ...(reasons4.length === 0 ? { range: allocation.range } : {}),
    ...(addressPools.six !== undefined && reasons6.length === 0 && allocation.range6 !== undefined
      ? { range6: allocation.range6 }
      : {}),
  }
  return { allocation, pinned, reasons: [...reasons4, ...reasons6, ...surplus], kept }
}

/** After `allocate`, on what it gave: a new node comes before a move. Throws as `allocate` does. */
export const fitAllocations = (input: AllocationInput): Fit => {
  const { definition, allocations, nodes, nowMs } = input
  const addressPools = openAddressPools(input)
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const misfits = new Map<string, Misfit>()
  const problems: AllocationProblem[] = []
  const claims: Claim[] = []
  // One that is on its way to another range is settled already.
  const resting = [...allocations.values()].filter(({ change }) => change === undefined)
  const sorted = resting.sort((one, other) => (one.nodeId < other.nodeId ? -1 : 1))
  for (const { allocation, pinned, reasons, kept } of sorted.map((one) => check(one, input, addressPools))) {
    if (reasons.length === 0) continue
    misfits.set(allocation.nodeId, { allocation, reasons })
    const node = byId.get(allocation.nodeId)
    if (node === undefined) continue
    const settled = { ...kept, ...pinned }
    const keys = [allocation.nodeId, allocation.hostname]
    const conflicts = conflictsOf(settled, { keys }, addressPools)
    if (conflicts.length === 0) claims.push({ node, settled })
    else problems.push(pinTaken({ node, pinned, conflicts, network: definition.name, nowMs }))
  }
  const drawn = draw(claims, addressPools, { network: definition.name, nowMs })
  for (const [{ node }, wanted] of drawn.ranges) {
    const misfit = misfits.get(node.id)
    if (misfit !== undefined) misfits.set(node.id, { ...misfit, wanted })
  }
  return { misfits, problems: [...problems, ...drawn.problems] }
}
