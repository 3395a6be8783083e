/** A network that is being removed: nothing of it goes before what needs it is gone. Pure. */

import { type NetworkRecord, type NodeShare, rangeLabel, readyLabel } from '../record/record.ts'
import {
  isFree,
  isProven,
  type NetworkContext,
  named,
  serviceName,
  sharesOf,
  swarmNetworksOf,
  tasksOf,
} from './context.ts'
import { whyNotProven } from './node-writes.ts'
import { swarmNetworkState } from './swarm-network.ts'
import type { Step } from './words.ts'

export function removalSteps(context: NetworkContext, record: NetworkRecord): readonly Step[] {
  const { name } = context
  const network = networkSteps(context, record)
  const nodes = sharesOf(record).flatMap((share) => nodeSteps(context, share))
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
  const services = new Set(tasksOf(context).map(({ serviceId }) => serviceName(context, serviceId)))
  if (services.size === 0) return [step]
  return [{ ...step, waitsFor: `the last task of ${[...services].sort().join(', ')}` }]
}

/** Labels go when the agent has taken everything away; a node that has left takes all of it along. */
function nodeSteps(context: NetworkContext, share: NodeShare): Step[] {
  const { name } = context
  const node = context.nodes.get(share.nodeId)
  if (node === undefined) return []
  const { hostname, pausedFrom } = share
  const base = { network: name, node: named(share) }
  const isGone = isProven(context, share.nodeId) && isFree(context, share.nodeId)
  const waitsFor = isGone ? undefined : whyNotGone(context, share)
  const wait: Step[] =
    waitsFor === undefined
      ? []
      : [{ ...base, do: 'wait', text: `the agent of ${hostname} takes away what it made`, waitsFor }]
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

function whyNotGone(context: NetworkContext, share: NodeShare): string {
  const node = context.nodes.get(share.nodeId)
  if (!isProven(context, share.nodeId) && node !== undefined) return whyNotProven(context, share, node)
  return `the last container on ${share.hostname}`
}
