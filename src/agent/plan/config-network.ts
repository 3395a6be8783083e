/** A node's config-only network: what it is to be, and how another one differs from that. */

import { formatAddress, formatBlock, parseAddress, parseCidr } from '../../bootstrap/address/address.ts'
import type { EngineNetwork } from '../../bootstrap/ports.ts'
import type { ReportedSubnet } from '../report.ts'
import { NETWORK_LABEL, type WantedFamily, type WantedNetwork } from '../wanted.ts'
import type { ConfigNetwork } from './host.ts'

type Wanted = Pick<WantedNetwork, 'name' | 'configName' | 'driver' | 'ipv4' | 'ipv6'>

const MODES = { macvlan: { option: 'macvlan_mode', mode: 'bridge' }, ipvlan: { option: 'ipvlan_mode', mode: 'l2' } }

/** `parent`: the link's name, resolved. */
export function configNetwork(wanted: Wanted, parent: string): ConfigNetwork {
  const { option, mode } = MODES[wanted.driver]
  return {
    name: wanted.configName,
    labels: { [NETWORK_LABEL]: wanted.name },
    options: { parent, [option]: mode },
    subnets: [wanted.ipv4, ...(wanted.ipv6 === undefined ? [] : [wanted.ipv6])].map(subnetOf),
  }
}

const subnetOf = ({ subnet, range, gateway, aux }: WantedFamily): ReportedSubnet => ({
  subnet,
  range,
  ...(gateway !== undefined && { gateway }),
  aux,
})

/**
 * What is not as wanted, a phrase each; empty when nothing is. Names of aux addresses do not matter, nor does how an address
 * is written. A mode that is not named is the engine's default, and that is what is wanted.
 */
export function differences(found: Pick<EngineNetwork, 'options' | 'subnets'>, wanted: ConfigNetwork): string[] {
  const phrases: string[] = []
  const compare = (what: string, is: string | undefined, should: string | undefined) => {
    if (is !== should) phrases.push(`${what} is ${is ?? 'not set'} and should be ${should ?? 'not set'}`)
  }
  for (const [option, should] of Object.entries(wanted.options)) {
    const is = found.options[option]
    compare(option, option === 'parent' ? is : (is ?? should), should)
  }
  const families = [...new Set([...found.subnets, ...wanted.subnets].map(isV6))]
  for (const six of families) {
    const is = found.subnets.find((subnet) => isV6(subnet) === six)
    const should = wanted.subnets.find((subnet) => isV6(subnet) === six)
    const suffix = six ? '6' : ''
    compare(`subnet${suffix}`, block(is?.subnet), block(should?.subnet))
    if (is === undefined || should === undefined) continue
    compare(`range${suffix}`, block(is.range), block(should.range))
    compare(`gateway${suffix}`, address(is.gateway), address(should.gateway))
    compare(`what is kept back${six ? ' (IPv6)' : ''}`, addresses(is), addresses(should))
  }
  return phrases
}

const isV6 = ({ subnet }: ReportedSubnet): boolean => subnet.includes(':')

/** In canonical form; engines of the 20.10 series keep host bits that were written. */
function block(text: string | undefined): string | undefined {
  const cidr = text === undefined || text === '' ? undefined : parseCidr(text)
  return cidr === undefined ? text || undefined : formatBlock(cidr.block)
}

function address(text: string | undefined): string | undefined {
  // The engine's own spelling of a gateway may have a prefix length.
  const [bare = ''] = (text ?? '').split('/')
  const span = parseAddress(bare)
  return span === undefined ? bare || undefined : formatAddress(span.family, span.first)
}

function addresses({ aux }: ReportedSubnet): string | undefined {
  const kept = [...new Set(Object.values(aux).map((text) => address(text) ?? text))]
  return kept.length === 0 ? undefined : kept.toSorted().join(', ')
}
