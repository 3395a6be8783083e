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
import type { Claim } from './claims.ts'

export type Holder =
  | { readonly kind: 'allocation'; readonly allocation: NodeAllocation }
  | { readonly kind: 'freed'; readonly freed: FreedRange; readonly isOver: boolean }
  /** `key`: the node id or host name that it is pinned for. */
  | { readonly kind: 'pin'; readonly key: string }
  | { readonly kind: 'reserve' }
  | { readonly kind: 'gateway' }
  /** Where older engines fail. */
  | { readonly kind: 'unsafe' }
  | { readonly kind: 'claim'; readonly claim: Claim }

export interface Entry {
  readonly span: Span
  readonly holder: Holder
}

/** Who asks for a range: what is its own, or was of the node that it takes the place of, does not stand in its way. */
export interface Asker {
  /** Node ids, and the host name. */
  readonly keys: readonly string[]
  readonly freed?: FreedRange
}

export interface Ledger {
  readonly family: FamilyDefinition
  readonly subnet: Block
  /** What stands in the way of giving this range. */
  conflicts(range: Block, asker: Asker): readonly Entry[]
  isInPool(range: Block): boolean
  /**
   * Ranges of the definition's length that nobody has: never given ones, lowest first, then freed ones whose time is
   * over, oldest first. `promised` are those among these that others get back in the same breath.
   */
  supply(promised: readonly Span[]): Generator<Block, void>
  /** What is left of the pool, freed ranges not counted. */
  left(): readonly Span[]
  readonly entries: readonly Entry[]
  readonly pool: readonly Span[]
}

export interface LedgerInput {
  readonly definition: NetworkDefinition
  readonly allocations: ReadonlyMap<string, NodeAllocation>
  readonly freed: readonly FreedRange[]
  readonly claims: readonly Claim[]
  /** Ms since the epoch. */
  readonly nowMs: number
}

export const isOver = ({ freedAtMs }: FreedRange, nowMs: number): boolean => freedAtMs + QUARANTINE_MS <= nowMs

const entry = (text: string | undefined, holder: Holder): readonly Entry[] => {
  const span = text === undefined ? undefined : parseSpan(text)
  return span === undefined ? [] : [{ span, holder }]
}

const entriesOf = (family: FamilyDefinition, version: Family, input: LedgerInput): readonly Entry[] => {
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
    ...input.claims.flatMap((claim) => entry(claim.text, { kind: 'claim', claim })),
  ].filter(({ span }) => overlaps(span, subnet))
}

const isReusable = ({ holder }: Entry): boolean => holder.kind === 'freed' && holder.isOver

/** Blocks that hold something of `freed` and nothing of what is taken. */
function* reusable(freed: readonly Entry[], pool: readonly Span[], taken: readonly Span[], length: number) {
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

const freedAtMs = ({ holder }: Entry): number => (holder.kind === 'freed' ? holder.freed.freedAtMs : 0)

/** Oldest first, then lowest. */
export const byAge = (one: Entry, other: Entry): number => {
  const difference = freedAtMs(one) - freedAtMs(other)
  if (difference !== 0) return difference
  return one.span.first < other.span.first ? -1 : 1
}

/** Texts in definition, allocations and freed ranges are validated; on any other this throws RangeError. */
export const openLedger = (family: FamilyDefinition, version: Family, input: LedgerInput): Ledger => {
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

  const isOwn = ({ span, holder }: Entry, range: Block, { keys, freed }: Asker): boolean => {
    if (holder.kind === 'allocation') return keys.includes(holder.allocation.nodeId)
    if (holder.kind === 'freed') return holder.isOver || holder.freed === freed
    if (holder.kind === 'pin') return keys.includes(holder.key)
    if (holder.kind !== 'claim' || holder.claim.nodeId === undefined) return false
    const { claim } = holder
    if (!keys.includes(holder.claim.nodeId)) return false
    return claim.kind === 'own-network' || (claim.kind === 'address' && isShimOf(span, range))
  }

  return {
    family,
    subnet: blockOf(family.subnet),
    entries,
    pool,
    conflicts: (range, asker) => index.overlapping(range).filter((found) => !isOwn(found, range, asker)),
    isInPool: (range) => pool.some((span) => contains(span, range)),
    *supply(promised) {
      for (const gap of subtractSpans(pool, allTaken)) yield* blocksIn(gap, rangeLength)
      const taken = [...entries.filter((found) => !isReusable(found)).map(({ span }) => span), ...promised]
      yield* reusable(entries.filter(isReusable).sort(byAge), pool, taken, rangeLength)
    },
    left: () => subtractSpans(pool, allTaken),
  }
}
