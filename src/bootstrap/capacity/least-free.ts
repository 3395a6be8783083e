/** The figure of a silent agent stands: what is free may shrink while it is not heard, and never grows. */
import type { AddressCount } from '../record/address-count.ts'

interface Share {
  readonly network: string
  readonly nodeId: string
  readonly range: string
  readonly count: AddressCount
}

/** `keepOnly` forgets every other network. */
export function createLeastFree() {
  const seen = new Map<string, Map<string, number>>()
  const keepFree = ({ network, nodeId, range, count }: Share, isHeard: boolean): AddressCount => {
    if (count.free === null) return count
    const ofNetwork = seen.get(network) ?? new Map<string, number>()
    seen.set(network, ofNetwork)
    const key = `${nodeId} ${range}`
    const known = ofNetwork.get(key) ?? count.free
    const free = isHeard ? count.free : Math.min(known, count.free)
    ofNetwork.set(key, free)
    return { ...count, free }
  }
  const keepOnly = (networks: readonly string[]) => {
    for (const network of seen.keys()) if (!networks.includes(network)) seen.delete(network)
  }
  return Object.assign(keepFree, { keepOnly })
}
