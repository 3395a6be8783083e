/** Labels and availability of nodes, as the record says they should be. Pure. */

import type { SwarmNode } from '../../swarm/nodes.ts'
import type { NodeWrite } from '../../swarm/ports.ts'
import { formatRangeLabel, type NetworkRecord, type NodeAllocation, rangeLabel, readyLabel } from '../record/record.ts'
import { canBegin, isHeldBack, rangesText, whyNotDrained } from './change.ts'
import { allocationsOf, faultNow, isFree, isProven, isReady, type NetworkContext, named, statusNow } from './context.ts'
import { pausedAvailability } from './pause.ts'
import type { Step } from './words.ts'

/** What is changed of one node, if anything, and what is waited for there. */
interface NodeWish {
  readonly write?: Pick<NodeWrite, 'labels' | 'availability'>
  readonly texts: readonly string[]
  readonly waitsFor?: string
  /** What its agent or Swarm does meanwhile. */
  readonly meanwhile?: string
  readonly isStuck?: true
}

export function nodeSteps(context: NetworkContext, record: NetworkRecord): readonly Step[] {
  return allocationsOf(record).flatMap((allocation): Step[] => {
    const node = context.nodes.get(allocation.nodeId)
    if (node === undefined) return []
    const base = { network: context.name, node: named(allocation) }
    return together(wishesOf(context, record, allocation, node)).map(
      ({ write, texts, waitsFor, meanwhile, isStuck }): Step => {
        if (write === undefined) {
          const text = meanwhile ?? texts.join(', ')
          return { ...base, do: 'wait', text, waitsFor: waitsFor ?? '', ...(isStuck && { isStuck }) }
        }
        const step = { ...base, text: texts.join(', '), do: 'write-node' as const }
        const whole = { ...step, write: { id: node.id, version: node.version, ...write } }
        return waitsFor === undefined ? whole : { ...whole, waitsFor }
      },
    )
  })
}

/** What can be written of one node now is one write. */
function together(wishes: readonly NodeWish[]): readonly NodeWish[] {
  const due = wishes.filter(({ write, waitsFor }) => write !== undefined && waitsFor === undefined)
  if (due.length < 2) return wishes
  const availability = due.find(({ write }) => write?.availability !== undefined)?.write?.availability
  const whole: NodeWish = {
    write: {
      labels: Object.fromEntries(due.flatMap(({ write }) => Object.entries(write?.labels ?? {}))),
      ...(availability === undefined ? {} : { availability }),
    },
    texts: due.flatMap(({ texts }) => texts),
  }
  return [whole, ...wishes.filter((wish) => !due.includes(wish))]
}

function wishesOf(
  context: NetworkContext,
  record: NetworkRecord,
  allocation: NodeAllocation,
  node: SwarmNode,
): NodeWish[] {
  const labels = rangeWish(context, allocation, node)
  if (allocation.change !== undefined) return [...labels, ...changeWishes(context, allocation, node)]
  const paused = pausedAvailability(context, record, allocation)
  const pauses: NodeWish[] =
    paused === undefined ? [] : [{ write: { availability: paused }, texts: [availabilityText(allocation, paused)] }]
  return [...labels, ...pauses, ...readyWishes(context, allocation, node)]
}

function rangeWish({ name }: NetworkContext, allocation: NodeAllocation, { labels }: SwarmNode): NodeWish[] {
  const [label, value] = [rangeLabel(name), formatRangeLabel(allocation)]
  if (labels[label] === value) return []
  return [{ write: { labels: { [label]: value } }, texts: [`label ${allocation.hostname} with its range ${value}`] }]
}

/** What agents call it when every task of the network would be rejected on their node. */
const REFUSING = new Set(['engine-refused', 'subnet-taken', 'parent-missing'])

/** Something came in the way after the node was ready, and no task is there that losing the label would evict. */
const wouldRefuse = (context: NetworkContext, nodeId: string): boolean =>
  statusNow(context, nodeId)?.faults.some(({ code }) => REFUSING.has(code)) === true && isFree(context, nodeId)

