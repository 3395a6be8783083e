/** Networks, as an engine shows them: on a manager the cluster's, on every node its own. */

export interface EngineNetwork {
  readonly id: string
  readonly name: string
  /** `null` on a config-only network. */
  readonly driver: string
  readonly scope: string
  readonly configOnly: boolean
  /** Empty if none. */
  readonly configFrom: string
  readonly labels: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, string>>
  readonly subnets: readonly EngineSubnet[]
}

/** What makes a network on a link of the host, and the shim beside it. */
export type LinkDriver = 'macvlan' | 'ipvlan'

/** How containers of one host reach each other: the driver's mode, of networks and of links alike. */
export const LINK_MODES = { macvlan: 'bridge', ipvlan: 'l2' } as const

/** Of a network's driver, or of a link's kind. */
export const isLinkDriver = (name: string | undefined): name is LinkDriver => name === 'macvlan' || name === 'ipvlan'

/** The one of this family. */
export const subnetOf = (subnets: readonly EngineSubnet[], isIpv6: boolean): EngineSubnet | undefined =>
  subnets.find(({ subnet }) => subnet.includes(':') === isIpv6)

/** One address family of a network. */
export interface EngineSubnet {
  readonly subnet: string
  readonly range?: string
  readonly gateway?: string
  /** Name to address: what the engine never gives away. */
  readonly aux: Readonly<Record<string, string>>
}

/** On config-only networks that an agent made: the network's name. What proves that they are ours. */
export const NETWORK_LABEL = 'orrery.network'
