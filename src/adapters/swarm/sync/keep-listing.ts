/** Takes a full list when one is needed to be in sync, when a change was missed, and every minute for truth. */
import { messageOf } from '../../../foundation/errors.ts'
import type { Logger } from '../../../foundation/logger.ts'
import { createWakeableTimer, pauseFor } from '../../../foundation/wakeable-timer.ts'
import { backoff, type Timing } from '../engine/timing.ts'
import type { InSync } from './in-sync.ts'

export interface Listing {
  /** A change was missed: list soon, and trust the cache meanwhile (a write still compares versions). */
  soon(): void
  /** Returns when the signal is aborted; never throws. */
  run(): Promise<void>
}

/** What a listing needs to know of being in sync, and tells of itself. */
export type ListingState = Pick<InSync, 'listing' | 'epoch' | 'listed' | 'listFailed' | 'onProgress'>

export interface ListingDeps {
  readonly inSync: ListingState
  readonly logger: Logger
  readonly timing: Pick<Timing, 'listEveryMs' | 'backoffMs'>
  readonly signal: AbortSignal
  /** Reads everything there is into the caches. */
  readonly list: () => Promise<void>
}

export function createListing({ inSync, logger, timing, signal, list }: ListingDeps): Listing {
  let isWanted = false
  let lastAt = Number.NEGATIVE_INFINITY
  const { wake, pause } = createWakeableTimer()

  const dueInMs = (): number => {
    const state = inSync.listing()
    if (state === 'pointless') return Number.POSITIVE_INFINITY
    if (state === 'needed' || isWanted) return 0
    return Math.max(lastAt + timing.listEveryMs - performance.now(), 0)
  }

  const listOnce = async () => {
    const epoch = inSync.epoch()
    isWanted = false
    lastAt = performance.now()
    try {
      await list()
    } catch (error) {
      isWanted = true
      throw error
    }
    inSync.listed(epoch)
  }

  return {
    soon() {
      isWanted = true
      wake()
    },
    async run() {
      const stop = inSync.onProgress(wake)
      for (let failures = 0; !signal.aborted; ) {
        const pauseMs = dueInMs()
        if (pauseMs > 0) {
          await pause(pauseMs, signal)
          continue
        }
        try {
          await listOnce()
          failures = 0
        } catch (error) {
          if (signal.aborted) break
          const reason = messageOf(error)
          logger.warn({ event: 'list-failed' }, reason)
          inSync.listFailed(reason)
          await pauseFor(backoff(timing, failures), signal)
          failures += 1
        }
      }
      stop()
    },
  }
}
