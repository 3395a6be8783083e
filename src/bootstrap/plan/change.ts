/**
 * An allocation's way to another range, parent or content: written down first, then one node after the other is drained, made
 * anew by its agent, and proved. Pure.
 */

import type { SwarmNode } from '../../swarm/nodes.ts'
import type { AllocationChange, FreedRange, NetworkRecord, NodeAllocation } from '../record/record.ts'
import {
  allocationsOf,
  attachedOn,
  hasOtherHost,
  isFree,
  isProven,
  isReady,
  isRefuted,
  type NetworkContext,
  serviceName,
  tasksOf,
  withAllocations,
} from './context.ts'

/** Of a node that is not drained for its change: nothing is given back. */
export const NOT_DRAINED = 'drain' as const

/** It was drained for its change, and still is. */
export const isHeldBack = ({ change }: NodeAllocation, { availability }: SwarmNode): boolean =>
  change !== undefined && availability === 'drain' && change.availabilityBefore !== NOT_DRAINED

/** What moves on in the record, and what it waits for. */
export interface Advance {
  readonly record: NetworkRecord
  readonly texts: readonly string[]
}

/** A change that is begun blocks the next, but for one whose node cannot go on now. */
const isUnderWay = ({ nodes }: NetworkContext, { nodeId, change }: NodeAllocation): boolean =>
  change !== undefined && change.stage !== 'waiting' && nodes.get(nodeId)?.state !== 'down'

/** The stages that can be left behind now; at most one node begins. */
export function advanceChanges(context: NetworkContext, record: NetworkRecord): Advance {
  const texts: string[] = []
  const freed: FreedRange[] = []
  const moved = allocationsOf(record).flatMap((allocation): NodeAllocation[] => {
    const { change } = allocation
    const node = context.nodes.get(allocation.nodeId)
    // Labelled on the same proof: what is written here would ask for another one.
    const isBack = node !== undefined && !isHeldBack(allocation, node) && isReady(context, node)
    if (change?.stage === 'recreating' && isBack && isProven(context, allocation.nodeId)) {
      texts.push(`${allocation.hostname} has ${rangesText(change)}`)
      freed.push(...leftBehind(allocation, change, context.options.nowMs))
      return [finished(allocation, change)]
    }
    if (
      change?.stage === 'recreating' &&
      isInTheWay(context, allocation) &&
      change.availabilityBefore !== NOT_DRAINED
    ) {
      texts.push(`drain ${allocation.hostname} again`)
      const availabilityBefore = node?.availability ?? change.availabilityBefore
      return [{ ...allocation, change: { ...change, availabilityBefore, stage: 'draining' } }]
    }
    if (change?.stage === 'draining' && whyNotDrained(context, allocation) === undefined) {
      texts.push(`${allocation.hostname} is drained and may be recreated`)
      return [{ ...allocation, change: { ...change, stage: 'recreating' } }]
    }
    return []
  })
  const next = beginNext(context, withAllocations(record, moved), texts)
  return { record: freed.length === 0 ? next : { ...next, freed: [...next.freed, ...freed] }, texts }
}

/**
 * Somebody gave it back, or labelled it, before it was made anew: tasks may come. Where nobody allowed a drain, it is
 * made anew when none is there.
 */
function isInTheWay(context: NetworkContext, { nodeId }: NodeAllocation): boolean {
  const node = context.nodes.get(nodeId)
  if (node === undefined || node.availability === 'drain' || !isReady(context, node)) return false
  return isRefuted(context, nodeId)
}

function beginNext(context: NetworkContext, record: NetworkRecord, texts: string[]): NetworkRecord {
  const others = [...context.observed.records.values()].filter(({ definition }) => definition.name !== context.name)
  const isBusy = [record, ...others].some(({ allocations }) =>
    [...allocations.values()].some((one) => isUnderWay(context, one)),
  )
  const able = allocationsOf(record).filter(
    ({ nodeId, change }) =>
      change?.stage === 'waiting' && context.nodes.get(nodeId)?.state === 'ready' && canBegin(context, nodeId),
  )
  // The agent of one that a person has drained may not run before that person gives it back.
  const isDrained = ({ nodeId }: NodeAllocation) => context.nodes.get(nodeId)?.availability === 'drain'
  const next = able.find((allocation) => !isDrained(allocation)) ?? able[0]
  const node = next === undefined ? undefined : context.nodes.get(next.nodeId)
  if (isBusy || next?.change === undefined || node === undefined) return record
  const needsDrain = isReady(context, node) || !isFree(context, node.id)
  texts.push(needsDrain ? `drain ${next.hostname}` : `recreate ${next.hostname}`)
  if (!needsDrain) {
    const change = { ...next.change, availabilityBefore: NOT_DRAINED, stage: 'recreating' } as const
    return withAllocations(record, [{ ...next, change }])
  }
  const { pausedFrom, ...allocation } = next
  const availabilityBefore = pausedFrom ?? node.availability
  return withAllocations(record, [{ ...allocation, change: { ...next.change, availabilityBefore, stage: 'draining' } }])
}

/** Its tasks have somewhere to go. */
export const canBegin = (context: NetworkContext, nodeId: string): boolean =>
  attachedOn(context, nodeId).tasks.length === 0 || hasOtherHost(context, nodeId)

/** Adopted or not before: what the agent made is ours, and holds back what the definition says. */
function finished(
  { change: _, aux: _aux, aux6: _aux6, range6: _six, ...allocation }: NodeAllocation,
  change: AllocationChange,
): NodeAllocation {
  const { range, range6, parent } = change
  return { ...allocation, range, ...(range6 === undefined ? {} : { range6 }), parent, isAdopted: false }
}

/** A range that stays is not free; one family alone may have changed. */
function leftBehind(
  { nodeId, hostname, machine, range, range6 }: NodeAllocation,
  change: AllocationChange,
  freedAtMs: number,
): FreedRange[] {
  if (change.range === range && change.range6 === range6) return []
  const six = range6 === undefined || change.range6 === range6 ? {} : { range6 }
  return [{ range, ...six, nodeId, hostname, ...(machine === undefined ? {} : { machine }), freedAtMs }]
}

/** `undefined`: nothing is attached any more, and the tasks run elsewhere, where there is an elsewhere. */
export function whyNotDrained(context: NetworkContext, { nodeId, hostname }: NodeAllocation): string | undefined {
  if (context.nodes.get(nodeId)?.availability !== 'drain') return `${hostname} to be drained`
  if (!isFree(context, nodeId)) return `the last task to leave ${hostname}`
  // The others left meanwhile: nothing is mended by waiting, and the node is needed.
  if (!hasOtherHost(context, nodeId)) return undefined
  const late = new Set(
    tasksOf(context)
      .filter(
        ({ desiredState, state }) => desiredState !== 'shutdown' && desiredState !== 'remove' && state !== 'running',
      )
      .map(({ serviceId }) => serviceName(context, serviceId)),
  )
  return late.size === 0 ? undefined : `the tasks of ${[...late].sort().join(', ')} to run elsewhere`
}

export const rangesText = ({ range, range6 }: Pick<NodeAllocation, 'range' | 'range6'>): string =>
  range6 === undefined ? range : `${range} and ${range6}`
