/** News of networks for the event feed: who has what, and whether the swarm network is there; each change once. */

import type { SwarmNetworks } from '../../swarm/ports.ts'
import type { NodesNews } from '../network.ts'
import type { Records } from '../ports.ts'
import type { NetworkRecord } from '../record/record.ts'

export interface NetworkTellerDeps {
  readonly records: Pick<Records, 'all' | 'onChange'>
  readonly networks: Pick<SwarmNetworks, 'current' | 'onChange'>
  readonly tell: (news: NodesNews) => void
}

export function tellNetworks({ records, networks, tell }: NetworkTellerDeps): void {
  let known: ReadonlyMap<string, NetworkRecord> | undefined
  let made: ReadonlySet<string> | undefined

  records.onChange(() => {
    const current = records.all()
    // Those of the start are no news.
    for (const [network, record] of known === undefined ? [] : current) {
      if (known?.get(network) !== record) tell({ network, text: changeOf(known?.get(network), record) })
    }
    for (const network of known?.keys() ?? []) if (!current.has(network)) tell({ network, text: 'it is removed' })
    known = new Map(current)
  })

  networks.onChange(() => {
    const current = new Set(
      networks.current().flatMap(({ name, scope }) => (scope === 'swarm' && records.all().has(name) ? [name] : [])),
    )
    for (const network of made === undefined ? [] : current) {
      if (made?.has(network) === false) tell({ network, text: 'the swarm network is there' })
    }
    for (const network of made ?? []) if (!current.has(network)) tell({ network, text: 'the swarm network is gone' })
    made = current
  })
}

function changeOf(before: NetworkRecord | undefined, after: NetworkRecord): string {
  if (before === undefined) return 'it is in force'
  if (after.phase === 'removing') return before.phase === 'removing' ? 'its removal goes on' : 'its removal began'
  return 'what is in force has changed'
}
