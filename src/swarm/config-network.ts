/** A node's config-only network: what it is to be, and how another one differs from that, or stands in its way. Pure. */

import { canonicalBlock, formatAddress, overlaps, parseAddress, parseCidr } from '../foundation/address.ts'
import { withoutUndefined } from '../foundation/without-undefined.ts'
import { type EngineNetwork, type EngineSubnet, LINK_MODES, NETWORK_LABEL, subnetOf } from './networks.ts'
import type { ReportedFault } from './node-report.ts'
import { familiesOf, type WantedFamily, type WantedNetwork } from './wanted.ts'

/** A config-only network to be made. */
export interface ConfigNetwork {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  readonly subnets: EngineNetwork['subnets']
}

type Wanted = Pick<WantedNetwork, 'name' | 'configName' | 'driver' | 'ipv4' | 'ipv6'>

/** `parent`: the link's name, resolved. */
export function configNetwork(wanted: Wanted, parent: string): ConfigNetwork {
  const { driver } = wanted
  return {
    name: wanted.configName,
    labels: { [NETWORK_LABEL]: wanted.name },
    options: { parent, [`${driver}_mode`]: LINK_MODES[driver] },
    subnets: familiesOf(wanted).map(engineSubnet),
  }
}

const engineSubnet = ({ subnet, range, gateway, aux }: WantedFamily): EngineSubnet => ({
  ...{ subnet, range, aux },
  ...withoutUndefined({ gateway }),
})

/**
 * What differs from what is wanted, a phrase each; empty when nothing does. Names of aux addresses do not matter, nor does
 * how an address is written. A mode that is not named is the engine's default, and that is what is wanted.
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
  for (const six of [false, true]) {
    const [is, should] = [subnetOf(found.subnets, six), subnetOf(wanted.subnets, six)]
    const suffix = six ? '6' : ''
    compare(`subnet${suffix}`, block(is?.subnet), block(should?.subnet))
    if (is === undefined || should === undefined) continue
    compare(`range${suffix}`, block(is.range), block(should.range))
    compare(`gateway${suffix}`, address(is.gateway), address(should.gateway))
    compare(`what is kept back${six ? ' (IPv6)' : ''}`, addresses(is), addresses(should))
  }
  return phrases
}

/** In canonical form; engines of the 20.10 series keep host bits that were written. */
const block = (text: string | undefined): string | undefined => canonicalBlock(text ?? '') ?? (text || undefined)

function address(text: string | undefined): string | undefined {
  // The engine's own spelling of a gateway may have a prefix length.
  const [bare = ''] = (text ?? '').split('/')
  const span = parseAddress(bare)
  return span === undefined ? bare || undefined : formatAddress(span.family, span.first)
}

function addresses({ aux }: EngineSubnet): string | undefined {
  const kept = [...new Set(Object.values(aux).map((text) => address(text) ?? text))]
  return kept.length === 0 ? undefined : kept.toSorted().join(', ')
}

/** Every network of one engine. */
interface OnEngine {
  readonly networks: readonly EngineNetwork[]
}

export function whyForeign(found: EngineNetwork, wanted: WantedNetwork): ReportedFault[] {
  const { configName, name } = wanted
  const owner = found.labels[NETWORK_LABEL]
  const rename = 'or give the definition another `config`'
  const fault = (message: string) => [{ code: 'network-foreign', message }]
  if (!found.configOnly) {
    return fault(`This engine has a network "${configName}" that is not config-only: remove it, ${rename}.`)
  }
  if (owner === name || (owner === undefined && wanted.isAdopted)) return []
  if (owner !== undefined) {
    return fault(`The config-only network "${configName}" belongs to the network "${owner}": ${rename.slice(3)}.`)
  }
  return fault(
    `The config-only network "${configName}" was made by somebody else: \`orrery network adopt ${name}\` takes it over if it matches the definition; else remove it (docker network rm ${configName}), ${rename}.`,
  )
}

/** Two networks of one name on one engine: which one a task gets is anybody's guess. */
export const nameClash = (wanted: WantedNetwork, { networks }: OnEngine): ReportedFault[] =>
  networks.some(({ name, scope }) => name === wanted.name && scope === 'local')
    ? [
        {
          code: 'network-foreign',
          message: `This engine has a local network "${wanted.name}", so the swarm network of that name cannot be used here: docker network rm ${wanted.name}.`,
        },
      ]
    : []

const ELSEWHERE = new Set(['null', 'host', ''])

/** The engine refuses a second network with addresses of the same LAN, but only when the first task comes. */
export function subnetClashes(wanted: WantedNetwork, { networks }: OnEngine): ReportedFault[] {
  const ours = familiesOf(wanted).map(({ subnet }) => subnet)
  const isOther = ({ name, configFrom, configOnly, driver }: EngineNetwork) =>
    !configOnly && name !== wanted.name && configFrom !== wanted.configName && !ELSEWHERE.has(driver)
  // On a manager a swarm network shows no subnet of its own: its config-only network has it.
  const subnetsOf = ({ subnets, configFrom }: EngineNetwork) =>
    subnets.length > 0 ? subnets : (networks.find(({ name }) => name === configFrom)?.subnets ?? [])
  return networks.filter(isOther).flatMap((other) => {
    const taken = subnetsOf(other).find(({ subnet }) => ours.some((one) => doOverlap(one, subnet)))
    if (taken === undefined) return []
    const message = `The network "${other.name}" (${other.driver}) of this engine has ${taken.subnet} already, and an engine cannot have two networks of one subnet: ${insteadOf(other)}.`
    return [{ code: 'subnet-taken', message }]
  })
}

function doOverlap(one: string, other: string): boolean {
  const [a, b] = [parseCidr(one), parseCidr(other)]
  return a !== undefined && b !== undefined && overlaps(a.block, b.block)
}

/** What frees the subnet. The engine's own networks cannot be removed, and Swarm makes its ingress again as it is told. */
function insteadOf({ name, driver }: EngineNetwork): string {
  if (name === 'bridge') return 'give it another one, by `bip` in /etc/docker/daemon.json of this host'
  if (name === 'docker_gwbridge')
    return 'stop what is on it and make it with another `--subnet`, or define another subnet'
  if (name === 'ingress' && driver === 'overlay') {
    return 'make it with another one (docker network rm ingress; docker network create --driver overlay --ingress --subnet <another> ingress)'
  }
  return `docker network rm ${name}`
}
