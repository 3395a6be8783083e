/**
 * `onFault: pause`: a node that is not as wanted is paused, so that its tasks stay and new ones wait elsewhere. What its
 * availability was is in the record before it is taken, and is given back before the record forgets it. Pure.
 */

import type { Availability } from '../../swarm/nodes.ts'
import type { NetworkRecord, NodeShare } from '../record/record.ts'
import type { Advance } from './change.ts'
import { faultNow, isReady, type NetworkContext, sharesOf, standingNow, withShares } from './context.ts'

/** What an agent mends by itself takes a few seconds. */
const FAULTY_FOR_MS = 10_000
/** Made before the definition changed: its tasks and new ones run well. */
const HARMLESS = 'network-different'

export function pauseRecord(context: NetworkContext, record: NetworkRecord): Advance {
  const texts: string[] = []
  const moved = sharesOf(record).flatMap((share): NodeShare[] => {
    const { nodeId, hostname, pausedFrom } = share
    const node = context.nodes.get(nodeId)
    if (node === undefined) return []
    if (pausedFrom === undefined) {
      const before = heldFrom(context, nodeId) ?? node.availability
      if (before !== 'active' || !isToBePaused(context, record, share)) return []
      texts.push(`pause ${hostname}: ${faultNow(context, nodeId) ?? 'it is not as wanted'}`)
      return [{ ...share, pausedFrom: before }]
    }
    if (!isWell(context, record, share)) return []
    if (node.availability === 'pause' && heldFrom(context, nodeId) === undefined) return []
    texts.push(`${hostname} is no longer paused`)
    const { pausedFrom: _, ...rest } = share
    return [rest]
  })
  return { record: withShares(record, moved), texts }
}

/** The availability that the node should have for its pause, where that is another one than it has. */
export function pausedAvailability(
  context: NetworkContext,
  record: NetworkRecord,
  share: NodeShare,
): Availability | undefined {
  const availability = context.nodes.get(share.nodeId)?.availability
  const { pausedFrom } = share
  if (pausedFrom === undefined || availability === undefined) return undefined
  if (!isWell(context, record, share)) return availability === 'active' ? 'pause' : undefined
  return availability === 'pause' && heldFrom(context, share.nodeId) === undefined ? pausedFrom : undefined
}

/** What it was before another network paused it. */
function heldFrom({ observed, name }: NetworkContext, nodeId: string): Availability | undefined {
  for (const [network, { shares }] of observed.records) {
    const pausedFrom = network === name ? undefined : shares.get(nodeId)?.pausedFrom
    if (pausedFrom !== undefined) return pausedFrom
  }
  return undefined
}

function isToBePaused(context: NetworkContext, record: NetworkRecord, share: NodeShare): boolean {
  if (record.definition.onFault !== 'pause' || hasChanges(record)) return false
  const standing = standingNow(context, share.nodeId)
  // One that never was ready has no tasks that a pause would protect.
  if (standing === undefined || standing.isAsWanted || !isReady(context, context.nodes.get(share.nodeId))) return false
  if (standing.faults.length > 0 && standing.faults.every(({ code }) => code === HARMLESS)) return false
  const since = context.observed.reports
    .find(({ report }) => report.nodeId === share.nodeId)
    ?.notAsWantedSinceMs?.get(context.name)
  return since !== undefined && context.options.nowMs - since >= FAULTY_FOR_MS
}

/** Silence is no news, good or bad. */
function isWell(context: NetworkContext, { definition }: NetworkRecord, { nodeId, change }: NodeShare): boolean {
  if (definition.onFault !== 'pause' || change !== undefined) return true
  return standingNow(context, nodeId)?.isAsWanted === true
}

/** While a node is drained, the others are needed. */
const hasChanges = ({ shares }: NetworkRecord): boolean =>
  [...shares.values()].some(({ change }) => change !== undefined)
