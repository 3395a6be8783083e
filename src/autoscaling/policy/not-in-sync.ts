import { Fault } from '../../foundation/errors.ts'
import type { SyncStatus } from '../../swarm/sync.ts'

/** Swarm can not be read through its leader just now. Pure. */
export function notInSync({ reason }: SyncStatus): Fault {
  return new Fault('not-in-sync', reason, { retryAfterMs: 2000 })
}
