/** A network that is active: what keeps it true, extends it, or takes its changed definition. Pure. */

import { isSameMachine } from '../../swarm/node-report.ts'
import type { SwarmNode } from '../../swarm/nodes.ts'
import { definitionDifferences, isForLife } from '../definition/definition-differences.ts'
import type { NetworkRecord, NodeAllocation } from '../record/record.ts'
import { type Given, giveRanges } from './allocations.ts'
import { type Advance, advanceChanges, NOT_DRAINED } from './change.ts'
import { allocationsOf, isFree, isReady, type NetworkContext, named, wantedHere, withAllocations } from './context.ts'
import { takeDefinition } from './definition.ts'
import { hostsInRanges } from './host-addresses.ts'
import { configState, type InTheWay, inTheWay } from './node-state.ts'
import { nodeSteps } from './node-writes.ts'
import { pauseRecord } from './pause.ts'
import { swarmNetworkSteps } from './swarm-network.ts'
import type { PlanProblem, Step } from './words.ts'

export interface PlanPart {
  readonly steps: readonly Step[]
  readonly problems: readonly PlanProblem[]
  /** As it will be once what can be written now is written. */
  readonly record: NetworkRecord
  /** Nodes that are to be made anew, or were refused, by id. */
  readonly anew: ReadonlyMap<string, string>
  readonly refused: ReadonlyMap<string, InTheWay>
}

export function planPresent(context: NetworkContext, record: NetworkRecord): PlanPart {
  const { name, defined } = context
  const { given, refused } = extendFor(context, record)
  const known = noteMachines(context, given.record)
  const advanced = advanceChanges(context, known.record)
  const paused = pauseRecord(context, advanced.record)
  const taken =
    defined.kind === 'valid'
      ? takeDefinition(context, paused.record, defined.definition)
      : { record: paused.record, texts: [], problems: [], anew: new Map<string, string>() }
  const network = swarmNetworkSteps(context, record)
  const texts = [...given.texts, ...known.texts, ...advanced.texts, ...paused.texts, ...taken.texts]
  const written: Step[] =
    taken.record === record
      ? []
      : [{ network: name, do: 'write-record', text: texts.join(', '), basis: record, record: taken.record }]
  return {
    steps: [...written, ...nodeSteps(context, record), ...later(context, record, taken.record), ...network.steps],
    problems: [
      ...given.problems.map(({ message }): PlanProblem => ({ network: name, code: 'no-range', message })),
      ...refusals(context, refused),
      ...taken.problems,
      // `apply` moves such a node, or says that it takes a drain.
      ...(context.options.mode === 'apply' ? [] : hostsInRanges(context, record)),
      ...network.problems,
    ],
    record: taken.record,
    anew: taken.anew,
    refused,
  }
}

/** Which nodes without an allocation may have one, in this mode. */
export function couldHaveRange(
  { options, reports }: NetworkContext,
  { id, state, platform, hostname }: SwarmNode,
): boolean {
  if (options.mode === 'keep' || state !== 'ready' || platform.os !== 'linux' || hostname === '') return false
  // Unasked, nothing is given to a node of which nothing is known.
  return options.mode === 'apply' || reports.has(id)
}

interface Extended {
  readonly given: Given
  readonly refused: ReadonlyMap<string, InTheWay>
}

/** Where there is no range as things are, there may be one as they will be: a larger pool is what a full one is told to have. */
function extendFor(context: NetworkContext, record: NetworkRecord): Extended {
  const { defined, options } = context
  const now = extend(context, record)
  if (now.given.problems.length === 0 || options.mode !== 'apply' || defined.kind !== 'valid') return now
  if (definitionDifferences(record.definition, defined.definition).some(isForLife)) return now
  const { given, refused } = extend(context, { ...record, definition: defined.definition })
  // No range for anybody: nothing is written, however often it is asked.
  if (given.texts.length === 0) return { given: { ...given, record: now.given.record }, refused }
  // That it is taken is said, and written, by who takes it.
  return { given: { ...given, record: { ...given.record, definition: record.definition } }, refused }
}

function extend(context: NetworkContext, record: NetworkRecord): Extended {
  const refused = new Map<string, InTheWay>()
  for (const node of context.observed.nodes) {
    if (record.allocations.has(node.id) || !couldHaveRange(context, node)) continue
    const found = inTheWay(context, record.definition, node)
    if (found !== undefined) refused.set(node.id, found)
  }
  const mayGive = ({ id }: { readonly id: string }) => {
    const node = context.nodes.get(id)
    return node !== undefined && couldHaveRange(context, node) && !refused.has(id)
  }
  const given = giveRanges(context, record, mayGive)
  return { given: { ...given, record: withLeftovers(context, record, given.record) }, refused }
}

/** Which machine has a range, as its agent says: what gives it back when that joins again under a new id. */
function noteMachines({ reports }: NetworkContext, record: NetworkRecord): Advance {
  const noted = allocationsOf(record).flatMap((allocation): NodeAllocation[] => {
    const machine = reports.get(allocation.nodeId)?.machine
    if (machine === undefined || isSameMachine(allocation.machine, machine)) return []
    return [{ ...allocation, machine }]
  })
  const texts = noted.map(({ hostname }) => `note which machine ${hostname} is`)
  return { record: withAllocations(record, noted), texts }
}

/** A network of ours that a node has left from before, and that is another one than it gets now. */
export function withLeftovers(context: NetworkContext, before: NetworkRecord, after: NetworkRecord): NetworkRecord {
  const added = [...after.allocations.values()].filter(({ nodeId }) => !before.allocations.has(nodeId))
  const anew = added.flatMap((allocation): NodeAllocation[] => {
    const wanted = wantedHere(after, allocation.nodeId)
    const node = context.nodes.get(allocation.nodeId)
    if (
      wanted === undefined ||
      allocation.change !== undefined ||
      isReady(context, node) ||
      !isFree(context, allocation.nodeId)
    )
      return []
    const state = configState(context, allocation.nodeId, wanted)
    if (state.kind !== 'ours' || state.differences.length === 0) return []
    const { range, range6, parent } = allocation
    const six = range6 === undefined ? {} : { range6 }
    const { nowMs } = context.options
    const change = {
      range,
      ...six,
      parent,
      availabilityBefore: NOT_DRAINED,
      stage: 'recreating',
      startedAtMs: nowMs,
    } as const
    return [{ ...allocation, change }]
  })
  return withAllocations(after, anew)
}

export const refusals = ({ name, nodes }: NetworkContext, refused: ReadonlyMap<string, InTheWay>): PlanProblem[] =>
  [...refused].map(([nodeId, { code, message }]) => {
    const hostname = nodes.get(nodeId)?.hostname ?? nodeId
    return { network: name, node: named({ nodeId, hostname }), code, message }
  })

/** What follows for nodes that the record does not know yet, so that a plan shows all of it. */
export function later(
  context: NetworkContext,
  before: NetworkRecord | undefined,
  after: NetworkRecord,
): readonly Step[] {
  if (before === after) return []
  const added = [...after.allocations].filter(([nodeId]) => before?.allocations.has(nodeId) !== true)
  if (added.length === 0) return []
  const steps = nodeSteps({ ...context, revision: undefined }, { ...after, allocations: new Map(added) })
  return steps.map((step) => (step.waitsFor === undefined ? { ...step, waitsFor: 'the record' } : step))
}
