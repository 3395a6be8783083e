/**
 * The tasks of services, for people: how many run, and each with its node and what its agent says. They are followed while
 * somebody looks and for a minute more, so that a controller that nobody watches asks for none.
 */
import type { Clock } from '../../foundation/clock.ts'
import type { Unsubscribe } from '../../foundation/listeners.ts'
import { type ReportedContainer, SILENT_AFTER_MS } from '../../swarm/node-report.ts'
import type { AgentReports, Following, Nodes, Services, Tasks } from '../../swarm/ports.ts'
import { notInSync, type SyncStatus } from '../../swarm/sync.ts'
import type { SwarmTask } from '../../swarm/tasks.ts'
import type { TaskView } from '../autoscaler.ts'

const LOOKED_AT_MS = 60_000

export interface TaskViewsDeps {
  readonly services: Pick<Services, 'list' | 'get' | 'sync'>
  readonly tasks: Tasks
  readonly nodes: Pick<Nodes, 'get'>
  readonly reports: Pick<AgentReports, 'list'>
  /** Nodes are read from now on. */
  readonly activate: () => void
  readonly now: Clock
}

export interface TaskViews {
  /** Somebody looks, now. */
  look(): void
  /** Tasks that run and should; `undefined`: not known. */
  running(serviceId: string): number | undefined
  /** By service and slot, those that failed lately too. Throws Fault `not-in-sync` while they are not known. */
  list(serviceId?: string): readonly TaskView[]
  /** With the ids of services of which another number runs. */
  onChange(listener: (serviceIds: readonly string[]) => void): Unsubscribe
  close(): void
}

type Counts = ReadonlyMap<string, number>

export function createTaskViews({ services, tasks, nodes, reports, activate, now }: TaskViewsDeps): TaskViews {
  let following: Following | undefined
  let timer: NodeJS.Timeout | undefined
  let counted: { readonly list: readonly SwarmTask[]; readonly counts: Counts } | undefined

  const look = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      following?.()
      following = undefined
    }, LOOKED_AT_MS).unref()
    if (following !== undefined) return
    activate()
    following = tasks.follow(() => (services.sync().inSync ? [...services.list()].map(({ id }) => id) : undefined))
  }

  const sync = (): SyncStatus => {
    const status = tasks.sync()
    if (!status.inSync || following?.isRead() === true) return status
    return { ...status, inSync: false, reason: 'The tasks are being read.' }
  }

  /** The list stays the same object while nothing changes. */
  const counts = (): Counts | undefined => {
    if (!sync().inSync) return undefined
    const list = tasks.list()
    if (counted?.list !== list) counted = { list, counts: countRunning(list) }
    return counted.counts
  }

  return {
    look,
    running: (serviceId) => {
      const known = counts()
      return known === undefined ? undefined : (known.get(serviceId) ?? 0)
    },
    list(serviceId) {
      look()
      const status = sync()
      if (!status.inSync) throw notInSync(status)
      const present = tasks.list()
      const ids = new Set(present.map(({ id }) => id))
      const failed = tasks.failed().filter(({ id }) => !ids.has(id))
      const containers = containersOf(reports, now())
      return [...present, ...failed]
        .filter((task) => serviceId === undefined || task.serviceId === serviceId)
        .flatMap((task): TaskView[] => {
          const service = services.get(task.serviceId)?.name
          if (service === undefined) return []
          const hostname = task.nodeId === undefined ? undefined : nodes.get(task.nodeId)?.hostname
          const container = containers(task)
          return [{ task, service, ...(hostname !== undefined && { hostname }), ...(container && { container }) }]
        })
        .sort(byServiceAndSlot)
    },
    onChange(listener) {
      let before: Counts = new Map()
      return tasks.onChange(() => {
        const after = counts() ?? new Map()
        if (after === before) return
        const ids = new Set([...before.keys(), ...after.keys()])
        const changed = [...ids].filter((id) => before.get(id) !== after.get(id))
        before = after
        if (changed.length > 0) listener(changed)
      })
    },
    close() {
      clearTimeout(timer)
      following?.()
    },
  }
}

function countRunning(list: readonly SwarmTask[]): Counts {
  const counts = new Map<string, number>()
  for (const { serviceId, state, desiredState } of list) {
    if (state === 'running' && desiredState === 'running') counts.set(serviceId, (counts.get(serviceId) ?? 0) + 1)
  }
  return counts
}

/** Of a task, as far as the agent of its node reports now: no other node's is heard. */
function containersOf(
  reports: TaskViewsDeps['reports'],
  nowMs: number,
): (task: Pick<SwarmTask, 'id' | 'nodeId'>) => ReportedContainer | undefined {
  const heard = reports.list().filter(({ receivedAtMs }) => nowMs - receivedAtMs < SILENT_AFTER_MS)
  const byNode = new Map(
    heard.map(({ report: { nodeId, containers } }) => [
      nodeId,
      new Map(containers.map((container) => [container.taskId, container])),
    ]),
  )
  return ({ id, nodeId = '' }) => byNode.get(nodeId)?.get(id)
}

const byServiceAndSlot = (a: TaskView, b: TaskView): number =>
  a.service.localeCompare(b.service) ||
  (a.task.slot ?? 0) - (b.task.slot ?? 0) ||
  (b.task.createdAtMs ?? 0) - (a.task.createdAtMs ?? 0)
