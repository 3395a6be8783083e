/** Which networks of a service have ranges, by the ids that specs name. */

import type { SwarmNetworks } from '../../swarm/ports.ts'
import type { Placement } from '../../swarm/services.ts'
import type { Records } from '../ports.ts'

export interface LimitedNetworks {
  /** Whether any network has ranges. */
  any(): boolean
  /** Names. Without the list of networks none may be found of a service that is on one: `areKnown`. */
  of(placement: Placement): readonly string[]
  areKnown(): boolean
}

interface LimitedNetworksDeps {
  readonly records: Pick<Records, 'all' | 'unreadable' | 'onChange'>
  readonly networks: Pick<SwarmNetworks, 'current' | 'onChange'>
}

export function createLimitedNetworks({ records, networks }: LimitedNetworksDeps): LimitedNetworks {
  let found = new WeakMap<Placement, readonly string[]>()
  for (const source of [records, networks]) {
    source.onChange(() => {
      found = new WeakMap()
    })
  }

  const find = ({ networks: targets }: Placement): readonly string[] => {
    const known = networks.current()
    const names = targets.map((target) => known.find(({ id }) => id === target)?.name ?? target)
    return [...new Set(names)].filter((name) => records.all().has(name) || records.unreadable().has(name))
  }

  return {
    any: () => records.all().size > 0 || records.unreadable().size > 0,
    areKnown: () => networks.current().length > 0,
    of(placement) {
      const names = found.get(placement) ?? find(placement)
      found.set(placement, names)
      return names
    },
  }
}
