/** The real use cases over a Swarm in memory, as `serve` puts them together: for stories from a call to a count. */
import { onTestFinished } from 'vitest'
import { createAlertBook } from '../../src/autoscaling/alert-book.ts'
import { type AlertState, EMPTY_ALERT_STATE } from '../../src/autoscaling/alert-state.ts'
import { createCatalog } from '../../src/autoscaling/catalog.ts'
import { createDecisionLog } from '../../src/autoscaling/decision-log.ts'
import { createInMemoryStore } from '../../src/autoscaling/in-memory-store.ts'
import { createLanes } from '../../src/autoscaling/lanes.ts'
import { createPolicies } from '../../src/autoscaling/policies.ts'
import type { AddressCapacity, AlertStore, FiringAlerts } from '../../src/autoscaling/ports.ts'
import { createScaler } from '../../src/autoscaling/scaler.ts'
import { createStandingKeeper } from '../../src/autoscaling/standing-keeper.ts'
import { createTeller } from '../../src/autoscaling/tell-decision.ts'
import { alertReceiver } from './alerts.ts'
import { createMemorySwarm } from './memory-swarm.ts'

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
