/** Subnets, addresses, pools and reserves as operators write them. Each reader tells what is wrong with its value. Pure. */
import {
  addressSpace,
  type Block,
  blockAt,
  contains,
  type Family,
  formatBlock,
  formatSpan,
  LINK_LOCAL,
  overlaps,
  parseAddress,
  parseCidr,
  type Span,
} from '../../foundation/address.ts'
import { isJsonObject } from '../../foundation/stored-json.ts'
import { type Issues, textOf } from './definition-issues.ts'

export interface Place {
  readonly field: string
  readonly value: unknown
  readonly family: Family
}

const example = (family: Family): string => (family === 4 ? '10.40.1.0/24' : 'fd00:40:0:1::/64')

const wrongFamily = ({ field, family }: Place): string => {
  const other = family === 4 ? `${field.replace(/[.[].*/, '')}6` : field.replace(/6([.[].*)?$/, '')
  return `is an IPv${family === 4 ? 6 : 4} address where IPv${family} is needed; those belong into \`${other}\``
}

/** A CIDR without host bits; where there are some, the block that is meant, so that the rest can be judged too. */
const readBlock = (place: Place, issues: Issues): Block | undefined => {
  const { field, value, family } = place
  const text = textOf(value)
  const cidr = text === undefined ? undefined : parseCidr(text)
  const fail = (message: string) => issues.error({ field, value, message })
  if (cidr === undefined) {
    fail(`is not a CIDR; write an address and a prefix length, such as ${example(family)}`)
  } else if (cidr.block.family !== family) {
    fail(wrongFamily(place))
  } else {
    if (cidr.hasHostBits)
      fail(`has host bits set; write ${formatBlock(cidr.block)}, the /${cidr.block.length} that it is in`)
    return cidr.block
  }
  return undefined
}

/** One address, without a prefix length. */
export const readAddress = (place: Place, issues: Issues): Span | undefined => {
  const { field, value, family } = place
  const text = textOf(value)
  const address = text === undefined ? undefined : parseAddress(text)
  const fail = (message: string) => issues.error({ field, value, message })
  const one = family === 4 ? '10.40.0.1' : 'fd00:40::1'
  if (address === undefined) fail(`is not an address; write one without a prefix length, such as ${one}`)
  else if (address.family !== family) fail(wrongFamily(place))
  else return address
  return undefined
}

/** `172.80.1.0/24`, `172.80.1.0-172.80.9.255` or one address. */
const readSpan = (place: Place, issues: Issues): Span | undefined => {
  const { field, value, family } = place
  const text = textOf(value)
  if (text?.includes('/') && !text.includes('-')) return readBlock(place, issues)
  const [first, last, more] = (text ?? '').split('-').map((end) => parseAddress(end.trim()))
  const fail = (message: string) => {
    issues.error({ field, value, message })
    return undefined
  }
  const to = text?.includes('-') === true ? last : first
  if (first === undefined || to === undefined || more !== undefined || (text ?? '').split('-').length > 2) {
    return fail(
      `is neither a CIDR nor from-to; write ${example(family)}, or its first and last address with a - between`,
    )
  }
  if (first.family !== family || to.family !== family) return fail(wrongFamily(place))
  if (first.first > to.first) return fail(`ends before it begins; write ${formatSpan({ ...to, last: first.first })}`)
  return { family, first: first.first, last: to.first }
}

export const outsideSubnet = (subnet: Block): string =>
  `lies outside the subnet ${formatBlock(subnet)}, which is ${formatSpan(subnet)}; write addresses in there, or the subnet that holds both`

/** Those that can be read. Every mistake of the list is told; one span alone may be written without a list. */
export const readSpans = (place: Place, subnet: Block | undefined, issues: Issues): readonly Span[] => {
  const { field, value, family } = place
  const items: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (textOf(value) === undefined && !Array.isArray(value)) {
    issues.error({ field, value, message: `is a mapping; write a list, such as [${example(family)}]` })
    return []
  }
  const spans = items.map((item, at) => {
    const ofItem = { field: Array.isArray(value) ? `${field}[${at}]` : field, value: item, family }
    const span = readSpan(ofItem, issues)
    if (span === undefined || subnet === undefined || contains(subnet, span)) return span
    issues.error({ ...ofItem, message: outsideSubnet(subnet) })
    return undefined
  })
  const read = spans.filter((span) => span !== undefined)
  read.forEach((span, at) => {
    const other = read.slice(0, at).find((earlier) => overlaps(earlier, span))
    if (other === undefined) return
    issues.warning({
      field,
      value: formatSpan(span),
      message: `overlaps with ${formatSpan(other)}; what is in both counts once`,
    })
  })
  return read
}

/** What is told of a subnet whatever else is in the definition. */
export const readSubnet = (place: Place, issues: Issues): Block | undefined => {
  const subnet = readBlock(place, issues)
  if (subnet === undefined) return undefined
  const { field, value, family } = place
  const space = addressSpace(subnet)
  if (space === 'unusable') {
    const message =
      'holds addresses that no host can have (multicast, loopback or reserved); write the subnet of the LAN'
    issues.error({ field, value, message })
    return undefined
  }
  if (overlaps(subnet, LINK_LOCAL[family])) {
    const message = `holds link-local addresses (${formatBlock(LINK_LOCAL[family])}), which hosts give themselves and no router forwards; write the subnet of the LAN`
    issues.error({ field, value, message })
    return undefined
  }
  if (family === 6 && subnet.length < 64) {
    // Seen on 20.10: a range of fd00:40::/63 gave addresses of another range, without an error.
    const message = `is larger than /64: older engines then give addresses outside a node's range; write ${formatBlock(blockAt(6, subnet.first, 64))}, or another /64 of it`
    issues.error({ field, value, message })
    return undefined
  }
  if (space === 'public') {
    const right = family === 4 ? '10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16' : 'fd00::/8'
    const message = `is public address space: unless it is yours, hosts lose the way to whoever has it; private is ${right}`
    issues.warning({ field, value, message })
  }
  return subnet
}

export interface Pin {
  /** `nodes.manager1`. */
  readonly field: string
  /** A host name or a node id. */
  readonly key: string
  readonly block: Block
}

/** Those that can be read; every mistake is told. */
export const readPins = ({ field, value, family }: Place, issues: Issues): readonly Pin[] => {
  if (value === undefined || textOf(value) === '') return []
  if (!isJsonObject(value)) {
    const example = family === 4 ? '{manager1: 10.40.1.0/24}' : '{manager1: "fd00:40:0:0:1::/80"}'
    issues.error({
      field,
      value,
      message: `is not a mapping; write host names or node ids with their ranges, such as ${example}`,
    })
    return []
  }
  return Object.entries(value).flatMap(([key, range]): Pin[] => {
    const place = { field: `${field}.${key}`, value: range ?? '', family }
    const isName = /^\S+$/.test(key)
    if (!isName) issues.error({ field: place.field, value: key, message: 'is neither a host name nor a node id' })
    const block = readBlock(place, issues)
    return isName && block !== undefined ? [{ field: place.field, key, block }] : []
  })
}
