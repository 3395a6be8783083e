/** Whether a part of the caches can be trusted that is listed apart: what fails here keeps nobody from scaling. */

import { createListeners, type Unsubscribe } from '../../../foundation/listeners.ts'
import type { Logger } from '../../../foundation/logger.ts'
import type { SyncStatus } from '../../../swarm/sync.ts'
import type { InSync } from './in-sync.ts'
import type { ListingState } from './keep-listing.ts'

export interface PartInSync extends ListingState {
  /** That of the whole, and that this part was listed since changes may have been missed. */
  status(): SyncStatus
  /** From now on it is listed; before, nobody needs it. */
  activate(): void
  isActive(): boolean
  onChange(listener: () => void): Unsubscribe
}

interface PartInSyncDeps {
  readonly inSync: InSync
  /** `nodes and networks`. */
  readonly what: string
  readonly logger: Logger
}

export function createPartInSync({ inSync, what, logger }: PartInSyncDeps): PartInSync {
  const progress = createListeners<void>(logger)
  const changes = createListeners<void>(logger)
  let isActive = false
  let listedEpoch = 0
  let failure = ''

  const isListed = () => listedEpoch === inSync.epoch()

  const status = (): SyncStatus => {
    const whole = inSync.status()
    if (!whole.inSync || isListed()) return whole
    const reason = failure || `The ${what} are being read: changes may have been missed.`
    return { ...whole, inSync: false, reason }
  }

  return {
    status,
    onChange: changes.add,
    isActive: () => isActive,
    activate() {
      if (isActive) return
      isActive = true
      progress.tell()
    },
    listing() {
      if (!isActive || inSync.listing() === 'pointless') return 'pointless'
      return isListed() ? 'done' : 'needed'
    },
    epoch: inSync.epoch,
    listed(epoch) {
      const wasInSync = status().inSync
      listedEpoch = epoch
      failure = ''
      if (status().inSync !== wasInSync) changes.tell()
    },
    listFailed(reason) {
      failure = reason
    },
    onProgress(listener) {
      const stops = [progress.add(listener), inSync.onProgress(listener)]
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
}
