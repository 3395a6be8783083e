/** What discovery needs of Consul. Types only; adapters implement them, `commands/` wires them. */
import type { NativeCheck } from './entry.ts'
import type { CatalogService, CatalogState, CatalogWrite } from './plan/catalog.ts'
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
  /** Waits until it changes hands, half a minute at most. `isFree`: nobody has it. */
  watch(index: string | undefined, signal: Ending): Promise<{ readonly index: string; readonly isFree: boolean }>
}

/** A service as a Consul agent has it. */
export interface AgentService extends Omit<CatalogService, 'index'> {
  readonly address6?: string
  /** Its checks by id, with what each was made from where that is known. */
  readonly checks: readonly (NativeCheck & { readonly CheckID: string })[]
}

/** Agent mode: the Consul agent beside an agent of ours. Throws as `ConsulCatalog`. */
export interface ConsulAgent {
  readonly address: string
  /** By id; checks are not read. */
  services(): Promise<ReadonlyMap<string, Omit<CatalogService, 'index'>>>
  /** With its checks, in place of those it had. Throws Fault `consul-refused` when Consul refuses it for what it is. */
  register(service: AgentService): Promise<void>
  deregister(id: string): Promise<void>
}
