/**
 * The port `Tasks`: all tasks in memory, by version. They are heard as they change where the engine's control socket is there,
 * and asked for each second where it is not. What is heard is trusted once all tasks were listed after the stream was complete
 * and after everything that may have hidden a change.
 */
import { createCoalescedRead } from '../../../foundation/coalesced-read.ts'
import { createListeners } from '../../../foundation/listeners.ts'
import { createFailureLog } from '../../../foundation/log-once.ts'
import type { Logger } from '../../../foundation/logger.ts'
import { createWakeableTimer } from '../../../foundation/wakeable-timer.ts'
import type { TaskSource, Tasks } from '../../../swarm/ports.ts'
import type { SwarmTask } from '../../../swarm/tasks.ts'
import type { Engine } from '../engine/engine-connection.ts'
import { unavailable } from '../engine/engine-errors.ts'
import { textAt } from '../engine/engine-json.ts'
import { backoff, type Timing } from '../engine/timing.ts'
import { createVersionedCache } from '../engine/versioned-cache.ts'
import type { InSync } from '../sync/in-sync.ts'
import { watchTasks } from './control-socket.ts'
import { createFailures } from './failures.ts'
import { createTaskLists } from './task-lists.ts'
import { isHistory, type ReadTask } from './task-mapper.ts'
import type { TaskChange } from './watch-message.ts'

type Followed = Parameters<Tasks['follow']>[0]

export interface RunningTasks extends Tasks {
  /** Returns when the signal is aborted; never throws. */
  run(): Promise<void>
}

export interface TasksDeps {
  readonly engine: Engine
  /** Of the engine's control socket; absent: tasks are asked for. */
  readonly socketPath?: string
  readonly inSync: Pick<InSync, 'status' | 'epoch' | 'listing' | 'onProgress'>
  readonly now: () => number
  readonly logger: Logger
  readonly timing: Timing
  readonly signal: AbortSignal
  readonly onSource?: (source: TaskSource) => void
}

/** A manager that is not the leader has a change some ms later. */
const HEARD_WITHIN_MS = 500
/** After the last sign that a manager's memory is still filling, it is full. */
const REPLAYED_AFTER_MS = 500
/** Asked for, reads that take long begin so many times what one takes apart, up to what leaves the list new enough to grow by. */
const APART_FACTOR = 4
const MOST_APART_MS = 3_000

