/** Why Swarm cannot place or keep alive the tasks that a service has, in its own words. */
import type { Clock } from '../../foundation/clock.ts'
import type { Tasks } from '../../swarm/ports.ts'
import type { SwarmTask } from '../../swarm/tasks.ts'

/** Swarm takes a moment to find a place. */
const PENDING_MS = 30_000
/** So many tasks that failed in so long a time, and at least as many as run: a crash loop. */
const CRASHES = 3
const CRASH_WINDOW_MS = 300_000
/** One that has yet to come was before this machine's clock was set back. */
const isRecent = ({ atMs }: { readonly atMs: number }, nowMs: number): boolean =>
  atMs > nowMs - CRASH_WINDOW_MS && atMs <= nowMs

export interface TaskTroubles {
  /** A sentence; `undefined`: none is known. No engine call. */
  of(serviceId: string): string | undefined
}

/** Of one service, as the tasks were when they were looked at. */
interface Looked {
  /** Running, and to run. */
  running: number
  readonly waiting: { readonly task: SwarmTask; readonly sinceMs: number }[]
}

const WAITING = new Set(['new', 'pending'])
const FAILED = new Set(['failed', 'rejected'])

export function createTaskTroubles({
  tasks,
  now,
}: {
  readonly tasks: Pick<Tasks, 'list' | 'onChange' | 'readAtMs'>
  readonly now: Clock
}) {
  let isNews = true
  let isFirst = true
  let byService = new Map<string, Looked>()
  /** Of tasks by id: what has no place yet, since when, and what has ended badly. Most tasks are in neither. */
  let waitingMs = new Map<string, number>()
  let failed = new Set<string>()
  const failures = new Map<string, readonly { readonly atMs: number; readonly said: string }[]>()

  const look = () => {
    const nowMs = now()
    const [looked, waitsMs, failing] = [new Map<string, Looked>(), new Map<string, number>(), new Set<string>()]
    const list = tasks.list()
    for (const task of list) {
      const { id, serviceId, state } = task
      const of = looked.get(serviceId) ?? { running: 0, waiting: [] }
      looked.set(serviceId, of)
      if (FAILED.has(state)) {
        // What had failed before anything was known may be long ago.
        if (!failed.has(id) && !isFirst) noteFailure(task, nowMs)
        failing.add(id)
      } else if (task.desiredState !== 'running') continue
      else if (state === 'running') of.running += 1
      else if (WAITING.has(state)) {
        const sinceMs = waitingMs.get(id) ?? Math.min(task.statusAtMs ?? nowMs, nowMs)
        waitsMs.set(id, sinceMs)
        of.waiting.push({ task, sinceMs })
      }
    }
    isFirst = list.length === 0
    byService = looked
    waitingMs = waitsMs
    failed = failing
    for (const [id, of] of failures) {
      const recent = of.filter((one) => isRecent(one, nowMs))
      if (recent.length === 0) failures.delete(id)
      else failures.set(id, recent)
    }
  }

  const noteFailure = ({ serviceId, error }: SwarmTask, atMs: number) => {
    failures.set(serviceId, [...(failures.get(serviceId) ?? []), { atMs, said: error ?? 'they ended' }])
  }

  const stop = tasks.onChange(() => {
    isNews = true
  })
  return {
    /** Takes in what has changed; to be called each second while anybody wants to know. */
    look() {
      if (isNews) look()
      isNews = false
    },
    of(serviceId: string): string | undefined {
      // Nobody follows tasks: what was seen last is of the past.
      if (tasks.readAtMs() === undefined) return undefined
      const nowMs = now()
      const { waiting = [], running = 0 } = byService.get(serviceId) ?? {}
      const long = waiting.filter(({ sinceMs }) => sinceMs <= nowMs - PENDING_MS)
      const [first] = long
      if (first !== undefined) {
        const many = long.length === 1 ? '1 task waits' : `${long.length} tasks wait`
        return `${many} for a node: ${first.task.error ?? first.task.state}`
      }
      const crashes = (failures.get(serviceId) ?? []).filter((one) => isRecent(one, nowMs))
      if (crashes.length < CRASHES || crashes.length < running) return undefined
      return `${crashes.length} tasks failed within 5 minutes: ${crashes.at(-1)?.said}`
    },
    close: stop,
  }
}
