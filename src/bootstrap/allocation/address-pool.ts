/** Who has which part of one address family of a network, and what is still to be given. Pure. */
import {
  addressOf,
  type Block,
  blockAt,
  blockOf,
  blocksIn,
  contains,
  type Family,
  formatBlock,
  overlaps,
  parseSpan,
  type Span,
  spanOf,
} from '../../foundation/address.ts'
import { indexSpans, intersectSpans, mergeSpans, subtractSpans, unsafeAddress } from '../address/spans.ts'
import type { FamilyDefinition, NetworkDefinition } from '../definition/definition.ts'
import { familyLayout } from '../definition/family-layout.ts'
import { type FreedRange, type NodeAllocation, QUARANTINE_MS } from '../record/record.ts'
import type { OtherUse } from './other-uses.ts'

export type RangeHolder =
  | { readonly kind: 'allocation'; readonly allocation: NodeAllocation }
  | { readonly kind: 'freed'; readonly freed: FreedRange; readonly isOver: boolean }
  /** `key`: the node id or host name that it is pinned for. */
  | { readonly kind: 'pin'; readonly key: string }
  | { readonly kind: 'reserve' }
  | { readonly kind: 'gateway' }
  /** Where older engines fail. */
  | { readonly kind: 'unsafe' }
  | { readonly kind: 'other-use'; readonly otherUse: OtherUse }

export interface PoolEntry {
  readonly span: Span
  readonly holder: RangeHolder
}

/** Who claims a range: what is its own, or was of the node that it takes the place of, does not stand in its way. */
export interface Claimant {
  /** Node ids, and the host name. */
  readonly keys: readonly string[]
  readonly freed?: FreedRange
}

export interface AddressPool {
  readonly family: FamilyDefinition
  readonly subnet: Block
  /** What stands in the way of giving this range. */
  conflicts(range: Block, claimant: Claimant): readonly PoolEntry[]
  isInPool(range: Block): boolean
  /**
   * Ranges of the definition's length that nobody has: never given ones, lowest first, then freed ones whose time is
   * over, oldest first. `promised` are those among these that others get back in the same breath.
   */
  supply(promised: readonly Span[]): Generator<Block, void>
  /** What is left of the pool, freed ranges not counted. */
  left(): readonly Span[]
  readonly entries: readonly PoolEntry[]
  readonly pool: readonly Span[]
}

export interface AddressPoolInput {
  readonly definition: NetworkDefinition
  readonly allocations: ReadonlyMap<string, NodeAllocation>
  readonly freed: readonly FreedRange[]
  readonly otherUses: readonly OtherUse[]
  /** Ms since the epoch. */
  readonly nowMs: number
}

export const isOver = ({ freedAtMs }: FreedRange, nowMs: number): boolean => freedAtMs + QUARANTINE_MS <= nowMs

const entry = (text: string | undefined, holder: RangeHolder): readonly PoolEntry[] => {
  const span = text === undefined ? undefined : parseSpan(text)
  return span === undefined ? [] : [{ span, holder }]
}

const entriesOf = (family: FamilyDefinition, version: Family, input: AddressPoolInput): readonly PoolEntry[] => {
  const own = (range: string, range6: string | undefined) => (version === 4 ? range : range6)
  const subnet = blockOf(family.subnet)
  const unsafe = unsafeAddress(subnet)
  return [
    ...[...input.allocations.values()].flatMap((allocation) => [
      ...entry(own(allocation.range, allocation.range6), { kind: 'allocation', allocation }),
      ...(allocation.change
        ? entry(own(allocation.change.range, allocation.change.range6), { kind: 'allocation', allocation })
        : []),
    ]),
    ...input.freed.flatMap((freed) =>
      entry(own(freed.range, freed.range6), { kind: 'freed', freed, isOver: isOver(freed, input.nowMs) }),
    ),
    ...Object.entries(family.pins).flatMap(([key, range]) => entry(range, { kind: 'pin', key })),
    ...family.reserve.map((span) => ({ span: spanOf(span), holder: { kind: 'reserve' } as const })),
    ...entry(family.gateway, { kind: 'gateway' }),
    ...(unsafe === undefined ? [] : [{ span: unsafe, holder: { kind: 'unsafe' } as const }]),
    ...input.otherUses.flatMap((otherUse) => entry(otherUse.text, { kind: 'other-use', otherUse })),
  ].filter(({ span }) => overlaps(span, subnet))
}

