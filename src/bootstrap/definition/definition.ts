/** A network as an operator defines it (`<ORRERY_NETWORK_DIR>/*.yaml`), read and in canonical form. Types only. */
import type { LinkDriver } from '../../swarm/networks.ts'

/** Addresses from `first` to `last`, both included, as text: `172.80.1.0` to `172.80.200.255`. */
export interface AddressSpan {
  readonly first: string
  readonly last: string
}

/** One address family of a network. CIDRs without host bits. */
export interface FamilyDefinition {
  /** The same on every node: it is the mask of the LAN. */
  readonly subnet: string
  readonly gateway?: string
  /** What may be given to nodes. */
  readonly pool: readonly AddressSpan[]
  /** One node's range, as a prefix length. */
  readonly rangeLength: number
  /** Never given. */
  readonly reserve: readonly AddressSpan[]
  /** Node id or host name to its range, a CIDR. */
  readonly pins: Readonly<Record<string, string>>
}

export interface NetworkDefinition {
  /** Of the swarm network. */
  readonly name: string
  /** Of its config-only network on every node. */
  readonly configName: string
  readonly driver: LinkDriver
  /** A link's name, or `auto`: the link that is in the subnet. The node label `orrery.parent.<name>` overrides it. */
  readonly parent: string
  readonly ipv4: FamilyDefinition
  readonly ipv6?: FamilyDefinition
  /** `reserve`: each range's first and last address stay unused. */
  readonly edges: 'reserve' | 'use'
  /** One address of each range is the host's own. */
  readonly shim: boolean
  /** What happens to a node's availability while it does not match the definition. */
  readonly onFault: 'report' | 'pause'
}

/** Something wrong, or worth a second look, in a definition. A file with an error defines nothing. */
export interface DefinitionIssue {
  readonly file: string
  /** `pool[0]`, `nodes.manager1`; absent when the whole file is meant. */
  readonly field?: string
  /** As written. */
  readonly value?: string
  readonly level: 'error' | 'warning'
  /** What is wrong and what would be right. */
  readonly message: string
}

export interface DefinitionFile {
  readonly file: string
  /** Absent: the file has errors. */
  readonly definition?: NetworkDefinition
  /** As far as it could be read, so that its network is not taken for removed. */
  readonly name?: string
}

/** Everything that the folder says. */
export interface DefinitionSet {
  readonly files: readonly DefinitionFile[]
  readonly issues: readonly DefinitionIssue[]
  /** Why the folder itself cannot be read, or that it is not there; then nothing may be concluded from what is missing. */
  readonly fault?: string
}
