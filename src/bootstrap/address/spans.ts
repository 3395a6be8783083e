/** Sets of spans of one address family, and the one address that no range may end with. Pure. */
import { type Block, overlaps, type Span } from '../../foundation/address.ts'

const byFirst = (one: Span, other: Span): number => {
  if (one.first === other.first) return 0
  return one.first < other.first ? -1 : 1
}

/** The same addresses in as few spans as possible, lowest first. */
export const mergeSpans = (spans: readonly Span[]): readonly Span[] => {
  const merged: Span[] = []
  for (const span of spans.toSorted(byFirst)) {
    const before = merged.at(-1)
    if (before === undefined || span.first > before.last + 1n) merged.push(span)
    else if (span.last > before.last) merged[merged.length - 1] = { ...before, last: span.last }
  }
  return merged
}

/** What is in `spans` and in none of `taken`, lowest first. */
export const subtractSpans = (spans: readonly Span[], taken: readonly Span[]): readonly Span[] => {
  const holes = mergeSpans(taken)
  const left: Span[] = []
  let at = 0
  for (const { family, first, last } of mergeSpans(spans)) {
    let from = first
    for (let hole = holes[at]; hole !== undefined && hole.first <= last; hole = holes[at]) {
      if (hole.first > from) left.push({ family, first: from, last: hole.first - 1n })
      if (hole.last >= from) from = hole.last + 1n
      // A hole that reaches beyond this span may reach into the next one.
      if (hole.last >= last) break
      at += 1
    }
    if (from <= last) left.push({ family, first: from, last })
  }
  return left
}

/** What is in both. */
export const intersectSpans = (one: readonly Span[], other: readonly Span[]): readonly Span[] =>
  subtractSpans(one, subtractSpans(one, other))

export interface SpanIndex<Item extends { readonly span: Span }> {
  /** All items that overlap with the span. */
  overlapping(span: Span): readonly Item[]
}

/** Finds overlaps among thousands of spans without looking at each. */
export const indexSpans = <Item extends { readonly span: Span }>(items: readonly Item[]): SpanIndex<Item> => {
  const sorted = items.toSorted((one, other) => byFirst(one.span, other.span))
  /** The largest `last` of all items up to each: when it is below the span, no earlier item can reach it. */
  const reach: bigint[] = []
  for (const { span } of sorted) {
    const before = reach.at(-1)
    reach.push(before === undefined || span.last > before ? span.last : before)
  }
  /** How many items begin at or below the address. */
  const countUpTo = (address: bigint): number => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      const item = sorted[middle]
      if (item !== undefined && item.span.first <= address) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    overlapping: (span) => {
      const found: Item[] = []
      for (let at = countUpTo(span.last) - 1; at >= 0; at -= 1) {
        const item = sorted[at]
        const furthest = reach[at]
        if (item === undefined || furthest === undefined || furthest < span.first) break
        if (overlaps(item.span, span)) found.push(item)
      }
      return found
    },
  }
}

/**
 * The last address of an IPv6 subnet of /64 or larger: a range that ends there has an overflowing bit count in engines of
 * 20.10, which then give no address at all.
 */
export const unsafeAddress = (subnet: Block): Span | undefined =>
  subnet.family === 6 && subnet.length <= 64 ? { family: 6, first: subnet.last, last: subnet.last } : undefined
