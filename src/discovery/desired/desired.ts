/** What should be in Consul of everything that Swarm and the agents say, and of which tasks nothing is known. Pure. */
import type { Entry, EntryIssue } from '../entry.ts'
import type { ContainerFacts, NodeFacts, ServiceFacts, Settings, TaskFacts } from '../facts.ts'
import type { RangeOwners } from './range-owners.ts'
import { entriesOf, type RunningTask, type TaskEntries } from './task-entries.ts'

export interface World {
  readonly tasks: Iterable<TaskFacts>
  readonly service: (id: string) => ServiceFacts | undefined
  readonly node: (id: string) => NodeFacts | undefined
  /** By task and node, as the agent of that node last said; absent: it said nothing of it, or never anything. */
  readonly container: (taskId: string, nodeId: string) => ContainerFacts | undefined
  /** Since when each node that is not ready is known as that, ms since the epoch. */
  readonly notReadySinceMs: ReadonlyMap<string, number>
  /** Which other node's range an address is in: an agent speaks for its own. */
  readonly rangeOwner: RangeOwners
}

export interface Desired {
  /** By id. */
  readonly entries: ReadonlyMap<string, Entry>
  /** Tasks of which too little is known: what is there of them stays, nothing is made. */
  readonly kept: ReadonlySet<string>
  readonly issues: readonly EntryIssue[]
  /** When the grace of a node next runs out, ms since the epoch. */
  readonly dueAtMs?: number
}

/** Swarm's word of a task, as far as discovery is concerned. */
type Standing = 'runs' | 'unknown' | 'gone'

export function desiredOf(
  world: World,
  settings: Settings,
  nowMs: number,
  entriesFor: (running: RunningTask) => TaskEntries = (running) => entriesOf(running, settings),
): Desired {
  const entries = new Map<string, Entry>()
  const owners = new Map<string, Entry>()
  const kept = new Set<string>()
  const issues = new Map<string, EntryIssue>()
  const note = (issue: EntryIssue) =>
    issues.set([issue.service, issue.key, issue.value, issue.message].join('\n'), issue)
  let dueAtMs = Number.POSITIVE_INFINITY

  /** Until when what is there of a node that is not ready stays; unknown is what a new leader says of every node. */
  const graceEndsAtMs = (node: NodeFacts): number =>
    node.state === 'unknown'
      ? Number.POSITIVE_INFINITY
      : (world.notReadySinceMs.get(node.id) ?? nowMs) + settings.nodeGraceMs

  const standingOf = (task: TaskFacts, node: NodeFacts | undefined): Standing => {
    if (node === undefined) return 'gone'
    const isLive = task.desiredState === 'running' && task.state === 'running'
    if (node.state === 'ready') return isLive ? 'runs' : 'gone'
    // Swarm wants the tasks of a node that is down to end: that says nothing of whether they still answer.
    const endsAtMs = graceEndsAtMs(node)
    if (task.state !== 'running' || endsAtMs <= nowMs) return 'gone'
    dueAtMs = Math.min(dueAtMs, endsAtMs)
    return 'unknown'
  }

  const add = (running: RunningTask) => {
    const made = entriesFor(running)
    made.issues.forEach(note)
    for (const entry of made.entries) {
      const holder = world.rangeOwner(entry)
      if (holder !== undefined) {
        const message = `is in the range of ${holder.hostname}, and the agent of ${entry.hostname} says that it is its task's`
        note({ service: entry.serviceName, key: 'address', value: entry.address, message, effect: 'refused' })
        continue
      }
      const owner = owners.get(entry.address)
      if (owner !== undefined && owner.taskId !== entry.taskId) {
        const message = `is the address of a task of ${owner.serviceName} on ${owner.hostname} too: the ranges of their nodes overlap`
        note({ service: entry.serviceName, key: 'address', value: entry.address, message, effect: 'refused' })
        continue
      }
      owners.set(entry.address, entry)
      entries.set(entry.id, entry)
    }
  }

  for (const task of world.tasks) {
    const node = task.nodeId === undefined ? undefined : world.node(task.nodeId)
    const standing = standingOf(task, node)
    if (standing === 'gone' || node === undefined) continue
    const service = world.service(task.serviceId)
    const container = world.container(task.id, node.id)
    if (standing === 'unknown' || service === undefined || container === undefined) kept.add(task.id)
    // It ended, though Swarm has not heard of it yet: nobody answers there.
    else if (container.state === 'running') add({ task, service, node, container })
  }
  return {
    entries,
    kept,
    issues: [...issues.values()],
    ...(Number.isFinite(dueAtMs) && { dueAtMs }),
  }
}
