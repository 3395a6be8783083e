/** What a share means on its node: what becomes of each address, and what is wanted of the node. Pure. */
import { addressOf, blockOf, contains } from '../../foundation/address.ts'
import type { WantedFamily, WantedNetwork, WantedState } from '../../swarm/wanted.ts'
import type { FamilyDefinition, NetworkDefinition } from '../definition/definition.ts'
import { countLeft, engineOwn, type FamilyLayout, familyLayout } from '../definition/family-layout.ts'
import type { NetworkRecord, NodeShare } from './record.ts'

export interface ShareLayout {
  readonly ipv4: FamilyLayout
  readonly ipv6?: FamilyLayout
  /** Containers that fit: each has an address of either family. */
  readonly usable: number
}

/** Of a range whose network was made by hand: what it holds back is as it was found. */
const adoptedLayout = (wanted: FamilyLayout, family: FamilyDefinition, aux: FamilyLayout['aux']): FamilyLayout => {
  const block = blockOf(wanted.range)
  const held = new Map(Object.entries(aux).map(([name, text]) => [name, addressOf(text)]))
  const inside = [...held.values()].filter((address) => contains(block, address)).map(({ first }) => first)
  const usable = countLeft(block, new Set([...engineOwn(family, block), ...inside]))
  const { shim } = wanted
  const isHeld = shim !== undefined && inside.includes(addressOf(shim).first)
  return { range: wanted.range, aux, ...(isHeld ? { shim } : {}), usable }
}

const layout = (
  definition: NetworkDefinition,
  family: FamilyDefinition,
  { range, aux }: { readonly range: string; readonly aux: FamilyLayout['aux'] | undefined },
): FamilyLayout => {
  const wanted = familyLayout(family, range, definition)
  return aux === undefined ? wanted : adoptedLayout(wanted, family, aux)
}

type Part = Pick<NodeShare, 'range' | 'range6' | 'aux' | 'aux6'>

/** Asked for at each report of each node, and neither a definition nor a share ever changes. */
const known = new WeakMap<NetworkDefinition, WeakMap<Part, ShareLayout>>()

/** Texts in a record and a definition are validated; on any other this throws RangeError. */
export const shareLayout = (definition: NetworkDefinition, share: Part): ShareLayout => {
  const ofDefinition = known.get(definition) ?? new WeakMap<Part, ShareLayout>()
  known.set(definition, ofDefinition)
  const found = ofDefinition.get(share) ?? layoutOf(definition, share)
  ofDefinition.set(share, found)
  return found
}

const layoutOf = (definition: NetworkDefinition, share: Part): ShareLayout => {
  const ipv4 = layout(definition, definition.ipv4, { range: share.range, aux: share.aux })
  if (definition.ipv6 === undefined || share.range6 === undefined) return { ipv4, usable: ipv4.usable }
  const ipv6 = layout(definition, definition.ipv6, { range: share.range6, aux: share.aux6 })
  return { ipv4, ipv6, usable: Math.min(ipv4.usable, ipv6.usable) }
}

export interface WantedInput {
  readonly nodeId: string
  /** By name of the network: those that can be read. One that is not mentioned is left alone by the agent. */
  readonly records: ReadonlyMap<string, NetworkRecord>
  /** The highest Version.Index of the `orrery-` configs, read together with the records. */
  readonly revision: number
}

/** While a node is recreated, the range it changes to is what is wanted; before that, what it has. */
const inForce = (share: NodeShare): Pick<NodeShare, 'range' | 'range6' | 'parent' | 'aux' | 'aux6'> =>
  share.change?.stage === 'recreating' ? share.change : share

const wantedFamily = ({ subnet, gateway }: FamilyDefinition, { range, aux, shim }: FamilyLayout): WantedFamily => ({
  subnet,
  ...(gateway === undefined ? {} : { gateway }),
  range,
  aux,
  ...(shim === undefined ? {} : { shim }),
})

const wantedNetwork = ({ definition, phase }: NetworkRecord, share: NodeShare): WantedNetwork => {
  const part = inForce(share)
  const layout = shareLayout(definition, part)
  const { name, configName, driver, ipv4, ipv6 } = definition
  return {
    name,
    configName,
    presence: phase === 'removing' ? 'absent' : 'present',
    driver,
    parent: part.parent,
    ipv4: wantedFamily(ipv4, layout.ipv4),
    ...(ipv6 === undefined || layout.ipv6 === undefined ? {} : { ipv6: wantedFamily(ipv6, layout.ipv6) }),
    isAdopted: share.isAdopted,
    mayRecreate: phase === 'present' && share.change?.stage === 'recreating',
  }
}

/** Networks sorted by name. A node without a share of a network hears nothing of it. */
export const wantedOf = ({ nodeId, records, revision }: WantedInput): WantedState => ({
  v: 1,
  nodeId,
  revision,
  networks: [...records.values()]
    .flatMap((record) => {
      const share = record.shares.get(nodeId)
      return share === undefined ? [] : [wantedNetwork(record, share)]
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1)),
})
