/**
 * What is active of one network, shared by all controllers: the Swarm config `orrery-network-<name>`, a single
 * versioned object, so that two controllers cannot give one range twice. Types only; record-codec.ts writes it down.
 */

import { type Block, blockOf, formatBlock, parseBlock } from '../../foundation/address.ts'
import type { Machine } from '../../swarm/node-report.ts'
import type { Availability } from '../../swarm/nodes.ts'
import type { NetworkDefinition } from '../definition/definition.ts'

/** One node's part of a network, for as long as the node is known to the Swarm. */
export interface NodeAllocation {
  readonly nodeId: string
  readonly hostname: string
  /** As its agent said last: by this, and not by its name, it gets its range back when it joins again under a new id. */
  readonly machine?: Machine
  /** CIDR. */
  readonly range: string
  readonly range6?: string
  /** As the definition or the node's label said when it was given; `auto` is the agent's to resolve. */
  readonly parent: string
  readonly givenAtMs: number
  /** Its config-only network was made by hand and taken over: ours though it has no label. */
  readonly isAdopted: boolean
  /**
   * Of an adopted one: what its config-only network holds back, name to address, as it was found. That cannot change
   * without recreating it, so these are its aux addresses whatever the definition's `edges` say, and it has a shim only
   * when the address that the shim would have is among them.
   */
  readonly aux?: Readonly<Record<string, string>>
  readonly aux6?: Readonly<Record<string, string>>
  /** A change of range or parent under way. Written before the drain, so that whoever comes next finishes it. */
  readonly change?: AllocationChange
  /** Its availability before `onFault: pause` took it; given back when the node matches the definition again. */
  readonly pausedFrom?: Availability
}

/** The ranges of a node, as CIDRs. */
export type Ranges = Pick<NodeAllocation, 'range' | 'range6'>

export interface AllocationChange extends Ranges {
  readonly parent: string
  /** Given back once nothing is attached; `drain`: it was drained before, or need not be. */
  readonly availabilityBefore: Availability
  /**
   * `waiting`: another node is changed first. `draining`: until nothing is attached and the tasks run elsewhere.
   * `recreating`: until the agent has proved it.
   */
  readonly stage: 'waiting' | 'draining' | 'recreating'
  readonly startedAtMs: number
}

/** A range that nobody has any more; its last host may still answer, so it is not given again for 24 h. */
export interface FreedRange extends Ranges {
  readonly nodeId: string
  readonly hostname: string
  readonly freedAtMs: number
  readonly machine?: Machine
  /** Of an adopted allocation: as there, for its host when that joins again. */
  readonly isAdopted?: boolean
  readonly aux?: Readonly<Record<string, string>>
  readonly aux6?: Readonly<Record<string, string>>
}

export interface NetworkRecord {
  /** In force. */
  readonly definition: NetworkDefinition
  /** `removing`: `network remove` began; whoever comes next finishes it. */
  readonly phase: 'present' | 'removing'
  /** All of Orrery is being removed: the record stays to the end, so that no controller takes the definition up again. */
  readonly uninstalling?: true
  /** The swarm network was made by hand and taken over, or proved ours by its config-only networks. */
  readonly isAdopted: boolean
  /** By node id. */
  readonly allocations: ReadonlyMap<string, NodeAllocation>
  readonly freed: readonly FreedRange[]
}

/** Node labels that are ours; `orrery.parent.<name>` is the operator's. */
export const readyLabel = (network: string): string => `orrery.network.${network}`
export const rangeLabel = (network: string): string => `orrery.network.${network}.range`
export const parentLabel = (network: string): string => `orrery.parent.${network}`
export const RECORD_PREFIX = 'orrery-network-'
/** How long a freed range is not given again. */
export const QUARANTINE_MS = 24 * 60 * 60 * 1000

/** Of texts that were validated before; RangeError on any other. */
export const blocksOf = ({ range, range6 }: Partial<Ranges>): readonly Block[] =>
  [range, range6].flatMap((text) => (text === undefined ? [] : [blockOf(text)]))

/** `172.80.1.0/24`, or `172.80.1.0/24,fd00:40:1::/64`. */
export const formatRangeLabel = ({ range, range6 }: Ranges): string =>
  range6 === undefined ? range : `${range},${range6}`

/** In canonical form; `undefined`: the label holds something else. */
export const parseRangeLabel = (label: string): Ranges | undefined => {
  const blocks = label.split(',').map((text) => parseBlock(text.trim()))
  const [range, range6, more] = blocks
  if (range?.family !== 4 || more !== undefined || blocks.length > 2) return undefined
  if (blocks.length === 1) return { range: formatBlock(range) }
  return range6?.family === 6 ? { range: formatBlock(range), range6: formatBlock(range6) } : undefined
}
