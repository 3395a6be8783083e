/**
 * What no controller is obeyed in, however well it is known: addresses that are not its LAN's, or that this host has or goes
 * out by. Pure.
 */
import {
  addressSpace,
  type Block,
  contains,
  formatAddress,
  LINK_LOCAL,
  overlaps,
  parseAddress,
  parseBlock,
  parseCidr,
  type Span,
} from '../../foundation/address.ts'
import { isLinkDriver } from '../../swarm/networks.ts'
import type { ReportedFault } from '../../swarm/node-report.ts'
import { familiesOf, type WantedFamily, type WantedNetwork } from '../../swarm/wanted.ts'
import type { HostRoute, HostState } from './host.ts'
import { aliasOf, isShim } from './link-names.ts'

/** No LAN is larger, and two ranges of half the internet would be a default route. */
const SHORTEST = { 4: 8, 6: 16 } as const

/** Empty: nothing speaks against it. */
export function refusals(wanted: WantedNetwork, host: HostState): ReportedFault[] {
  const reasons = familiesOf(wanted).flatMap((family) => ofFamily(family, host))
  if (reasons.length === 0) return []
  const message = `What a controller wants of "${wanted.name}" is not done here: ${reasons.join('; ')}.`
  return [{ code: 'wanted-refused', message }]
}

function ofFamily({ subnet, gateway, range, shim }: WantedFamily, host: HostState): string[] {
  const [lan, own] = [parseBlock(subnet), parseBlock(range)]
  if (lan === undefined) return [`the subnet "${subnet}" is not a block of addresses`]
  if (own === undefined) return [`the range "${range}" is not a block of addresses`]
  if (lan.length < SHORTEST[lan.family]) return [`the subnet ${subnet} is too large for a LAN`]
  if (!contains(lan, own)) return [`the range ${range} is not inside the subnet ${subnet}`]
  if (addressSpace(lan) === 'unusable') return [`the subnet ${subnet} is of addresses that no host may have`]
  if (overlaps(lan, LINK_LOCAL[lan.family])) return [`the subnet ${subnet} holds link-local addresses`]
  const reasons: string[] = []
  const router = gateway === undefined ? undefined : parseAddress(gateway)
  if (gateway !== undefined && (router === undefined || !contains(lan, router))) {
    reasons.push(`the gateway ${gateway} is not inside the subnet ${subnet}`)
  }
  return shim === undefined ? reasons : [...reasons, ...ofShim({ shim, range, own, router }, host)]
}

interface ShimPlace {
  readonly shim: string
  readonly range: string
  readonly own: Block
  readonly router: Span | undefined
}

function ofShim({ shim, range, own, router }: ShimPlace, { links, routes }: HostState): string[] {
  const address = parseAddress(shim)
  if (address === undefined || !contains(own, address)) return [`the shim ${shim} is not inside the range ${range}`]
  if (router !== undefined && contains(router, address)) return [`the shim ${shim} is the gateway's address`]
  if (nextHopsIn(address, routes).length > 0) return [`the shim ${shim} is the address by which this host goes out`]
  // Shims, of agents and made by hand, have addresses of a range on purpose.
  const holder = links.find(
    ({ kind, addresses }) => !isLinkDriver(kind) && addresses.some((one) => isAt(one.address, address)),
  )
  return holder === undefined ? [] : [`the shim ${shim} is an address of ${holder.name}`]
}

/** Routers of this host that have an address in the span. */
export const nextHopsIn = (span: Span, routes: readonly HostRoute[]): readonly string[] =>
  routes
    .flatMap(({ gateways = [] }) => gateways)
    .filter((gateway) => {
      const address = parseAddress(gateway)
      return address !== undefined && contains(span, address)
    })

const isAt = (cidr: string, { family, first }: Span): boolean => {
  const [text = ''] = cidr.split('/')
  const address = parseAddress(text)
  return address?.family === family && address.first === first
}

/** The engine knows none of the host's addresses, and gives them to containers. */
export function addressesInRange(wanted: WantedNetwork, { links }: Pick<HostState, 'links'>): ReportedFault[] {
  const families = familiesOf(wanted)
  return links
    .filter((link) => !(isShim(link) && link.alias === aliasOf(wanted.name)))
    .flatMap(({ name, addresses }) => addresses.map(({ address }) => ({ name, cidr: parseCidr(address) })))
    .flatMap(({ name, cidr }) => {
      if (cidr === undefined) return []
      const { family } = cidr.block
      const span = { family, first: cidr.address, last: cidr.address }
      const within = families.find(({ range }) => {
        const block = parseBlock(range)
        return block !== undefined && contains(block, span)
      })
      const text = formatAddress(family, cidr.address)
      if (within === undefined || isKeptBack(within, span)) return []
      const message = `${text} is an address of this host (${name}) inside its own range ${within.range}, and a container may be given it too: give the host another address (of a DHCP server: outside the pool), or give the node another range: \`orrery network apply --allow-drain\`.`
      return [{ code: 'address-in-range', message }]
    })
}

const isKeptBack = ({ aux, gateway }: WantedFamily, address: Span): boolean =>
  [...Object.values(aux), ...(gateway === undefined ? [] : [gateway])].some((text) => {
    const span = parseAddress(text)
    return span !== undefined && contains(span, address)
  })
