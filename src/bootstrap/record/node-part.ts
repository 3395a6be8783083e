/** What an allocation means on its node: what becomes of each address, and what is wanted of the node. Pure. */
import { addressOf, blockOf, contains } from '../../foundation/address.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import type { WantedFamily, WantedNetwork, WantedState } from '../../swarm/wanted.ts'
import type { FamilyDefinition, NetworkDefinition } from '../definition/definition.ts'
import { countLeft, engineOwn, type FamilyLayout, familyLayout, SHIM_AUX } from '../definition/family-layout.ts'
import type { NetworkRecord, NodeAllocation } from './record.ts'

export interface AllocationLayout {
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
  const isHeld = (text: string) => inside.includes(addressOf(text).first)
  const shim = wanted.shim === undefined ? undefined : [wanted.shim, aux[SHIM_AUX] ?? wanted.shim].find(isHeld)
  return { range: wanted.range, aux, ...withoutUndefined({ shim }), usable }
}

const layout = (
  definition: NetworkDefinition,
  family: FamilyDefinition,
  { range, aux }: { readonly range: string; readonly aux: FamilyLayout['aux'] | undefined },
): FamilyLayout => {
  const wanted = familyLayout(family, range, definition)
  return aux === undefined ? wanted : adoptedLayout(wanted, family, aux)
}

type Part = Pick<NodeAllocation, 'range' | 'range6' | 'aux' | 'aux6'>

/** Asked for at each report of each node, and neither a definition nor an allocation ever changes. */
const known = new WeakMap<NetworkDefinition, WeakMap<Part, AllocationLayout>>()

/** Texts in a record and a definition are validated; on any other this throws RangeError. */
export const allocationLayout = (definition: NetworkDefinition, allocation: Part): AllocationLayout => {
  const ofDefinition = known.get(definition) ?? new WeakMap<Part, AllocationLayout>()
  known.set(definition, ofDefinition)
  const found = ofDefinition.get(allocation) ?? layoutOf(definition, allocation)
  ofDefinition.set(allocation, found)
  return found
}

const layoutOf = (definition: NetworkDefinition, allocation: Part): AllocationLayout => {
  const ipv4 = layout(definition, definition.ipv4, { range: allocation.range, aux: allocation.aux })
  if (definition.ipv6 === undefined || allocation.range6 === undefined) return { ipv4, usable: ipv4.usable }
  const ipv6 = layout(definition, definition.ipv6, { range: allocation.range6, aux: allocation.aux6 })
  return { ipv4, ipv6, usable: Math.min(ipv4.usable, ipv6.usable) }
}

export interface WantedInput {
  readonly nodeId: string
  /** By name of the network: those that can be read. One that is not mentioned is left alone by the agent. */
  readonly records: ReadonlyMap<string, NetworkRecord>
  /** The highest Version.Index of the `orrery-` configs, read together with the records. */
  readonly revision: number
  /** Of swarm networks, by name. */
  readonly networkIds?: ReadonlyMap<string, string>
}

/** While a node is recreated, the range it changes to is what is wanted; before that, what it has. */
const inForce = (allocation: NodeAllocation): Part & Pick<NodeAllocation, 'parent'> =>
  allocation.change?.stage === 'recreating' ? allocation.change : allocation

const wantedFamily = ({ subnet, gateway }: FamilyDefinition, { range, aux, shim }: FamilyLayout): WantedFamily => ({
  ...{ subnet, range, aux },
  ...withoutUndefined({ gateway, shim }),
})

const wantedNetwork = (
  { definition, phase }: NetworkRecord,
  allocation: NodeAllocation,
  networkId: string | undefined,
): WantedNetwork => {
  const part = inForce(allocation)
  const layout = allocationLayout(definition, part)
  const { name, configName, driver, ipv4, ipv6 } = definition
  return {
    name,
    configName,
    presence: phase === 'removing' ? 'absent' : 'present',
    driver,
    ...withoutUndefined({ networkId }),
    parent: part.parent,
    ipv4: wantedFamily(ipv4, layout.ipv4),
    ...(ipv6 === undefined || layout.ipv6 === undefined ? {} : { ipv6: wantedFamily(ipv6, layout.ipv6) }),
    isAdopted: allocation.isAdopted,
    mayRecreate: phase === 'present' && allocation.change?.stage === 'recreating',
  }
}

/** Networks sorted by name. A node without an allocation of a network hears nothing of it. */
export const wantedOf = ({ nodeId, records, revision, networkIds }: WantedInput): WantedState => ({
  v: 1,
  nodeId,
  revision,
  networks: [...records.values()]
    .flatMap((record) => {
      const allocation = record.allocations.get(nodeId)
      return allocation === undefined
        ? []
        : [wantedNetwork(record, allocation, networkIds?.get(record.definition.name))]
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1)),
})
