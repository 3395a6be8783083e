/**
 * Which node has which range: stable, minimal, the same whatever the order of the nodes. Pinned ranges first, then what
 * a node had under an earlier id, then ranges never given, lowest first, then freed ones whose 24 h are over.
 * An allocation that is there never changes here (fit.ts says which should); that of a node that is gone becomes a freed
 * range. So the caller must be sure of its list of nodes: an empty or short one frees what is in use. Pure.
 */

import { type Block, blockOf, formatBlock, type Span } from '../../foundation/address.ts'
import { indexSpans } from '../address/spans.ts'
import { type FreedRange, type NodeAllocation, parentLabel } from '../record/record.ts'
import type { AllocationInput, AllocationProblem, AllocationResult, Ranges } from './allocation.ts'
import { exhausted } from './allocation-problems.ts'
import { type Ask, type Ledgers, newcomers, openLedgers, settleAsks } from './asks.ts'
import { freedFrom } from './inheritance.ts'
import { isOver, type Ledger } from './ledger.ts'

export interface Drawn {
  readonly ranges: ReadonlyMap<Ask, Ranges>
  readonly problems: readonly AllocationProblem[]
}

const textOf = ({ value }: IteratorResult<Block, void>): string | undefined =>
  value === undefined ? undefined : formatBlock(value)

const spansOf = ({ range, range6 }: Ranges): readonly Span[] =>
  [range, range6].flatMap((text) => (text === undefined ? [] : [blockOf(text)]))

const settledSpans = (asks: readonly Ask[]): readonly Span[] =>
  asks.flatMap(({ settled }) => Object.values(settled).map(blockOf))

/** Settles the rest from the pool; both families together, or neither. */
export const draw = (asks: readonly Ask[], ledgers: Ledgers, about: { network: string; nowMs: number }): Drawn => {
  const promised = settledSpans(asks)
  const ofFamily = (ledger: Ledger, family: 4 | 6) => ledger.supply(promised.filter((span) => span.family === family))
  const four = ofFamily(ledgers.four, 4)
  const six = ledgers.six === undefined ? undefined : ofFamily(ledgers.six, 6)
  const ranges = new Map<Ask, Ranges>()
  const without = new Map<Ledger, Ask[]>()
  const fail = (ledger: Ledger, ask: Ask) => without.set(ledger, [...(without.get(ledger) ?? []), ask])
  let drawnCount = 0
  for (const ask of asks) {
    const { settled } = ask
    const range = settled.range ?? textOf(four.next())
    if (range === undefined) {
      fail(ledgers.four, ask)
      continue
    }
    const range6 = settled.range6 ?? (six === undefined ? undefined : textOf(six.next()))
    if (ledgers.six !== undefined && range6 === undefined) {
      fail(ledgers.six, ask)
      continue
    }
    if (settled.range === undefined || settled.range6 !== range6) drawnCount += 1
    ranges.set(ask, { range, ...(range6 === undefined ? {} : { range6 }) })
  }
  const problems = [...without].map(([ledger, left]) =>
    exhausted({ ledger, nodes: left.map(({ node }) => node), drawnCount, ...about }),
  )
  return { ranges, problems }
}

const newAllocation = (
  { node, heirloom }: Ask,
  ranges: Ranges,
  { definition, nowMs }: AllocationInput,
): NodeAllocation => {
  const who = { nodeId: node.id, hostname: node.hostname, ...ranges, givenAtMs: nowMs }
  if (heirloom?.kind === 'allocation') {
    // The host is the same: what was under way there goes on. That a node was paused was said of the old one.
    const { pausedFrom: _, ...allocation } = heirloom.allocation
    return { ...allocation, ...who }
  }
  const parent = node.labels[parentLabel(definition.name)] ?? definition.parent
  if (heirloom === undefined) return { ...who, parent, isAdopted: false }
  const { isAdopted = false, aux, aux6 } = heirloom.freed
  return { ...who, parent, isAdopted, ...(aux === undefined ? {} : { aux }), ...(aux6 === undefined ? {} : { aux6 }) }
}

/** What stays freed: not what its host has back, nor what was over and is given to somebody else now. */
const stillFreed = (input: AllocationInput, drawn: ReadonlyMap<Ask, Ranges>): readonly FreedRange[] => {
  if (input.freed.length === 0) return []
  const back = new Set(
    [...drawn.keys()].map(({ heirloom }) => (heirloom?.kind === 'freed' ? heirloom.freed : undefined)),
  )
  const given = indexSpans([...drawn.values()].flatMap((ranges) => spansOf(ranges).map((span) => ({ span }))))
  return input.freed.filter((freed) => {
    if (back.has(freed)) return false
    return !isOver(freed, input.nowMs) || spansOf(freed).every((span) => given.overlapping(span).length === 0)
  })
}

const NOBODY: Drawn = { ranges: new Map(), problems: [] }

const serve = (input: AllocationInput): { readonly drawn: Drawn; readonly problems: readonly AllocationProblem[] } => {
  const { definition, nowMs } = input
  // Most of the time nobody asks, and this is called often.
  const waiting = newcomers(input)
  if (waiting.length === 0) return { drawn: NOBODY, problems: [] }
  const ledgers = openLedgers(input)
  const { asks, problems } = settleAsks(waiting, input, ledgers)
  return { drawn: draw(asks, ledgers, { network: definition.name, nowMs }), problems }
}

/** Texts in definition, allocations and freed ranges are validated; on any other this throws RangeError. */
export const allocate = (input: AllocationInput): AllocationResult => {
  const { allocations, freed, nodes, nowMs } = input
  const { drawn, problems } = serve(input)
  const inherited = new Set(
    [...drawn.ranges.keys()].flatMap(({ heirloom }) =>
      heirloom?.kind === 'allocation' ? [heirloom.allocation.nodeId] : [],
    ),
  )
  const known = new Set(nodes.map(({ id }) => id))
  const gone = [...allocations.values()].filter(({ nodeId }) => !known.has(nodeId) && !inherited.has(nodeId))
  const all = [...problems, ...drawn.problems]
  if (drawn.ranges.size === 0 && gone.length === 0) return { allocations, freed, given: [], problems: all }
  const left = [...allocations].filter(([nodeId]) => known.has(nodeId) && !inherited.has(nodeId))
  const added = [...drawn.ranges].map(([ask, ranges]) => [ask.node.id, newAllocation(ask, ranges, input)] as const)
  return {
    allocations: new Map([...left, ...added]),
    freed: [...stillFreed(input, drawn.ranges), ...gone.flatMap((allocation) => freedFrom(allocation, nowMs))],
    given: added.map(([nodeId]) => nodeId),
    problems: all,
  }
}
