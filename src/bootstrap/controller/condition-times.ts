/** Remembers since when each condition of each network has been what it is, as far as anybody looked. */
import type { Clock } from '../../autoscaling/ports.ts'
import type { NetworkCondition } from '../network.ts'

type Type = NetworkCondition['type']

/** Ms since the epoch. `keepOnly` forgets every other network. */
export function createConditionTimes(now: Clock) {
  const seen = new Map<string, Map<Type, { readonly status: boolean; readonly sinceMs: number }>>()
  const sinceMs = (network: string, { type, status }: Pick<NetworkCondition, 'type' | 'status'>): number => {
    const ofNetwork = seen.get(network) ?? new Map()
    seen.set(network, ofNetwork)
    const known = ofNetwork.get(type)
    if (known?.status === status) return known.sinceMs
    const since = now()
    ofNetwork.set(type, { status, sinceMs: since })
    return since
  }
  const keepOnly = (networks: readonly string[]) => {
    for (const network of seen.keys()) if (!networks.includes(network)) seen.delete(network)
  }
  return Object.assign(sinceMs, { keepOnly })
}
