/** Nodes, as the managers know them. */

export type Availability = 'active' | 'pause' | 'drain'

/** Of a manager, by the leader's word. It is no part of the node's version, and no event announces it. */
export interface ManagerStatus {
  readonly isLeader: boolean
  /** Swarm's word. */
  readonly reachability: 'unknown' | 'unreachable' | 'reachable'
}

export interface SwarmNode {
  readonly id: string
  /** Version.Index: what a write compares against. */
  readonly version: number
  readonly hostname: string
  readonly role: 'manager' | 'worker'
  /** Swarm's word. */
  readonly state: 'unknown' | 'down' | 'ready' | 'disconnected'
  readonly availability: Availability
  readonly labels: Readonly<Record<string, string>>
  /** `Status.Addr`; absent where Swarm has none. */
  readonly address?: string
  readonly engineVersion: string
  /** What its engine says that it has; absent where it says nothing. */
  readonly cpus?: number
  readonly memoryBytes?: number
  readonly platform: { readonly os: string; readonly architecture: string }
  /** `Description.Engine.Labels`, for constraints. */
  readonly engineLabels: Readonly<Record<string, string>>
}
