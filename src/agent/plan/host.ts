/** A host as its kernel shows it, what may be done to it or its engine, and what may go wrong with that. */
import type { ConfigNetwork } from '../../swarm/config-network.ts'
import type { EngineNetwork, LinkDriver } from '../../swarm/networks.ts'
import type { ReportedContainer } from '../../swarm/node-report.ts'

/** What went wrong with a host, as a report says it. */
export type HostFaultCode =
  /** There is no iproute2. */
  | 'ip-missing'
  /** NET_ADMIN, or the host's network, is missing. */
  | 'not-permitted'
  /** The kernel does not know this kind of link. */
  | 'kind-unknown'
  /** Another machine of the LAN answers for it. */
  | 'address-taken'
  /** Something else has the link, or its place. */
  | 'busy'
  | 'host-failed'

export class HostFault extends Error {
  override readonly name = 'HostFault'
  readonly code: HostFaultCode

  /** `message`: a sentence for a person. */
  constructor(code: HostFaultCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
  }
}

export interface HostAddress {
  /** With prefix length. */
  readonly address: string
  /** The kernel's word: `global`, `link`, `host`, … */
  readonly scope: string
  /** Learned from a router, with a life time: no person's and none of ours. */
  readonly isDynamic: boolean
}

export interface HostLink {
  readonly name: string
  /** Switched on; whether anything is at the other end is `hasCarrier`. */
  readonly isUp: boolean
  readonly hasCarrier: boolean
  /** Switched on for the link itself: what other links on it make of it does not count. */
  readonly isPromiscuous: boolean
  readonly mtu?: number
  /** Of its hardware, lower case; absent where it has none. */
  readonly mac?: string
  /** Empty if none. */
  readonly alias: string
  /** `vlan`, `macvlan`, `ipvlan`, `bridge`, …; absent for hardware. */
  readonly kind?: string
  /** Of macvlan and ipvlan: `bridge`, `l2`, … */
  readonly mode?: string
  /** The link that it is made on; absent where there is none, or where that is in another namespace. */
  readonly lower?: string
  /** The bridge or bond that it is a port of. */
  readonly master?: { readonly name: string; readonly kind: string }
  readonly addresses: readonly HostAddress[]
}

/** Of the main table. */
export interface HostRoute {
  /** A CIDR; `default` is `0.0.0.0/0` or `::/0`. */
  readonly destination: string
  /** Absent where it has none or several. */
  readonly link?: string
  /** The address that the host sends from. */
  readonly source?: string
  /** `kernel`: made with an address, not by anybody. */
  readonly protocol?: string
  /** The routers that it goes to; absent where what is meant is on the link itself. */
  readonly gateways?: readonly string[]
}

export interface HostState {
  readonly links: readonly HostLink[]
  readonly routes: readonly HostRoute[]
}

/** All that the plan of one node is made from. */
export interface NodeObservation extends HostState {
  /** Every network of the engine. */
  readonly networks: readonly EngineNetwork[]
  readonly containers: readonly Pick<ReportedContainer, 'addresses'>[]
  /** Links that the agent has made promiscuous, and that were not before. */
  readonly promiscuousByUs: ReadonlySet<string>
  /** Ids of config-only networks without our label that the agent has taken over. */
  readonly adoptedByUs: ReadonlySet<string>
  /** By network: the basis on which this engine was seen to make it. */
  readonly proven: ReadonlyMap<string, string>
}

export type HostStep =
  /** The alias comes with the name: a link without is half made, and has a name that says so. */
  | {
      readonly do: 'make-vlan'
      readonly link: string
      readonly lower: string
      readonly id: number
      readonly alias: string
    }
  | {
      readonly do: 'make-shim'
      readonly link: string
      readonly lower: string
      readonly driver: LinkDriver
      readonly alias: string
    }
  | { readonly do: 'remove-link'; readonly link: string }
  | { readonly do: 'raise-link'; readonly link: string }
  | { readonly do: 'set-promiscuous'; readonly link: string; readonly isOn: boolean }
  | { readonly do: 'set-mtu'; readonly link: string; readonly mtu: number }
  /** Asks the LAN of `link` for the address, before it becomes ours. Fails where somebody has it. */
  | { readonly do: 'ask-for-address'; readonly link: string; readonly address: string }
  | { readonly do: 'add-address' | 'remove-address'; readonly link: string; readonly address: string }
  | { readonly do: 'set-route'; readonly link: string; readonly destination: string; readonly source: string }
  | { readonly do: 'remove-route'; readonly link: string; readonly destination: string }

export type NodeStep =
  | HostStep
  | { readonly do: 'create-network'; readonly network: ConfigNetwork }
  /** Remembered alone: a label cannot be put on a network that is there. */
  | { readonly do: 'adopt-network' | 'remove-network'; readonly id: string; readonly name: string }
  /** Makes a network from the config-only one, as the first task would, and removes it: what the engine refuses shows now. */
  | (NetworkProof & { readonly do: 'prove-network' })

export interface NetworkProof {
  /** Of the swarm network that tasks would be on. */
  readonly network: string
  readonly configFrom: string
  readonly driver: LinkDriver
  /** Swarm's; absent: not known. */
  readonly networkId?: string
  /** What it is made of, and what else the engine has: proved once, it holds for as long as this is the same. */
  readonly basis: string
  /** Networks that may be what the engine minds, for a person. */
  readonly suspects: readonly string[]
}
