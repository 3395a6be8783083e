/** Discovery put together: every container in Consul with its own address. */
import { createConsulInstances } from '../../adapters/consul/agent-services.ts'
import { createCatalog } from '../../adapters/consul/catalog.ts'
import { measureDiscovery } from '../../adapters/metrics/discovery-metrics.ts'
import { CONTROLLER_ID_PREFIX } from '../../discovery/entry.ts'
import type { Settings } from '../../discovery/facts.ts'
import type { SelfEntry } from '../../discovery/ports.ts'
import { wantedOfAgents, watchAgents } from '../../discovery/sync/agents.ts'
import { createContainers } from '../../discovery/sync/containers.ts'
import { createDesire } from '../../discovery/sync/desire.ts'
import { createCatalogKeeper, type RegistrationChange } from '../../discovery/sync/keep-catalog.ts'
import { createRegistrations, logIssues } from '../../discovery/sync/registrations.ts'
import { keepSelf } from '../../discovery/sync/self.ts'
import { hostPort } from '../../foundation/host-port.ts'
import { createListeners } from '../../foundation/listeners.ts'
import { registrationRoutes } from '../../http/routes/discovery/registrations.ts'
import type { Following, Nodes } from '../../swarm/ports.ts'
import type { Base, Capability } from './capability.ts'
import type { Consul } from './consul.ts'
import type { Networks } from './networks.ts'

/** Reports arrive one after another: a moment gathers those of one change. */
const GATHER_MS = 10
const LOOPBACK = /^(?:127\.|::1$|localhost$)/
const ANY = /^(?:0\.0\.0\.0|::)$/

export type DiscoveryNeeds = Pick<Networks, 'reports' | 'nodes' | 'tasks' | 'activate' | 'wantRegistrations'>

export function openDiscovery(base: Base, { client, agent }: Consul, needs: DiscoveryNeeds): Capability {
  const { config, swarm, logger, now } = base
  const { services } = swarm
  const { reports, nodes, tasks } = needs
  let following: Following | undefined
  const notInSync = () => {
    const status = [services.sync(), nodes.sync(), tasks.sync()].find(({ inSync }) => !inSync)
    if (status !== undefined) return status.reason
    if (following?.isRead() !== true) return 'The tasks are being read.'
    return swarm.cluster() === undefined ? 'the Swarm has not said its id yet' : ''
  }
  const settings = (): Settings | undefined => {
    const cluster = swarm.cluster()
    if (cluster === undefined || notInSync() !== '') return undefined
    const { consulExplicit: isExplicit, consulIgnore: ignored, consulNodeGraceMs: nodeGraceMs } = config
    return { cluster, isExplicit, ignored, nodeGraceMs }
  }
  const containers = createContainers(reports)
  const desire = createDesire({ tasks, services, nodes, containers, now })
  const hostnames = () => nodes.list().map(({ hostname }) => hostname)
  const closing = new AbortController()
  const { signal } = closing
  const loops: Promise<void>[] = []
  const { add: onChange, tell } = createListeners<RegistrationChange>(logger)

  const lockKey = () => `orrery/${swarm.cluster() ?? 'unknown'}/writer`
  const catalog = createCatalog(client, lockKey)
  const watch = watchAgents({ consul: createConsulInstances(client), settings, desire, tasks, nodes, logger, now })
  const isByAgents = config.consulMode === 'agent'
  const catalogKeeper = createCatalogKeeper({
    ...{ catalog, settings, desire, hostnames, logger, now },
    listener: {
      changed(change) {
        tell(change)
        logger.info({ event: 'registration', ...change }, sentence(change))
      },
      synced: (sync) => countSync(sync),
    },
  })
  const keeper = isByAgents ? watch : catalogKeeper
  const registrations = createRegistrations({
    ...(isByAgents && { mode: 'agent' as const }),
    ...{ keeper, catalog: isByAgents ? watch : catalog, settings, desire, hostnames, notInSync, now, signal },
  })
  const countSync = measureDiscovery(base.metrics, registrations.figures)

  let gathering: NodeJS.Timeout | undefined
  const soon = () => {
    desire.changed()
    gathering ??= setTimeout(() => {
      gathering = undefined
      keeper.nudge()
    }, GATHER_MS)
  }
  // Where tasks are asked for, those of every service matter; before the services are known nothing is true of their tasks.
  const everyService = () => (services.sync().inSync ? [...services.list()].map(({ id }) => id) : undefined)
  const follow = () => [
    tasks.onChange(() => {
      desire.changed()
      keeper.nudge()
    }),
    nodes.onChange(soon),
    services.onChange(({ before, after }) => {
      if (before?.id !== after?.id) tasks.soon()
      if (before?.labels !== after?.labels) soon()
    }),
    services.onSync(() => {
      tasks.soon()
      soon()
    }),
    reports.onChange(() => {
      if (containers.read()) soon()
    }),
  ]
  let stops: readonly (() => void)[] = []

  return {
    features: () => ({ consul: true }),
    conditions: registrations.conditions,
    routes: [
      registrationRoutes({
        registrations,
        events: (listener) => onChange((change) => listener(change, () => ({ type: 'registration', data: change }))),
      }),
    ],
    start() {
      needs.activate()
      if (isByAgents) needs.wantRegistrations(wantedOfAgents({ settings, desire, tasks }))
      following = tasks.follow(everyService)
      stops = [following, ...follow()]
      loops.push(keeper.run(signal), logIssues({ settings, desire, keeper, signal }, logger))
      loops.push(keepSelf({ agent, self: whereSelf(base, nodes), logger }, signal))
    },
    /** Gives the lock up, so that another controller writes at once; entries stay. */
    async close() {
      for (const stop of stops) stop()
      clearTimeout(gathering)
      closing.abort()
      await Promise.all(loops)
      client.close()
    },
  }
}

/** `undefined`: the engine has not said where this node is. Throws Fault `engine-unavailable`. */
function whereSelf({ config, swarm }: Base, nodes: Nodes): () => Promise<SelfEntry | undefined> {
  return async () => {
    const cluster = swarm.cluster()
    const { nodeId, version: engine } = await swarm.bootstrap.networks.engine()
    const node = nodes.get(nodeId)
    const listen = config.listen.find(({ host }) => host === undefined || !LOOPBACK.test(host))
    if (cluster === undefined || node === undefined || listen === undefined) return undefined
    const address = listen.host === undefined || ANY.test(listen.host) ? node.address : listen.host
    if (address === undefined || ANY.test(address)) return undefined
    const scheme = config.tlsCertFile === undefined ? 'http' : 'https'
    return {
      ...{ id: `${CONTROLLER_ID_PREFIX}${node.id}`, name: 'orrery', address, port: listen.port },
      meta: { cluster, node: node.hostname, engine },
      checkUrl: `${scheme}://${hostPort(address, listen.port)}/readyz`,
    }
  }
}

function sentence({ action, id, node, address, port }: RegistrationChange): string {
  const where = address === undefined ? '' : ` at ${address}:${port}`
  return `${action} ${id}${where} on ${node}`
}
