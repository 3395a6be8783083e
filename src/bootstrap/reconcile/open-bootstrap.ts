/**
 * The use cases of networks put together, for the controller and for the commands alike. What only agents know comes by
 * `reports`; what those do not say is unknown.
 */
import type { Clock } from '../../foundation/clock.ts'
import type { AgentReports } from '../../swarm/ports.ts'
import type { ClusterPlan, PlanMode } from '../plan/words.ts'
import type { Definitions } from '../ports.ts'
import { adoptNetwork } from './adopt.ts'
import { type BootstrapSwarm, createObserver } from './observe.ts'
import type { ChangeResult, OnProgress, Patience } from './progress.ts'
import { createReconciler } from './reconcile.ts'
import { type RemoveWish, releaseRange, removeNetwork } from './remove.ts'

export interface BootstrapDeps {
  readonly swarm: BootstrapSwarm
  readonly definitions: Definitions
  readonly reports: AgentReports
  readonly now: Clock
}

export interface PlanWish {
  readonly mode: PlanMode
  readonly allowDrain?: boolean
}

/** All throw Fault `engine-unavailable`, `not-in-sync` or `unknown-network`; what a plan refuses is a result. */
export interface Bootstrap {
  /** Plans on what is known; writes nothing. */
  plan(wish: PlanWish): Promise<ClusterPlan>
  /** Takes the plan's steps one at a time, until there is none left. */
  apply(wish: PlanWish & Patience, onProgress?: OnProgress): Promise<ChangeResult>
  /** Refused while a service uses the network. */
  remove(wish: RemoveWish, onProgress?: OnProgress): Promise<ChangeResult>
  /** Takes over a swarm network and config-only networks that were made by hand. Needs every node's report. */
  adopt(wish: { readonly network: string } & Patience, onProgress?: OnProgress): Promise<ChangeResult>
  /** Makes a freed range (as CIDR) free before its 24 h are over. */
  release(wish: { readonly network: string; readonly range: string }, onProgress?: OnProgress): Promise<ChangeResult>
}

const untold: OnProgress = () => {}

export function openBootstrap(deps: BootstrapDeps): Bootstrap {
  const { swarm } = deps
  const observer = createObserver(deps)
  const reconciler = createReconciler({ ...deps, observer })
  return {
    plan: ({ mode, allowDrain = false }) => observer.plan({ mode, allowDrain }),
    apply: ({ allowDrain = false, ...wish }, onProgress = untold) =>
      reconciler.reconcile({ ...wish, allowDrain }, onProgress),
    remove: (wish, onProgress = untold) => removeNetwork({ swarm, observer, reconciler }, wish, onProgress),
    adopt: (wish, onProgress = untold) => adoptNetwork({ ...deps, observer, reconciler }, wish, onProgress),
    release: (wish, onProgress = untold) => releaseRange({ swarm, observer }, wish, onProgress),
  }
}
