/** What is known of one task, its service, its node and its container, as discovery needs it. */
import type { KeyLayers } from './keys/service-keys.ts'

export interface TaskFacts {
  readonly id: string
  readonly serviceId: string
  /** Absent for a global service. */
  readonly slot?: number
  readonly nodeId?: string
  /** Swarm's words. */
  readonly desiredState: string
  readonly state: string
}

export interface ServiceFacts {
  readonly id: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

export interface NodeFacts {
  readonly id: string
  readonly hostname: string
  /** The host's own; absent where Swarm has none. */
  readonly address?: string
  readonly state: 'unknown' | 'down' | 'ready' | 'disconnected'
  /** With the ranges of its networks. */
  readonly labels: Readonly<Record<string, string>>
}

/** A task's container as the agent of its node last saw it. */
export interface ContainerFacts {
  readonly id: string
  /** Docker's word: created, running, exited, … */
  readonly state: string
  readonly addresses: readonly { readonly network: string; readonly address?: string; readonly address6?: string }[]
  /** `80/tcp`, of the image and what is published. */
  readonly exposed: readonly string[]
  /** `SERVICE_*` of its environment and nothing else. */
  readonly env: KeyLayers['env']
  /** `SERVICE_*` and our own of its labels. */
  readonly labels: KeyLayers['containerLabels']
}

export interface Settings {
  /** The Swarm's id: entries of another one are not ours. */
  readonly cluster: string
  /** Only what has a SERVICE_NAME is registered. */
  readonly isExplicit: boolean
  /** Names of Swarm services that are left out; `*` stands for any text. */
  readonly ignored: readonly string[]
  /** How long the entries of a node that is down stay, ms. */
  readonly nodeGraceMs: number
}
