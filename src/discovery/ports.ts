/** What discovery needs of Consul. Types only; adapters implement them, `commands/` wires them. */
import type { AgentService, AgentWrite } from './plan/agent-difference.ts'
import type { CatalogCheck, CatalogService, CatalogState, CatalogWrite } from './plan/catalog.ts'
import type { WriteFailure } from './plan/transactions.ts'

/** An AbortSignal, as far as a call looks at it: ports are compiled without Node's types. */
export interface Ending {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** How a transaction ended. */
export type TransactionResult =
  /** `indexOf`: the ModifyIndex that a write has now; 0 for a deletion. */
  | { readonly kind: 'done'; readonly indexOf: (write: CatalogWrite) => number }
  /** The session does not hold the lock: nothing was written. */
  | { readonly kind: 'not-writer' }
  /** Nothing was written. */
  | { readonly kind: 'refused'; readonly failures: readonly WriteFailure[] }

/** Catalog mode. Everything here throws Fault `consul-unavailable`, with a reason for a person, when there is no answer. */
export interface ConsulCatalog {
  /** For messages to people. */
  readonly address: string
  /** Every node that is no agent's, and those with these names. */
  read(names: readonly string[], signal: Ending): Promise<CatalogState>
  /**
   * Waits until a check of such a node changes, half a minute at most. The answer is the index to wait for next, and the
   * status of each check by `<node>/<check id>`.
   */
  watch(
    index: string | undefined,
    signal: Ending,
  ): Promise<{ readonly index: string; readonly checks: ReadonlyMap<string, string> }>
  write(writes: readonly CatalogWrite[], session: string): Promise<TransactionResult>
  readonly lock: ConsulLock
}

/** The lock of the one writer. */
export interface ConsulLock {
  /** A session's id. It ends by itself when it is not renewed: 10 s, which Consul doubles. */
  open(): Promise<string>
  /** `false`: Consul knows it no more. */
  renew(session: string): Promise<boolean>
  /** `false`: somebody else has it, or had it a moment ago and died. */
  take(session: string): Promise<boolean>
  /** Frees the lock at once and ends the session. */
  giveUp(session: string): Promise<void>
  /**
   * Takes the key itself away, and all other sessions that were opened for it; this one goes on. `false`: it does not hold the
   * lock, and nothing was removed.
   */
  remove(session: string): Promise<boolean>
  /** Waits until it changes hands, half a minute at most. `isFree`: nobody has it. */
  watch(index: string | undefined, signal: Ending): Promise<{ readonly index: string; readonly isFree: boolean }>
}

/** Agent mode: what the Consul agent beside a node's engine has. Throws as `ConsulCatalog`, and Fault `consul-refused`. */
export interface ConsulServices {
  /** For messages to people. */
  readonly address: string
  /** By id: everything that it has registered, whoever did. */
  list(): Promise<ReadonlyMap<string, AgentService>>
  write(write: AgentWrite): Promise<void>
}

/** Agent mode, as a controller sees it: throws as `ConsulCatalog`. */
export interface ConsulInstances {
  readonly address: string
  /** Every instance of these services, wherever it is registered. */
  instances(
    names: readonly string[],
  ): Promise<readonly { readonly service: CatalogService; readonly checks: readonly CatalogCheck[] }[]>
}

/** The Consul agent that is asked. Throws as `ConsulCatalog`. */
export interface ConsulAgent {
  /** For messages to people. */
  readonly address: string
  /** As the agent has it now. */
  find(id: string): Promise<{ readonly address: string; readonly port: number } | undefined>
  register(self: SelfEntry): Promise<void>
  deregister(id: string): Promise<void>
  /** Instances of a service whose checks pass, nearest first. */
  passing(service: string): Promise<readonly { readonly address: string; readonly port: number }[]>
}

/** A controller as it is found in Consul. */
export interface SelfEntry {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly port: number
  readonly meta: Readonly<Record<string, string>>
  /** What Consul asks, each 10 s. */
  readonly checkUrl: string
}
