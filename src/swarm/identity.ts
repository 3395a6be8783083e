/** Who a node is in its Swarm: the certificate that every node has of the cluster's CA, and that Swarm renews by itself. */
import type { Unsubscribe } from '../foundation/listeners.ts'

export interface SwarmIdentity {
  readonly nodeId: string
  readonly role: 'swarm-manager' | 'swarm-worker'
  /** The cluster's id, which is the O of every certificate in it. */
  readonly cluster: string
  /** PEM: this node's certificate and what leads to the CA, its key, and the CA. */
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly notAfterMs: number
}

export interface SwarmIdentities {
  /** As it is now; absent: there is none, and `why` says so. */
  identity(): SwarmIdentity | undefined
  /** Why the files cannot be read now; a sentence for a person without its last point. */
  why(): string | undefined
  onChange(listener: () => void): Unsubscribe
}

/** What every manager's certificate names besides its node. */
export const MANAGER_NAME = 'swarm-manager'
