/** `orrery serve`: the controller put together, and its orderly end. */
import '../compact-heap.ts'

import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAlertmanager } from '../../adapters/alertmanager/alertmanager.ts'
import { watchPolicyFiles } from '../../adapters/files/policy-files.ts'
import { createLogger } from '../../adapters/logging/logger.ts'
import { createMetrics } from '../../adapters/metrics/metrics.ts'
import { connectSwarm } from '../../adapters/swarm/swarm.ts'
import { createAlertSource } from '../../autoscaling/alerts/alert-source.ts'
import { EMPTY_ALERT_STATE } from '../../autoscaling/alerts/alert-state.ts'
import { boundsSource, createRestoreSource } from '../../autoscaling/decision/corrections.ts'
import { createDecisionLog } from '../../autoscaling/feed/decision-log.ts'
import { createTeller } from '../../autoscaling/feed/tell-decision.ts'
import { createPolicies } from '../../autoscaling/policy/policies.ts'
import { createAlertBook } from '../../autoscaling/receiver/alert-book.ts'
import { createAlertReceiver } from '../../autoscaling/receiver/alert-receiver.ts'
import { createStandingKeeper } from '../../autoscaling/receiver/standing-keeper.ts'
import { createCatalog } from '../../autoscaling/views/catalog.ts'
import { createInMemoryStore } from '../../autoscaling/writer/in-memory-store.ts'
import { effectiveState } from '../../autoscaling/writer/lane-context.ts'
import { createLanes } from '../../autoscaling/writer/lanes.ts'
import { createScaler } from '../../autoscaling/writer/scaler.ts'
import { configWarnings, loadConfig } from '../../config/load.ts'
import { listen } from '../../http/listen.ts'
import { buildServer } from '../../http/server.ts'
import type { Console, ExitCode } from '../console.ts'
import { engineOptions } from '../engine-options.ts'
import { serveNetworks } from './networks.ts'
import { readAccess } from './read-access.ts'

export interface ServeOptions {
  /** In place of ORRERY_LISTEN. */
  readonly listen?: string
  readonly debug?: boolean
}

/** How long a caller waits for its answer. */
const PATIENCE_MS = 3000
/** How long what was accepted may take to finish after a stop began. */
const STOP_GRACE_MS = 10_000

/** Resolves when it listens; the process then runs until a signal. Throws when it can not start. */
export async function serve(options: ServeOptions, io: Console): Promise<ExitCode> {
  const config = loadConfig(options.listen === undefined ? io.env : { ...io.env, ORRERY_LISTEN: options.listen })
  const logger = createLogger({ level: options.debug ? 'debug' : config.logLevel })
  for (const warning of configWarnings(config, io.env)) logger.warn({ event: 'config' }, warning)
  const now = Date.now
  const metrics = createMetrics({ version: io.version, now })
  const { access, tls } = readAccess(config)

  const swarm = connectSwarm({
    connection: engineOptions(config),
    logger,
    now,
    hooks: {
      onCall: metrics.engineCalled,
      onEventStream: metrics.eventStreamConnected,
      onClockSkew: metrics.clockSkewed,
    },
  })
  const { services, sharedState } = swarm
  const required = io.env.ORRERY_POLICY_DIR !== undefined
  const files = await watchPolicyFiles({ dir: config.policyDir, required, logger })
  const policies = createPolicies({ services, files })
  const log = createDecisionLog()
  const networks = await serveNetworks({
    ...{ config, swarm, logger, now },
    isDirNamed: io.env.ORRERY_NETWORK_DIR !== undefined,
    tell: log.toldOfNodes,
  })
  const settings = { dryRun: config.dryRun, dedupWindowMs: config.dedupWindowMs, patienceMs: PATIENCE_MS }
  const newWriteId = () => randomBytes(8).toString('base64url')
  // A dry run writes nothing at all.
  const alertStore = config.dryRun ? createInMemoryStore(EMPTY_ALERT_STATE) : swarm.alerts
  const book = createAlertBook({ store: alertStore, logger })
  const { capacity } = networks
  const deps = {
    ...{ services, sharedState, policies, capacity, log, logger, now, newWriteId, settings },
    alerts: book,
    sources: [createRestoreSource(sharedState), boundsSource, createAlertSource(book)],
    listener: metrics,
  }
  const lanes = createLanes(deps)
  const catalog = createCatalog({ ...deps, writeUnknown: lanes.writeUnknown })
  const scaler = createScaler({ ...deps, lanes, catalog })
  const digest = (text: string) => createHash('sha256').update(text).digest('base64url')
  const tell = createTeller(deps)
  const stopping = new AbortController()
  const { signal } = stopping
  const alertmanager =
    config.alertmanagerUrl === undefined ? undefined : createAlertmanager({ url: config.alertmanagerUrl, signal })
  const asksAlertmanager = alertmanager !== undefined
  const keeper = createStandingKeeper({ book, services, policies, alertmanager, logger, now })
  const alerts = createAlertReceiver({
    ...{ scaler, policies, catalog, book, tell, digest, logger, now, asksAlertmanager },
    stateOf: (service) => effectiveState(service, sharedState.current().restores.get(service.id)),
  })
  metrics.watch(catalog)
  metrics.watchNetworks(networks.catalog)

  const app = buildServer({
    ...{ catalog, scaler, alerts, metrics, access, logger, now },
    networks: networks.catalog,
    agents: networks.agents,
    feed: log,
    version: io.version,
    serverPrefix: config.serverPrefix,
    stopping: signal,
  })
  const closeInside = async () => {
    policies.close()
    await keeper.stop()
    await Promise.race([book.close(), sleep(500)])
    await Promise.all([lanes.stop(), networks.close(), files.close()])
    await swarm.close()
  }
  const listening = await listen({ app, addresses: config.listen, tls }).catch(async (error: unknown) => {
    await closeInside()
    throw error
  })
  swarm.start()
  networks.start()
  logger.info({ event: 'listening', urls: listening.urls, engine: swarm.engineAddress }, `orrery ${io.version} listens`)

  io.onStop(async ({ signal: received, err }) => {
    if (err !== undefined) logger.fatal({ event: 'fault', err }, 'a fault that nobody caught')
    logger.info({ event: 'stopping', signal: received }, 'stopping: new work is refused, what was accepted is finished')
    stopping.abort()
    await Promise.race([scaler.stop(), sleep(STOP_GRACE_MS)])
    await listening.close(1000)
    await Promise.race([closeInside(), sleep(1000)])
    logger.info({ event: 'stopped' }, 'stopped')
  })
  return 0
}
