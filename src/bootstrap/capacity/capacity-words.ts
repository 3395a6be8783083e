/** Why no more tasks of a service are addressed than that, for a person. Pure. */
import { readyLabel } from '../record/record.ts'

export interface CapacityWords {
  readonly network: string
  readonly ceiling: number
  /** Nodes that may get a task, and the free addresses on all of them. */
  readonly nodes: number
  readonly free: number
  /** The node that ends it; absent: a limit of tasks on a node does, or no node may get a task. */
  readonly tightest?: {
    readonly hostname: string
    readonly free: number
    readonly lack?: 'no-range' | 'not-ready' | 'unheard'
  }
  /** Why any node may get all of the tasks. */
  readonly uneven?: string
  /** Tasks that an update starts beside the count. */
  readonly surge: number
}

/** `the network vlan40 has 3 free addresses on 3 nodes: at most 39 replicas spread evenly; node lab-2 is full` */
export function capacityReason(words: CapacityWords): string {
  const { network, ceiling, nodes, free, uneven, surge } = words
  if (nodes === 0) return `no node may get a task of it, so no address of the network ${network} can be promised`
  const what = `the network ${network} has ${some(free, 'free address', 'free addresses')} on ${some(nodes, 'node', 'nodes')}`
  const kept = surge === 0 ? '' : `, with ${some(surge, 'address', 'addresses')} kept for its updates`
  const most = `at most ${some(ceiling, 'replica', 'replicas')} ${uneven === undefined ? 'spread evenly' : `wherever they go, since ${uneven}`}`
  return [`${what}: ${most}${kept}`, ...end(words)].join('; ')
}

function end({ network, tightest }: CapacityWords): readonly string[] {
  if (tightest === undefined) return []
  const { hostname, free, lack } = tightest
  switch (lack) {
    case 'no-range':
      return [`node ${hostname} would get a task and has no range of it: ${mend(network)}`]
    case 'not-ready':
      return [`node ${hostname} would get a task and is not ready for it: ${mend(network)}`]
    case 'unheard':
      return [`the agent of node ${hostname} was never heard, so nobody knows what is free there`]
    case undefined:
      return [free <= 0 ? `node ${hostname} is full` : `node ${hostname} has ${free} left`]
    default:
      return lack satisfies never
  }
}

const mend = (network: string): string => `constrain the service to node.labels.${readyLabel(network)} == ready`

const some = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`
