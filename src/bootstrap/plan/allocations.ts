/** Who has an allocation: nodes that are gone, joined again, or are new. Pure. */

import { isSameMachine } from '../../swarm/node-report.ts'
import { allocate } from '../allocation/allocate.ts'
import type { AllocationNode, AllocationProblem } from '../allocation/allocation.ts'
import { lastOfMachines, otherUsesOf } from '../allocation/other-uses.ts'
import { holderOf, isUnclear, previousAllocations } from '../allocation/previous-allocations.ts'
import type { NetworkDefinition } from '../definition/definition.ts'
import type { NetworkRecord } from '../record/record.ts'
import type { NetworkContext } from './context.ts'

export interface Given {
  /** What came in, the very object, when nothing changes. */
  readonly record: NetworkRecord
  /** What changes, a phrase each. */
  readonly texts: readonly string[]
  readonly problems: readonly AllocationProblem[]
}

/**
 * `mayGive`: new nodes that may be given a range never given before. A machine that had one under another id gets that one
 * in any case. Where a name is known and its agent is not heard, it has to wait for that.
 */
export function giveRanges(
  context: NetworkContext,
  record: NetworkRecord,
  mayGive: (node: AllocationNode) => boolean,
): Given {
  const { observed, options } = context
  // A Swarm has nodes: an empty list is no reason to free what is in use.
  if (observed.nodes.length === 0) return { record, texts: [], problems: [] }
  const { definition, allocations, freed } = record
  // Mostly nobody comes or goes, and the rest takes its time with many nodes.
  const isGone = [...allocations.keys()].some((id) => !context.nodes.has(id))
  if (!isGone && observed.nodes.every(({ id, state }) => allocations.has(id) || state !== 'ready')) {
    return { record, texts: [], problems: [] }
  }
  const inherited = previousAllocations({ allocations, freed })
  const heard = lastOfMachines(observed)
  const machines = new Map(heard.map(({ report }) => [report.nodeId, report.machine]))
  // Swarm may call an id ready for a while whose machine is a node under another id by now.
  const hasLeft = (id: string) => !machines.has(id) && observed.reports.some(({ report }) => report.nodeId === id)
  const otherUses = otherUsesOf(definition, observed)
  /** Who says that it is the machine of a node that has a range, and is ready and heard itself, gets neither that one nor another. */
  const isTwice = ({ id, machine }: AllocationNode) =>
    heard.some(({ report }) => {
      const other = report.nodeId
      const isHolder = other !== id && allocations.has(other) && context.nodes.get(other)?.state === 'ready'
      return isHolder && isSameMachine(report.machine, machine)
    })
  const twice: AllocationNode[] = []
  const isAsked = (node: AllocationNode) =>
    allocations.has(node.id) ||
    (node.hostname !== '' &&
      !hasLeft(node.id) &&
      !twice.includes(node) &&
      (inherited(node).length > 0 || (mayGive(node) && !isUnclear(node, record))))
  const give = (nodes: readonly AllocationNode[]) =>
    allocate({ definition, allocations, freed, otherUses, nodes, nowMs: options.nowMs })
  let nodes = observed.nodes
    .map((node): AllocationNode => {
      const machine = machines.get(node.id)
      return machine === undefined ? node : { ...node, machine }
    })
    .filter((node) => {
      if (!allocations.has(node.id) && isTwice(node)) twice.push(node)
      return isAsked(node)
    })
  let found = give(nodes)
  // What they had may be no longer to be had; then they are new nodes like others.
  const barred = new Set(
    found.given.filter((id) => {
      const node = nodes.find((one) => one.id === id)
      const allocation = found.allocations.get(id)
      if (node === undefined || allocation === undefined || mayGive(node)) return false
      return !inherited(node).some((previous) => holderOf(previous).range === allocation.range)
    }),
  )
  if (barred.size > 0) {
    nodes = nodes.filter(({ id }) => !barred.has(id))
    found = give(nodes)
  }
  const problems = [...twice.map(machineTwice), ...found.problems]
  if (found.given.length === 0 && !isGone) return { record, texts: [], problems }
  const next = { ...record, allocations: found.allocations, freed: found.freed }
  return { record: next, texts: textsOf(record, next, found.given), problems }
}

const machineTwice = ({ id, hostname }: AllocationNode): AllocationProblem => ({
  code: 'machine-twice',
  nodes: [{ id, hostname }],
  message: `${hostname} (node ${id}) says that it is the machine of another node that is ready and reports too: no range is given to it for as long as both say so.`,
})

function textsOf(before: NetworkRecord, after: NetworkRecord, given: readonly string[]): string[] {
  const isBack = (range: string) =>
    [...before.allocations.values()].some((allocation) => allocation.range === range) ||
    before.freed.some((freed) => freed.range === range)
  const added = given.flatMap((id) => {
    const allocation = after.allocations.get(id)
    if (allocation === undefined) return []
    const ranges = [allocation.range, allocation.range6].filter((range) => range !== undefined).join(' and ')
    return [`give ${allocation.hostname} ${ranges}${isBack(allocation.range) ? ', which it had before' : ''}`]
  })
  const known = new Set(before.freed)
  const freed = after.freed.filter((entry) => !known.has(entry))
  return [...added, ...freed.map(({ range, hostname }) => `free ${range} of ${hostname}, which has left the Swarm`)]
}

/** With the ranges that a definition gives to these nodes, from nothing. */
export function firstRanges(
  context: NetworkContext,
  definition: NetworkDefinition,
  mayGive: (node: AllocationNode) => boolean,
): Given {
  const empty: NetworkRecord = { definition, phase: 'present', isAdopted: false, allocations: new Map(), freed: [] }
  return giveRanges(context, empty, mayGive)
}
