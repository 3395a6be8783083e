/** What is wrong with an address family though each of its fields can be read. Pure. */
import {
  type Block,
  blocksIn,
  contains,
  type Family,
  formatBlock,
  formatSpan,
  nthBlock,
  overlaps,
  type Span,
} from '../../foundation/address.ts'
import { subtractSpans, unsafeAddress } from '../address/spans.ts'
import type { NetworkDefinition } from './definition.ts'
import type { Issues } from './definition-issues.ts'
import { familyLayout } from './family-layout.ts'
import type { Pin } from './read-spans.ts'
import { outsideSubnet } from './read-spans.ts'

export interface FamilyInput {
  readonly family: Family
  /** What is written, by field. */
  readonly written: ReadonlyMap<string, unknown>
  readonly wishes: Pick<NetworkDefinition, 'edges' | 'shim'>
  readonly issues: Issues
}

/** What could be read; what is missing in it was told. */
export interface FamilyRead {
  readonly subnet: Block | undefined
  readonly gateway: Span | undefined
  readonly pool: readonly Span[]
  readonly reserve: readonly Span[]
  readonly length: number | undefined
  readonly pins: readonly Pin[]
}

/** The field's name in this family. */
export const named = ({ family }: FamilyInput, field: string): string => (family === 4 ? field : `${field}6`)

/** How many containers fit into an ordinary range of that length: none of those with the gateway or an end of the subnet. */
const usableAt = (length: number, { subnet, gateway }: FamilyRead, { wishes }: FamilyInput): number => {
  if (subnet === undefined) return 1
  const ordinary = [1n, 2n, 0n]
    .map((at) => nthBlock(subnet, length, at))
    .find((block) => block !== undefined && (gateway === undefined || !contains(block, gateway)))
  const where = { subnet: formatBlock(subnet), ...(gateway === undefined ? {} : { gateway: formatSpan(gateway) }) }
  return familyLayout(where, formatBlock(ordinary ?? subnet), wishes).usable
}

/** Tells an allocation so small that nothing of it is left. */
export const checkLength = (read: FamilyRead, input: FamilyInput) => {
  const { subnet, length } = read
  if (subnet === undefined || length === undefined || usableAt(length, read, input) > 0) return
  let longest = length
  while (longest > subnet.length && usableAt(longest, read, input) === 0) longest -= 1
  const field = named(input, 'range')
  const message = `leaves no address for containers, after the range's edges, the shim and what the engine keeps; write ${longest} or less`
  input.issues.error({ field, value: length, message })
}

/** Pins among each other, and with everything else of the family. */
export const checkPins = (read: FamilyRead, { issues, wishes }: FamilyInput) => {
  const { subnet, gateway, reserve, pins } = read
  if (subnet === undefined) return
  const where = { subnet: formatBlock(subnet), ...(gateway === undefined ? {} : { gateway: formatSpan(gateway) }) }
  const unsafe = unsafeAddress(subnet)
  pins.forEach((pin, at) => {
    const { field, block } = pin
    const value = formatBlock(block)
    const fail = (message: string) => issues.error({ field, value, message })
    if (!contains(subnet, block)) {
      fail(outsideSubnet(subnet))
      return
    }
    if (gateway !== undefined && overlaps(block, gateway)) {
      fail(`holds the gateway ${formatSpan(gateway)}; pin another range`)
    }
    for (const span of reserve) {
      if (overlaps(block, span))
        fail(`overlaps with the reserve ${formatSpan(span)}; pin another range, or take it out of the reserve`)
    }
    for (const other of pins.slice(0, at)) {
      if (overlaps(block, other.block))
        fail(`overlaps with ${formatBlock(other.block)} of ${other.key}; each node needs a range of its own`)
    }
    if (familyLayout(where, value, wishes).usable === 0) {
      fail('leaves no address for containers, after its edges, the shim and what the engine keeps; pin a larger range')
    }
    if (unsafe !== undefined && overlaps(block, unsafe)) {
      issues.warning({
        field,
        value,
        message: 'ends with the subnet: engines of 20.10 then give no address; pin another range',
      })
    }
  })
}

/** A pool from which nothing can be given. */
export const checkPool = (read: FamilyRead, input: FamilyInput) => {
  const { subnet, pool, length, reserve, pins, gateway } = read
  const field = named(input, 'pool')
  // Of one with mistakes it is not known how large it was meant to be.
  const isFaulty = input.issues.list.some((issue) => issue.level === 'error' && issue.field?.split('[')[0] === field)
  if (subnet === undefined || length === undefined || pool.length === 0 || isFaulty) return
  const unsafe = unsafeAddress(subnet)
  const blocks = pins.map(({ block }) => block)
  const taken = [...reserve, ...blocks, ...(gateway ? [gateway] : []), ...(unsafe ? [unsafe] : [])]
  const hasRoom = (from: readonly Span[]) => from.some((span) => blocksIn(span, length).next().value !== undefined)
  const value = pool.map(formatSpan).join(', ')
  if (!hasRoom(pool)) {
    input.issues.error({
      field,
      value,
      message: `is too small for one range of /${length}; make it larger, or \`${named(input, 'range')}\` longer`,
    })
  } else if (blocks.length === 0 && !hasRoom(subtractSpans(pool, taken))) {
    const message = `has no room for one range of /${length} beside the gateway and the reserve; make it larger, or \`${named(input, 'range')}\` longer`
    input.issues.error({ field, value, message })
  }
}

/** The whole subnet would be a guess, and an address that somebody on the LAN has already is an outage. */
export const checkPoolWritten = ({ pins, subnet }: FamilyRead, input: FamilyInput) => {
  if (input.written.has(named(input, 'pool')) || pins.length > 0) return
  const example = subnet === undefined ? '' : `, such as [${formatSpan(subnet)}] if nobody else uses the subnet`
  const message = `is missing; write what may be given to nodes${example}, or pin each node under \`${named(input, 'nodes')}\``
  input.issues.error({ field: named(input, 'pool'), message })
}
