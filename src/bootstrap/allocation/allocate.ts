/**
 * Which node has which range: stable, minimal, the same whatever the order of the nodes. Pinned ranges first, then what
 * a node had under an earlier id, then ranges never given, lowest first, then freed ones whose 24 h are over.
 * An allocation that is there never changes here (fit.ts says which should); that of a node that is gone becomes a freed
 * range. So the caller must be sure of its list of nodes: an empty or short one frees what is in use. Pure.
 */

import { type Block, blockOf, formatBlock, type Span } from '../../foundation/address.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { indexSpans } from '../address/spans.ts'
import { blocksOf, type FreedRange, type NodeAllocation, parentLabel, type Ranges } from '../record/record.ts'
import { type AddressPool, isOver } from './address-pool.ts'
import type { AllocationInput, AllocationProblem, AllocationResult } from './allocation.ts'
import { exhausted } from './allocation-problems.ts'
import { type AddressPools, type Claim, newcomers, openAddressPools, settleClaims } from './claims.ts'
import { freedFrom } from './previous-allocations.ts'

export interface Drawn {
  readonly ranges: ReadonlyMap<Claim, Ranges>
  readonly problems: readonly AllocationProblem[]
}

const textOf = ({ value }: IteratorResult<Block, void>): string | undefined =>
  value === undefined ? undefined : formatBlock(value)

const settledSpans = (claims: readonly Claim[]): readonly Span[] =>
  claims.flatMap(({ settled }) => Object.values(settled).map(blockOf))

/** Settles the rest from the pool; both families together, or neither. */
export const draw = (
  claims: readonly Claim[],
  addressPools: AddressPools,
  about: { network: string; nowMs: number },
): Drawn => {
  const promised = settledSpans(claims)
  const ofFamily = (addressPool: AddressPool, family: 4 | 6) =>
    addressPool.supply(promised.filter((span) => span.family === family))
  const four = ofFamily(addressPools.four, 4)
  const six = addressPools.six === undefined ? undefined : ofFamily(addressPools.six, 6)
  const ranges = new Map<Claim, Ranges>()
  const without = new Map<AddressPool, Claim[]>()
  const fail = (addressPool: AddressPool, claim: Claim) =>
    without.set(addressPool, [...(without.get(addressPool) ?? []), claim])
  let drawnCount = 0
  for (const claim of claims) {
    const { settled } = claim
    const range = settled.range ?? textOf(four.next())
    if (range === undefined) {
      fail(addressPools.four, claim)
      continue
    }
    const range6 = settled.range6 ?? (six === undefined ? undefined : textOf(six.next()))
    if (addressPools.six !== undefined && range6 === undefined) {
      fail(addressPools.six, claim)
      continue
    }
    if (settled.range === undefined || settled.range6 !== range6) drawnCount += 1
    ranges.set(claim, { range, ...withoutUndefined({ range6 }) })
  }
  const problems = [...without].map(([addressPool, left]) =>
    exhausted({ addressPool, nodes: left.map(({ node }) => node), drawnCount, ...about }),
  )
  return { ranges, problems }
}

const newAllocation = (
  { node, previous }: Claim,
  ranges: Ranges,
  { definition, nowMs }: AllocationInput,
): NodeAllocation => {
  const { machine } = node
  const who = {
    ...{ nodeId: node.id, hostname: node.hostname, ...ranges, givenAtMs: nowMs },
    ...withoutUndefined({ machine }),
  }
  if (previous?.kind === 'allocation') {
    // The host is the same: what was under way there goes on. That a node was paused was said of the old one.
    const { pausedFrom: _, ...allocation } = previous.allocation
    return { ...allocation, ...who }
  }
  const parent = node.labels[parentLabel(definition.name)] ?? definition.parent
  if (previous === undefined) return { ...who, parent, isAdopted: false }
  const { isAdopted = false, aux, aux6 } = previous.freed
  return { ...who, parent, isAdopted, ...withoutUndefined({ aux, aux6 }) }
}

/** What stays freed: not what its host has back, nor what was over and is given to somebody else now. */
const stillFreed = (input: AllocationInput, drawn: ReadonlyMap<Claim, Ranges>): readonly FreedRange[] => {
  if (input.freed.length === 0) return []
  const back = new Set(
    [...drawn.keys()].map(({ previous }) => (previous?.kind === 'freed' ? previous.freed : undefined)),
  )
  const given = indexSpans([...drawn.values()].flatMap((ranges) => blocksOf(ranges).map((span) => ({ span }))))
  return input.freed.filter((freed) => {
    if (back.has(freed)) return false
    return !isOver(freed, input.nowMs) || blocksOf(freed).every((span) => given.overlapping(span).length === 0)
  })
}

const NOBODY: Drawn = { ranges: new Map(), problems: [] }

const serve = (input: AllocationInput): { readonly drawn: Drawn; readonly problems: readonly AllocationProblem[] } => {
  const { definition, nowMs } = input
  // Most of the time nobody claims, and this is called often.
  const waiting = newcomers(input)
  if (waiting.length === 0) return { drawn: NOBODY, problems: [] }
  const addressPools = openAddressPools(input)
  const { claims, problems } = settleClaims(waiting, input, addressPools)
  return { drawn: draw(claims, addressPools, { network: definition.name, nowMs }), problems }
}

/** Texts in definition, allocations and freed ranges are validated; on any other this throws RangeError. */
export const allocate = (input: AllocationInput): AllocationResult => {
  const { allocations, freed, nodes, nowMs } = input
  const { drawn, problems } = serve(input)
  const inherited = new Set(
    [...drawn.ranges.keys()].flatMap(({ previous }) =>
      previous?.kind === 'allocation' ? [previous.allocation.nodeId] : [],
    ),
  )
  const known = new Set(nodes.map(({ id }) => id))
  const gone = [...allocations.values()].filter(({ nodeId }) => !known.has(nodeId) && !inherited.has(nodeId))
  const all = [...problems, ...drawn.problems]
  if (drawn.ranges.size === 0 && gone.length === 0) return { allocations, freed, given: [], problems: all }
  const left = [...allocations].filter(([nodeId]) => known.has(nodeId) && !inherited.has(nodeId))
  const added = [...drawn.ranges].map(
    ([claim, ranges]) => [claim.node.id, newAllocation(claim, ranges, input)] as const,
  )
  return {
    allocations: new Map([...left, ...added]),
    freed: [...stillFreed(input, drawn.ranges), ...gone.flatMap((allocation) => freedFrom(allocation, nowMs))],
    given: added.map(([nodeId]) => nodeId),
    problems: all,
  }
}
