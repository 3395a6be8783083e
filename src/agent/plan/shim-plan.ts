/** The link that lets a host reach its own containers: its kind, its addresses, its routes. */
import { canonicalBlock, contains, formatAddress, parseCidr } from '../../foundation/address.ts'
import { type EngineNetwork, isLinkDriver, LINK_MODES } from '../../swarm/networks.ts'
import type { ReportedFault } from '../../swarm/node-report.ts'
import { familiesOf, type WantedFamily, type WantedNetwork } from '../../swarm/wanted.ts'
import type { HostLink, HostRoute, HostState, HostStep, NodeObservation } from './host.ts'
import { aliasOf, isOurs, isShim, shimName } from './link-names.ts'
import { linkNamed } from './parent.ts'
import { nextHopsIn } from './refusals.ts'

export interface ShimPlan {
  readonly steps: readonly HostStep[]
  readonly faults: readonly ReportedFault[]
}

/** `parent`: the link's name, resolved. */
export function planShim(wanted: WantedNetwork, parent: string, host: HostState): ShimPlan {
  const families = familiesOf(wanted).flatMap(withShim)
  if (families.length === 0) return { steps: removeShims(wanted.name, host), faults: [] }
  const link = shimName(wanted.name)
  const there = linkNamed(host, link)
  if (there !== undefined && !isShimOf(wanted.name, there)) {
    const message = `The shim of "${wanted.name}" would be named ${link}, and this host has a link of that name that is not ours: rename or remove that link.`
    return { steps: [], faults: [{ code: 'shim-name-taken', message }] }
  }
  // Made by hand for the same end, and kept back for it: a second link with its address would be in its way.
  if (families.some((family) => isByHand(family, host))) return { steps: removeShims(wanted.name, host), faults: [] }
  const { driver } = wanted
  const isRight = there !== undefined && isMadeFor(there, wanted, parent)
  const steps: HostStep[] = removeShims(wanted.name, host, isRight ? link : undefined)
  if (!isRight) steps.push({ do: 'make-shim', link, lower: parent, driver, alias: aliasOf(wanted.name) })
  const present = isRight ? there : undefined
  const mtu = linkNamed(host, parent)?.mtu
  // A new one has its parent's; later the kernel lets it follow down, and not up.
  if (present?.mtu !== undefined && mtu !== undefined && present.mtu !== mtu) steps.push({ do: 'set-mtu', link, mtu })
  const routes = present?.isUp === true ? host.routes : without(link, host)
  steps.push(...staleSteps(link, families, { parent, there: present, routes }))
  const faults: ReportedFault[] = []
  let isUp = present?.isUp === true
  // One family after the other: what the kernel refuses of IPv6 keeps no IPv4 from working.
  for (const family of families) {
    const own = planFamily(link, family, { parent, there: present, routes })
    steps.push(...own.addresses)
    if (!isUp) steps.push({ do: 'raise-link', link })
    isUp = true
    steps.push(...own.routes)
    faults.push(...own.faults)
  }
  return { steps, faults }
}

/** Shims of this network, ours by their mark, but for the one that is to stay. */
export const removeShims = (network: string, { links }: HostState, stays?: string): HostStep[] =>
  links
    .filter((link) => isShimOf(network, link) && link.name !== stays)
    .map(({ name }) => ({ do: 'remove-link', link: name }))

const isShimOf = (network: string, link: HostLink): boolean => isShim(link) && link.alias === aliasOf(network)

const isByHand = ({ shim }: ShimFamily, { links }: HostState): boolean =>
  links.some(
    (link) =>
      !isOurs(link) &&
      isLinkDriver(link.kind) &&
      link.addresses.some(({ address }) => canonicalAddress(address.split('/')[0]) === canonicalAddress(shim)),
  )

interface ShimFamily {
  readonly shim: string
  readonly range: string
}

const withShim = ({ shim, range }: WantedFamily): ShimFamily[] => (shim === undefined ? [] : [{ shim, range }])

const isMadeFor = (link: HostLink, { driver }: WantedNetwork, parent: string): boolean =>
  link.kind === driver && link.lower === parent && link.mode === LINK_MODES[driver]

const isHostLength = (cidr: string): boolean => cidr.endsWith(cidr.includes(':') ? '/128' : '/32')

interface ShimPlace {
  readonly parent: string
  readonly there: HostLink | undefined
  readonly routes: readonly HostRoute[]
}

const hostCidr = ({ shim }: ShimFamily): string => canonicalCidr(`${shim}/${shim.includes(':') ? 128 : 32}`)

const fixedOf = (there: HostLink | undefined): readonly string[] =>
  (there?.addresses ?? [])
    .filter(({ scope, isDynamic }) => scope === 'global' && !isDynamic)
    .map(({ address }) => address)

/** What an agent gave it before, and what leads to it by routes that are not wanted any more. */
function staleSteps(link: string, families: readonly ShimFamily[], { there, routes }: ShimPlace): HostStep[] {
  const wanted = families.map(hostCidr)
  const ranges = families.map(({ range }) => inOneSpelling(range))
  // What somebody gave it with a longer mask is not what an agent gave it before.
  const old = fixedOf(there).filter((one) => isHostLength(one) && !wanted.includes(canonicalCidr(one)))
  const made = routes.filter((route) => route.link === link && route.protocol !== 'kernel')
  return [
    ...old.map((address): HostStep => ({ do: 'remove-address', link, address })),
    ...made
      .filter(({ destination }) => !ranges.includes(inOneSpelling(destination)))
      .map(({ destination }): HostStep => ({ do: 'remove-route', link, destination })),
  ]
}

