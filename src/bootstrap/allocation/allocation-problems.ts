/** Why a node gets no range, and what would be right. Pure. */

import { blockCount, blockOf, formatSpan, size } from '../../foundation/address.ts'
import { formatDuration } from '../../foundation/duration.ts'
import { mergeSpans } from '../address/spans.ts'
import { type FreedRange, QUARANTINE_MS, type Ranges } from '../record/record.ts'
import { type AddressPool, byAge, type PoolEntry, type RangeHolder } from './address-pool.ts'
import type { AllocationNode, AllocationProblem } from './allocation.ts'

type Named = Pick<AllocationNode, 'id' | 'hostname'>

const MOST_NAMES = 5

const listed = (names: readonly string[]): string => {
  const shown = names.slice(0, MOST_NAMES)
  const more = names.length - shown.length
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`
}

const quarantineLeft = ({ freedAtMs }: FreedRange, nowMs: number): string =>
  formatDuration(Math.max(0, freedAtMs + QUARANTINE_MS - nowMs))

/** Who has it, for a person. */
export const holderText = (holder: RangeHolder, nowMs: number): string => {
  switch (holder.kind) {
    case 'allocation':
      return `${holder.allocation.hostname} (node ${holder.allocation.nodeId}) has ${holder.allocation.range}`
    case 'freed':
      return `${holder.freed.range} was ${holder.freed.hostname}'s and is not given again for another ${quarantineLeft(holder.freed, nowMs)}`
    case 'pin':
      return `part of it is pinned for ${holder.key}`
    case 'reserve':
      return 'part of it is in the reserve'
    case 'gateway':
      return 'the gateway is in it'
    case 'unsafe':
      return 'it ends with the subnet, where older engines fail'
    case 'other-use':
      return `${holder.otherUse.text}, ${holder.otherUse.what}, is in it`
  }
}

interface PinTaken {
  readonly node: Named
  readonly pinned: Partial<Ranges>
  readonly conflicts: readonly PoolEntry[]
  readonly network: string
  readonly nowMs: number
}

/** What mends the most of it: of a node that has the range, its engine says so too. */
const remedy = (holders: readonly RangeHolder[], network: string): string => {
  if (holders.some(({ kind }) => kind === 'allocation')) {
    return 'pin another range, or that node to another one first (`orrery network apply --allow-drain`)'
  }
  const freed = holders.flatMap((holder) => (holder.kind === 'freed' ? [holder.freed] : []))
  if (freed.length === 0 || freed.length < holders.length) return 'pin another range'
  return `wait, or run \`orrery network release ${network} ${freed[0]?.range}\``
}

export const pinTaken = ({ node, pinned, conflicts, network, nowMs }: PinTaken): AllocationProblem => {
  const reasons = [...new Set(conflicts.map(({ holder }) => holderText(holder, nowMs)))]
  const ranges = Object.values(pinned).join(' and ')
  const right = `; ${remedy(
    conflicts.map(({ holder }) => holder),
    network,
  )}`
  const message = `${node.hostname} is pinned to ${ranges}, but ${listed(reasons)}${right}`
  return { code: 'pin-taken', nodes: [named(node)], message }
}

export const ambiguousPin = (node: Named, nodes: readonly AllocationNode[]): AllocationProblem => {
  const ids = nodes.filter(({ hostname, state }) => hostname === node.hostname && state !== 'down').map(({ id }) => id)
  const message = `a range is pinned for the host name ${node.hostname}, which the nodes ${listed(ids.toSorted())} have; pin by node id`
  return { code: 'pin-ambiguous', nodes: [named(node)], message }
}

const named = ({ id, hostname }: Named): Named => ({ id, hostname })

interface Exhausted {
  readonly addressPool: AddressPool
  /** Those that get nothing. */
  readonly nodes: readonly Named[]
  /** How many ranges came out of the pool just now. */
  readonly drawnCount: number
  readonly network: string
  readonly nowMs: number
}

/** A longer prefix length by which all new nodes would have had a range. */
const lengthThatFits = ({ addressPool, nodes, drawnCount }: Exhausted): number | undefined => {
  const { rangeLength, subnet } = addressPool.family
  const left = addressPool.left()
  const longest = blockOf(subnet).family === 4 ? 29 : 120
  for (let length = rangeLength + 1; length <= longest; length += 1) {
    const count = left.reduce((sum, span) => sum + blockCount(span, length), 0n)
    if (count >= BigInt(drawnCount + nodes.length)) return length
  }
  return undefined
}

const quarantined = ({ addressPool, network, nowMs }: Exhausted): string => {
  const waiting = addressPool.entries
    .flatMap(({ span, holder }) => (holder.kind === 'freed' && !holder.isOver ? [{ span, holder }] : []))
    .sort(byAge)
  const first = waiting[0]?.holder.freed
  if (first === undefined) return ''
  const one = waiting.length === 1 ? '1 freed range waits' : `${waiting.length} freed ranges wait`
  return ` ${one} for the 24 h to be over, the first ${first.range} in ${quarantineLeft(first, nowMs)}; \`orrery network release ${network} ${first.range}\` does not wait.`
}

export const exhausted = (facts: Exhausted): AllocationProblem => {
  const { addressPool, nodes } = facts
  const { pool, rangeLength, subnet } = addressPool.family
  const six = blockOf(subnet).family === 6 ? '6' : ''
  const names = listed(nodes.map(({ hostname }) => hostname))
  const wanting = nodes.length === 1 ? '1 node has' : `${nodes.length} nodes have`
  if (pool.length === 0) {
    const message = `${wanting} no range (${names}): there is no \`pool${six}\`, and only pinned nodes get one. Write a \`pool${six}\`, or pin them under \`nodes${six}\`.`
    return { code: 'pool-exhausted', nodes: nodes.map(named), message }
  }
  const spans = mergeSpans(addressPool.pool)
  const ranges = spans.reduce((sum, span) => sum + blockCount(span, rangeLength), 0n)
  const { drawnCount } = facts
  const free =
    drawnCount === 0 ? 'none of them free' : `${drawnCount} of them free for ${drawnCount + nodes.length} new nodes`
  const need =
    BigInt(nodes.length) * size({ family: 4, first: 0n, last: (1n << BigInt((six ? 128 : 32) - rangeLength)) - 1n })
  const longer = lengthThatFits(facts)
  const orLonger = longer === undefined ? '' : `, or give new nodes less with \`range${six}: ${longer}\``
  const message =
    `${wanting} no range (${names}): the pool ${spans.map(formatSpan).join(', ')} has room for ${ranges} ranges of /${rangeLength}, ${free}. ` +
    `Make \`pool${six}\` larger by ${need} addresses${orLonger}.${quarantined(facts)}`
  return { code: 'pool-exhausted', nodes: nodes.map(named), message }
}
