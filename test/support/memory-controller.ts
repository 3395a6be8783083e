/** The real use cases over a Swarm in memory, as `serve` puts them together: for stories from a call to a count. */
import { onTestFinished } from 'vitest'
import { createCatalog } from '../../src/autoscaling/catalog.ts'
import { createDecisionLog } from '../../src/autoscaling/decision-log.ts'
import { createLanes } from '../../src/autoscaling/lanes.ts'
import { createPolicies } from '../../src/autoscaling/policies.ts'
import { createScaler } from '../../src/autoscaling/scaler.ts'
import { createTeller } from '../../src/autoscaling/tell-decision.ts'
import { alertBook, alertReceiver } from './alerts.ts'
import { createMemorySwarm } from './memory-swarm.ts'

const quiet = () => {}

/** `clock.nowMs` may be moved by the test. */
export function memoryController(clock: { nowMs: number }) {
  const now = () => clock.nowMs
  const swarm = createMemorySwarm(now)
  const { services, sharedState } = swarm
  const files = { list: () => [], problems: () => [], onChange: () => quiet }
  const policies = createPolicies({ services, files })
  const log = createDecisionLog()
  let writes = 0
  const deps = {
    ...{ services, sharedState, policies, log, now },
    listener: { decided: quiet, wrote: quiet, observed: quiet },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    newWriteId: () => `write-${++writes}`,
    settings: { dryRun: false, dedupWindowMs: 60_000, patienceMs: 3000 },
  }
  const lanes = createLanes(deps)
  const book = alertBook()
  const catalog = createCatalog({ ...deps, writeUnknown: lanes.writeUnknown, alerts: book.current })
  const scaler = createScaler({ ...deps, lanes, catalog })
  const alerts = alertReceiver({ scaler, catalog, book, tell: createTeller(deps), now })
  onTestFinished(async () => {
    policies.close()
    await lanes.stop()
  })
  return { swarm, catalog, scaler, alerts, book }
}
