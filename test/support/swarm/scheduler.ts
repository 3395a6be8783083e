/**
 * How Swarm makes, places, starts and stops tasks, after swarmkit's manager/scheduler (scheduler.go, nodeset.go): nodes
 * sorted by the tasks of the service and then by all tasks, as many of the best as there are tasks, filled one after
 * another until the next one has fewer, then one task each in turn. All tasks of a node, which break ties, are the test's
 * to choose.
 */

import { readyLabel } from '../../../src/bootstrap/record/record.ts'
import type { ModelTask, Swarm } from './swarm.ts'

export interface ModelNode {
  /** Tasks of the service. */
  count: number
  /** All tasks, those of the service included. */
  total: number
}

/** Places one batch; the nodes are changed. Returns how many were placed. */
export function placeBatch(nodes: readonly ModelNode[], tasks: number, maxPerNode = 0): number {
  const isLess = (a: ModelNode, b: ModelNode) => (a.count === b.count ? a.total < b.total : a.count < b.count)
  const fits = (node: ModelNode) => maxPerNode === 0 || node.count < maxPerNode
  const order = nodes
    .filter(fits)
    .sort((a, b) => (isLess(a, b) ? -1 : isLess(b, a) ? 1 : 0))
    .slice(0, tasks)
  let at = 0
  for (let placed = 0; placed < tasks; ) {
    const node = order[at % order.length]
    if (node === undefined) return placed
    node.count += 1
    node.total += 1
    placed += 1
    const next = order[(at + 1) % order.length]
    // The first pass fills; later ones give one each.
    if (at + 1 >= order.length || (next !== undefined && isLess(next, node))) at += 1
    for (let skipped = 0; !fits(order[at % order.length] ?? node); skipped += 1) {
      if (skipped === order.length) return placed
      at += 1
    }
  }
  return tasks
}

export const living = ({ tasks }: Swarm, serviceId: string): ModelTask[] =>
  tasks.filter((task) => task.serviceId === serviceId && task.wanted === 'running' && task.state !== 'shutdown')

export function addTask(
  { tasks, nextIndex }: Swarm,
  serviceId: string,
  slot: number,
  networks: readonly string[],
): void {
  tasks.push({ id: `task-${nextIndex()}`, ...{ serviceId, slot, networks }, wanted: 'running', state: 'pending' })
}

/** As many tasks as the service has replicas; `pick` chooses which of them stop. */
export function orchestrate(swarm: Swarm, serviceId: string, pick: number): void {
  const { replicas = 0, placement } = swarm.services.get(serviceId) ?? {}
  const networks = [...swarm.networks.values()].filter(({ id }) => placement?.networks.includes(id))
  const alive = living(swarm, serviceId)
  const slots = new Set(alive.map(({ slot }) => slot))
  for (let slot = 1; slots.size < replicas; slot += 1) {
    if (slots.has(slot)) continue
    slots.add(slot)
    addTask(
      swarm,
      serviceId,
      slot,
      networks.map(({ name }) => name),
    )
  }
  for (let left = alive.length - replicas; left > 0; left -= 1) {
    const [task] = alive.splice(pick % alive.length, 1)
    if (task !== undefined) task.wanted = 'remove'
  }
}

/** Assigns up to `most` tasks that have no node to nodes that are active and ready for their networks. */
export function schedule(swarm: Swarm, serviceId: string, most = Number.MAX_SAFE_INTEGER, noise = 0): void {
  const batch = living(swarm, serviceId)
    .filter(({ nodeId, networks }) => nodeId === undefined && networks.every((name) => swarm.networks.has(name)))
    .slice(0, most)
  const labels = (batch[0]?.networks ?? []).map(readyLabel)
  const models = [...swarm.nodes.values()]
    .filter(({ state, availability }) => state === 'ready' && availability === 'active')
    .filter((node) => labels.every((label) => node.labels[label] === 'ready'))
    .map(({ id }, index) => ({
      id,
      count: living(swarm, serviceId).filter(({ nodeId }) => nodeId === id).length,
      total: (noise >> (index * 3)) % 8,
    }))
  const before = models.map(({ count }) => count)
  placeBatch(models, batch.length)
  for (const [index, { id, count }] of models.entries()) {
    for (const task of batch.splice(0, count - (before[index] ?? 0))) {
      task.nodeId = id
      task.state = 'assigned'
    }
  }
}

/** Starts what is assigned to the node while it has room. Returns what started, and how many found no address. */
export function start(swarm: Swarm, nodeId: string, room = Number.MAX_SAFE_INTEGER) {
  const started: ModelTask[] = []
  let failed = 0
  for (const task of swarm.tasks) {
    if (task.nodeId !== nodeId || task.state !== 'assigned') continue
    const hasRoom = swarm.running(nodeId).length < room
    task.state = hasRoom && task.wanted === 'running' ? 'running' : 'shutdown'
    if (task.state === 'running') started.push(task)
    else if (task.wanted === 'running') failed += 1
  }
  return { started, failed }
}

/** Stops what is to go from the node; what is over is forgotten. */
export function stop(swarm: Swarm, nodeId: string): void {
  for (const task of swarm.running(nodeId)) if (task.wanted === 'remove') task.state = 'shutdown'
  const stay = swarm.tasks.filter(({ wanted, state }) => wanted === 'running' || state !== 'shutdown')
  swarm.tasks.splice(0, swarm.tasks.length, ...stay)
}