function readyWishes(context: NetworkContext, allocation: NodeAllocation, node: SwarmNode): NodeWish[] {
  if (isReady(context, node)) {
    if (!wouldRefuse(context, node.id)) return []
    const texts = [`label ${allocation.hostname} not ready: every task would be rejected there`]
    return [{ write: { labels: { [readyLabel(context.name)]: null } }, texts }]
  }
  const label = readyWish(context, allocation)
  if (isProven(context, allocation.nodeId)) return [label]
  const waitsFor = whyNotProven(context, allocation, node)
  const stuck = faultNow(context, allocation.nodeId) === undefined ? {} : { isStuck: true as const }
  return [
    { texts: [], meanwhile: `the agent of ${allocation.hostname} makes what is wanted`, waitsFor, ...stuck },
    { ...label, waitsFor },
  ]
}

const readyWish = ({ name }: NetworkContext, { hostname }: NodeAllocation): NodeWish => ({
  write: { labels: { [readyLabel(name)]: 'ready' } },
  texts: [`label ${hostname} ready`],
})

export function whyNotProven(context: NetworkContext, allocation: NodeAllocation, node: SwarmNode): string {
  const { nodeId, hostname } = allocation
  if (!context.reports.has(nodeId))
    return node.state === 'ready'
      ? `the agent of ${hostname}, which is not reporting`
      : `${hostname}, which is ${node.state}`
  if (statusNow(context, nodeId) === undefined) return `the agent of ${hostname} to know of it`
  const fault = faultNow(context, nodeId)
  return fault === undefined ? `the agent of ${hostname}, which is at work` : `${hostname}: ${fault}`
}

function changeWishes(context: NetworkContext, allocation: NodeAllocation, node: SwarmNode): NodeWish[] {
  const { hostname, change } = allocation
  if (change === undefined) return []
  const target = rangesText(change)
  if (change.stage === 'waiting') {
    const waitsFor = canBegin(context, node.id)
      ? 'its turn'
      : 'another node that can run its tasks meanwhile, or for their services to be scaled to 0'
    return [{ texts: [], meanwhile: `change ${hostname} to ${target}`, waitsFor }]
  }
  const drain: NodeWish = { write: { availability: 'drain' }, texts: [`drain ${hostname}`] }
  if (change.stage === 'draining') {
    if (node.availability !== 'drain') return [drain]
    const waitsFor = whyNotDrained(context, allocation) ?? 'the record'
    return [{ texts: [], meanwhile: `${hostname} is drained`, waitsFor }]
  }
  const isLabelled = isReady(context, node) && !isProven(context, allocation.nodeId)
  if (node.availability === 'drain' && (isHeldBack(allocation, node) || isLabelled)) {
    if (!isFree(context, node.id)) {
      return [{ texts: [], meanwhile: `${hostname} is drained`, waitsFor: `the last task to leave ${hostname}` }]
    }
    return [giveBack(context, allocation, node)]
  }
  if (isProven(context, node.id)) return isReady(context, node) ? [] : [readyWish(context, allocation)]
  const waitsFor = whyNotProven(context, allocation, node)
  return [{ texts: [], meanwhile: `the agent of ${hostname} recreates it with ${target}`, waitsFor }]
}

/**
 * The agent is a task of a global service, which a drained node does not run: the node is given back before it is made
 * anew. Without the ready label, in the same write, no task that asks for it comes meanwhile.
 */
function giveBack(context: NetworkContext, allocation: NodeAllocation, node: SwarmNode): NodeWish {
  const { hostname, nodeId, change } = allocation
  const availability = change?.availabilityBefore ?? 'active'
  const isBack = availability === node.availability
  const keepsLabel = !isReady(context, node) || isProven(context, nodeId)
  return {
    write: {
      ...(keepsLabel ? {} : { labels: { [readyLabel(context.name)]: null } }),
      ...(isBack ? {} : { availability }),
    },
    texts: [
      ...(keepsLabel ? [] : [`label ${hostname} not ready while nothing is attached there`]),
      ...(isBack ? [] : [`give ${hostname} back as ${availability}`]),
    ],
  }
}

const availabilityText = ({ hostname }: NodeAllocation, availability: string): string =>
  availability === 'pause' ? `pause ${hostname}` : `give ${hostname} back as ${availability}`
