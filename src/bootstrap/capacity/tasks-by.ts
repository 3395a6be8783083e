/** Tasks by their node, and by their service as Swarm's scheduler and orchestrator count them. Pure. */
import type { SwarmTask } from '../../swarm/tasks.ts'

export function groupByNode(tasks: readonly SwarmTask[]): (nodeId: string) => readonly SwarmTask[] {
  const byNode = new Map<string, SwarmTask[]>()
  for (const task of tasks) {
    if (task.nodeId === undefined) continue
    const ofNode = byNode.get(task.nodeId)
    if (ofNode === undefined) byNode.set(task.nodeId, [task])
    else ofNode.push(task)
  }
  return (nodeId) => byNode.get(nodeId) ?? []
}

export interface ServiceTasks {
  /** By node id: tasks that are to run and have not ended. What is being stopped is not among them. */
  readonly byNode: ReadonlyMap<string, number>
  /** All of these. */
  readonly placed: number
  /** Slots with such a task; of a global service: the tasks. */
  readonly placedSlots: number
  /** Also those whose task has no node yet. */
  readonly slots: number
}

const NO_TASKS: ServiceTasks = { byNode: new Map(), placed: 0, placedSlots: 0, slots: 0 }

const ENDED: ReadonlySet<string> = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'])
/** Wanted states of what is being stopped: `complete` is wanted of a job that runs. */
const STOPPING: ReadonlySet<string> = new Set(['shutdown', 'failed', 'rejected', 'remove', 'orphaned'])

export function groupByService(tasks: readonly SwarmTask[]): (serviceId: string) => ServiceTasks {
  const living = new Map<string, SwarmTask[]>()
  for (const task of tasks) {
    if (ENDED.has(task.state) || STOPPING.has(task.desiredState)) continue
    const ofService = living.get(task.serviceId)
    if (ofService === undefined) living.set(task.serviceId, [task])
    else ofService.push(task)
  }
  const counted = new Map([...living].map(([serviceId, ofService]) => [serviceId, count(ofService)]))
  return (serviceId) => counted.get(serviceId) ?? NO_TASKS
}

function count(tasks: readonly SwarmTask[]): ServiceTasks {
  const byNode = new Map<string, number>()
  const slots = new Set<string | number>()
  const placedSlots = new Set<string | number>()
  let placed = 0
  for (const { id, slot = id, nodeId } of tasks) {
    slots.add(slot)
    if (nodeId === undefined) continue
    placedSlots.add(slot)
    byNode.set(nodeId, (byNode.get(nodeId) ?? 0) + 1)
    placed += 1
  }
  return { byNode, placed, placedSlots: placedSlots.size, slots: slots.size }
}
