/** The real use cases over a Swarm in memory, as `serve` puts them together: for stories from a call to a count. */
import { onTestFinished } from 'vitest'
import type { AutoscalingMetrics } from '../../../src/adapters/metrics/autoscaling-metrics.ts'
import { createAlertSource } from '../../../src/autoscaling/alerts/alert-source.ts'
import { type AlertState, EMPTY_ALERT_STATE } from '../../../src/autoscaling/alerts/alert-state.ts'
import { boundsSource, createRestoreSource } from '../../../src/autoscaling/decision/request-source.ts'
import { createLoadBook } from '../../../src/autoscaling/evaluation/load-book.ts'
import { createTaskTroubles } from '../../../src/autoscaling/evaluation/task-troubles.ts'
import { createDecisionLog, createDecisionPublisher } from '../../../src/autoscaling/feed/decision-log.ts'
import type { Measurement } from '../../../src/autoscaling/load/measurement.ts'
import { createPolicies } from '../../../src/autoscaling/policy/policies.ts'
import type { AddressCapacity, AlertStore, FiringAlerts, LoadSources, Ticks } from '../../../src/autoscaling/ports.ts'
import { createAlertBook } from '../../../src/autoscaling/receiver/alert-book.ts'
import { createStandingKeeper } from '../../../src/autoscaling/receiver/standing-keeper.ts'
import { createCatalog } from '../../../src/autoscaling/views/catalog.ts'
import { createInMemoryStore } from '../../../src/autoscaling/writer/in-memory-store.ts'
import { createScaler } from '../../../src/autoscaling/writer/scaler.ts'
import { createServiceWriters } from '../../../src/autoscaling/writer/service-writers.ts'
import type { Logger } from '../../../src/foundation/logger.ts'
import type { Tasks } from '../../../src/swarm/ports.ts'
import { createMemorySwarm } from '../swarm/services.ts'
import { alertReceiver } from './alerts.ts'

const quiet = () => {}

const NOTHING: Measurement = { kind: 'missing', why: 'empty', detail: 'nothing is measured' }

export type MemorySwarm = ReturnType<typeof createMemorySwarm>

export interface MemoryOptions {
  /** For several controllers of one Swarm, and for one that is started again. */
  readonly swarm?: MemorySwarm
  readonly alertStore?: AlertStore
  readonly alertmanager?: FiringAlerts
  readonly capacity?: AddressCapacity
  /** Measured load, each 15 s; no agent reports. */
  readonly load?: { readonly sources: LoadSources; readonly tasks?: Pick<Tasks, 'list' | 'onChange' | 'readAtMs'> }
  readonly logger?: Logger
  /** Figures, and what is read for them at a scrape. */
  readonly metrics?: AutoscalingMetrics
}

const noTasks: Pick<Tasks, 'list' | 'onChange' | 'readAtMs'> = {
  list: () => [],
  onChange: () => quiet,
  readAtMs: () => 0,
}

const eachSecond: Ticks = {
  each(listener) {
    listener()
    const timer = setInterval(listener, 1000)
    return () => clearInterval(timer)
  },
}

/** The config `orrery-alerts`, counting what is written to it; `fails` makes every write fail. */
export function memoryAlertStore() {
  const store = createInMemoryStore<AlertState>(EMPTY_ALERT_STATE)
  const calls = { writes: 0 }
  let failure: Error | undefined
  const alertStore: AlertStore = {
    ...store,
    async update(change) {
      if (failure !== undefined) throw failure
      if (change(store.current()) === store.current()) return
      calls.writes += 1
      await store.update(change)
    },
  }
  return {
    ...{ alertStore, calls },
    fails(error: Error | undefined) {
      failure = error
    },
  }
}

/** `clock.nowMs` may be moved by the test. */
export function memoryController(clock: { readonly nowMs: number }, options: MemoryOptions = {}) {
  const now = () => clock.nowMs
  const { swarm = createMemorySwarm(now), alertStore = memoryAlertStore().alertStore, alertmanager, capacity } = options
  const { logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }, metrics } = options
  const { services, sharedState } = swarm
  const files = { list: () => [], problems: () => [], onChange: () => quiet }
  const policies = createPolicies({ services, files, logger })
  const log = createDecisionLog()
  const book = createAlertBook({ store: alertStore, logger })
  let writes = 0
  const { sources = { urls: { ask: async () => NOTHING } }, tasks = noTasks } = options.load ?? {}
  const [reports, nodes] = [{ list: () => [] }, { list: () => [] }]
  const load = createLoadBook({
    ...{ services, policies, reports, nodes, sources, now, logger },
    tasks: { get: () => undefined, sync: () => ({ inSync: true, reason: '' }) },
    ticks: eachSecond,
    tickMs: 15_000,
  })
  const troubles = createTaskTroubles({ tasks, now })
  const deps = {
    ...{ services, sharedState, alerts: book, policies, log, now, logger },
    sources: [createRestoreSource(sharedState), boundsSource, createAlertSource(book), load.source],
    ...(options.load && { load, troubles }),
    listener: metrics ?? { decided: quiet, wrote: quiet, observed: quiet },
    newWriteId: () => `write-${++writes}`,
    ...(capacity && { capacity }),
    settings: { dryRun: false, dedupWindowMs: 60_000, patienceMs: 3000 },
  }
  const writers = createServiceWriters(deps)
  const catalog = createCatalog({ ...deps, writeUnknown: writers.writeUnknown })
  const scaler = createScaler({ ...deps, writers, catalog })
  const asksAlertmanager = alertmanager !== undefined
  const tell = createDecisionPublisher(deps)
  const alerts = alertReceiver({ scaler, catalog, book, tell, logger, now, asksAlertmanager })
  metrics?.watch({ list: catalog.list, unheeded: policies.unheeded })
  const keeper = createStandingKeeper({ book, services, policies, alertmanager, logger, now })
  const stopTicks = options.load === undefined ? quiet : eachSecond.each(troubles.look)
  if (options.load !== undefined) load.start()
  const stop = async () => {
    policies.close()
    stopTicks()
    troubles.close()
    await Promise.all([load.close(), keeper.stop(), writers.stop(), book.close()])
  }
  onTestFinished(stop)
  return { swarm, catalog, scaler, alerts, book, load, stop }
}
