/** The controller's networks put together: what is defined, what agents say, what is kept true and what others see. */
import { watchSwarmCertificates } from '../../adapters/certificates/swarm-certificates.ts'
import { watchNetworkFiles } from '../../adapters/files/network-files.ts'
import { measureNetworks } from '../../adapters/metrics/network-metrics.ts'
import { createAgentReports, createReportHandler } from '../../agent/controller/agent-reports.ts'
import type { AddressCapacity } from '../../autoscaling/ports.ts'
import { createAddressCapacity } from '../../bootstrap/capacity/address-capacity.ts'
import type { NodesNews } from '../../bootstrap/network.ts'
import { createNetworkKeeper } from '../../bootstrap/reconcile/keep-networks.ts'
import { createObserver } from '../../bootstrap/reconcile/observe.ts'
import { wantedOf } from '../../bootstrap/record/node-part.ts'
import { createNetworkCatalog } from '../../bootstrap/views/network-catalog.ts'
import { publishNetworks, publishNodes } from '../../bootstrap/views/publish-changes.ts'
import { watchScarceAddresses } from '../../bootstrap/views/scarce-addresses.ts'
import { createListeners } from '../../foundation/listeners.ts'
import { listenForAgents } from '../../http/agents/agents-listener.ts'
import { networkRoutes } from '../../http/routes/networks/networks.ts'
import type { AgentReports, Nodes, Tasks } from '../../swarm/ports.ts'
import type { WantedRegistrations } from '../../swarm/wanted.ts'
import type { Base, Capability } from './capability.ts'

export interface Networks extends Capability {
  /** How many tasks there are addresses for. */
  readonly capacity: AddressCapacity
  /** What agents say, and where they should be. */
  readonly reports: AgentReports
  readonly nodes: Nodes
  readonly tasks: Tasks
  /** What is said of a node's entries in Consul, with what else is wanted of it; absent: nothing is. */
  wantRegistrations(of: (nodeId: string) => WantedRegistrations | undefined): void
  /** Nodes and tasks are needed from now on, networks or not. */
  activate(): void
}

export async function openNetworks(base: Base): Promise<Networks> {
  const { config, swarm, logger, now } = base
  const { bootstrap, services, sharedState } = swarm
  const isDirNamed = base.isNamed('ORRERY_NETWORK_DIR')
  const { add: onNews, tell } = createListeners<NodesNews>(logger)
  const { nodes, managers, tasks, networks, records, serviceName, activate } = bootstrap
  const definitions = await watchNetworkFiles({ dir: config.networkDir, required: isDirNamed, logger })
  const reports = createAgentReports({ nodes, logger, now })
  const observer = createObserver({ swarm: bootstrap, definitions, reports, now })
  const keeper = createNetworkKeeper({
    ...{ swarm: bootstrap, observer, definitions, reports, logger, now },
    mode: config.networkAuto ? 'auto' : 'keep',
    dryRun: config.dryRun,
    onStep: ({ network, node, text }) => tell({ network, ...(node === undefined ? {} : { node }), text }),
  })
  const plan = keeper.plan
  const catalog = createNetworkCatalog({
    ...{ definitions, records, nodes, managers, activate, tasks, reports, networks, serviceName, plan, now },
  })
  const sync = bootstrap.sync
  const capacity = createAddressCapacity({
    ...{ services, sharedState, nodes, tasks, records, networks, reports, sync, now },
  })
  const scarce = watchScarceAddresses({ catalog, logger })
  measureNetworks(base.metrics, catalog)
  publishNodes({ nodes, managers, reports, records, logger, tell, now })
  publishNetworks({ records, networks, tell })

  const areThere = () =>
    definitions.current().files.length > 0 || records.all().size > 0 || records.unreadable().size > 0

  /** A controller without networks reads no nodes, networks or tasks, before an agent calls. */
  const activateIfConfigured = () => {
    if (isDirNamed || areThere()) activate()
  }
  const stops = [definitions.onChange(activateIfConfigured), records.onChange(activateIfConfigured)]
  const closing = new AbortController()
  const loops: Promise<void>[] = []

  const isTokenGiven = base.access.tokens?.some(({ role }) => role === 'agent') === true
  const certificates = await watchSwarmCertificates({ dir: config.swarmCertDir, logger, now })
  let registrationsOf: (nodeId: string) => WantedRegistrations | undefined = () => undefined
  const networkIds = () =>
    new Map(networks.current().flatMap(({ name, id, scope }) => (scope === 'swarm' ? [[name, id] as const] : [])))
  const agents = createReportHandler({
    ...{ nodes, reports, activate, logger },
    wantedOf(nodeId) {
      const registrations = registrationsOf(nodeId)
      const wanted = wantedOf({
        nodeId,
        records: records.all(),
        revision: records.revision(),
        networkIds: networkIds(),
      })
      return registrations === undefined ? wanted : { ...wanted, registrations }
    },
    areCertificatesNeeded: () => certificates.identity() !== undefined && !isTokenGiven,
  })
  const { access, tls } = base
  const listener = await listenForAgents({
    ...{ agents, certificates, access, tls, logger, now },
    addresses: config.agentListen,
  })
  return {
    ...{ capacity, reports, nodes, tasks, activate },
    wantRegistrations(of) {
      registrationsOf = of
    },
    conditions: () => [
      { type: 'AgentsByCertificate', status: listener.proof() === 'certificate', reason: listener.reason() },
    ],
    features: () => ({ networks: areThere(), networkAuto: config.networkAuto }),
    routes: [
      networkRoutes({
        ...{ networks: catalog, agents, sync: services.sync },
        events: (listener) => onNews((news) => listener(news, () => ({ type: 'nodes', data: news }))),
      }),
    ],
    start() {
      activateIfConfigured()
      loops.push(keeper.run(closing.signal), scarce.run(closing.signal))
    },
    async close() {
      for (const stop of stops) stop()
      closing.abort()
      certificates.close()
      await Promise.all([...loops, definitions.close(), listener.close()])
    },
  }
}
