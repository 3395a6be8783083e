/** The real use cases over a Swarm in memory, as `serve` puts them together: for stories from a call to a count. */
import { onTestFinished } from 'vitest'
import { createAlertSource } from '../../../src/autoscaling/alerts/alert-source.ts'
import { type AlertState, EMPTY_ALERT_STATE } from '../../../src/autoscaling/alerts/alert-state.ts'
import { boundsSource, createRestoreSource } from '../../../src/autoscaling/decision/request-source.ts'
import { createDecisionLog, createTeller } from '../../../src/autoscaling/feed/decision-log.ts'
import { createPolicies } from '../../../src/autoscaling/policy/policies.ts'
import type { AddressCapacity, AlertStore, FiringAlerts } from '../../../src/autoscaling/ports.ts'
import { createAlertBook } from '../../../src/autoscaling/receiver/alert-book.ts'
import { createStandingKeeper } from '../../../src/autoscaling/receiver/standing-keeper.ts'
import { createCatalog } from '../../../src/autoscaling/views/catalog.ts'
import { createInMemoryStore } from '../../../src/autoscaling/writer/in-memory-store.ts'
import { createLanes } from '../../../src/autoscaling/writer/lanes.ts'
import { createScaler } from '../../../src/autoscaling/writer/scaler.ts'
import { createMemorySwarm } from '../swarm/services.ts'
import { alertReceiver } from './alerts.ts'

const quiet = () => {}

export type MemorySwarm = ReturnType<typeof createMemorySwarm>

export interface MemoryOptions {
  /** For several controllers of one Swarm, and for one that is started again. */
  readonly swarm?: MemorySwarm
  readonly alertStore?: AlertStore
  readonly alertmanager?: FiringAlerts
  readonly capacity?: AddressCapacity
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
  const { services, sharedState } = swarm
  const files = { list: () => [], problems: () => [], onChange: () => quiet }
  const policies = createPolicies({ services, files })
  const log = createDecisionLog()
  const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
  const book = createAlertBook({ store: alertStore, logger })
  let writes = 0
  const deps = {
    ...{ services, sharedState, alerts: book, policies, log, now, logger },
    sources: [createRestoreSource(sharedState), boundsSource, createAlertSource(book)],
    listener: { decided: quiet, wrote: quiet, observed: quiet },
    newWriteId: () => `write-${++writes}`,
    ...(capacity && { capacity }),
    settings: { dryRun: false, dedupWindowMs: 60_000, patienceMs: 3000 },
  }
  const lanes = createLanes(deps)
  const catalog = createCatalog({ ...deps, writeUnknown: lanes.writeUnknown })
  const scaler = createScaler({ ...deps, lanes, catalog })
  const asksAlertmanager = alertmanager !== undefined
  const alerts = alertReceiver({ scaler, catalog, book, tell: createTeller(deps), now, asksAlertmanager })
  const keeper = createStandingKeeper({ book, services, policies, alertmanager, logger, now })
  const stop = async () => {
    policies.close()
    await Promise.all([keeper.stop(), lanes.stop(), book.close()])
  }
  onTestFinished(stop)
  return { swarm, catalog, scaler, alerts, book, stop }
}
