/** What is known of one task, its service, its node and its container, as discovery needs it. */
import type { SwarmNode } from '../swarm/nodes.ts'
import type { ServiceObservation } from '../swarm/services.ts'
import type { SwarmTask } from '../swarm/tasks.ts'
import type { KeyLayers } from './keys/service-keys.ts'

export type TaskFacts = Pick<SwarmTask, 'id' | 'serviceId' | 'slot' | 'nodeId' | 'desiredState' | 'state'>
export type ServiceFacts = Pick<ServiceObservation, 'id' | 'name' | 'labels'>
/** Its labels hold the ranges of its networks. */
export type NodeFacts = Pick<SwarmNode, 'id' | 'hostname' | 'address' | 'state' | 'labels'>

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
