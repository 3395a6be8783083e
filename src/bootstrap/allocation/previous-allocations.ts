/** Which range a node had before it left by force and joined again under a new id: that of the same machine. Pure. */
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { isSameMachine } from '../../swarm/node-report.ts'
import type { FreedRange, NodeAllocation } from '../record/record.ts'
import type { AllocationNode } from './allocation.ts'

export type PreviousAllocation =
  /** Of another node id, which the machine has left, whatever Swarm still says of it. */
  | { readonly kind: 'allocation'; readonly allocation: NodeAllocation }
  | { readonly kind: 'freed'; readonly freed: FreedRange }

export const holderOf = (previous: PreviousAllocation): NodeAllocation | FreedRange =>
  previous.kind === 'allocation' ? previous.allocation : previous.freed

interface Sources {
  readonly allocations: ReadonlyMap<string, NodeAllocation>
  readonly freed: readonly FreedRange[]
}

const descending = (one: number, other: number): number => other - one

const byText = (one: string, other: string): number => {
  if (one === other) return 0
  return one < other ? -1 : 1
}

/** What the machine of a node had under other ids; the newest given first, those that nobody holds any more last. */
export const previousAllocations = ({
  allocations,
  freed,
}: Sources): ((node: AllocationNode) => readonly PreviousAllocation[]) => {
  const left = [...allocations.values()]
    .sort((one, other) => descending(one.givenAtMs, other.givenAtMs) || byText(one.nodeId, other.nodeId))
    .map((allocation): PreviousAllocation => ({ kind: 'allocation', allocation }))
  const given = freed
    .toSorted((one, other) => descending(one.freedAtMs, other.freedAtMs) || byText(one.range, other.range))
    .map((entry): PreviousAllocation => ({ kind: 'freed', freed: entry }))
  const byEngine = new Map<string, PreviousAllocation[]>()
  for (const previous of [...left, ...given]) {
    const { machine } = holderOf(previous)
    if (machine === undefined) continue
    const others = byEngine.get(machine.engineId)
    if (others === undefined) byEngine.set(machine.engineId, [previous])
    else others.push(previous)
  }
  return ({ id, machine }) =>
    machine === undefined
      ? []
      : (byEngine.get(machine.engineId) ?? []).filter((previous) => {
          const { nodeId, machine: had } = holderOf(previous)
          return (previous.kind === 'freed' || nodeId !== id) && isSameMachine(had, machine)
        })
}

/**
 * Somebody of this node's name has, or had until lately, a range, and whether that was this very machine only its agent can
 * say, which is not heard yet.
 */
export const isUnclear = ({ id, hostname, machine }: AllocationNode, { allocations, freed }: Sources): boolean =>
  machine === undefined &&
  ([...allocations.values()].some((allocation) => allocation.hostname === hostname && allocation.nodeId !== id) ||
    freed.some((entry) => entry.hostname === hostname))

/** Of the range of a node that left; `isAdopted` and what it holds back go with it, so that its host gets it back whole. */
export const freedFrom = (allocation: NodeAllocation, freedAtMs: number): readonly FreedRange[] => {
  const { range, range6, change, isAdopted, aux, aux6 } = allocation
  const { nodeId, hostname, machine } = allocation
  const who = { nodeId, hostname, ...withoutUndefined({ machine }) }
  const freed: FreedRange = {
    range,
    ...withoutUndefined({ range6 }),
    ...who,
    freedAtMs,
    ...(isAdopted && { isAdopted, ...withoutUndefined({ aux, aux6 }) }),
  }
  if (change === undefined || (change.range === range && change.range6 === range6)) return [freed]
  // Either may still be on its host: it was on the way from one to the other.
  const next6 = change.range6 === range6 ? undefined : change.range6
  return [freed, { range: change.range, ...withoutUndefined({ range6: next6 }), ...who, freedAtMs }]
}
