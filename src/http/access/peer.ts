/** Whether a caller is near enough to write without a credential, by the address of its socket. Pure. */
import ipaddr from 'ipaddr.js'

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

/** `cidrs` are well-formed. An IPv4-mapped IPv6 address counts as the IPv4 address that it is. */
export function trustedPeers(cidrs: readonly string[]): (address: string | undefined) => boolean {
  const networks = cidrs.map(unmapped)
  return (address) => {
    if (address === undefined || !ipaddr.isValid(address)) return false
    const peer = ipaddr.process(address)
    return peer.range() === 'loopback' || networks.some((network) => isInside(peer, network))
  }
}

function unmapped(cidr: string): Network {
  const [address, bits] = ipaddr.parseCIDR(cidr)
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96
    ? [address.toIPv4Address(), bits - 96]
    : [address, bits]
}

function isInside(peer: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: Network): boolean {
  if (peer instanceof ipaddr.IPv4) return network instanceof ipaddr.IPv4 && peer.match(network, bits)
  return network instanceof ipaddr.IPv6 && peer.match(network, bits)
}
