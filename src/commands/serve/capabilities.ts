/** Every capability of the controller, a line each. Who needs whom is said by what is handed over. */
import { openAutoscaling } from './autoscaling.ts'
import type { Base, Capability } from './capability.ts'
import { openDiscovery } from './discovery.ts'
import { openNetworks } from './networks.ts'

/** Those that are not configured are not in the list. Throws an Error that says why one cannot be opened. */
export async function openCapabilities(base: Base): Promise<readonly Capability[]> {
  const networks = await openNetworks(base)
  const autoscaling = await openAutoscaling(base, networks)
  const { consulAddress } = base.config
  const discovery = consulAddress === undefined ? [] : [openDiscovery(base, consulAddress, networks)]
  return [autoscaling, networks, ...discovery]
}
