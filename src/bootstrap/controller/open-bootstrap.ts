/**
 * The use cases of networks put together, for the controller and for the commands alike. What only agents know comes by
 * `reports`; a command that hears none passes NO_REPORTS, and what they know is then unknown.
 */
import type { Clock, Logger } from '../../autoscaling/ports.ts'
import type { ClusterPlan, ServiceUse } from '../plan-words.ts'
import type { AgentReports, Definitions, Nodes, Records, SwarmNetworks, Tasks } from '../ports.ts'
import type { ChangeResult, OnProgress, Patience } from './progress.ts'

/** One manager's engine, as `connectSwarm` with `networks: true` gives it. */
export interface BootstrapSwarm {
  readonly nodes: Nodes
  readonly tasks: Tasks
  readonly networks: SwarmNetworks
  readonly records: Records
  /** Services with the networks they name. Reads them. Throws Fault `engine-unavailable`. */
  readonly serviceUses: () => Promise<readonly ServiceUse[]>
}

export interface BootstrapDeps {
  readonly swarm: BootstrapSwarm
  readonly definitions: Definitions
  readonly reports: AgentReports
  readonly logger: Logger
  readonly now: Clock
}

export interface PlanWish {
  readonly mode: 'keep' | 'auto' | 'apply'
  readonly allowDrain?: boolean
}

/** All throw Fault `engine-unavailable`, `not-in-sync` or `unknown-network`; what a plan refuses is a result. */
export interface Bootstrap {
  /** Reads what is needed and plans; writes nothing. */
  plan(wish: PlanWish): Promise<ClusterPlan>
  /** Takes the plan's steps one at a time, until there is none left. */
  apply(wish: PlanWish & Patience, onProgress?: OnProgress): Promise<ChangeResult>
  /** Refused while a service uses the network. */
  remove(wish: { readonly network: string } & Patience, onProgress?: OnProgress): Promise<ChangeResult>
  /** Takes over a swarm network and config-only networks that were made by hand. Needs every node's report. */
  adopt(wish: { readonly network: string } & Patience, onProgress?: OnProgress): Promise<ChangeResult>
  /** Makes a freed range (as CIDR) free before its 24 h are over. */
  release(wish: { readonly network: string; readonly range: string }, onProgress?: OnProgress): Promise<ChangeResult>
}

export const NO_REPORTS: AgentReports = {
  get: () => undefined,
  list: () => [],
  onChange: () => () => {},
}
