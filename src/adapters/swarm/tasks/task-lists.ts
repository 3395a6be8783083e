/** Reads tasks through the leader: all of them, or those of the services that matter and of these only what is not old history. */
import type { Engine } from '../engine/engine-connection.ts'
import { listChanged } from '../engine/list-items.ts'
import type { Timing } from '../engine/timing.ts'
import { hasEnded, isHistory, type ReadTask, readTask } from './task-mapper.ts'

export interface TaskLists {
  /** Every task there is; where `known` are, an answer without any is asked for again. Throws EngineError. */
  all(known: number): Promise<readonly ReadTask[]>
  /**
   * What these services have that has not ended, and what was known and may end. Swarm filters by the wanted state alone and
   * keeps five ended tasks of each slot wanted `shutdown`: a task that leaves the wanted ones before its container has ended
   * is followed by its id. `isFull`: also what was wanted shut down before anybody looked, and what is being removed whoever
   * it belonged to, since its service is no longer known. Throws EngineError.
   */
  of(services: readonly string[], isFull: boolean): Promise<readonly ReadTask[]>
}

export interface TaskListsDeps {
  readonly engine: Engine
  readonly timing: Pick<Timing, 'listTimeoutMs'>
  readonly signal: AbortSignal
  readonly get: (id: string) => ReadTask | undefined
  /** Of what was read by `of`: followed to its end. */
  readonly followed: () => Iterable<string>
}

type Filters = Readonly<Record<string, readonly string[]>>

/** What a task can be wanted to be before it is wanted ended; `remove` is soon gone from the managers' memory. */
const LIVING = ['ready', 'running', 'complete', 'remove']

export function createTaskLists({ engine, timing, signal, get, followed }: TaskListsDeps): TaskLists {
  const list = async (filters?: Filters, known?: number): Promise<ReadTask[]> => {
    // As they were when the list showed them: what is heard meanwhile is newer than the list.
    const unchanged = new Map<string, ReadTask>()
    const query = filters === undefined ? {} : { query: { filters: JSON.stringify(filters) } }
    const listed = await listChanged<ReadTask>({
      engine,
      call: { path: '/tasks', ...query, timeoutMs: timing.listTimeoutMs, signal },
      hasVersion(id, version) {
        const known = get(id)
        if (known?.version !== version) return false
        unchanged.set(id, known)
        return true
      },
      // Tasks are never written: JSON.parse may round what nobody sends back.
      read: (text) => readTask(JSON.parse(text)),
      ...(known === undefined ? {} : { known }),
    })
    return listed.flatMap((one) => ('unchanged' in one ? (unchanged.get(one.id) ?? []) : one))
  }

  const living = async (service: readonly string[]): Promise<readonly ReadTask[]> => {
    const found = service.length === 0 ? [] : await list({ service, 'desired-state': LIVING })
    const ids = new Set(found.map(({ id }) => id))
    const left = [...followed()].filter((id) => !ids.has(id) && !isEnded(get(id)))
    return left.length === 0 ? found : [...found, ...(await list({ id: left }, left.length))]
  }

  return {
    all: (known) => list(undefined, known),
    async of(service, isFull) {
      if (!isFull) return (await living(service)).filter(({ task }) => !isHistory(task))
      const [found, removed, lived] = await Promise.all([
        service.length === 0 ? [] : list({ service }),
        list({ 'desired-state': ['remove'] }),
        living(service),
      ])
      return [...found, ...removed, ...lived].filter(({ task }) => !isHistory(task))
    },
  }
}

const isEnded = (known: ReadTask | undefined): boolean => known === undefined || hasEnded(known.task)
