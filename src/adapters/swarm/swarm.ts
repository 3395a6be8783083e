/** The Swarm behind one engine: the ports of autoscaling and of networks, and what keeps their caches in step. */
import { setMaxListeners } from 'node:events'
import { decodeAlertState, encodeAlertState } from '../../autoscaling/alerts/alert-record.ts'
import { EMPTY_ALERT_STATE } from '../../autoscaling/alerts/alert-state.ts'
import { decodeSharedState, EMPTY_SHARED_STATE, encodeSharedState } from '../../autoscaling/decision/shared-state.ts'
import type { AlertStore, SharedStateStore } from '../../autoscaling/ports.ts'
import { recordCodec } from '../../bootstrap/record/record-codec.ts'
import type { Clock } from '../../foundation/clock.ts'
import { createListeners } from '../../foundation/listeners.ts'
import type { Logger } from '../../foundation/logger.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import type { Services, TaskSource, Tasks } from '../../swarm/ports.ts'
import type { ServiceChange } from '../../swarm/services.ts'
import { createConfigStore } from './configs/config-store.ts'
import type { EngineOptions } from './engine/engine-address.ts'
import { type CallRecord, connectEngine } from './engine/engine-connection.ts'
import { orUnavailable } from './engine/engine-errors.ts'
import { type EngineEvent, followEvents } from './engine/event-stream.ts'
import { createObjectReads } from './engine/object-reads.ts'
import { TIMING, type Timing } from './engine/timing.ts'
import { createCountWriter } from './services/count-writer.ts'
import { createServiceCache } from './services/service-cache.ts'
import { createBystanders, readService } from './services/service-mapper.ts'
import { createBootstrapSide, type SwarmBootstrap } from './swarm-bootstrap.ts'
import { createInSync } from './sync/in-sync.ts'
import { createListing } from './sync/keep-listing.ts'
import { keepReadingLeader } from './sync/leader-read.ts'
import { createTasks } from './tasks/tasks.ts'

const SHARED_STATE = { empty: EMPTY_SHARED_STATE, decode: decodeSharedState, encode: encodeSharedState }
const ALERTS = { empty: EMPTY_ALERT_STATE, decode: decodeAlertState, encode: encodeAlertState }

/** For metrics. */
export interface SwarmHooks {
  readonly onCall?: (call: CallRecord) => void
  readonly onEventStream?: (connected: boolean) => void
  /** How far the engine's clock is ahead of ours, ms. */
  readonly onClockSkew?: (skewMs: number) => void
  /** How tasks are known from now on. */
  readonly onTaskSource?: (source: TaskSource) => void
}

export interface SwarmDeps {
  readonly connection: EngineOptions
  /** Of the engine's control socket, where tasks are heard; absent: they are asked for. */
  readonly controlSocket?: string
  readonly logger: Logger
  readonly now: Clock
  readonly hooks?: SwarmHooks
  readonly timing?: Partial<Timing>
}

export interface Swarm {
  readonly services: Services
  readonly tasks: Tasks
  readonly sharedState: SharedStateStore
  readonly alerts: AlertStore
  /** Of networks; asks for little more than their records until it is activated. */
  readonly bootstrap: SwarmBootstrap
  /** The Swarm's own id; absent until the leader first answered. */
  cluster(): string | undefined
  /** For messages to people. */
  readonly engineAddress: string
  /** Starts following the swarm and returns at once; an engine that is away is tried again for ever. */
  start(): void
  /** Ends every call and loop. Nothing works afterwards. */
  close(): Promise<void>
}

/** Connects to nothing before `start`. Throws Error for connection options that cannot be right. */
export function connectSwarm({ connection, controlSocket, logger, now, hooks = {}, ...rest }: SwarmDeps): Swarm {
  const timing = { ...TIMING, ...rest.timing }
  const closing = new AbortController()
  const { signal } = closing
  setMaxListeners(0, signal)
  const engine = connectEngine(connection, hooks.onCall)
  const changes = createListeners<ServiceChange>(logger)
  const cache = createServiceCache({ now, changed: changes.tell })
  const inSync = createInSync({ now, logger, timing, signal })
  const onMissed = () => listing.soon()
  const reads = createObjectReads({
    ...{ engine, cache, logger, timing, signal, onMissed, read: readService, readListed: createBystanders() },
    ...{ kind: 'service', path: '/services', endpoint: '/services/{id}' },
    updatedAtNano: (id) => cache.get(id)?.updatedAtNano,
    notRead: (serviceId) => ({ event: 'service-read-failed', serviceId }),
  })
  const writer = createCountWriter({ engine, cache, reads, logger, timing, signal })
  const store = { engine, now, logger, timing, signal, onMissed }
  const sharedState = createConfigStore({ ...store, name: 'orrery-state', codec: SHARED_STATE })
  const alerts = createConfigStore({ ...store, name: 'orrery-alerts', codec: ALERTS })
  const list = async () => {
    await Promise.all([reads.list(), sharedState.load(), alerts.load(), bootstrap.loadRecords()])
  }
  const listing = createListing({ inSync, logger, timing, signal, list })
  const loops: Promise<void>[] = []
  let cluster: string | undefined

  const onEvent = (event: EngineEvent) => {
    if (event.type === 'service') reads.onEvent(event)
    else bootstrap.onEvent(event)
    if (event.type !== 'config') return
    sharedState.onEvent(event)
    alerts.onEvent(event)
  }

  const followStream = () =>
    followEvents({
      ...{ engine, logger, now, timing, signal, onEvent },
      types: ['service', 'config', 'node', 'network'],
      onUnreadable: onMissed,
      onConnected() {
        hooks.onEventStream?.(true)
        inSync.streamConnected()
      },
      onDisconnected(reason) {
        hooks.onEventStream?.(false)
        inSync.streamLost(reason)
      },
    })

  const readLeader = () =>
    keepReadingLeader({
      ...{ engine, logger, now, timing, signal },
      onSuccess: inSync.leaderAnswered,
      onFailure: inSync.leaderFailed,
      onCluster(id) {
        cluster = id
      },
      onClockSkew: (skewMs) => hooks.onClockSkew?.(skewMs),
    })

  const services: Services = {
    list: cache.entries,
    get: (id) => cache.get(id)?.observation,
    sync: inSync.status,
    onChange: changes.add,
    onSync: inSync.onChange,
    writeCount: writer.write,
    async refresh(id) {
      await orUnavailable(writer.takeReadAfterWrite(id) ?? reads.inspect(id))
      return cache.get(id)?.observation
    },
  }

  const tasks = createTasks({
    ...{ engine, inSync, now, logger, timing, signal },
    ...withoutUndefined({ socketPath: controlSocket, onSource: hooks.onTaskSource }),
  })
  const bootstrap = createBootstrapSide({
    ...{ codec: recordCodec, engine, services, tasks, inSync, now, logger, timing, signal, onMissed },
  })

  return {
    ...{ services, tasks, sharedState, alerts, bootstrap },
    cluster: () => cluster,
    engineAddress: engine.address,
    start() {
      if (loops.length > 0 || signal.aborted) return
      loops.push(followStream(), readLeader(), listing.run(), bootstrap.run(), tasks.run())
    },
    async close() {
      closing.abort()
      await Promise.all(loops)
      engine.close()
    },
  }
}
