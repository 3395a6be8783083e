/**
 * What the watch tells of tasks, kept by version, and whether that is all there is: it is once all tasks were listed after
 * the stream was complete and after everything that may have hidden a change.
 */
import type { VersionedCache } from '../engine/versioned-cache.ts'
import type { Failures } from './failures.ts'
import { isHistory, type ReadTask } from './task-mapper.ts'
import type { TaskChange } from './watch-message.ts'

export interface HeardTasks {
  isStreaming(): boolean
  /** What is in the cache is what there is, as long as the controller is in sync. */
  isComplete(): boolean
  /** So many streams were complete so far. */
  streams(): number
  /** By `performance.now()`; in the past: no manager is telling its whole log anew. */
  replayedUntil(): number
  /** The stream is complete: what changes from here on is heard. */
  began(): void
  ended(): void
  take(heard: readonly TaskChange[]): void
  /** What `read` brings is every task there is. Throws as `read`. */
  list(read: () => Promise<readonly ReadTask[]>): Promise<void>
}

export interface HeardTasksDeps {
  readonly cache: VersionedCache<ReadTask>
  readonly failures: Failures
  /** Another one once changes may have been missed. */
  readonly epoch: () => number
  /** All tasks are to be listed again. */
  readonly onReplay: () => void
}

/** After the last sign that a manager's memory is still filling, it is full. */
const REPLAYED_AFTER_MS = 500

export function createHeardTasks({ cache, failures, epoch, onReplay }: HeardTasksDeps): HeardTasks {
  /** The streams so far; a list counts for one of them, in one epoch. */
  let stream = 0
  let isStreaming = false
  let listedIn = ''
  let newestListed = -1
  let replayedAt = Number.NEGATIVE_INFINITY

  const era = () => `${epoch()} ${stream}`

  const keep = (one: ReadTask) => {
    const known = cache.get(one.id)
    if (known !== undefined ? one.version < known.version : one.version <= newestListed) {
      // A manager that was started or promoted tells the whole log anew, what is long gone too: no list of before is proof.
      replayedAt = performance.now()
      listedIn = ''
      onReplay()
    } else if (isHistory(one.task)) {
      failures.note(one.task)
      cache.applyRemoved(one.id)
    } else cache.applyRead(cache.ticket(), one.id, one)
  }

  return {
    isStreaming: () => isStreaming,
    isComplete: () => isStreaming && listedIn === era(),
    streams: () => stream,
    replayedUntil: () => replayedAt + REPLAYED_AFTER_MS,
    began() {
      isStreaming = true
      stream += 1
      newestListed = -1
    },
    ended() {
      isStreaming = false
    },
    take(heard) {
      for (const change of heard) {
        if ('removed' in change) cache.applyRemoved(change.removed)
        else keep(change.stored)
      }
    },
    async list(read) {
      const [startedIn, started] = [era(), cache.ticket()]
      const listed = await read()
      const living = listed.filter(({ task }) => !isHistory(task))
      cache.applyList(started, living)
      for (const { task } of listed) failures.note(task)
      newestListed = listed.reduce((newest, { version }) => Math.max(newest, version), -1)
      // Heard while the list came, and older than it: told by a manager that tells its whole log anew.
      const ids = new Set(living.map(({ id }) => id))
      const old = [...cache.all()].filter(({ id, version }) => version <= newestListed && !ids.has(id))
      for (const { id } of old) cache.applyRemoved(id)
      listedIn = replayedAt > performance.now() - REPLAYED_AFTER_MS ? '' : startedIn
    },
  }
}
