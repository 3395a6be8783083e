/** Whether a caller is near enough to write without a credential, by the address of its socket. Pure. */
import { addressOf, blockAt, contains, parseAddress, parseCidr, type Span } from '../../foundation/address.ts'

const LOOPBACK: readonly Span[] = [blockAt(4, addressOf('127.0.0.0').first, 8), addressOf('::1')]

/** `cidrs` are well-formed. An IPv4-mapped IPv6 address (`::ffff:…`), and no other one, counts as the IPv4 that it is. */
export function trustedPeers(cidrs: readonly string[]): (address: string | undefined) => boolean {
  const networks = [...LOOPBACK, ...cidrs.flatMap((cidr) => parseCidr(unmappedCidr(cidr))?.block ?? [])]
  return (address) => {
    const peer = parseAddress(unmapped(address ?? ''))
    return peer !== undefined && networks.some((network) => contains(network, peer))
  }
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const MAPPED_CIDR = /^::ffff:(\d+\.\d+\.\d+\.\d+)\/(\d+)$/i
const MAPPED_BITS = 96

const unmapped = (address: string): string => MAPPED.exec(address)?.[1] ?? address

function unmappedCidr(cidr: string): string {
  const [, address, bits] = MAPPED_CIDR.exec(cidr) ?? []
  return address === undefined || Number(bits) < MAPPED_BITS ? cidr : `${address}/${Number(bits) - MAPPED_BITS}`
}
