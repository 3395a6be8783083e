/**
 * What becomes of the addresses of a range, as its definition wants it: those that the engine keeps to itself, those held
 * back with `--aux-address`, the host's own, and how many are left for containers. Pure.
 */
import { addressOf, type Block, blockOf, formatAddress, size } from '../../foundation/address.ts'
import type { FamilyDefinition, NetworkDefinition } from './definition.ts'

/** Of the aux addresses, the one that is the host's own, on its shim. */
export const SHIM_AUX = 'orrery-shim'
const FIRST = 'orrery-first'
const LAST = 'orrery-last'

/** One address family of a range. */
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

/** The lowest address of the range that is not in `taken`. */
const lowestFree = ({ first, last }: Block, taken: ReadonlySet<bigint>): bigint | undefined => {
  let address = first
  while (taken.has(address)) address += 1n
  return address <= last ? address : undefined
}

/** What the engine keeps to itself, in the range or anywhere else in the subnet. */
export const engineOwn = (
  { subnet, gateway }: Pick<FamilyDefinition, 'subnet' | 'gateway'>,
  range: Block,
): Set<bigint> => {
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

export const countLeft = (range: Block, taken: ReadonlySet<bigint>): number => {
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
  if (shimAddress !== undefined) holdBack(SHIM_AUX, shimAddress)
  const usable = countLeft(block, taken)
  return {
    range,
    aux,
    ...(shimAddress === undefined ? {} : { shim: formatAddress(block.family, shimAddress) }),
    usable,
  }
}
