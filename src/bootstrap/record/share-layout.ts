/** What becomes of the addresses in the ranges that one node has: as defined, or as found where its network was made by hand. Pure. */
import { addressOf, blockOf, contains } from '../../foundation/address.ts'
import type { FamilyDefinition, NetworkDefinition } from '../definition/definition.ts'
import { countLeft, engineOwn, type FamilyLayout, familyLayout } from '../definition/family-layout.ts'
import type { NodeShare } from './record.ts'

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
