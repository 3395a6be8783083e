/** Which ranges a definition pins for a node. Pure. */

import type { FamilyDefinition, NetworkDefinition } from '../definition/definition.ts'
import type { AllocationNode, Ranges } from './allocation.ts'

type Named = Pick<AllocationNode, 'id' | 'hostname'>

/** The key under which a node is pinned: its id wins over its host name. */
export const pinKey = (family: FamilyDefinition | undefined, { id, hostname }: Named): string | undefined =>
  family === undefined ? undefined : [id, hostname].find((key) => Object.hasOwn(family.pins, key))

const pinOf = (family: FamilyDefinition | undefined, node: Named): string | undefined => {
  const key = pinKey(family, node)
  return key === undefined ? undefined : family?.pins[key]
}

export const pinnedRanges = ({ ipv4, ipv6 }: NetworkDefinition, node: Named): Partial<Ranges> => {
  const range = pinOf(ipv4, node)
  const range6 = pinOf(ipv6, node)
  return { ...(range === undefined ? {} : { range }), ...(range6 === undefined ? {} : { range6 }) }
}

const keysOf = ({ ipv4, ipv6 }: NetworkDefinition, node: Named) => [pinKey(ipv4, node), pinKey(ipv6, node)]

/** 0: pinned by its id, 1: by its host name, 2: not at all. */
export const pinRank = (definition: NetworkDefinition, node: Named): 0 | 1 | 2 => {
  const keys = keysOf(definition, node)
  if (keys.includes(node.id)) return 0
  return keys.includes(node.hostname) ? 1 : 2
}

/** Host names that are pinned and that two nodes have which may run: which of them is meant? */
export const ambiguousPins = (definition: NetworkDefinition, nodes: readonly AllocationNode[]): ReadonlySet<string> => {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const node of nodes) {
    if (node.state === 'down' || !keysOf(definition, node).includes(node.hostname)) continue
    if (seen.has(node.hostname)) twice.add(node.hostname)
    seen.add(node.hostname)
  }
  return twice
}
