/** What the bootstrap needs of the world. Types only; adapters implement them, `commands/` wires them. */
import type { Unsubscribe } from '../foundation/listeners.ts'
import type { DefinitionSet } from './definition/definition.ts'
import type { NetworkRecord } from './record/record.ts'

/** The records of all networks: Swarm configs `orrery-network-<name>`. */
export interface Records {
  /** From the cache, no engine call. By name of the network. */
  all(): ReadonlyMap<string, NetworkRecord>
  /** Records that are there and cannot be understood, with the reason: nothing may be written over them. */
  unreadable(): ReadonlyMap<string, string>
  /** Version.Index of one record: an agent that was given this revision or a higher one knows it. Absent: no record. */
  revisionOf(name: string): number | undefined
  /** The highest Version.Index of all `orrery-` configs that was ever seen, read together with the records. */
  revision(): number
  onChange(listener: () => void): Unsubscribe
  /** Reads them all anew. Throws Fault `engine-unavailable`. */
  refresh(): Promise<void>
  /**
   * Compare-and-swap with re-reading; `change` may run more than once, with `undefined` where there is no record.
   * Returning what it was given writes nothing; returning `undefined` removes the record. Resolves when it is written.
   * Throws Fault `engine-unavailable`, `conflicts-exhausted` or `write-rejected`.
   */
  update(name: string, change: (record: NetworkRecord | undefined) => NetworkRecord | undefined): Promise<void>
}

/** The definitions, watched. */
export interface Definitions {
  current(): DefinitionSet
  onChange(listener: () => void): Unsubscribe
}