export function createTasks(deps: TasksDeps): RunningTasks {
  const { engine, socketPath, inSync, now, logger, timing, signal, onSource } = deps
  const changes = createListeners<void>(logger)
  /** Each with whether what it follows was read since it is known. */
  const followers = new Map<Followed, boolean>()
  const reading = createWakeableTimer()
  const watching = createWakeableTimer()
  let hasNews = false
  const cache = createVersionedCache<ReadTask>(() => {
    hasNews = true
  })
  const failures = createFailures()
  const asked = { ids: new Set<string>(), fullAt: Number.NEGATIVE_INFINITY, isSoon: true, tookMs: 0 }
  const lists = createTaskLists({ engine, timing, signal, get: cache.get, followed: () => asked.ids })

  /** The streams so far; a list counts for one of them, in one epoch. */
  let stream = 0
  let isStreaming = false
  /** Only at the start: later, tasks are asked for until they are heard again. A promoted manager may take seconds. */
  let isConnecting = socketPath !== undefined
  let listedIn = ''
  let newestListed = -1
  let replayedAt = Number.NEGATIVE_INFINITY
  let lastListAt = Number.NEGATIVE_INFINITY
  let readAtMs: number | undefined
  let shown: readonly SwarmTask[] | undefined
  let source: TaskSource = { kind: 'idle', reason: 'no service is followed' }

  const era = () => `${inSync.epoch()} ${stream}`
  const isComplete = () => isStreaming && listedIn === era()
  const isHeard = () => isComplete() && inSync.status().inSync

  const setSource = (kind: TaskSource['kind'], reason: string) => {
    if (source.kind === kind && source.reason === reason) return
    source = { kind, reason }
    if (kind === 'heard') logger.info({ event: 'tasks-heard', socket: socketPath }, 'tasks are followed as they change')
    else if (kind === 'asked') logger.warn({ event: 'tasks-asked' }, `tasks are asked for each second: ${reason}`)
    onSource?.(source)
  }

  const tell = () => {
    if (!hasNews) return
    hasNews = false
    shown = undefined
    changes.tell()
  }

  const serviceIds = (): readonly string[] | undefined => {
    const known = [...followers.keys()].flatMap((ids) => {
      const followed = ids()
      if (followed !== undefined) return [followed]
      followers.set(ids, false)
      return []
    })
    return known.length === 0 ? undefined : [...new Set(known.flat())]
  }

  /** Takes down who knows its services before a read; what it returns is called when that has them. */
  const reader = () => {
    const known = [...followers.keys()].filter((ids) => ids() !== undefined)
    return () => {
      for (const ids of known) if (followers.has(ids)) followers.set(ids, true)
    }
  }

  const keep = (one: ReadTask) => {
    const known = cache.get(one.id)
    if (known !== undefined ? one.version < known.version : one.version <= newestListed) {
      // A manager that was started or promoted tells the whole log anew, what is long gone too: no list of before is proof.
      replayedAt = performance.now()
      listedIn = ''
      reading.wake()
    } else if (isHistory(one.task)) {
      failures.note(one.task)
      cache.applyRemoved(one.id)
    } else cache.applyRead(cache.ticket(), one.id, one)
  }

  const onChanges = (heard: readonly TaskChange[]) => {
    for (const change of heard) {
      if ('removed' in change) cache.applyRemoved(change.removed)
      else keep(change.stored)
    }
    tell()
  }

  const listAll = async () => {
    const [startedIn, startedAtMs, started] = [era(), now(), cache.ticket()]
    const wasRead = reader()
    const listed = await lists.all(cache.size())
    wasRead()
    const living = listed.filter(({ task }) => !isHistory(task))
    cache.applyList(started, living)
    for (const { task } of listed) failures.note(task)
    newestListed = listed.reduce((newest, { version }) => Math.max(newest, version), -1)
    // Heard while the list came, and older than it: told by a manager that tells its whole log anew.
    const ids = new Set(living.map(({ id }) => id))
    const old = [...cache.all()].filter(({ id, version }) => version <= newestListed && !ids.has(id))
    for (const { id } of old) cache.applyRemoved(id)
    lastListAt = performance.now()
    readAtMs = startedAtMs
    listedIn = replayedAt > lastListAt - REPLAYED_AFTER_MS ? '' : startedIn
    tell()
    if (isComplete()) setSource('heard', '')
  }

  /** Only adds: what has gone is heard. */
  const readFollowed = async (services: readonly string[]) => {
    const started = cache.ticket()
    for (const one of await lists.of(services, false)) cache.applyRead(started, one.id, one)
    tell()
  }

  const ask = async (services: readonly string[], wasRead: () => void) => {
    const [startedAtMs, startedAt, started] = [now(), performance.now(), cache.ticket()]
    const isFull = startedAt - asked.fullAt >= timing.listEveryMs
    const found = await lists.of(services, isFull)
    asked.ids = new Set(found.map(({ id }) => id))
    if (isFull) asked.fullAt = startedAt
    asked.tookMs = performance.now() - startedAt
    for (const { task } of found) failures.note(task)
    cache.applyList(started, found)
    readAtMs = startedAtMs
    wasRead()
    tell()
  }

  const readOnce = async () => {
    const wasRead = reader()
    const services = serviceIds()
    if (services === undefined) readAtMs = undefined
    else if (!isStreaming) await ask(services, wasRead)
    else if (isComplete() && performance.now() - lastListAt < timing.tasksAgainMs) await readFollowed(services)
    else await listAll()
  }
  const readAnew = createCoalescedRead(readOnce)

  const dueInMs = (lastAt: number): number => {
    if (isConnecting || serviceIds() === undefined) return Number.POSITIVE_INFINITY
    const at = performance.now()
    if (!isStreaming) {
      const usualMs = asked.isSoon ? timing.tasksApartMs : timing.tasksEveryMs
      return lastAt + Math.max(usualMs, Math.min(asked.tookMs * APART_FACTOR, MOST_APART_MS)) - at
    }
    if (isComplete()) return lastListAt + timing.tasksAgainMs - at
    if (inSync.listing() === 'pointless') return Number.POSITIVE_INFINITY
    return Math.max(replayedAt + REPLAYED_AFTER_MS, lastAt + timing.tasksApartMs) - at
  }

  const keepReading = async () => {
    const failed = createFailureLog((reason) => logger.warn({ event: 'tasks-read-failed' }, reason))
    let lastAt = Number.NEGATIVE_INFINITY
    for (let failures = 0; !signal.aborted; ) {
      const pauseMs = dueInMs(lastAt)
      if (pauseMs > 0) {
        await reading.pause(pauseMs, signal)
        continue
      }
      asked.isSoon = false
      lastAt = performance.now()
      try {
        await readAnew()
        failures = 0
        failed.succeeded()
      } catch (error) {
        if (signal.aborted) return
        failed.failed(error)
        lastAt = performance.now() + backoff(timing, failures) - timing.tasksApartMs
        failures += 1
      }
    }
  }

  const clusterId = async (): Promise<string> => {
    const [path, timeoutMs] = ['/swarm', timing.leaderReadTimeoutMs]
    return textAt(await engine.read({ method: 'GET', path, endpoint: path, timeoutMs, signal }), 'ID') ?? ''
  }

  const watchOnce = async (path: string): Promise<string> => {
    const reason = await watchTasks({
      ...{ socketPath: path, clusterId, signal, timeoutMs: timing.watchTimeoutMs, onChanges },
      onComplete() {
        isConnecting = false
        isStreaming = true
        stream += 1
        newestListed = -1
        reading.wake()
      },
    })
    isConnecting = false
    isStreaming = false
    // What is asked for next is told apart from what was heard of every service.
    asked.ids = new Set()
    asked.fullAt = Number.NEGATIVE_INFINITY
    return reason
  }

  const keepWatching = async () => {
    if (socketPath === undefined) return setSourceWhenFollowed('ORRERY_SWARM_SOCKET is off')
    for (let failures = 0; !signal.aborted; ) {
      if (serviceIds() === undefined) {
        await watching.pause(Number.POSITIVE_INFINITY, signal)
        continue
      }
      const startedIn = stream
      const reason = await watchOnce(socketPath)
      if (signal.aborted) return
      const wasComplete = stream !== startedIn
      setSource('asked', reason)
      reading.wake()
      failures = wasComplete ? 0 : failures + 1
      await watching.pause(wasComplete ? backoff(timing, 0) : timing.watchRetryMs, signal)
    }
  }

  const setSourceWhenFollowed = async (reason: string) => {
    while (!signal.aborted && serviceIds() === undefined) await watching.pause(Number.POSITIVE_INFINITY, signal)
    if (!signal.aborted) setSource('asked', reason)
  }

  const soon = () => {
    asked.isSoon = true
    reading.wake()
    watching.wake()
  }

  return {
    list: () => {
      shown ??= [...cache.all()].map(({ task }) => task)
      return shown
    },
    get: (id) => cache.get(id)?.task,
    failed: failures.all,
    isGone: cache.isGone,
    sync() {
      const whole = inSync.status()
      if (!whole.inSync || isComplete()) return whole
      // A stream that is not complete may tell what is long gone: nothing asked for before it counts any more.
      if (!isStreaming && readAtMs !== undefined && now() - readAtMs <= timing.freshForMs) return whole
      return { ...whole, inSync: false, reason: 'The tasks are being read: changes may have been missed.' }
    },
    readAtMs: () => (isHeard() ? now() - HEARD_WITHIN_MS : readAtMs),
    onChange: changes.add,
    async refresh() {
      await readAnew().catch((error: unknown) => {
        throw unavailable(error)
      })
    },
    follow(ids) {
      followers.set(ids, false)
      soon()
      const unfollow = () => {
        followers.delete(ids)
      }
      return Object.assign(unfollow, { isRead: () => isComplete() || followers.get(ids) === true })
    },
    soon,
    source: () => source,
    async run() {
      const stop = inSync.onProgress(() => reading.wake())
      await Promise.all([keepReading(), keepWatching()])
      stop()
    },
  }
}
