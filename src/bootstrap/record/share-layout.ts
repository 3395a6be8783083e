/**
 * What becomes of the addresses in one node's range: those that the engine keeps to itself, those held back with
 * `--aux-address`, the host's own, and how many are left for containers. Pure.
 */
import { addressOf, type Block, blockOf, contains, formatAddress, size } from '../../foundation/address.ts'
import type { FamilyDefinition, NetworkDefinition } from '../definition/definition.ts'
import type { NodeShare } from './record.ts'

const SHIM = 'orrery-shim'
const FIRST = 'orrery-first'
const LAST = 'orrery-last'

/** One address family of a share. */
export interface FamilyLayout {
  readonly range: string
  /**
   * Name to address, inside the range: never given to a container. Not among them is what the engine keeps to itself
   * anyway: it refuses to hold an address back twice.
   */
  readonly aux: Readonly<Record<string, string>>
  /** The host's own address; absent when none is wanted, or none is left. */
  readonly shim?: string
  /** Addresses for containers; above Number.MAX_SAFE_INTEGER: that. */
  readonly usable: number
}

export interface ShareLayout {
  readonly ipv4: FamilyLayout
  readonly ipv6?: FamilyLayout
  /** Containers that fit: each has an address of either family. */
  readonly usable: number
}

/** The lowest address of the range that is not in `taken`. */
const lowestFree = ({ first, last }: Block, taken: ReadonlySet<bigint>): bigint | undefined => {
  let address = first
  while (taken.has(address)) address += 1n
  return address <= last ? address : undefined
}

/** What the engine keeps to itself, in the range or anywhere else in the subnet. */
const engineOwn = ({ subnet, gateway }: Pick<FamilyDefinition, 'subnet' | 'gateway'>, range: Block): Set<bigint> => {
  const block = blockOf(subnet)
  const own = new Set<bigint>()
  const isLarge = size(block) > 2n
  // The network address, in IPv6 the subnet-router anycast address; only IPv4 has a broadcast address.
  if (block.family === 6 || isLarge) own.add(block.first)
  if (block.family === 4 && isLarge) own.add(block.last)
  // Without a gateway, engines before 29 make the first address of the range one, and do so before they hold any back.
  const gatewayAddress = gateway === undefined ? lowestFree(range, own) : addressOf(gateway).first
  if (gatewayAddress !== undefined) own.add(gatewayAddress)
  return own
}

const countLeft = (range: Block, taken: ReadonlySet<bigint>): number => {
  const inside = [...taken].filter((address) => range.first <= address && address <= range.last).length
  const left = size(range) - BigInt(inside)
  return Number(left > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : left)
}

type Wishes = Pick<NetworkDefinition, 'edges' | 'shim'>

/** Of a range as this definition wants it. Subnet, gateway and range are validated texts, else RangeError. */
export const familyLayout = (
  family: Pick<FamilyDefinition, 'subnet' | 'gateway'>,
  range: string,
  { edges, shim }: Wishes,
): FamilyLayout => {
  const block = blockOf(range)
  const taken = engineOwn(family, block)
  // One name in both families is one name too few for Docker's own client.
  const suffix = block.family === 4 ? '' : '6'
  const aux: Record<string, string> = {}
  const holdBack = (name: string, address: bigint) => {
    if (taken.has(address)) return
    taken.add(address)
    aux[`${name}${suffix}`] = formatAddress(block.family, address)
  }
  if (edges === 'reserve') {
    holdBack(FIRST, block.first)
    holdBack(LAST, block.last)
  }
  const shimAddress = shim ? lowestFree(block, taken) : undefined
  if (shimAddress !== undefined) holdBack(SHIM, shimAddress)
  const usable = countLeft(block, taken)
  return {
    range,
    aux,
    ...(shimAddress === undefined ? {} : { shim: formatAddress(block.family, shimAddress) }),
    usable,
  }
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
