/**
 * Address arithmetic, here and nowhere else: ip-address reads, writes and classifies, numbers of any size do the rest.
 * Pure.
 */
import { Address4, Address6 } from 'ip-address'

export type Family = 4 | 6

/** Addresses from `first` to `last`, both included; a single address is a span of one. */
export interface Span {
  readonly family: Family
  readonly first: bigint
  readonly last: bigint
}

/** A span that a CIDR can name: aligned to its own size. */
export interface Block extends Span {
  /** Prefix length. */
  readonly length: number
}

export const addressBits = (family: Family): number => (family === 4 ? 32 : 128)

/** Longer texts are no addresses; they would only cost time. */
const MAX_TEXT = 64

/** The library's reading of an address with or without a prefix length; it throws on anything else. */
const parse = (text: string): Address4 | Address6 | undefined => {
  if (text.length > MAX_TEXT) return undefined
  try {
    if (!text.includes(':')) return new Address4(text)
    const address = new Address6(text)
    // A zone means something on one host alone, and engines take `::ffff:10.0.0.1` for an IPv4 address.
    return address.zone !== '' || address.isMapped4() ? undefined : address
  } catch {
    return undefined
  }
}

// `v4` of an Address6 says that it was written with an IPv4 part: `::10.0.0.1` is not an IPv4 address.
const familyOf = (address: Address4 | Address6): Family => (address instanceof Address4 ? 4 : 6)

/** The block of this prefix length that holds the address. */
export const blockAt = (family: Family, address: bigint, length: number): Block => {
  const size = 1n << BigInt(addressBits(family) - length)
  const first = address - (address % size)
  return { family, first, last: first + size - 1n, length }
}

/** `172.80.1.7` or `fd00:40::7`, without a prefix length or a zone; `undefined`: anything else. */
export const parseAddress = (text: string): Span | undefined => {
  const address = text.includes('/') ? undefined : parse(text)
  if (address === undefined) return undefined
  const value = address.bigInt()
  return { family: familyOf(address), first: value, last: value }
}

export interface Cidr {
  /** The address before the slash. */
  readonly address: bigint
  /** The block that it is in. */
  readonly block: Block
  readonly hasHostBits: boolean
}

/** `172.80.1.0/24`; host bits are told, not refused. `undefined`: no CIDR. */
export const parseCidr = (text: string): Cidr | undefined => {
  const parsed = text.includes('/') ? parse(text) : undefined
  if (parsed === undefined) return undefined
  const address = parsed.bigInt()
  const block = blockAt(familyOf(parsed), address, parsed.subnetMask)
  return { address, block, hasHostBits: block.first !== address }
}

/** A CIDR without host bits; `undefined`: anything else. */
export const parseBlock = (text: string): Block | undefined => {
  const cidr = parseCidr(text)
  return cidr === undefined || cidr.hasHostBits ? undefined : cidr.block
}

/** `172.80.1.0/24` of any CIDR in it, in one spelling; `undefined`: no CIDR. */
export const canonicalBlock = (text: string): string | undefined => {
  const cidr = parseCidr(text)
  return cidr === undefined ? undefined : formatBlock(cidr.block)
}

/** An address, or a CIDR without host bits. */
export const parseSpan = (text: string): Span | undefined => parseBlock(text) ?? parseAddress(text)

const known = <T>(value: T | undefined, text: string): T => {
  if (value === undefined) throw new RangeError(`not an address or a block: ${text}`)
  return value
}

/** Of a text that was validated before. Throws RangeError on any other. */
export const blockOf = (text: string): Block => known(parseBlock(text), text)

/** Of a text that was validated before. Throws RangeError on any other. */
export const addressOf = (text: string): Span => known(parseAddress(text), text)

/** Of two addresses that were validated before. Throws RangeError on any other. */
export const spanOf = ({ first, last }: { readonly first: string; readonly last: string }): Span => ({
  ...addressOf(first),
  last: addressOf(last).last,
})

export const formatAddress = (family: Family, address: bigint): string =>
  (family === 4 ? Address4.fromBigInt(address) : Address6.fromBigInt(address)).correctForm()

export const formatBlock = ({ family, first, length }: Block): string => `${formatAddress(family, first)}/${length}`

/** `172.80.1.0-172.80.1.9`, or the one address there is. */
export const formatSpan = ({ family, first, last }: Span): string =>
  first === last ? formatAddress(family, first) : `${formatAddress(family, first)}-${formatAddress(family, last)}`

export const size = ({ first, last }: Span): bigint => last - first + 1n

/** No address of one family lies in a span of the other. */
export const contains = (outer: Span, inner: Span): boolean =>
  outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last

export const overlaps = (one: Span, other: Span): boolean =>
  one.family === other.family && one.first <= other.last && other.first <= one.last

/** Of the blocks of this prefix length that lie wholly in the span, the one with this index; the lowest has 0. */
export const nthBlock = (span: Span, length: number, index: bigint): Block | undefined => {
  const { family } = span
  const lowest = blockAt(family, span.first, length)
  const step = size(lowest)
  const first = lowest.first + step * (index + (lowest.first < span.first ? 1n : 0n))
  const last = first + step - 1n
  return last <= span.last ? { family, first, last, length } : undefined
}

/** How many blocks of this prefix length lie wholly in the span. */
export const blockCount = (span: Span, length: number): bigint => {
  const lowest = nthBlock(span, length, 0n)
  return lowest === undefined ? 0n : (span.last - lowest.first + 1n) / size(lowest)
}

/** All of them, lowest first. */
export function* blocksIn(span: Span, length: number): Generator<Block, void> {
  for (let index = 0n; ; index += 1n) {
    const block = nthBlock(span, length, index)
    if (block === undefined) return
    yield block
  }
}

/** What hosts give themselves and no router forwards; where clouds keep the credentials of their machines. */
export const LINK_LOCAL: Readonly<Record<Family, Block>> = { 4: blockOf('169.254.0.0/16'), 6: blockOf('fe80::/10') }

/**
 * `public`: some of it belongs to somebody on the internet. `unusable`: some of it is multicast, loopback, unspecified or
 * reserved, and no host can have it.
 */
export const addressSpace = ({ family, first, last }: Span): 'private' | 'public' | 'unusable' => {
  const ends =
    family === 4
      ? [Address4.fromBigInt(first), Address4.fromBigInt(last)]
      : [Address6.fromBigInt(first), Address6.fromBigInt(last)]
  const isUnusable = (end: Address4 | Address6) =>
    end.isMulticast() || end.isLoopback() || end.isUnspecified() || ('isReserved' in end && end.isReserved())
  if (ends.some(isUnusable)) return 'unusable'
  return ends.some((end) => end.isGlobal()) ? 'public' : 'private'
}
