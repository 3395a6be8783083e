/**
 * A write without an answer: an update abandoned after a second was seen to take effect after the other managers thawed.
 * It is resolved by reading through the leader: our write's id (committed), or another version (it cannot commit any more).
 */

import { STATE_LABEL } from '../../swarm/services.ts'
import { decodeState } from '../decision/state.ts'
import type { WriterContext } from './writer-context.ts'

/**
 * How long the version must stay what it was before deciding goes on. Safe whatever became of the write:
 * the next one compares against the same version, so only one of the two can ever commit.
 */
const QUIET_MS = 2_000

export interface UnknownWrite {
  pending(): boolean
  begin(write: { readonly writeId: string; readonly version: number }): void
  /** Reads once if need be. `true`: nothing is unresolved (any more). Never throws. */
  settle(): Promise<boolean>
}

export function createUnknownWrite({ serviceId, services, logger, now }: WriterContext): UnknownWrite {
  let unresolved: { writeId: string; version: number; sinceMs: number } | undefined
  const resolved = (what: string) => {
    logger.info({ event: 'write-resolved', serviceId, writeId: unresolved?.writeId }, `an unanswered write ${what}`)
    unresolved = undefined
    return true
  }
  return {
    pending: () => unresolved !== undefined,
    begin(write) {
      unresolved = { ...write, sinceMs: now() }
      logger.warn(
        { event: 'write-unknown', serviceId, ...write },
        'a write got no answer: it may take effect, now or later',
      )
    },
    async settle() {
      if (unresolved === undefined) return true
      const { writeId, version, sinceMs } = unresolved
      try {
        const service = await services.refresh(serviceId)
        if (service === undefined) return resolved('is void: the service is gone')
        if (decodeState(service.labels[STATE_LABEL])?.writeId === writeId) return resolved('was committed')
        if (service.version !== version) return resolved('was not committed: another version came first')
        return now() - sinceMs >= QUIET_MS && services.sync().inSync ? resolved('left no trace') : false
      } catch (error) {
        logger.debug({ event: 'write-unresolved', serviceId, err: error }, 'cannot read yet what became of a write')
        return false
      }
    },
  }
}
