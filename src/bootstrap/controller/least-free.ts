/** The figure of a silent agent stands: what is free may shrink while it is not heard, and never grows. */
import type { AddressCount, ShareView } from '../network.ts'

type Share = Pick<ShareView, 'network' | 'nodeId' | 'range'> & { readonly count: AddressCount }

/** `keepOnly` forgets every other network. */
export function createLeastFree() {
  const seen = new Map<string, Map<string, number>>()
  const keepFree = <One extends Share>(share: One, isHeard: boolean): One => {
    const { network, nodeId, range, count } = share
    if (count.free === null) return share
    const ofNetwork = seen.get(network) ?? new Map<string, number>()
    seen.set(network, ofNetwork)
    const key = `${nodeId} ${range}`
    const known = ofNetwork.get(key) ?? count.free
    const free = isHeard ? count.free : Math.min(known, count.free)
    ofNetwork.set(key, free)
    return free === count.free ? share : { ...share, count: { ...count, free } }
  }
  const keepOnly = (networks: readonly string[]) => {
    for (const network of seen.keys()) if (!networks.includes(network)) seen.delete(network)
  }
  return Object.assign(keepFree, { keepOnly })
}
