/**
 * How Swarm places the tasks of one service, after swarmkit's manager/scheduler (scheduler.go, nodeset.go): nodes sorted by
 * the tasks of the service and then by all tasks, as many of the best as there are tasks, filled one after another until
 * the next one has fewer, then one task each in turn. All tasks of a node, which break ties, are the test's to choose.
 */

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
