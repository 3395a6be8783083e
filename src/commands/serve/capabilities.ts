/** Every capability of the controller, a line each. Who needs whom is said by what is handed over. */
import { openAutoscaling } from './autoscaling.ts'
import type { Base, Capability } from './capability.ts'
import { findPrometheus, openConsul } from './consul.ts'
import { openNetworks } from './networks.ts'

/** Those that are not configured are not in the list. Throws an Error that says why one cannot be opened. */
export async function openCapabilities(base: Base): Promise<readonly Capability[]> {
  const consul = await openConsul(base.config)
  const networks = await openNetworks(base)
  const prometheus = findPrometheus(base.config, consul?.agent)
  const autoscaling = await openAutoscaling(base, { ...networks, prometheus })
  const discovery = consul === undefined ? [] : [(await import('./discovery.ts')).openDiscovery(base, consul, networks)]
  return [autoscaling, networks, ...discovery]
}
