/** The words of giving ranges to nodes. Types only; allocate.ts does it. */

import type { Machine } from '../../swarm/node-report.ts'
import type { SwarmNode } from '../../swarm/nodes.ts'
import type { FreedRange, NodeAllocation } from '../record/record.ts'
import type { AddressPoolInput } from './address-pool.ts'

export type AllocationNode = Pick<SwarmNode, 'id' | 'hostname' | 'state' | 'labels' | 'platform'> & {
  /** As its agent says; absent: not heard, or it does not say. */
  readonly machine?: Machine
}

export interface AllocationInput extends AddressPoolInput {
  /** All nodes that the Swarm knows. Only those that are ready and run Linux are given something. */
  readonly nodes: readonly AllocationNode[]
}

export interface AllocationProblem {
  readonly code: 'pool-exhausted' | 'pin-taken' | 'pin-ambiguous' | 'machine-twice'
  /** Those that get nothing for it. */
  readonly nodes: readonly Pick<AllocationNode, 'id' | 'hostname'>[]
  /** What is wrong and what would be right. */
  readonly message: string
}

export interface AllocationResult {
  /** What came in, the very object, when nothing changes. */
  readonly allocations: ReadonlyMap<string, NodeAllocation>
  readonly freed: readonly FreedRange[]
  /** Node ids that were given a range just now. */
  readonly given: readonly string[]
  readonly problems: readonly AllocationProblem[]
}
