/** What one port of one task is in Consul, whichever way it gets there. */

/** A native check, for a Consul agent: the fields as Consul's agent API names them. */
export interface NativeCheck {
  readonly Name: string
  readonly HTTP?: string
  readonly Method?: string
  readonly TCP?: string
  readonly GRPC?: string
  readonly GRPCUseTLS?: boolean
  readonly TLSSkipVerify?: boolean
  readonly Args?: readonly string[]
  readonly TTL?: string
  readonly Interval?: string
  readonly Timeout?: string
  readonly Status?: string
  readonly DeregisterCriticalServiceAfter?: string
}

export interface Entry {
  /** `orrery:<service>.<slot or node>.<task id>:<port>[:udp]`. */
  readonly id: string
  /** The Consul name, as DNS says it. */
  readonly name: string
  readonly address: string
  /** Where the network has both families: `address` is the IPv4 one. In Meta, since Consul's transactions drop tagged addresses. */
  readonly address6?: string
  readonly port: number
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  readonly checks: readonly NativeCheck[]
  /** The Swarm's. */
  readonly taskId: string
  readonly serviceName: string
  readonly nodeId: string
  readonly hostname: string
  /** Of the host; what its Consul node gets. */
  readonly hostAddress: string
}

/** Something somebody wrote that cannot be carried out, and what would be right. */
export interface EntryIssue {
  readonly service: string
  readonly key: string
  /** Cut to what a line can hold. */
  readonly value: string
  readonly message: string
  /** `refused`: the entry, or the whole task, is not in Consul for it. `left-out`: only this key is. */
  readonly effect: 'refused' | 'left-out'
}

export const MANAGED_BY = 'orrery'
export const ID_PREFIX = 'orrery:'
/** And its node's id: a controller's own entry. */
export const CONTROLLER_ID_PREFIX = 'orrery-controller-'
export const CHECK_NAME = 'Swarm task'
/** Meta of our own: an attribute of the same name does not replace it. */
export const OWN_META = ['managed-by', 'cluster', 'service', 'task', 'node', 'network', 'address6'] as const

export const checkIdOf = (entryId: string): string => `service:${entryId}`
export const consulNodeOf = (hostname: string): string => `swarm-${hostname}`
