/**
 * A record that was lost, from what is left of it: the nodes' range labels, and the config-only networks that their
 * agents see. Nothing is given before every node that may run has been heard and all of it agrees. What was freed and
 * what was under way is lost. Pure.
 */

import { blockOf, canonicalBlock, contains, formatBlock } from '../../foundation/address.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { type EngineNetwork, NETWORK_LABEL, subnetOf } from '../../swarm/networks.ts'
import type { NodeReport } from '../../swarm/node-report.ts'
import type { SwarmNode } from '../../swarm/nodes.ts'
import { indexSpans } from '../address/spans.ts'
import type { NetworkDefinition } from '../definition/definition.ts'
import {
  blocksOf,
  type NetworkRecord,
  type NodeAllocation,
  parentLabel,
  parseRangeLabel,
  type Ranges,
  rangeLabel,
} from './record.ts'

export interface RebuildInput {
  /** As it is defined now: what was active is lost with the record. */
  readonly definition: NetworkDefinition
  readonly nodes: readonly Pick<SwarmNode, 'id' | 'hostname' | 'state' | 'labels' | 'platform'>[]
  /** By node id: of the agents that are heard now. */
  readonly reports: ReadonlyMap<string, NodeReport>
  /** A swarm network of this name is there. */
  readonly isNetworkThere: boolean
  /** Ms since the epoch. */
  readonly nowMs: number
}

export type Rebuilt =
  | { readonly kind: 'record'; readonly record: NetworkRecord }
  /** Which node is unheard, which disagree and how; a sentence each, without its last point. */
  | { readonly kind: 'not-yet'; readonly reasons: readonly string[] }
  /**
   * No node carries a range label and no agent has made anything for this network: there was no record, or nothing that
   * counts is lost with it. While there is no swarm network either, this waits for no agent: a task can be attached to
   * a swarm network alone, so no address of any range is in use; a config-only network of ours on a node that was not
   * heard is then made again as it is wanted.
   */
  | { readonly kind: 'nothing-to-rebuild' }

type Node = RebuildInput['nodes'][number]

/** What one node shows of its allocation. */
interface Trace {
  readonly node: Node
  readonly label: string | undefined
  /** The config-only network that the definition names, and whether an agent made it. */
  readonly network: EngineNetwork | undefined
  readonly isOurs: boolean
}

const traceOf = (node: Node, { definition, reports }: RebuildInput): Trace => {
  const network = reports
    .get(node.id)
    ?.networks.find(({ name, configOnly }) => configOnly && name === definition.configName)
  const isOurs = network?.labels[NETWORK_LABEL] === definition.name
  return { node, label: node.labels[rangeLabel(definition.name)], network, isOurs }
}

const canonical = (text = ''): string | undefined => canonicalBlock(text)

const shown = ({ range, range6 }: Partial<Ranges>): string =>
  [range, range6].filter(Boolean).join(' and ') || 'no range'

/** The ranges of a config-only network; how its subnets differ from the definition's is told. */
const rangesOf = (network: EngineNetwork, definition: NetworkDefinition): Partial<Ranges> & { wrong?: string } => {
  const [four, six] = [subnetOf(network.subnets, false), subnetOf(network.subnets, true)]
  const ranges = withoutUndefined({ range: canonical(four?.range), range6: canonical(six?.range) })
  const subnets = [canonical(four?.subnet), canonical(six?.subnet)]
  const wanted = [definition.ipv4.subnet, six === undefined ? undefined : definition.ipv6?.subnet]
  if (subnets.every((subnet, at) => subnet === wanted[at])) return ranges
  const [is, should] = [subnets, wanted].map((texts) => texts.filter(Boolean).join(' and ') || 'none')
  return { ...ranges, wrong: `is of the subnet ${is}, and the definition says ${should}` }
}

type Found = { readonly allocation?: NodeAllocation } | { readonly reason: string }

const allocationOf = ({ node, label, network, isOurs }: Trace, { definition, reports, nowMs }: RebuildInput): Found => {
  const { hostname } = node
  const machine = reports.get(node.id)?.machine
  const labelled = label === undefined ? undefined : parseRangeLabel(label)
  if (label !== undefined && labelled === undefined) {
    return { reason: `${hostname}: its label ${rangeLabel(definition.name)} is not a range: ${label}` }
  }
  // Made by hand and never taken over: nothing of ours was lost with it.
  if (labelled === undefined && !isOurs) return {}
  const made = network === undefined ? undefined : rangesOf(network, definition)
  const name = definition.configName
  if (made?.wrong !== undefined) return { reason: `${hostname}: its ${name} ${made.wrong}` }
  if (labelled !== undefined && made !== undefined && shown(labelled) !== shown(made)) {
    return { reason: `${hostname}: its label says ${shown(labelled)}, its ${name} ${shown(made)}` }
  }
  const range = labelled?.range ?? made?.range
  if (range === undefined) return { reason: `${hostname}: its ${name} has no range` }
  const range6 = labelled?.range6 ?? made?.range6
  const isAdopted = network !== undefined && !isOurs
  return {
    allocation: {
      nodeId: node.id,
      hostname,
      range,
      ...withoutUndefined({ machine, range6 }),
      parent: parentOf({ node, network, definition }),
      givenAtMs: nowMs,
      isAdopted,
      ...(isAdopted && heldBack(network)),
    },
  }
}

