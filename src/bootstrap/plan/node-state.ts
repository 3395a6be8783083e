/** What a node shows of a network, by its agent's report: what is there, and what is in the way. Pure. */

import {
  blockOf,
  contains,
  formatBlock,
  overlaps,
  parseAddress,
  parseBlock,
  parseCidr,
  spanOf,
} from '../../foundation/address.ts'
import { configNetwork, differences, nameClash, subnetClashes, whyForeign } from '../../swarm/config-network.ts'
import { type EngineNetwork, type EngineSubnet, NETWORK_LABEL } from '../../swarm/networks.ts'
import type { SwarmNode } from '../../swarm/nodes.ts'
import type { WantedNetwork } from '../../swarm/wanted.ts'
import { mergeSpans } from '../address/spans.ts'
import type { FamilyDefinition, NetworkDefinition } from '../definition/definition.ts'
import { SHIM_AUX } from '../definition/family-layout.ts'
import { type NetworkRecord, type NodeAllocation, parentLabel } from '../record/record.ts'
import { type NetworkContext, wantedHere } from './context.ts'
import type { NodeAction, PlanProblemCode } from './words.ts'

export type ConfigState =
  | { readonly kind: 'unheard' }
  | { readonly kind: 'absent' }
  /** Ours, or adopted. */
  | { readonly kind: 'ours'; readonly differences: readonly string[] }
  | { readonly kind: 'foreign'; readonly message: string }

/** The config-only network of a node, against what is wanted there. */
export function configState({ reports }: NetworkContext, nodeId: string, wanted: WantedNetwork): ConfigState {
  const found = reports.get(nodeId)?.networks.find(({ name }) => name === wanted.configName)
  if (!reports.has(nodeId)) return { kind: 'unheard' }
  if (found === undefined) return { kind: 'absent' }
  const [foreign] = whyForeign(found, wanted)
  if (foreign !== undefined) return { kind: 'foreign', message: foreign.message }
  const parent = wanted.parent === 'auto' ? (found.options.parent ?? '') : wanted.parent
  return { kind: 'ours', differences: differences(found, configNetwork(wanted, parent)) }
}

export interface InTheWay {
  readonly code: PlanProblemCode
  readonly action: NodeAction
  readonly message: string
}

/** Why a node that has no allocation yet is given none. What only its agent knows counts once that is heard. */
export function inTheWay(
  context: NetworkContext,
  definition: NetworkDefinition,
  node: SwarmNode,
): InTheWay | undefined {
  const networks = networksOf(context, node.id)
  if (networks === undefined) return undefined
  const { hostname } = node
  const clash = nameClash(bare(definition), { networks })[0]
  if (clash !== undefined)
    return { code: 'foreign-network', action: 'refuse-foreign', message: `${hostname}: ${clash.message}` }
  const taken = subnetClashes(bare(definition), { networks })[0]
  if (taken !== undefined)
    return { code: 'same-subnet', action: 'refuse-foreign', message: `${hostname}: ${taken.message}` }
  return configInTheWay(context, definition, { node, networks })
}

function configInTheWay(
  { options }: NetworkContext,
  definition: NetworkDefinition,
  { node, networks }: { readonly node: SwarmNode; readonly networks: readonly EngineNetwork[] },
): InTheWay | undefined {
  const { configName, name } = definition
  const found = networks.find((network) => network.name === configName)
  if (found === undefined || found.labels[NETWORK_LABEL] === name) return undefined
  if (!found.configOnly || found.labels[NETWORK_LABEL] !== undefined) {
    const [foreign] = whyForeign(found, bare(definition))
    return { code: 'foreign-network', action: 'refuse-foreign', message: `${node.hostname}: ${foreign?.message ?? ''}` }
  }
  const { differences: phrases } = adoptable(definition, node, {
    network: found,
    hostAddresses: [],
    nowMs: options.nowMs,
  })
  if (phrases.length === 0) {
    const message = `${node.hostname}: ${configName} was made by hand and is as defined: \`orrery network adopt ${name}\` takes it over.`
    return { code: 'can-be-adopted', action: 'adopt', message }
  }
  const message = `${node.hostname}: ${configName} was made by hand and is not as defined: ${phrases.join('; ')}. Correct the definition, remove that network (docker network rm ${configName}), or give the definition another \`config\`.`
  return { code: 'different-network', action: 'refuse-different', message }
}

/** The engine that takes the calls shows its own without an agent. */
function networksOf({ reports, observed }: NetworkContext, nodeId: string): EngineNetwork[] | undefined {
  const report = reports.get(nodeId)
  // A node has an overlay only while a task of it is there, and it may be there any time.
  const overlays = observed.networks.filter(({ driver }) => driver === 'overlay').map(asReported)
  if (report !== undefined) return [...report.networks, ...overlays]
  return nodeId === observed.engine.nodeId ? observed.networks.map(asReported) : undefined
}

