/**
 * `onFault: pause`: a node that does not match the definition is paused, so that its tasks stay and new ones wait elsewhere.
 * What its availability was is in the record before it is taken, and is given back before the record forgets it. Pure.
 */

import type { Availability } from '../../swarm/nodes.ts'
import type { NetworkRecord, NodeAllocation } from '../record/record.ts'
import type { Advance } from './change.ts'
import { allocationsOf, faultNow, isReady, type NetworkContext, statusNow, withAllocations } from './context.ts'

/** What an agent mends by itself takes a few seconds. */
const FAULTY_FOR_MS = 10_000
/** Made before the definition changed: its tasks and new ones run well. */
const HARMLESS = 'network-different'

export function pauseRecord(context: NetworkContext, record: NetworkRecord): Advance {
  const texts: string[] = []
  const moved = allocationsOf(record).flatMap((allocation): NodeAllocation[] => {
    const { nodeId, hostname, pausedFrom } = allocation
    const node = context.nodes.get(nodeId)
    if (node === undefined) return []
    if (pausedFrom === undefined) {
      const before = heldFrom(context, nodeId) ?? node.availability
      if (before !== 'active' || !isToBePaused(context, record, allocation)) return []
      texts.push(`pause ${hostname}: ${faultNow(context, nodeId) ?? 'it does not match the definition'}`)
      return [{ ...allocation, pausedFrom: before }]
    }
    if (!isWell(context, record, allocation)) return []
    if (node.availability === 'pause' && heldFrom(context, nodeId) === undefined) return []
    texts.push(`${hostname} is no longer paused`)
    const { pausedFrom: _, ...rest } = allocation
    return [rest]
  })
  return { record: withAllocations(record, moved), texts }
}

/** The availability that the node should have for its pause, where that is another one than it has. */
export function pausedAvailability(
  context: NetworkContext,
  record: NetworkRecord,
  allocation: NodeAllocation,
): Availability | undefined {
  const availability = context.nodes.get(allocation.nodeId)?.availability
  const { pausedFrom } = allocation
  if (pausedFrom === undefined || availability === undefined) return undefined
  if (!isWell(context, record, allocation)) return availability === 'active' ? 'pause' : undefined
  return availability === 'pause' && heldFrom(context, allocation.nodeId) === undefined ? pausedFrom : undefined
}

/** What it was before another network paused it. */
function heldFrom({ observed, name }: NetworkContext, nodeId: string): Availability | undefined {
  for (const [network, { allocations }] of observed.records) {
    const pausedFrom = network === name ? undefined : allocations.get(nodeId)?.pausedFrom
    if (pausedFrom !== undefined) return pausedFrom
  }
  return undefined
}

function isToBePaused(context: NetworkContext, record: NetworkRecord, allocation: NodeAllocation): boolean {
  if (record.definition.onFault !== 'pause' || hasChanges(record)) return false
  const status = statusNow(context, allocation.nodeId)
  // One that never was ready has no tasks that a pause would protect.
  if (status === undefined || status.isAsWanted || !isReady(context, context.nodes.get(allocation.nodeId))) return false
  if (status.faults.length > 0 && status.faults.every(({ code }) => code === HARMLESS)) return false
  const since = context.observed.reports
    .find(({ report }) => report.nodeId === allocation.nodeId)
    ?.notAsWantedSinceMs?.get(context.name)
  return since !== undefined && context.options.nowMs - since >= FAULTY_FOR_MS
}

/** Silence is no news, good or bad. */
function isWell(context: NetworkContext, { definition }: NetworkRecord, { nodeId, change }: NodeAllocation): boolean {
  if (definition.onFault !== 'pause' || change !== undefined) return true
  return statusNow(context, nodeId)?.isAsWanted === true
}

/** While a node is drained, the others are needed. */
const hasChanges = ({ allocations }: NetworkRecord): boolean =>
  [...allocations.values()].some(({ change }) => change !== undefined)
