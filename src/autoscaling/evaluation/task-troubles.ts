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

interface Seen {
  readonly serviceId: string
  /** Since when it waits for a node. */
  readonly pendingMs?: number
  readonly failedMs?: number
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
  let seen = new Map<string, Seen>()
  let byService = new Map<string, readonly SwarmTask[]>()
  const failures = new Map<string, readonly { readonly atMs: number; readonly said: string }[]>()

  const look = () => {
    const nowMs = now()
    const next = new Map<string, Seen>()
    const grouped = new Map<string, SwarmTask[]>()
    for (const task of tasks.list()) {
      const before = seen.get(task.id)
      const isWaiting = WAITING.has(task.state) && task.desiredState === 'running'
      const hasFailed = FAILED.has(task.state)
      // What had failed before anything was known may be long ago.
      if (hasFailed && before?.failedMs === undefined && seen.size > 0) noteFailure(task, nowMs)
      next.set(task.id, {
        serviceId: task.serviceId,
        ...(isWaiting && { pendingMs: before?.pendingMs ?? Math.min(task.statusAtMs ?? nowMs, nowMs) }),
        ...(hasFailed && { failedMs: before?.failedMs ?? nowMs }),
      })
      const known = grouped.get(task.serviceId) ?? []
      known.push(task)
      grouped.set(task.serviceId, known)
    }
    seen = next
    byService = grouped
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
      const own = byService.get(serviceId) ?? []
      const waiting = own.filter(({ id }) => (seen.get(id)?.pendingMs ?? nowMs) <= nowMs - PENDING_MS)
      const [first] = waiting
      if (first !== undefined) {
        const many = waiting.length === 1 ? '1 task waits' : `${waiting.length} tasks wait`
        return `${many} for a node: ${first.error ?? first.state}`
      }
      const failed = (failures.get(serviceId) ?? []).filter((one) => isRecent(one, nowMs))
      const running = own.filter(({ state, desiredState }) => state === 'running' && desiredState === 'running').length
      if (failed.length < CRASHES || failed.length < running) return undefined
      return `${failed.length} tasks failed within 5 minutes: ${failed.at(-1)?.said}`
    },
    close: stop,
  }
}
