/** What an agent once did to links, and nobody needs any more: VLAN links that it made, promiscuity that it switched on. */
import type { EngineNetwork } from '../../swarm/networks.ts'
import type { WantedNetwork } from '../../swarm/wanted.ts'
import type { HostLink, HostStep, NodeObservation } from './host.ts'
import { isOurs, isShim } from './link-names.ts'
import { isShimOf } from './shim-plan.ts'

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

const isOnLink = ({ driver }: EngineNetwork): boolean => driver === 'macvlan' || driver === 'ipvlan'

const parentOf = ({ options, configFrom }: EngineNetwork, networks: readonly EngineNetwork[]): string | undefined =>
  options.parent ?? networks.find(({ name, configOnly }) => configOnly && name === configFrom)?.options.parent

/** A manager shows no parent of a swarm network. With containers on it, its link may be any. */
const isOnUnknownParent = (
  network: EngineNetwork,
  { containers }: NodeObservation,
  networks: readonly EngineNetwork[],
): boolean =>
  isOnLink(network) &&
  parentOf(network, networks) === undefined &&
  containers.some(({ addresses }) => addresses.some((one) => one.network === network.name && one.address !== undefined))
