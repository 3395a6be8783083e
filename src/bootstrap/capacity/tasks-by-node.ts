/** Tasks by the node that they are assigned to. Pure. */
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
