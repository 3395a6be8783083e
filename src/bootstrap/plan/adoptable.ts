/**
 * Whether a config-only network that somebody made by hand may be taken over as it is: it must be what the definition
 * would give, but for its range, which becomes the node's share, and for what it holds back, which stays as it is. Pure.
 */

import { blockOf, contains, formatBlock, parseAddress, parseCidr, spanOf } from '../../foundation/address.ts'
import { configNetwork, differences } from '../../swarm/config-network.ts'
import type { EngineNetwork, EngineSubnet } from '../../swarm/networks.ts'
import type { SwarmNode } from '../../swarm/nodes.ts'
import { mergeSpans } from '../address/spans.ts'
import type { FamilyDefinition, NetworkDefinition } from '../definition/definition.ts'
import { type NetworkRecord, type NodeShare, parentLabel } from '../record/record.ts'
import { wantedHere } from './context.ts'

export interface Adoptable {
  /** Absent: it has no range that could be a share. */
  readonly share?: NodeShare
  /** Phrases; empty: it may be taken over. */
  readonly differences: readonly string[]
}

export function adoptable(
  definition: NetworkDefinition,
  node: Pick<SwarmNode, 'id' | 'hostname' | 'labels'>,
  { network, nowMs }: { readonly network: EngineNetwork; readonly nowMs: number },
): Adoptable {
  const four = familyOf(definition.ipv4, network, false)
  const six = definition.ipv6 === undefined ? undefined : familyOf(definition.ipv6, network, true)
  const phrases = [...four.differences, ...(six?.differences ?? [])]
  if (four.range === undefined || (six !== undefined && six.range === undefined)) return { differences: phrases }
  const parent = node.labels[parentLabel(definition.name)] ?? definition.parent
  const share: NodeShare = {
    nodeId: node.id,
    hostname: node.hostname,
    range: four.range,
    ...(six?.range === undefined ? {} : { range6: six.range }),
    parent,
    givenAtMs: nowMs,
    isAdopted: true,
    aux: four.aux,
    ...(six === undefined ? {} : { aux6: six.aux }),
  }
  return { share, differences: [...phrases, ...contentDifferences(definition, share, network)] }
}

interface Family {
  readonly range?: string
  readonly aux: Readonly<Record<string, string>>
  readonly differences: readonly string[]
}

function familyOf({ pool, pins }: FamilyDefinition, { subnets }: EngineNetwork, isSix: boolean): Family {
  const found: EngineSubnet | undefined = subnets.find(({ subnet }) => subnet.includes(':') === isSix)
  const what = isSix ? 'IPv6 range' : 'range'
  // What can not be read holds nothing back.
  const aux = Object.fromEntries(
    Object.entries(found?.aux ?? {}).filter(([, text]) => parseAddress(text) !== undefined),
  )
  const block = found?.range === undefined ? undefined : parseCidr(found.range)?.block
  if (block === undefined) return { aux, differences: [`it has no ${what} of its own`] }
  const range = formatBlock(block)
  const isGiven =
    mergeSpans(pool.map(spanOf)).some((span) => contains(span, block)) || Object.values(pins).includes(range)
  return { range, aux, differences: isGiven ? [] : [`its ${what} ${range} is not in the pool`] }
}

function contentDifferences(definition: NetworkDefinition, share: NodeShare, network: EngineNetwork): string[] {
  const shares = new Map([[share.nodeId, share]])
  const record: NetworkRecord = { definition, phase: 'present', isAdopted: true, shares, freed: [] }
  if (!isInside(definition, share)) return ['its range is outside the subnet']
  const wanted = wantedHere(record, share.nodeId)
  if (wanted === undefined) return []
  const parent = wanted.parent === 'auto' ? (network.options.parent ?? '') : wanted.parent
  return differences(network, configNetwork(wanted, parent))
}

const isInside = ({ ipv4, ipv6 }: NetworkDefinition, { range, range6 }: NodeShare): boolean =>
  contains(blockOf(ipv4.subnet), blockOf(range)) &&
  (ipv6 === undefined || range6 === undefined || contains(blockOf(ipv6.subnet), blockOf(range6)))
