/** A network that is being removed: nothing of it goes before what needs it is gone. Pure. */

import { type NetworkRecord, type NodeAllocation, rangeLabel, readyLabel } from '../record/record.ts'
import {
  allocationsOf,
  isFree,
  isProven,
  type NetworkContext,
  named,
  serviceName,
  statusNow,
  swarmNetworksOf,
  tasksOf,
} from './context.ts'
import { whyNotProven } from './node-writes.ts'
import { swarmNetworkState } from './swarm-network.ts'
import type { Step } from './words.ts'

export function removalSteps(context: NetworkContext, record: NetworkRecord): readonly Step[] {
  const { name } = context
  const network = networkSteps(context, record)
  const nodes = allocationsOf(record).flatMap((allocation) => nodeSteps(context, allocation))
  if (record.uninstalling) return [...network, ...nodes]
  const isLeft = network.length > 0 || nodes.length > 0
  const last: Step = { network: name, do: 'remove-record', text: `remove the record of ${name}`, basis: record }
  return [...network, ...nodes, isLeft ? { ...last, waitsFor: 'all the rest' } : last]
}

function networkSteps(context: NetworkContext, { definition }: NetworkRecord): Step[] {
  const { name } = context
  // One that is made from something else is not ours.
  const state = swarmNetworkState(context, definition)
  const [network] = state.kind === 'fitting' ? swarmNetworksOf(context) : []
  if (network === undefined) return []
  const step: Step = { network: name, do: 'remove-network', text: `remove the swarm network ${name}`, id: network.id }
  const tasks = tasksOf(context)
  if (tasks.length === 0) return [step]
  const services = new Set(tasks.map(({ serviceId }) => serviceName(context, serviceId)))
  const away = new Set(tasks.flatMap(({ nodeId = '' }) => whyAway(context, nodeId) ?? []))
  const on = away.size === 0 ? '' : ` on ${[...away].sort().join(', ')}`
  return [{ ...step, waitsFor: `the last task of ${[...services].sort().join(', ')}${on}` }]
}

/** Swarm keeps the tasks of such a node for a day, and no agent is heard there. */
function whyAway({ nodes }: NetworkContext, nodeId: string): string | undefined {
  const node = nodes.get(nodeId)
  if (node === undefined || node.state === 'ready') return undefined
  return `${node.hostname}, which is ${node.state}: it goes on when that is back or has left the Swarm (docker node rm ${nodeId})`
}

/** Labels go when the agent has taken everything away; a node that has left takes all of it along. */
function nodeSteps(context: NetworkContext, allocation: NodeAllocation): Step[] {
  const { name } = context
  const node = context.nodes.get(allocation.nodeId)
  if (node === undefined) return []
  const { hostname, pausedFrom } = allocation
  const base = { network: name, node: named(allocation) }
  const isGone = isProven(context, allocation.nodeId) && isFree(context, allocation.nodeId)
  const waitsFor = isGone ? undefined : whyNotGone(context, allocation)
  const stuck = isKept(context, allocation) ? { isStuck: true as const } : {}
  const wait: Step[] =
    waitsFor === undefined
      ? []
      : [{ ...base, do: 'wait', text: `the agent of ${hostname} takes away what it made`, waitsFor, ...stuck }]
  const ours = [readyLabel(name), rangeLabel(name)].filter((label) => Object.hasOwn(node.labels, label))
  const isPaused = pausedFrom !== undefined && node.availability === 'pause'
  if (ours.length === 0 && !isPaused) return wait
  const labels = Object.fromEntries(ours.map((label) => [label, null]))
  const availability = isPaused ? { availability: pausedFrom } : {}
  const write = { id: node.id, version: node.version, ...(ours.length === 0 ? {} : { labels }), ...availability }
  const text = [
    ...(ours.length === 0 ? [] : [`take the labels of ${name} from ${hostname}`]),
    ...(isPaused ? [`give ${hostname} back as ${pausedFrom}`] : []),
  ].join(', ')
  const step: Step = { ...base, do: 'write-node', text, write }
  return [...wait, waitsFor === undefined ? step : { ...step, waitsFor }]
}

/** By its engine, and for good: a person has to do something about it. */
const isKept = (context: NetworkContext, { nodeId }: NodeAllocation): boolean =>
  statusNow(context, nodeId)?.faults.some(({ code }) => code === 'engine-keeps') === true

function whyNotGone(context: NetworkContext, allocation: NodeAllocation): string {
  const away = whyAway(context, allocation.nodeId)
  if (away !== undefined) return away
  const node = context.nodes.get(allocation.nodeId)
  if (!isProven(context, allocation.nodeId) && node !== undefined) return whyNotProven(context, allocation, node)
  return `the last container on ${allocation.hostname}`
}
