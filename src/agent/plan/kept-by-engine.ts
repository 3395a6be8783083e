/**
 * What an engine of the 20.10 series keeps of Swarm's network when it ends while a task is on it, and shows nowhere: the driver
 * may have it still, by its id, and the config-only network may count it, for ever. Pure.
 */
import type { EngineNetwork } from '../../swarm/networks.ts'
import type { ReportedFault } from '../../swarm/node-report.ts'
import type { NetworkProof } from './host.ts'

/** The engine's words: `dm-` is macvlan's, `di-` ipvlan's, and an id is cut there. */
const HOLDER = /\bd[im]-([0-9a-z]{8,}) is already using parent interface/

/** A probe is refused for the very network that tasks would be on: that one can be made again. */
export const isHeldByItself = ({ networkId }: NetworkProof, reason: string): boolean => {
  const holder = HOLDER.exec(reason)?.[1]
  return holder !== undefined && networkId?.startsWith(holder) === true
}

/** `undefined`: whatever uses the config-only network is shown, and goes. */
export function keptCount(
  configName: string,
  reason: string,
  networks: readonly EngineNetwork[],
): ReportedFault | undefined {
  const isShown = networks.some(({ configFrom }) => configFrom === configName)
  if (isShown || !/configuration network .* is in use/.test(reason)) return undefined
  const message = `The engine was restarted while a task was on the network, and since then counts a use of "${configName}" that it shows nowhere: stop the engine, remove /var/lib/docker/network/files/local-kv.db (its own other networks are in there too), and start it again.`
  return { code: 'engine-keeps', message }
}
