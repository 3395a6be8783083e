/** One address family of a definition: `subnet`, `gateway`, `pool`, `range`, `reserve` and `nodes`, or those with a 6. Pure. */
import {
  addressBits,
  type Block,
  contains,
  formatAddress,
  formatBlock,
  formatSpan,
  parseCidr,
  type Span,
} from '../../foundation/address.ts'
import { parseWholeNumber } from '../../foundation/whole-number.ts'
import {
  checkLength,
  checkPins,
  checkPool,
  checkPoolWritten,
  type FamilyInput,
  type FamilyRead,
  named,
} from './check-family.ts'
import type { AddressSpan, FamilyDefinition } from './definition.ts'
import { textOf } from './definition-issues.ts'
import { outsideSubnet, readAddress, readPins, readSpans, readSubnet } from './read-spans.ts'

const readGateway = (input: FamilyInput, subnet: Block | undefined): Span | undefined => {
  const { family, written, issues } = input
  const field = named(input, 'gateway')
  const value = written.get(field)
  if (value === undefined) {
    const message =
      'is missing: engines before 29 then make the first address of each range the gateway of its containers'
    if (subnet !== undefined) issues.warning({ field, message })
    return undefined
  }
  const gateway = readAddress({ field, value, family }, issues)
  if (gateway === undefined || subnet === undefined) return gateway
  if (!contains(subnet, gateway)) {
    issues.error({ field, value, message: outsideSubnet(subnet) })
  } else if (gateway.first === subnet.first || (family === 4 && gateway.first === subnet.last)) {
    const which = gateway.first === subnet.first ? 'first' : 'last'
    issues.error({
      field,
      value,
      message: `is the ${which} address of ${formatBlock(subnet)}, which no host can have; write the router's`,
    })
  } else {
    return gateway
  }
  return undefined
}

const LENGTH_EXAMPLE = { 4: 24, 6: 80 }

const readLength = (input: FamilyInput, subnet: Block | undefined): number | undefined => {
  const { family, written, issues } = input
  const field = named(input, 'range')
  const value = written.get(field)
  const example = LENGTH_EXAMPLE[family]
  const text = textOf(value) ?? ''
  const fail = (message: string) => {
    issues.error({ field, ...(value === undefined ? {} : { value }), message })
    return undefined
  }
  if (value === undefined) return fail(`is missing; write one node's range as a prefix length, such as ${example}`)
  const cidr = parseCidr(text.split('-')[0] ?? '')
  if (cidr !== undefined) {
    const where = subnet === undefined || contains(subnet, cidr.block) ? '' : `; it ${outsideSubnet(subnet)}`
    return fail(
      `is a block where a prefix length is needed; write ${cidr.block.length} here, and what may be given to nodes under \`${named(input, 'pool')}\`${where}`,
    )
  }
  const length = parseWholeNumber(text)
  if (length === undefined || length < 1 || length > addressBits(family)) {
    return fail(`is not a prefix length; write a whole number such as ${example}`)
  }
  if (subnet === undefined || length >= subnet.length) return length
  return fail(`makes a range larger than the subnet ${formatBlock(subnet)}; write ${subnet.length + 1} or more`)
}

const readAll = (input: FamilyInput): FamilyRead => {
  const { family, written, issues } = input
  const spansAt = (name: string, subnet: Block | undefined) => {
    const field = named(input, name)
    const value = written.get(field)
    return value === undefined ? [] : readSpans({ field, value, family }, subnet, issues)
  }
  const field = named(input, 'subnet')
  const value = written.get(field)
  const example = family === 4 ? '10.40.0.0/16' : 'fd00:40::/64'
  if (value === undefined)
    issues.error({
      field,
      message: `is missing; write the subnet of the LAN, the same on every node, such as ${example}`,
    })
  const subnet = value === undefined ? undefined : readSubnet({ field, value, family }, issues)
  return {
    subnet,
    gateway: readGateway(input, subnet),
    pool: spansAt('pool', subnet),
    reserve: spansAt('reserve', subnet),
    length: readLength(input, subnet),
    pins: readPins({ field: named(input, 'nodes'), value: written.get(named(input, 'nodes')), family }, issues),
  }
}

const asText = ({ family, first, last }: Span): AddressSpan => ({
  first: formatAddress(family, first),
  last: formatAddress(family, last),
})

/** `undefined` when mistakes leave nothing to be had; all of them are told. */
export const readFamily = (input: FamilyInput): FamilyDefinition | undefined => {
  const read = readAll(input)
  checkPoolWritten(read, input)
  checkLength(read, input)
  checkPins(read, input)
  checkPool(read, input)
  const { subnet, gateway, pool, reserve, length, pins } = read
  if (subnet === undefined || length === undefined) return undefined
  return {
    subnet: formatBlock(subnet),
    ...(gateway === undefined ? {} : { gateway: formatSpan(gateway) }),
    pool: pool.map(asText),
    rangeLength: length,
    reserve: reserve.map(asText),
    pins: Object.fromEntries(pins.map(({ key, block }) => [key, formatBlock(block)])),
  }
}