const isReusable = ({ holder }: PoolEntry): boolean => holder.kind === 'freed' && holder.isOver

/** Blocks that hold something of `freed` and nothing of what is taken. */
function* reusable(freed: readonly PoolEntry[], pool: readonly Span[], taken: readonly Span[], length: number) {
  const given = new Set<bigint>()
  for (const { span } of freed) {
    const { family } = span
    const cover = {
      family,
      first: blockAt(family, span.first, length).first,
      last: blockAt(family, span.last, length).last,
    }
    for (const gap of subtractSpans(intersectSpans([cover], pool), taken)) {
      for (const block of blocksIn(gap, length)) {
        if (given.has(block.first)) continue
        given.add(block.first)
        yield block
      }
    }
  }
}

const freedAtMs = ({ holder }: PoolEntry): number => (holder.kind === 'freed' ? holder.freed.freedAtMs : 0)

/** Oldest first, then lowest. */
export const byAge = (one: PoolEntry, other: PoolEntry): number => {
  const difference = freedAtMs(one) - freedAtMs(other)
  if (difference !== 0) return difference
  return one.span.first < other.span.first ? -1 : 1
}

/** Texts in definition, allocations and freed ranges are validated; on any other this throws RangeError. */
export const openAddressPool = (family: FamilyDefinition, version: Family, input: AddressPoolInput): AddressPool => {
  const entries = entriesOf(family, version, input)
  const index = indexSpans(entries)
  const pool = mergeSpans(family.pool.map(spanOf))
  const allTaken = entries.map(({ span }) => span)
  const { rangeLength } = family

  /** The host's own address in its range is what the shim is for. */
  const isShimOf = (span: Span, range: Block): boolean => {
    const { shim } = familyLayout(family, formatBlock(range), input.definition)
    return shim !== undefined && overlaps(addressOf(shim), span)
  }

  /** An adopted network gives it to no container. */
  const isHeldBack = (span: Span, nodeId: string): boolean => {
    const { aux = {}, aux6 = {} } = input.allocations.get(nodeId) ?? {}
    return [...Object.values(aux), ...Object.values(aux6)].some((text) => overlaps(addressOf(text), span))
  }

  const isOwn = ({ span, holder }: PoolEntry, range: Block, { keys, freed }: Claimant): boolean => {
    if (holder.kind === 'allocation') return keys.includes(holder.allocation.nodeId)
    if (holder.kind === 'freed') return holder.isOver || holder.freed === freed
    if (holder.kind === 'pin') return keys.includes(holder.key)
    if (holder.kind !== 'other-use' || holder.otherUse.nodeId === undefined) return false
    const { otherUse } = holder
    if (!keys.includes(holder.otherUse.nodeId)) return false
    if (otherUse.kind === 'own-network') return true
    return otherUse.kind === 'address' && (isShimOf(span, range) || isHeldBack(span, holder.otherUse.nodeId))
  }

  return {
    family,
    subnet: blockOf(family.subnet),
    entries,
    pool,
    conflicts: (range, claimant) => index.overlapping(range).filter((found) => !isOwn(found, range, claimant)),
    isInPool: (range) => pool.some((span) => contains(span, range)),
    *supply(promised) {
      for (const gap of subtractSpans(pool, allTaken)) yield* blocksIn(gap, rangeLength)
      const taken = [...entries.filter((found) => !isReusable(found)).map(({ span }) => span), ...promised]
      yield* reusable(entries.filter(isReusable).sort(byAge), pool, taken, rangeLength)
    },
    left: () => subtractSpans(pool, allTaken),
  }
}