const asReported = ({ subnets, ...network }: EngineNetwork): EngineNetwork => ({ ...network, subnets: [...subnets] })

/** As much of what would be wanted as does not depend on the range. */
const bare = ({ name, configName, driver, parent, ipv4, ipv6 }: NetworkDefinition): WantedNetwork => ({
  ...{ name, configName, driver, parent, presence: 'present', isAdopted: false, mayRecreate: false },
  ipv4: { subnet: ipv4.subnet, range: ipv4.subnet, aux: {} },
  ...(ipv6 === undefined ? {} : { ipv6: { subnet: ipv6.subnet, range: ipv6.subnet, aux: {} } }),
})

export interface Adoptable {
  /** Absent: it has no range that could be an allocation. */
  readonly allocation?: NodeAllocation
  /** Phrases; empty: it may be taken over. */
  readonly differences: readonly string[]
}

export interface FoundNetwork {
  readonly network: EngineNetwork
  /** CIDRs on any link of the host but shims of ours. */
  readonly hostAddresses: readonly string[]
  readonly nowMs: number
}

/** What was held back for the host is its shim's, under the name by which that is known; not what the host has elsewhere. */
function withShim({ range, aux }: Family, hostAddresses: readonly string[]): Family['aux'] {
  const block = range === undefined ? undefined : parseBlock(range)
  if (block === undefined || aux[SHIM_AUX] !== undefined) return aux
  const taken = hostAddresses.flatMap((text) => parseAddress(text.split('/')[0] ?? '') ?? [])
  const chosen = Object.entries(aux).find(([, text]) => {
    const address = parseAddress(text)
    return address !== undefined && contains(block, address) && !taken.some((one) => overlaps(one, address))
  })
  if (chosen === undefined) return aux
  const { [chosen[0]]: address, ...others } = aux
  return { ...others, [SHIM_AUX]: address ?? chosen[1] }
}

export function adoptable(
  definition: NetworkDefinition,
  node: Pick<SwarmNode, 'id' | 'hostname' | 'labels'>,
  { network, hostAddresses, nowMs }: FoundNetwork,
): Adoptable {
  const four = familyOf(definition.ipv4, network, false)
  const six = definition.ipv6 === undefined ? undefined : familyOf(definition.ipv6, network, true)
  const phrases = [...four.differences, ...(six?.differences ?? [])]
  if (four.range === undefined || (six !== undefined && six.range === undefined)) return { differences: phrases }
  const parent = node.labels[parentLabel(definition.name)] ?? definition.parent
  const allocation: NodeAllocation = {
    nodeId: node.id,
    hostname: node.hostname,
    range: four.range,
    ...(six?.range === undefined ? {} : { range6: six.range }),
    parent,
    givenAtMs: nowMs,
    isAdopted: true,
    aux: withShim(four, hostAddresses),
    ...(six === undefined ? {} : { aux6: withShim(six, hostAddresses) }),
  }
  return { allocation, differences: [...phrases, ...contentDifferences(definition, allocation, network)] }
}

interface Family {
  readonly range?: string
  readonly aux: Readonly<Record<string, string>>
  readonly differences: readonly string[]
}

function familyOf({ pool, pins }: FamilyDefinition, { subnets }: EngineNetwork, isSix: boolean): Family {
  const found: EngineSubnet | undefined = subnets.find(({ subnet }) => subnet.includes(':') === isSix)
  const what = isSix ? 'IPv6 range' : 'range'
  // What cannot be read holds nothing back.
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

function contentDifferences(
  definition: NetworkDefinition,
  allocation: NodeAllocation,
  network: EngineNetwork,
): string[] {
  const allocations = new Map([[allocation.nodeId, allocation]])
  const record: NetworkRecord = { definition, phase: 'present', isAdopted: true, allocations, freed: [] }
  if (!isInside(definition, allocation)) return ['its range is outside the subnet']
  const wanted = wantedHere(record, allocation.nodeId)
  if (wanted === undefined) return []
  const parent = wanted.parent === 'auto' ? (network.options.parent ?? '') : wanted.parent
  return differences(network, configNetwork(wanted, parent))
}

const isInside = ({ ipv4, ipv6 }: NetworkDefinition, { range, range6 }: NodeAllocation): boolean =>
  contains(blockOf(ipv4.subnet), blockOf(range)) &&
  (ipv6 === undefined || range6 === undefined || contains(blockOf(ipv6.subnet), blockOf(range6)))
