/** A Swarm of made-up tasks, and the keeper that brings a real Consul in step with it. */
import { createCatalog } from '../../../src/adapters/consul/catalog.ts'
import { type ConsulOptions, connectConsul } from '../../../src/adapters/consul/consul-client.ts'
import { desiredOf, type World } from '../../../src/discovery/desired/desired.ts'
import type { RunningTask } from '../../../src/discovery/desired/task-entries.ts'
import type { Settings } from '../../../src/discovery/facts.ts'
import type { Registrations, SyncRecord } from '../../../src/discovery/registrations.ts'
import { type CatalogKeeper, createCatalogKeeper } from '../../../src/discovery/sync/keep-catalog.ts'
import { createRegistrations, logIssues } from '../../../src/discovery/sync/registrations.ts'
import { SETTINGS } from '../../unit/discovery/support.ts'

export type MadeUpSwarm = ReturnType<typeof aMadeUpSwarm>

/** Whoever changes its members nudges the keeper. */
export function aMadeUpSwarm(cluster: string, tasks: readonly RunningTask[]) {
  const swarm = {
    cluster,
    tasks,
    isReadable: true,
    /** What no agent tells of. */
    unheard: new Set<string>(),
  }
  const world = (): World => {
    const by = new Map(swarm.tasks.map((one) => [one.task.id, one]))
    const services = new Map(swarm.tasks.map(({ service }) => [service.id, service]))
    const nodes = new Map(swarm.tasks.map(({ node }) => [node.id, node]))
    return {
      tasks: swarm.tasks.map(({ task }) => task),
      service: (id) => services.get(id),
      node: (id) => nodes.get(id),
      container: (id) => (swarm.unheard.has(id) ? undefined : by.get(id)?.container),
      notReadySinceMs: new Map(),
      rangeOwner: () => undefined,
    }
  }
  const settings = (): Settings | undefined => (swarm.isReadable ? { ...SETTINGS, cluster } : undefined)
  const hosts = () => [...new Set(swarm.tasks.map(({ node }) => node.hostname))]
  return Object.assign(swarm, { world, settings, hosts })
}

export interface Kept {
  readonly keeper: CatalogKeeper
  readonly registrations: Registrations
  readonly syncs: SyncRecord[]
  /** Warnings, as a person reads them. */
  readonly lines: string[]
  close(): Promise<void>
}

const quiet = () => {}

export function keepCatalog(swarm: MadeUpSwarm, options: ConsulOptions): Kept {
  const client = connectConsul(options)
  const catalog = createCatalog(client, () => `orrery/${swarm.cluster}/writer`)
  const [syncs, lines]: [SyncRecord[], string[]] = [[], []]
  const logger = {
    ...{ debug: quiet, info: quiet, error: quiet },
    warn: (_fields: object, line?: string) => void lines.push(line ?? ''),
  }
  const ending = new AbortController()
  const { signal } = ending
  const { settings, hosts: hostnames } = swarm
  const desire = { of: (current: Settings) => desiredOf(swarm.world(), current, Date.now()) }
  const keeper = createCatalogKeeper({
    ...{ catalog, settings, desire, hostnames, logger, now: Date.now },
    listener: { changed: quiet, synced: (sync) => syncs.push(sync) },
  })
  const registrations = createRegistrations({
    ...{ keeper, catalog, settings, desire, hostnames, signal, now: Date.now },
    notInSync: () => 'the Swarm cannot be read',
  })
  const running = Promise.all([keeper.run(signal), logIssues({ settings, desire, keeper, signal }, logger)])
  const close = async () => {
    ending.abort()
    await running
    client.close()
  }
  return { keeper, registrations, syncs, lines, close }
}
