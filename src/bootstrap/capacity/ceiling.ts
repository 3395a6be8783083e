/**
 * How many more tasks of a service fit at worst, whichever node Swarm chooses among equals and however it groups what it
 * places. Pure.
 *
 * Swarm gives each task to the node with the fewest of its service, and breaks ties by all tasks, which nobody here can
 * foresee. Tasks that come together it deals out in one pass over the nodes, fewest first, each node being filled until
 * the next one has fewer; then it goes round, one a node (swarmkit, manager/scheduler/scheduler.go, scheduleNTasksOnNodes).
 * The pass is less even than it sounds: from 0, 1 and 5 on three nodes, five more make 1, 5 and 5. What holds is this,
 * with `most` and `least` the highest and the lowest count that there were at first:
 *
 *   1. before a node gets a task, every node with fewer has got one, and together they have got what it had above `least`;
 *   2. before any node has more than `most`, there are as many new tasks as `most` is above `least`;
 *   3. from then on, before the highest count grows by one, every node has got one more.
 */

/** A node that may get tasks of the service. */
export interface Candidate {
  /** Tasks of the service there, as Swarm counts them. */
  readonly count: number
  /** Addresses that nobody has or was promised; below 0 where too many were. */
  readonly free: number
  /** `false`: it may as well get none. */
  readonly isCertain: boolean
}

export interface SpreadRules {
  /** Tasks of the service on one node; 0: no limit. */
  readonly maxPerNode: number
  /** `false`: any node may get all of them. */
  readonly isEven: boolean
}

export interface Spread {
  /** The largest number of new tasks that never exceeds what is free on any node. */
  readonly fits: number
  /** Index of the node that ends it; absent: none does, but the limit of tasks a node, or there is no node at all. */
  readonly tightest?: number
  /** What at most each candidate gets of `tasks` new ones. */
  mostOf(tasks: number): readonly number[]
}

export function spreadOver<Node extends Candidate>(nodes: readonly Node[], rules: SpreadRules): Spread {
  const roomOf = ({ count }: Node) => (rules.maxPerNode === 0 ? Number.MAX_SAFE_INTEGER : rules.maxPerNode - count)
  const takers = nodes.filter((node) => roomOf(node) > 0)
  const most = takers.reduce((highest, { count }) => Math.max(highest, count), 0)
  const counts = takers.flatMap(({ count, isCertain }) => (isCertain ? [count] : [])).sort((a, b) => a - b)

  /** The fewest new tasks of which `node` gets `share`. */
  const fewest = (node: Node, share: number): number => {
    if (share <= 0 || !rules.isEven) return share
    /** What it has when it gets the last of them. */
    const height = node.count + share - 1
    const itself = node.isCertain ? 1 : 0
    const others = counts.length - itself
    const lowest = Math.min(node.count, counts[0] ?? node.count)
    const level = Math.min(height, most)
    const passedOver = below(counts, level) - (node.count < level ? itself : 0)
    const rounds = height - level
    const byNodes = share + Math.max(passedOver + rounds * others, node.count - lowest)
    return height < most ? byNodes : Math.max(byNodes, most - lowest + 1 + rounds * (others + 1))
  }

  const exceeds = (node: Node): number => {
    const free = Math.max(0, node.free)
    return free < roomOf(node) ? fewest(node, free + 1) : Number.MAX_SAFE_INTEGER
  }

  const mostOn = (node: Node, tasks: number): number => {
    let [can, cannot] = [0, Math.min(tasks, roomOf(node)) + 1]
    while (cannot - can > 1) {
      const share = Math.floor((can + cannot) / 2)
      if (fewest(node, share) <= tasks) can = share
      else cannot = share
    }
    return can
  }

  let fits = takers.reduce((sum, node) => Math.min(Number.MAX_SAFE_INTEGER, sum + roomOf(node)), 0)
  let tightest: number | undefined
  for (const [index, node] of nodes.entries()) {
    const tasks = roomOf(node) > 0 ? exceeds(node) - 1 : fits
    if (tasks < fits) [fits, tightest] = [tasks, index]
  }
  return {
    fits,
    ...(tightest !== undefined && { tightest }),
    mostOf: (tasks) => nodes.map((node) => (tasks > 0 && roomOf(node) > 0 ? mostOn(node, tasks) : 0)),
  }
}

/** How many of the sorted counts are lower than `height`. */
function below(sorted: readonly number[], height: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) < height) low = middle + 1
    else high = middle
  }
  return low
}

/** The highest count whose tasks, and those an update runs beside them, are no more than `tasks`. */
export function countWithin(tasks: number, surge: number | 'all'): number {
  if (surge === 'all' || tasks < 2 * surge) return Math.floor(tasks / 2)
  return tasks - surge
}

/** The tasks that an update of `count` replicas runs beside them. */
export function surgeAt(count: number, surge: number | 'all'): number {
  return surge === 'all' ? count : Math.min(surge, count)
}
