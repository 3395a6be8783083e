/**
 * The port `Tasks`: all tasks in memory, by version. They are heard as they change where the engine's control socket is there
 * (heard-tasks.ts), and asked for each second where it is not.
 */
import { createCoalescedRead } from '../../../foundation/coalesced-read.ts'
import { createListeners } from '../../../foundation/listeners.ts'
import { createFailureLog } from '../../../foundation/log-once.ts'
import type { Logger } from '../../../foundation/logger.ts'
import { createWakeableTimer } from '../../../foundation/wakeable-timer.ts'
import type { TaskSource, Tasks } from '../../../swarm/ports.ts'
import type { SwarmTask } from '../../../swarm/tasks.ts'
import type { Engine } from '../engine/engine-connection.ts'
import { orUnavailable } from '../engine/engine-errors.ts'
import { textAt } from '../engine/engine-json.ts'
import { backoff, type Timing } from '../engine/timing.ts'
import { createVersionedCache } from '../engine/versioned-cache.ts'
import type { InSync } from '../sync/in-sync.ts'
import { watchTasks } from './control-socket.ts'
import { createFailures } from './failures.ts'
import { createFollowers } from './followers.ts'
import { createHeardTasks } from './heard-tasks.ts'
import { createTaskLists } from './task-lists.ts'
import type { ReadTask } from './task-mapper.ts'

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
/** Asked for, reads that take long begin so many times what one takes apart, up to what leaves the list new enough to grow by. */
const APART_FACTOR = 4
const MOST_APART_MS = 3_000

export function createTasks(deps: TasksDeps): RunningTasks {
  const { engine, socketPath, inSync, now, logger, timing, signal, onSource } = deps
  const changes = createListeners<void>(logger)
  const followers = createFollowers()
  const reading = createWakeableTimer()
  const watching = createWakeableTimer()
  let hasNews = false
  const cache = createVersionedCache<ReadTask>(() => {
    hasNews = true
  })
  const failures = createFailures()
  const heard = createHeardTasks({ cache, failures, epoch: inSync.epoch, onReplay: reading.wake })
  const asked = { ids: new Set<string>(), fullAt: Number.NEGATIVE_INFINITY, isSoon: true, tookMs: 0 }
  const lists = createTaskLists({ engine, timing, signal, get: cache.get, followed: () => asked.ids })

  /** Only at the start: later, tasks are asked for until they are heard again. A promoted manager may take seconds. */
  let isConnecting = socketPath !== undefined
  let lastListAt = Number.NEGATIVE_INFINITY
  let readAtMs: number | undefined
  let shown: readonly SwarmTask[] | undefined
  let source: TaskSource = { kind: 'idle', reason: 'no service is followed' }

  const isHeard = () => heard.isComplete() && inSync.status().inSync

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

  const listAll = async () => {
    const startedAtMs = now()
    const wasRead = followers.reader()
    await heard.list(() => lists.all(cache.size()))
    wasRead()
    lastListAt = performance.now()
    readAtMs = startedAtMs
    tell()
    if (heard.isComplete()) setSource('heard', '')
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
    const wasRead = followers.reader()
    const services = followers.serviceIds()
    if (services === undefined) readAtMs = undefined
    else if (!heard.isStreaming()) await ask(services, wasRead)
    else if (heard.isComplete() && performance.now() - lastListAt < timing.tasksAgainMs) await readFollowed(services)
    else await listAll()
  }
  const readAnew = createCoalescedRead(readOnce)

  const dueInMs = (lastAt: number): number => {
    if (isConnecting || followers.serviceIds() === undefined) return Number.POSITIVE_INFINITY
    const at = performance.now()
    if (!heard.isStreaming()) {
      const usualMs = asked.isSoon ? timing.tasksApartMs : timing.tasksEveryMs
      return lastAt + Math.max(usualMs, Math.min(asked.tookMs * APART_FACTOR, MOST_APART_MS)) - at
    }
    if (heard.isComplete()) return lastListAt + timing.tasksAgainMs - at
    if (inSync.listing() === 'pointless') return Number.POSITIVE_INFINITY
    return Math.max(heard.replayedUntil(), lastAt + timing.tasksApartMs) - at
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
      ...{ socketPath: path, clusterId, signal, timeoutMs: timing.watchTimeoutMs },
      onComplete() {
        isConnecting = false
        heard.began()
        reading.wake()
      },
      onChanges(changes) {
        heard.take(changes)
        tell()
      },
    })
    isConnecting = false
    heard.ended()
    // What is asked for next is told apart from what was heard of every service.
    asked.ids = new Set()
    asked.fullAt = Number.NEGATIVE_INFINITY
    return reason
  }

  const keepWatching = async () => {
    if (socketPath === undefined) return setSourceWhenFollowed('ORRERY_SWARM_SOCKET is off')
    while (!signal.aborted) {
      if (followers.serviceIds() === undefined) {
        await watching.pause(Number.POSITIVE_INFINITY, signal)
        continue
      }
      const streams = heard.streams()
      const reason = await watchOnce(socketPath)
      if (signal.aborted) return
      const wasComplete = heard.streams() !== streams
      setSource('asked', reason)
      reading.wake()
      await watching.pause(wasComplete ? backoff(timing, 0) : timing.watchRetryMs, signal)
    }
  }

  const setSourceWhenFollowed = async (reason: string) => {
    while (!signal.aborted && followers.serviceIds() === undefined)
      await watching.pause(Number.POSITIVE_INFINITY, signal)
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
      if (!whole.inSync || heard.isComplete()) return whole
      // A stream that is not complete may tell what is long gone: nothing asked for before it counts any more.
      if (!heard.isStreaming() && readAtMs !== undefined && now() - readAtMs <= timing.freshForMs) return whole
      return { ...whole, inSync: false, reason: 'The tasks are being read: changes may have been missed.' }
    },
    readAtMs: () => (isHeard() ? now() - HEARD_WITHIN_MS : readAtMs),
    onChange: changes.add,
    refresh: () => orUnavailable(readAnew()),
    follow(ids) {
      const unfollow = followers.add(ids)
      soon()
      return Object.assign(unfollow, { isRead: () => heard.isComplete() || followers.isRead(ids) })
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