interface FamilyPlan {
  readonly addresses: readonly HostStep[]
  readonly routes: readonly HostStep[]
  readonly faults: readonly ReportedFault[]
}

function planFamily(link: string, family: ShimFamily, { parent, there, routes }: ShimPlace): FamilyPlan {
  const { shim, range } = family
  const address = hostCidr(family)
  const isThere = fixedOf(there).some((one) => canonicalCidr(one) === address)
  const addresses: HostStep[] = isThere
    ? []
    : [
        { do: 'ask-for-address', link: parent, address: shim },
        { do: 'add-address', link, address },
      ]
  const same = routes.filter(({ destination }) => inOneSpelling(destination) === inOneSpelling(range))
  const other = same.find((route) => route.link !== link)
  const own = same.find((route) => route.link === link && route.protocol !== 'kernel')
  if (own !== undefined && canonicalAddress(own.source) === canonicalAddress(shim)) {
    return { addresses, routes: [], faults: [] }
  }
  const taken = own === undefined ? routeTaken(range, link, { routes, other }) : undefined
  if (taken !== undefined) return { addresses, routes: [], faults: [{ code: 'route-taken', message: taken }] }
  const route = { do: 'set-route', link, destination: inOneSpelling(range), source: shim } as const
  return { addresses, routes: [route], faults: [] }
}

/** To replace a route could cut the host off. */
function routeTaken(
  range: string,
  link: string,
  { routes, other }: { readonly routes: readonly HostRoute[]; readonly other: HostRoute | undefined },
): string | undefined {
  const way = wayInside(range, link, routes)
  if (way !== undefined) {
    return `The range ${range} holds ${way} of this host, which a route by the shim would cut off: give this node another range (\`reserve\` what is not for containers).`
  }
  if (other === undefined) return undefined
  const via = other.link === undefined ? '' : ` by ${other.link}`
  return `This host routes ${range} already${via}, so its own containers cannot be reached by the shim: remove that route, or give the nodes ranges smaller than the subnet.`
}

/** Routes go with the link that they are on, and when it is down. */
const without = (link: string, { routes }: HostState): readonly HostRoute[] =>
  routes.filter((route) => route.link !== link)

/** What this host goes by and that a route to the whole range would take over: a router, or what it routes elsewhere. */
function wayInside(range: string, link: string, routes: readonly HostRoute[]): string | undefined {
  const block = parseCidr(range)?.block
  if (block === undefined) return undefined
  const [router] = nextHopsIn(block, routes)
  if (router !== undefined) return `the router ${router}`
  const inner = routes.find(({ destination, link: by, gateways }) => {
    const to = parseCidr(destination)?.block
    const isFurther = to !== undefined && contains(block, to) && to.length > block.length
    // Of one address on a link is how shims are reached that were made by hand.
    return isFurther && by !== link && (gateways !== undefined || !isHostLength(destination))
  })
  return inner === undefined ? undefined : `the route to ${inner.destination}`
}

const inOneSpelling = (text: string): string => canonicalBlock(text) ?? text

const canonicalCidr = (text: string): string => {
  const cidr = parseCidr(text)
  return cidr === undefined ? text : `${formatAddress(cidr.block.family, cidr.address)}/${cidr.block.length}`
}

const canonicalAddress = (text: string | undefined): string =>
  text === undefined ? '' : canonicalCidr(`${text}/${text.includes(':') ? 128 : 32}`)

export interface Keeping {
  readonly all: readonly WantedNetwork[]
  /** Ids of networks that go in the same plan. */
  readonly removed: readonly string[]
  /** The link that the planned network is on. */
  readonly parent: string | undefined
  /** The network whose shims go in the same plan. */
  readonly shimsOf: string | undefined
}

/** In doubt a link is in use. */
export function unusedSteps(observed: NodeObservation, keeping: Keeping): HostStep[] {
  const stays = observed.networks.filter(({ id }) => !keeping.removed.includes(id))
  if (stays.some((network) => isOnUnknownParent(network, observed, stays))) return []
  const used = new Set([keeping.parent, ...stays.map((network) => parentOf(network, stays))])
  for (const { parent, presence } of keeping.all) if (presence === 'present') used.add(parent)
  const isGoing = (link: HostLink) => keeping.shimsOf !== undefined && isShimOf(keeping.shimsOf, link)
  for (const link of observed.links)
    if (link.lower !== undefined && !isGoing(link) && !isOwnVlan(link)) used.add(link.lower)
  const idle = observed.links.filter(({ name }) => !used.has(name))
  const vlans = idle.filter(isOwnVlan)
  const calmed = idle.filter(
    (link) => link.isPromiscuous && observed.promiscuousByUs.has(link.name) && !isOwnVlan(link),
  )
  return [
    ...calmed.map(({ name }): HostStep => ({ do: 'set-promiscuous', link: name, isOn: false })),
    ...vlans.map(({ name }): HostStep => ({ do: 'remove-link', link: name })),
  ]
}

const isOwnVlan = (link: HostLink): boolean => isOurs(link) && link.kind === 'vlan' && !isShim(link)

const parentOf = ({ options, configFrom }: EngineNetwork, networks: readonly EngineNetwork[]): string | undefined =>
  options.parent ?? networks.find(({ name, configOnly }) => configOnly && name === configFrom)?.options.parent

/** A manager shows no parent of a swarm network. With containers on it, its link may be any. */
const isOnUnknownParent = (
  network: EngineNetwork,
  { containers }: NodeObservation,
  networks: readonly EngineNetwork[],
): boolean =>
  isLinkDriver(network.driver) &&
  parentOf(network, networks) === undefined &&
  containers.some(({ addresses }) => addresses.some((one) => one.network === network.name && one.address !== undefined))
