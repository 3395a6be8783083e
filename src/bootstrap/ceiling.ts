/**
 * How many more tasks of a service fit at worst, whichever node Swarm chooses among equals and however it groups what it
 * places. Pure.
 *
 * Swarm gives each task to the node with the fewest of its service, and breaks ties by all tasks, which nobody here can
 * foresee. Tasks that come together it deals out in one pass over the nodes, fewest first: a node is filled until the next
 * one has fewer, so that from 0, 1 and 5 on three nodes five more make 1, 5 and 5. Then it goes round, one a node
 * (swarmkit, manager/scheduler/scheduler.go, scheduleNTasksOnNodes). So, with `most` the highest count there is at first:
 *
 *   before a node below `most` gets a task, every node with fewer has got one at least;
 *   before `most` becomes one more, every node below it has got one more.
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
    const height = node.count + share - 1
    const itself = node.isCertain ? 1 : 0
    const lower = below(counts, Math.min(height, most)) - (node.count < Math.min(height, most) ? itself : 0)
    return share + lower + Math.max(0, height - most) * (counts.length - itself)
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

  const room = takers.reduce((sum, node) => Math.min(Number.MAX_SAFE_INTEGER, sum + roomOf(node)), 0)
  return {
    fits: takers.reduce((fits, node) => Math.min(fits, exceeds(node) - 1), room),
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
