/** Autoscaling put together: policies, requests and who makes them unasked, alerts, and what others see of it. */
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAlertmanager } from '../../adapters/alertmanager/alertmanager.ts'
import { watchPolicyFiles } from '../../adapters/files/policy-files.ts'
import { createAutoscalingMetrics } from '../../adapters/metrics/autoscaling-metrics.ts'
import { createAlertSource } from '../../autoscaling/alerts/alert-source.ts'
import { ALERT_WINDOW_MS, EMPTY_ALERT_STATE } from '../../autoscaling/alerts/alert-state.ts'
import { boundsSource, createRestoreSource } from '../../autoscaling/decision/request-source.ts'
import { createDecisionLog, createDecisionPublisher } from '../../autoscaling/feed/decision-log.ts'
import { createPolicies } from '../../autoscaling/policy/policies.ts'
import type { AddressCapacity } from '../../autoscaling/ports.ts'
import { createAlertBook } from '../../autoscaling/receiver/alert-book.ts'
import { createAlertReceiver } from '../../autoscaling/receiver/alert-receiver.ts'
import { createStandingKeeper } from '../../autoscaling/receiver/standing-keeper.ts'
import { createCatalog } from '../../autoscaling/views/catalog.ts'
import { createTaskViews } from '../../autoscaling/views/task-views.ts'
import { createInMemoryStore } from '../../autoscaling/writer/in-memory-store.ts'
import { createScaler } from '../../autoscaling/writer/scaler.ts'
import { createServiceWriters } from '../../autoscaling/writer/service-writers.ts'
import { effectiveState } from '../../autoscaling/writer/writer-context.ts'
import { autoscalingRoutes } from '../../http/routes/autoscaling/routes.ts'
import { dockerScalerRoutes } from '../../http/routes/compat/docker-scaler.ts'
import { orbiterRoutes } from '../../http/routes/compat/orbiter.ts'
import type { Base, Capability } from './capability.ts'
import { type LoadNeeds, openLoad } from './load.ts'

/** How long a caller waits for its answer. */
const PATIENCE_MS = 3000
/** What time alone changes is known to this. */
const CONDITIONS_EVERY_MS = 15_000
/** How long what alerts were remembered by may take to be written at the end. */
const LAST_WRITE_MS = 500

export interface AutoscalingNeeds {
  /** How many tasks there are addresses for. */
  readonly capacity: AddressCapacity
}

type Needs = AutoscalingNeeds & LoadNeeds

export async function openAutoscaling(base: Base, needs: Needs): Promise<Capability> {
  const { config, swarm, logger, now, stopping: signal } = base
  const { services, sharedState } = swarm
  const { capacity } = needs
  const metrics = createAutoscalingMetrics(base.metrics, now)
  const required = base.isNamed('ORRERY_POLICY_DIR')
  const files = await watchPolicyFiles({ dir: config.policyDir, required, logger })
  const policies = createPolicies({ services, files, logger })
  const log = createDecisionLog(base.controllerId)
  const settings = { dryRun: config.dryRun, dedupWindowMs: config.dedupWindowMs, patienceMs: PATIENCE_MS }
  const newWriteId = () => randomBytes(8).toString('base64url')
  // A dry run writes nothing at all.
  const alertStore = config.dryRun ? createInMemoryStore(EMPTY_ALERT_STATE) : swarm.alerts
  const book = createAlertBook({ store: alertStore, logger })
  const load = openLoad(base, { ...needs, policies })
  const deps = {
    ...{ services, sharedState, policies, capacity, log, logger, now, newWriteId, settings },
    alerts: book,
    // In the order of who is heard first.
    sources: [createRestoreSource(sharedState), boundsSource, createAlertSource(book), load.book.source],
    listener: metrics,
    troubles: load.troubles,
    load: load.book,
  }
  const writers = createServiceWriters(deps)
  const taskViews = createTaskViews({ ...needs, services, now })
  const asksAlertmanager = config.alertmanagerUrl !== undefined
  const catalog = createCatalog({ ...deps, taskViews, asksAlertmanager, writeUnknown: writers.writeUnknown })
  const scaler = createScaler({ ...deps, writers, catalog })
  const digest = (text: string) => createHash('sha256').update(text).digest('base64url')
  const tell = createDecisionPublisher(deps)
  const alertmanager =
    config.alertmanagerUrl === undefined ? undefined : createAlertmanager({ url: config.alertmanagerUrl, signal })
  // Who names a window knows the senders' pauses.
  const alertWindowMs = base.isNamed('ORRERY_DEDUP_WINDOW') ? config.dedupWindowMs : ALERT_WINDOW_MS
  const keeper = createStandingKeeper({ book, services, policies, alertmanager, logger, now })
  const alerts = createAlertReceiver({
    ...{ scaler, policies, catalog, book, tell, digest, logger, now, asksAlertmanager, alertWindowMs },
    stateOf: (service) => effectiveState(service, sharedState.current().restores.get(service.id)),
  })
  metrics.watch({ list: catalog.list, unheeded: policies.unheeded })

  let conditions: NodeJS.Timeout | undefined
  const called = { catalog, scaler, alerts, feed: log, metrics }
  return {
    routes: [autoscalingRoutes(called), orbiterRoutes(called), dockerScalerRoutes(called, config.serverPrefix)],
    features: () => ({
      autoscaling: true,
      alertmanager: asksAlertmanager,
      prometheus: needs.prometheus !== undefined,
    }),
    start() {
      load.start()
      conditions = setInterval(catalog.noteConditions, CONDITIONS_EVERY_MS).unref()
    },
    finish: scaler.stop,
    async close() {
      clearInterval(conditions)
      policies.close()
      taskViews.close()
      await keeper.stop()
      await Promise.race([book.close(), sleep(LAST_WRITE_MS)])
      await Promise.all([writers.stop(), load.close(), files.close()])
    },
  }
}
