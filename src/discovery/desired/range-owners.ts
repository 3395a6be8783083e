/** Whose address is whose, by the ranges in the nodes' labels, which managers alone write. Pure. */
import { contains, parseAddress, parseBlock, type Span } from '../../foundation/address.ts'
import { NETWORK_LABEL } from '../../swarm/networks.ts'
import type { Entry } from '../entry.ts'
import type { NodeFacts } from '../facts.ts'

/** The node in whose range an entry's address is, when that is not the range of its own node; judged once for each entry. */
export type RangeOwners = (entry: Entry) => Pick<NodeFacts, 'id' | 'hostname'> | undefined

const RANGE = new RegExp(`^${NETWORK_LABEL.replaceAll('.', '\\.')}\\..+\\.range$`)

/** `orrery.network.<name>.range`, of all networks: `172.80.1.0/24,fd00:40:1::/64`. */
const rangesOf = ({ labels }: NodeFacts): readonly Span[] =>
  Object.entries(labels).flatMap(([name, text]) =>
    RANGE.test(name) ? text.split(',').flatMap((block) => parseBlock(block.trim()) ?? []) : [],
  )

/** The same nodes as before, as far as this is concerned. */
export const rangesText = (nodes: readonly NodeFacts[]): string =>
  nodes
    .map((node) => [
      node.id,
      ...Object.entries(node.labels)
        .filter(([name]) => RANGE.test(name))
        .flat(),
    ])
    .join('\n')

export function rangeOwners(nodes: readonly NodeFacts[]): RangeOwners {
  const judged = new WeakMap<Entry, ReturnType<RangeOwners>>()
  const ranges = new Map(nodes.map((node) => [node.id, { node, spans: rangesOf(node) }]))

  const ownerOf = ({ nodeId, address, address6 }: Entry): ReturnType<RangeOwners> => {
    const own = ranges.get(nodeId)?.spans ?? []
    for (const text of [address, address6]) {
      const one = text === undefined ? undefined : parseAddress(text)
      const isIn = (span: Span) => one !== undefined && contains(span, one)
      // Networks may have the same addresses, each on a LAN of its own; and nearly all are in their own node's range.
      if (own.some(isIn)) continue
      for (const { node, spans } of ranges.values()) if (spans.some(isIn)) return node
    }
    return undefined
  }
  return (entry) => {
    if (!judged.has(entry)) judged.set(entry, ownerOf(entry))
    return judged.get(entry)
  }
}
