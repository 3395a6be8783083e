/** What the commands `network …` work with, so that they can be tried without an engine. Types only. */

import type { DefinitionSet } from '../../bootstrap/definition/definition.ts'
import type { NetworkCatalog } from '../../bootstrap/network.ts'
import type { ClusterPlan } from '../../bootstrap/plan/words.ts'
import type { Bootstrap } from '../../bootstrap/reconcile/open-bootstrap.ts'
import type { Console } from '../console.ts'

export interface NetworkSession {
  readonly definitions: DefinitionSet
  /** ORRERY_NETWORK_AUTO, as controllers have it whose container this is. */
  readonly isAuto: boolean
  readonly bootstrap: Bootstrap
  /** With everything that was last read, and this plan if there is one. */
  catalog(plan?: ClusterPlan): NetworkCatalog
  /** Why what only agents know is not known; absent: a controller says. */
  unheard(): Unheard | undefined
  close(): Promise<void>
}

export interface Unheard {
  /** A sentence without its last point. */
  readonly reason: string
  /** Somebody answers there, so that agents hear what is wanted; it only does not tell us what it knows. */
  readonly isThere: boolean
  /** It says itself that this passes: it has just started, or is about to end. */
  readonly passes?: true
}

/** Throws Error or Fault with a sentence for a person when the Swarm cannot be read. */
export type OpenSession = (io: Console) => Promise<NetworkSession>
