/** Which range a node had before it left by force and joined again under a new id: it has the same host name. Pure. */
import type { SwarmNode } from '../../swarm/nodes.ts'
import type { FreedRange, NodeAllocation } from '../record/record.ts'

export type PreviousAllocation =
  /** Of a node that is down, or no longer known. */
  | { readonly kind: 'allocation'; readonly allocation: NodeAllocation }
  | { readonly kind: 'freed'; readonly freed: FreedRange }

export const rangesOf = (previous: PreviousAllocation): Pick<NodeAllocation, 'range' | 'range6'> =>
  previous.kind === 'allocation' ? previous.allocation : previous.freed

interface Sources {
  readonly allocations: ReadonlyMap<string, NodeAllocation>
  readonly freed: readonly FreedRange[]
  readonly nodes: readonly Pick<SwarmNode, 'id' | 'state'>[]
}

const descending = (one: number, other: number): number => other - one

const byText = (one: string, other: string): number => {
  if (one === other) return 0
  return one < other ? -1 : 1
}

/** By host name; the newest given first, those that nobody holds any more last. Never of a node that may be running. */
export const previousAllocations = ({
  allocations,
  freed,
  nodes,
}: Sources): ReadonlyMap<string, readonly PreviousAllocation[]> => {
  const mayRun = new Set(nodes.filter(({ state }) => state !== 'down').map(({ id }) => id))
  const left = [...allocations.values()]
    .filter(({ nodeId }) => !mayRun.has(nodeId))
    .sort((one, other) => descending(one.givenAtMs, other.givenAtMs) || byText(one.nodeId, other.nodeId))
    .map((allocation): PreviousAllocation => ({ kind: 'allocation', allocation }))
  const given = freed
    .toSorted((one, other) => descending(one.freedAtMs, other.freedAtMs) || byText(one.range, other.range))
    .map((entry): PreviousAllocation => ({ kind: 'freed', freed: entry }))
  const byHostname = new Map<string, PreviousAllocation[]>()
  for (const previous of [...left, ...given]) {
    const { hostname } = previous.kind === 'allocation' ? previous.allocation : previous.freed
    const others = byHostname.get(hostname)
    if (others === undefined) byHostname.set(hostname, [previous])
    else others.push(previous)
  }
  return byHostname
}

/** Of the range of a node that left; `isAdopted` and what it holds back go with it, so that its host gets it back whole. */
export const freedFrom = (allocation: NodeAllocation, freedAtMs: number): readonly FreedRange[] => {
  const { nodeId, hostname, range, range6, change, isAdopted, aux, aux6 } = allocation
  const freed: FreedRange = {
    range,
    ...(range6 === undefined ? {} : { range6 }),
    nodeId,
    hostname,
    freedAtMs,
    ...(isAdopted ? { isAdopted, ...(aux === undefined ? {} : { aux }), ...(aux6 === undefined ? {} : { aux6 }) } : {}),
  }
  if (change === undefined || (change.range === range && change.range6 === range6)) return [freed]
  // Either may still be on its host: it was on the way from one to the other.
  const next6 = change.range6 === undefined || change.range6 === range6 ? {} : { range6: change.range6 }
  return [freed, { range: change.range, ...next6, nodeId, hostname, freedAtMs }]
}
