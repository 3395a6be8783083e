/** Whether what is known of the Swarm can be trusted. */
import { Fault } from '../foundation/errors.ts'

/** Whether what the cache says can be trusted: docs/architecture.md, "in sync". */
export interface SyncStatus {
  readonly inSync: boolean
  /** Why not, for a person, with what to do about it; empty when in sync. */
  readonly reason: string
  /** When a read through the leader last succeeded; absent if never. */
  readonly lastLeaderReadAtMs?: number
}

/** Swarm cannot be read through its leader just now. Pure. */
export function notInSync({ reason }: SyncStatus): Fault {
  return new Fault('not-in-sync', reason, { retryAfterMs: 2000 })
}
