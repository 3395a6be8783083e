/**
 * The port `Tasks`. No event tells of tasks, so they are asked for each second: those of the services that matter, and of
 * these only what is not old history. Swarm filters by the wanted state alone, and keeps five ended tasks of each slot
 * wanted `shutdown`: a task that leaves the wanted ones before its container has ended is followed by its id.
 */
import { isDeepStrictEqual } from 'node:util'
import { createCoalescedRead } from '../../../foundation/coalesced-read.ts'
import { createListeners } from '../../../foundation/listeners.ts'
import type { Logger } from '../../../foundation/logger.ts'
import type { Tasks } from '../../../swarm/ports.ts'
import type { Engine } from '../engine/engine-connection.ts'
import { EngineError, unavailable } from '../engine/engine-errors.ts'
import { backoff, type Timing } from '../engine/timing.ts'
import { type ReadTask, readTasks } from './read-tasks.ts'
import { hasEnded } from './task-mapper.ts'

export interface TaskPoll extends Tasks {
  /** Something happened that changes tasks: read soon. */
  soon(): void
  /** Returns when the signal is aborted; never throws. */
  run(): Promise<void>
}

export interface TaskPollDeps {
  readonly engine: Engine
  readonly now: () => number
  readonly logger: Logger
  readonly timing: Pick<Timing, 'tasksEveryMs' | 'tasksApartMs' | 'listEveryMs' | 'listTimeoutMs' | 'backoffMs'>
  readonly signal: AbortSignal
  /** Ids of the services whose tasks matter; `undefined`: nothing is configured, so nothing is asked. */
  readonly serviceIds: () => readonly string[] | undefined
}

type Filters = Readonly<Record<string, readonly string[]>>

/** What a task can be wanted to be before it is wanted ended; `remove` is soon gone from the managers' memory. */
const LIVING = ['ready', 'running', 'complete', 'remove']
/**
 * Twenty thousand tasks are 40 MB, and a second's work of the engine. Reads that take long begin so many times what one
 * takes apart, up to what still leaves the list new enough to grow by.
 */
const APART_FACTOR = 4
const MOST_APART_MS = 3_000

export function createTaskPoll({ engine, now, logger, timing, signal, serviceIds }: TaskPollDeps): TaskPoll {
  const changes = createListeners<void>(logger)
  let known: ReadonlyMap<string, ReadTask> = new Map()
  let readAtMs: number | undefined
  let fullAt = Number.NEGATIVE_INFINITY
  let isWanted = true
  let lastTookMs = 0
  let wake = () => {}

  const read = async (filters: Filters): Promise<ReadTask[]> => {
    const [path, timeoutMs] = ['/tasks', timing.listTimeoutMs]
    const query = { filters: JSON.stringify(filters) }
    const { body } = await engine.call({ method: 'GET', path, endpoint: path, query, timeoutMs, signal })
    try {
      return await readTasks(body, known)
    } catch (cause) {
      const message = 'GET /tasks answered with something that is no JSON, or half of it.'
      throw new EngineError('malformed', message, { cause })
    }
  }

  const readLiving = async (service: readonly string[]): Promise<ReadTask[]> => {
    const found = service.length === 0 ? [] : await read({ service, 'desired-state': LIVING })
    const ids = new Set(found.map(({ task }) => task.id))
    const left = [...known].filter(([id, { task }]) => !ids.has(id) && !hasEnded(task)).map(([id]) => id)
    return left.length === 0 ? found : [...found, ...(await read({ id: left }))]
  }

  /** With what is being removed whoever it belonged to: its service is no longer known. */
  const readAll = async (service: readonly string[]): Promise<ReadTask[]> => {
    const [found, removed, followed] = await Promise.all([
      service.length === 0 ? [] : read({ service }),
      read({ 'desired-state': ['remove'] }),
      readLiving(service),
    ])
    return [...found, ...removed, ...followed]
  }

  const readOnce = async () => {
    const startedAtMs = now()
    const startedAt = performance.now()
    const isFull = startedAt - fullAt >= timing.listEveryMs
    const service = serviceIds()
    if (service === undefined) {
      // Whose tasks matter is not known: an empty list would say that there are none.
      readAtMs = undefined
      return
    }
    const found = await (isFull ? readAll(service) : readLiving(service))
    if (isFull) fullAt = startedAt
    readAtMs = startedAtMs
    lastTookMs = performance.now() - startedAt
    const next = new Map(
      found
        .filter(({ task }) => !hasEnded(task) || task.desiredState !== 'shutdown')
        .map((one) => [one.task.id, one] as const),
    )
    const isSame = areSame(next, known)
    known = next
    if (!isSame) changes.tell()
  }

  const readAnew = createCoalescedRead(readOnce)

  const pause = async (pauseMs: number) => {
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    const timer = Number.isFinite(pauseMs) ? setTimeout(wake, Math.max(pauseMs, 0)) : undefined
    await woken
    clearTimeout(timer)
  }

  /** Until the next read is due: each second, sooner when something happened, never when nothing is configured. */
  const untilDue = async (lastAt: number) => {
    for (;;) {
      if (signal.aborted) return
      const usualMs = isWanted ? timing.tasksApartMs : timing.tasksEveryMs
      const apartMs = Math.max(usualMs, Math.min(lastTookMs * APART_FACTOR, MOST_APART_MS))
      const dueInMs = serviceIds() === undefined ? Number.POSITIVE_INFINITY : lastAt + apartMs - performance.now()
      if (dueInMs <= 0) return
      await pause(dueInMs)
    }
  }

  return {
    list: () => [...known.values()].map(({ task }) => task),
    readAtMs: () => readAtMs,
    onChange: changes.add,
    async refresh() {
      await readAnew().catch((error: unknown) => {
        throw unavailable(error)
      })
    },
    soon() {
      isWanted = true
      wake()
    },
    async run() {
      signal.addEventListener('abort', () => wake(), { once: true })
      let lastReason = ''
      let lastAt = Number.NEGATIVE_INFINITY
      for (let failures = 0; ; ) {
        await untilDue(lastAt)
        if (signal.aborted) return
        isWanted = false
        lastAt = performance.now()
        try {
          await readAnew()
          failures = 0
          lastReason = ''
        } catch (error) {
          if (signal.aborted) return
          const reason = error instanceof Error ? error.message : String(error)
          if (reason !== lastReason) logger.warn({ event: 'tasks-read-failed' }, reason)
          lastReason = reason
          lastAt = performance.now() + backoff(timing, failures) - timing.tasksApartMs
          failures += 1
        }
      }
    },
  }
}

function areSame(next: ReadonlyMap<string, ReadTask>, known: ReadonlyMap<string, ReadTask>): boolean {
  if (next.size !== known.size) return false
  for (const [id, one] of next) {
    const before = known.get(id)
    if (before !== one && !isDeepStrictEqual(before?.task, one.task)) return false
  }
  return true
}