/** What is active is on the host; `auto` was resolved there. */
const parentOf = ({
  node,
  network,
  definition,
}: Pick<Trace, 'node' | 'network'> & Pick<RebuildInput, 'definition'>) => {
  const wanted = node.labels[parentLabel(definition.name)] ?? definition.parent
  return wanted === 'auto' ? wanted : (network?.options.parent ?? wanted)
}

const heldBack = ({ subnets }: EngineNetwork): Pick<NodeAllocation, 'aux' | 'aux6'> =>
  withoutUndefined({ aux: subnetOf(subnets, false)?.aux, aux6: subnetOf(subnets, true)?.aux })

const outside = (allocation: NodeAllocation, { ipv4, ipv6 }: NetworkDefinition): string | undefined => {
  const subnets = [ipv4, ...(ipv6 === undefined ? [] : [ipv6])].map(({ subnet }) => blockOf(subnet))
  const lost = blocksOf(allocation).find((block) => !subnets.some((subnet) => contains(subnet, block)))
  if (lost === undefined) return undefined
  return `${allocation.hostname}: its range ${formatBlock(lost)} is outside the subnet ${subnets.map(formatBlock).join(' and ')} of the definition`
}

/** A node that joined again under a new id has its old one's range; the label of the old one, which is down, is stale. */
const withoutPredecessors = (
  allocations: readonly NodeAllocation[],
  nodes: RebuildInput['nodes'],
): readonly NodeAllocation[] => {
  const down = new Set(nodes.filter(({ state }) => state === 'down').map(({ id }) => id))
  const alive = allocations.filter(({ nodeId }) => !down.has(nodeId))
  const placeOf = (allocation: NodeAllocation) => `${allocation.hostname} ${shown(allocation)}`
  const taken = new Set(alive.map(placeOf))
  const left = allocations.filter((allocation) => {
    if (!down.has(allocation.nodeId) || taken.has(placeOf(allocation))) return false
    taken.add(placeOf(allocation))
    return true
  })
  return [...alive, ...left]
}

const overlapping = (allocations: readonly NodeAllocation[]): readonly string[] => {
  const items = allocations.flatMap((allocation, at) => blocksOf(allocation).map((span) => ({ span, allocation, at })))
  const index = indexSpans(items)
  return items.flatMap(({ span, allocation, at }) =>
    index
      .overlapping(span)
      .filter((other) => other.at > at)
      .map(
        (other) =>
          `${allocation.hostname} has ${shown(allocation)} and ${other.allocation.hostname} has ${shown(other.allocation)}: they overlap`,
      ),
  )
}

export const rebuildRecord = (input: RebuildInput): Rebuilt => {
  const { definition, reports, isNetworkThere } = input
  const nodes = input.nodes.filter(({ platform }) => platform.os === 'linux')
  const unheard = nodes
    .filter(({ id, state }) => state !== 'down' && !reports.has(id))
    .map(({ hostname }) => `the agent of ${hostname} has not reported`)
    .sort()
  const traces = nodes.map((node) => traceOf(node, input))
  if (traces.every(({ label, isOurs }) => label === undefined && !isOurs)) {
    return isNetworkThere && unheard.length > 0 ? { kind: 'not-yet', reasons: unheard } : { kind: 'nothing-to-rebuild' }
  }
  const found = traces.map((trace) => allocationOf(trace, input))
  const told = found.flatMap((one) => ('reason' in one ? [one.reason] : []))
  const all = found.flatMap((one) => ('allocation' in one && one.allocation !== undefined ? [one.allocation] : []))
  const allocations = withoutPredecessors(all, nodes)
  const reasons = [
    ...unheard,
    ...told,
    ...allocations.flatMap((allocation) => outside(allocation, definition) ?? []),
    ...overlapping(allocations),
  ]
  if (reasons.length > 0) return { kind: 'not-yet', reasons }
  const byId = new Map(allocations.map((allocation) => [allocation.nodeId, allocation]))
  // A swarm network made from config-only networks that are ours is ours too: it takes no label of its own.
  const record = { definition, phase: 'present', isAdopted: isNetworkThere, allocations: byId, freed: [] } as const
  return { kind: 'record', record }
}
