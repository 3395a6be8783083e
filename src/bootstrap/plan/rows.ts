/** One line for each node: what it has or gets of a network, and why. Pure. */

import type { SwarmNode } from '../../swarm/nodes.ts'
import { allocationLayout } from '../record/node-part.ts'
import { type NodeAllocation, parentLabel } from '../record/record.ts'
import { rangesText } from './change.ts'
import { byHostname, isProven, isReady, type NetworkContext, wantedHere } from './context.ts'
import { configState } from './node-state.ts'
import { whyNotProven } from './node-writes.ts'
import type { PlanPart } from './present.ts'
import type { PlanRow } from './words.ts'

type Said = Pick<PlanRow, 'action' | 'reason'>

/** Every node of the Swarm, and nodes that left and still have an allocation. */
export function planRows(context: NetworkContext, part: PlanPart): readonly PlanRow[] {
  if (context.options.isBrief === true) return []
  const { allocations } = part.record
  const here = context.observed.nodes.map((node) => {
    const allocation = allocations.get(node.id)
    return allocation === undefined
      ? withoutAllocation(context, part, node)
      : withAllocation(context, part, { allocation, node })
  })
  const gone = [...allocations.values()].filter(({ nodeId }) => !context.nodes.has(nodeId))
  return [...here, ...gone.map((allocation) => withAllocation(context, part, { allocation, node: undefined }))].sort(
    byHostname,
  )
}

function withAllocation(
  context: NetworkContext,
  part: PlanPart,
  { allocation, node }: { readonly allocation: NodeAllocation; readonly node: SwarmNode | undefined },
): PlanRow {
  const target = allocation.change ?? allocation
  const layout = allocationLayout(part.record.definition, { ...target, ...heldBack(allocation) })
  const [shim, shim6] = [layout.ipv4.shim, layout.ipv6?.shim]
  return {
    nodeId: allocation.nodeId,
    hostname: allocation.hostname,
    range: target.range,
    ...(target.range6 === undefined ? {} : { range6: target.range6 }),
    capacity: layout.usable,
    parent: target.parent,
    ...(shim === undefined ? {} : { shim }),
    ...(shim6 === undefined ? {} : { shim6 }),
    ...said(context, part, { allocation, node }),
    isReady: isReady(context, node),
  }
}

/** What is made anew holds back what the definition says. */
const heldBack = ({ change, aux, aux6 }: NodeAllocation): Pick<NodeAllocation, 'aux' | 'aux6'> =>
  change === undefined ? { ...(aux === undefined ? {} : { aux }), ...(aux6 === undefined ? {} : { aux6 }) } : {}

function said(
  context: NetworkContext,
  part: PlanPart,
  { allocation, node }: { readonly allocation: NodeAllocation; readonly node: SwarmNode | undefined },
): Said {
  const { nodeId, change } = allocation
  if (node === undefined) return { action: 'keep', reason: 'it has left the Swarm' }
  const why = part.anew.get(nodeId)
  if (change !== undefined) {
    return {
      action: 'drain-and-recreate',
      reason: `${change.stage} to ${rangesText(change)}${why === undefined ? '' : `: ${why}`}`,
    }
  }
  if (why !== undefined) return { action: 'drain-and-recreate', reason: why }
  const wanted = wantedHere(part.record, nodeId)
  const state = wanted === undefined ? { kind: 'absent' as const } : configState(context, nodeId, wanted)
  switch (state.kind) {
    case 'unheard':
      return isReady(context, node)
        ? { action: 'keep', reason: 'its agent is not reporting; it was ready when it last did' }
        : {
            action: 'create',
            reason: node.state === 'ready' ? 'its agent makes it once it reports' : `it is ${node.state}`,
          }
    case 'absent':
      return { action: 'create', reason: 'its agent makes it' }
    case 'foreign':
      return { action: 'refuse-foreign', reason: state.message }
    case 'ours':
      if (state.differences.length > 0) return { action: 'drain-and-recreate', reason: state.differences.join('; ') }
      return {
        action: 'keep',
        reason: isProven(context, nodeId)
          ? 'it matches the definition'
          : `it waits for ${whyNotProven(context, allocation, node)}`,
      }
    default:
      return state satisfies never
  }
}

function withoutAllocation(context: NetworkContext, part: PlanPart, node: SwarmNode): PlanRow {
  const { id, hostname, labels } = node
  const parent = labels[parentLabel(context.name)] ?? part.record.definition.parent
  return { nodeId: id, hostname, parent, ...whyNone(context, part, node), isReady: isReady(context, node) }
}

function whyNone(
  { options, reports }: NetworkContext,
  { refused, record }: PlanPart,
  { id, state, platform, hostname }: SwarmNode,
): Said {
  const found = refused.get(id)
  if (found !== undefined) return { action: found.action, reason: found.message }
  if (state !== 'ready') return { action: 'none', reason: `it is ${state}: it gets a range when it is back` }
  if (platform.os !== 'linux')
    return { action: 'none', reason: `it runs ${platform.os || 'an unknown system'}, not Linux` }
  if (options.mode === 'keep') return { action: 'none', reason: '`orrery network apply` gives it a range' }
  if (!reports.has(id)) {
    const isKnown = [...record.allocations.values(), ...record.freed].some((one) => one.hostname === hostname)
    const why = isKnown ? ', which has to say whether it is the machine that had a range under this name before' : ''
    return { action: 'none', reason: `its agent has not reported yet${why}` }
  }
  return { action: 'none', reason: 'there is no range for it' }
}
