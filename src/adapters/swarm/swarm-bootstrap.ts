/** What the networks need of the Swarm: nodes, tasks, networks and records, and what keeps their caches in step. */

import type { ServiceUse } from '../../bootstrap/plan/words.ts'
import type { Records } from '../../bootstrap/ports.ts'
import type { Unsubscribe } from '../../foundation/listeners.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { Managers, Nodes, Services, SwarmNetworks, Tasks } from '../../swarm/ports.ts'
import type { SyncStatus } from '../../swarm/sync.ts'
import { createNetworkRecords, type RecordCodec } from './configs/network-records.ts'
import type { Engine } from './engine/engine-connection.ts'
import type { EngineEvent } from './engine/event-stream.ts'
import type { Timing } from './engine/timing.ts'
import { createSwarmNetworks } from './networks/swarm-networks.ts'
import { createManagers } from './nodes/leadership.ts'
import { createNodeCache } from './nodes/node-cache.ts'
import type { InSync } from './sync/in-sync.ts'
import { createListing } from './sync/keep-listing.ts'
import { createPartInSync } from './sync/part-in-sync.ts'

/** Of a Swarm connected with `networks: true`. */
export interface SwarmBootstrap {
  readonly nodes: Nodes
  readonly managers: Managers
  readonly tasks: Tasks
  readonly networks: SwarmNetworks
  readonly records: Records
  /** Services with tasks on networks, from the cache. */
  serviceUses(): readonly ServiceUse[]
  /** From the cache. */
  serviceName(id: string): string | undefined
  /** Nodes and networks are read from now on, and tasks while there is a record; until then only records are. */
  activate(): void
  sync(): SyncStatus
  /** Called when nodes and networks were listed after changes may have been missed. */
  onSync(listener: () => void): Unsubscribe
}

export interface BootstrapSide extends SwarmBootstrap {
  /** Part of what `list` reads for the whole. Throws EngineError. */
  loadRecords(): Promise<void>
  onEvent(event: EngineEvent): void
  run(): Promise<void>
}

export interface BootstrapSideDeps {
  readonly codec: RecordCodec
  readonly engine: Engine
  readonly services: Pick<Services, 'list' | 'get' | 'onChange'>
  readonly tasks: Tasks
  readonly inSync: InSync
  readonly now: () => number
  readonly logger: Logger
  readonly timing: Timing
  readonly signal: AbortSignal
  /** Something that is listed for the whole was missed: records. */
  readonly onMissed: () => void
}

export function createBootstrapSide(deps: BootstrapSideDeps): BootstrapSide {
  const { services, tasks, inSync, logger, timing, signal } = deps
  const part = createPartInSync({ inSync, what: 'nodes and networks', logger })
  let recordsReadIn = 0
  const records = createNetworkRecords({
    ...deps,
    onMissed() {
      recordsReadIn = 0
      deps.onMissed()
    },
  })
  const onMissed = () => listing.soon()
  const nodes = createNodeCache({ ...deps, sync: part.status, onMissed })
  const managers = createManagers(deps)
  const networks = createSwarmNetworks({ ...deps, onMissed })
  const list = async () => {
    await Promise.all([nodes.load(), networks.load()])
  }
  const listing = createListing({ inSync: part, logger, timing, signal, list })

  const serviceUses = (): ServiceUse[] =>
    [...services.list()].flatMap(({ id, name, placement }) =>
      placement === undefined ? [] : [{ id, name, networks: placement.networks }],
    )

  const serviceIds = (): string[] | undefined => {
    const names = new Set(records.all().keys())
    if (names.size === 0 || !part.status().inSync) return undefined
    const ours = new Set(names)
    for (const { id, name } of networks.current()) if (names.has(name)) ours.add(id)
    return serviceUses()
      .filter((service) => service.networks.some((network) => ours.has(network)))
      .map(({ id }) => id)
  }
  tasks.follow(serviceIds)

  // What was known at the start would be asked for only when something happens.
  part.onChange(() => tasks.soon())
  records.onChange(() => tasks.soon())
  services.onChange(({ before, after }) => {
    if (before?.placement !== undefined || after?.placement !== undefined) tasks.soon()
  })
  nodes.onChange(() => tasks.soon())

  return {
    ...{ nodes, managers, tasks, networks, records, serviceUses },
    serviceName: (id) => services.get(id)?.name,
    activate: part.activate,
    sync: part.status,
    onSync: part.onChange,
    async loadRecords() {
      const epoch = inSync.epoch()
      // Where there are no networks, events tell of the first one.
      if (!part.isActive() && recordsReadIn === epoch) return
      await records.load()
      recordsReadIn = epoch
    },
    onEvent(event) {
      if (event.type === 'node') nodes.onEvent(event)
      else if (event.type === 'network') networks.onEvent(event)
      else if (event.type === 'config') records.onEvent(event)
    },
    async run() {
      await Promise.all([listing.run(), managers.run()])
    },
  }
}
