/** What `orrery uninstall` works with, put together: a manager's engine, the controller that agents report to, and Consul. */
import { createConsulServices } from '../../adapters/consul/agent-services.ts'
import { createCatalog } from '../../adapters/consul/catalog.ts'
import { connectInstallation } from '../../adapters/swarm/installation/installation.ts'
import { loadConfig } from '../../config/load.ts'
import { leaveConsul } from '../../discovery/sync/leave-consul.ts'
import { connectConfigured } from '../connect-consul.ts'
import type { Console, ExitCode } from '../console.ts'
import { callController } from '../controller-client.ts'
import { engineOptions } from '../engine-options.ts'
import { openNetworkSession } from '../network/open-session.ts'
import { type UninstallDeps, type UninstallOptions, uninstall } from './uninstall.ts'

export async function startUninstall(options: UninstallOptions, io: Console): Promise<ExitCode> {
  const config = loadConfig(io.env)
  const session = await openNetworkSession(io)
  const installation = connectInstallation(engineOptions(config))
  const controllerThere = () =>
    callController(io, { path: '/healthz' }).then(
      () => config.url,
      () => undefined,
    )
  const leave: UninstallDeps['leaveConsul'] = async ({ cluster, hostnames }, patienceMs) => {
    const client = await connectConfigured(config)
    const catalog = createCatalog(client, () => `orrery/${cluster}/writer`)
    const services = createConsulServices(client)
    const { signal } = new AbortController()
    const deps = { catalog, services, cluster, hostnames, patienceMs, signal, now: Date.now }
    return await leaveConsul(deps).finally(client.close)
  }
  const consul = config.consulAddress === undefined ? {} : { leaveConsul: leave }
  try {
    return await uninstall({ session, installation, controllerThere, ...consul }, options, io)
  } finally {
    installation.close()
    await session.close()
  }
}
