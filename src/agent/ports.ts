/** What the agent needs of its host, its engine, its disk and the controllers. Types only; adapters implement them. */
import type { Unsubscribe } from '../foundation/listeners.ts'
import type { ConfigNetwork } from '../swarm/config-network.ts'
import type { EngineNetwork } from '../swarm/networks.ts'
import type { NodeReport, ReportedContainer } from '../swarm/node-report.ts'
import type { WantedState } from '../swarm/wanted.ts'
import type { HostState, HostStep } from './plan/host.ts'

/** Links, addresses and routes of this host, through iproute2. */
export interface Host {
  /** IPv6 routes cost a program of their own, so they are left out where no network has IPv6. Throws HostFault. */
  observe(options: { readonly ipv6: boolean }): Promise<HostState>
  /** Throws HostFault. */
  carryOut(step: HostStep): Promise<void>
}

/** What this node's engine says of itself. */
export interface EngineFacts {
  readonly version: string
  readonly hostname: string
  /** Its own, which it keeps whatever Swarm it is in; empty if it does not say. */
  readonly engineId: string
  /** Empty: the engine is in no swarm. */
  readonly nodeId: string
  /** Swarm's word: inactive, pending, active, error, locked. */
  readonly swarmState: string
  /** `10.0.0.1:2377`, `[fd00::1]:2377`. */
  readonly managers: readonly string[]
  /** Their ids. */
  readonly managerIds: readonly string[]
}

export type EngineNews =
  /** Something may have been missed: look at everything. Also said once when the events are first heard. */
  | 'connected'
  | 'disconnected'
  /** A container began, ended, or was attached or detached. */
  | 'container'
  /** A network came or went. */
  | 'network'

/** The engine beside the agent, on managers and workers alike. */
export interface LocalEngine {
  /** For messages to people. */
  readonly address: string
  /** Throws Fault `engine-unavailable`, as all of these. */
  facts(): Promise<EngineFacts>
  /** Every one of whatever kind. */
  networks(): Promise<readonly EngineNetwork[]>
  /** Those of Swarm's tasks, and those that are or were on one of these networks, by name. */
  containers(networks: ReadonlySet<string>): Promise<readonly ReportedContainer[]>
  /** Throws Fault `write-rejected` too, with the engine's words. */
  createNetwork(network: ConfigNetwork): Promise<void>
  /** Makes a network of this engine alone from a config-only one, and removes it. Throws as `createNetwork`. */
  proveNetwork(probe: { readonly name: string; readonly configFrom: string; readonly driver: string }): Promise<void>
  /** One that is gone already is removed. Throws as `createNetwork`. */
  removeNetwork(id: string): Promise<void>
  /** Of running containers by id: CPU per cent of one CPU since it was last asked, and memory. Never throws. */
  usage(ids: readonly string[]): Promise<ReadonlyMap<string, ContainerUsage>>
  onNews(listener: (news: EngineNews) => void): Unsubscribe
}

export interface ContainerUsage {
  /** Absent the first time. */
  readonly cpuPercent?: number
  readonly memoryBytes?: number
  /** The kernel has no link any more that the engine gave it: its parent was removed. */
  readonly hasLostLink?: true
}

/** What outlives the agent's process. What cannot be kept counts in this process all the same. */
export interface AgentMemory {
  /** As last kept; what cannot be read is put aside and counts as nothing. */
  wanted(): WantedState | undefined
  /** Links that the agent made promiscuous. */
  promiscuous(): ReadonlySet<string>
  /** Ids of config-only networks that the agent has taken over. */
  adopted(): ReadonlySet<string>
  /** Never throws. */
  keepWanted(wanted: WantedState): Promise<void>
  keepPromiscuous(links: ReadonlySet<string>): Promise<void>
  keepAdopted(networkIds: ReadonlySet<string>): Promise<void>
  /** Why the last thing could not be kept; a sentence for a person. */
  fault(): string | undefined
}

export type ControllerAnswer =
  /** `isProven`: by its certificate it is a controller of this node's Swarm. */
  | { readonly kind: 'wanted'; readonly wanted: WantedState; readonly isProven: boolean }
  /** It answered something else: a sentence for a person. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  | { readonly kind: 'silent'; readonly reason: string }

/** `PUT <url>/v1/node/<id>`. */
export interface ControllerCalls {
  /** Never throws, and takes 2 s at most. */
  report(url: string, report: NodeReport): Promise<ControllerAnswer>
}
