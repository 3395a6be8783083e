/**
 * Whether what is cached can be trusted. It can while a read through the leader is fresh, the event stream is connected, and
 * everything was listed since the later of the two began: what happened while either was away may have been missed.
 */

import { createListeners, type Unsubscribe } from '../../../foundation/listeners.ts'
import type { Logger } from '../../../foundation/logger.ts'
import type { SyncStatus } from '../../../swarm/sync.ts'
import type { Timing } from '../engine/timing.ts'

/** Grows with everything after which changes may have been missed. */
export type Epoch = number

export interface InSync {
  status(): SyncStatus
  onChange(listener: (status: SyncStatus) => void): Unsubscribe
  leaderAnswered(startedAtMs: number): void
  leaderFailed(reason: string): void
  streamConnected(): void
  streamLost(reason: string): void
  /** Whether only a list is missing, or has to wait for leader and stream itself. */
  listing(): 'pointless' | 'needed' | 'done'
  epoch(): Epoch
  /** A full list that started in this epoch is in the caches. */
  listed(epoch: Epoch): void
  listFailed(reason: string): void
  /** Called whenever `listing()` may have changed. */
  onProgress(listener: () => void): Unsubscribe
}

export interface InSyncDeps {
  readonly now: () => number
  readonly logger: Logger
  readonly timing: Pick<Timing, 'freshForMs'>
  readonly signal: AbortSignal
}

export function createInSync({ now, logger, timing, signal }: InSyncDeps): InSync {
  const changes = createListeners<SyncStatus>(logger)
  const progress = createListeners<void>(logger)
  let leaderReadAtMs: number | undefined
  let leaderFailure = ''
  let streamIsConnected = false
  let streamFailure = ''
  let epoch: Epoch = 1
  let listedEpoch: Epoch = 0
  let listFailure = ''
  let wasInSync = false
  let lapse: NodeJS.Timeout | undefined
  signal.addEventListener('abort', () => clearTimeout(lapse), { once: true })

  const leaderIsFresh = () => leaderReadAtMs !== undefined && now() - leaderReadAtMs <= timing.freshForMs

  const whyNot = (): string => {
    if (leaderReadAtMs === undefined) return leaderFailure || 'The swarm has not been read yet.'
    if (!leaderIsFresh()) return leaderFailure || "The swarm's leader has not answered lately."
    if (!streamIsConnected) return streamFailure || 'The event stream is not connected yet.'
    if (listedEpoch !== epoch) return listFailure || 'All services are being read: changes may have been missed.'
    return ''
  }

  const status = (): SyncStatus => {
    const reason = whyNot()
    const lastLeaderReadAtMs = leaderReadAtMs === undefined ? {} : { lastLeaderReadAtMs: leaderReadAtMs }
    return { inSync: reason === '', reason, ...lastLeaderReadAtMs }
  }

  const evaluate = () => {
    progress.tell()
    const current = status()
    if (current.inSync === wasInSync) return
    wasInSync = current.inSync
    if (current.inSync) logger.info({ event: 'in-sync' }, 'in sync with the swarm')
    else logger.warn({ event: 'out-of-sync' }, `not in sync with the swarm: ${current.reason}`)
    changes.tell(current)
  }

  const changesMayBeMissed = () => {
    epoch += 1
    listFailure = ''
  }

  return {
    status,
    onChange: changes.add,
    onProgress: progress.add,
    epoch: () => epoch,
    listing() {
      if (!leaderIsFresh() || !streamIsConnected) return 'pointless'
      return listedEpoch === epoch ? 'done' : 'needed'
    },
    leaderAnswered(startedAtMs) {
      if (!leaderIsFresh()) changesMayBeMissed()
      leaderReadAtMs = startedAtMs
      leaderFailure = ''
      clearTimeout(lapse)
      if (!signal.aborted) lapse = setTimeout(evaluate, Math.max(startedAtMs + timing.freshForMs - now(), 0) + 1)
      evaluate()
    },
    leaderFailed(reason) {
      leaderFailure = reason
      evaluate()
    },
    streamConnected() {
      streamIsConnected = true
      changesMayBeMissed()
      evaluate()
    },
    streamLost(reason) {
      streamIsConnected = false
      streamFailure = reason
      evaluate()
    },
    listed(proven) {
      listedEpoch = proven
      listFailure = ''
      evaluate()
    },
    listFailed(reason) {
      listFailure = reason
      evaluate()
    },
  }
}
