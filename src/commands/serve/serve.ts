/** `orrery serve`: the controller put together, and its orderly end. */
import '../compact-heap.ts'

import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '../../adapters/logging/logger.ts'
import { createEngineMetrics } from '../../adapters/metrics/engine-metrics.ts'
import { createMetricsRegistry } from '../../adapters/metrics/registry.ts'
import { connectSwarm } from '../../adapters/swarm/swarm.ts'
import { configWarnings, loadConfig } from '../../config/load.ts'
import type { Logger } from '../../foundation/logger.ts'
import { listen } from '../../http/listen.ts'
import { buildServer } from '../../http/server.ts'
import type { Console, ExitCode } from '../console.ts'
import { engineOptions } from '../engine-options.ts'
import { openCapabilities } from './capabilities.ts'
import { readAccess } from './read-access.ts'

export interface ServeOptions {
  /** In place of ORRERY_LISTEN. */
  readonly listen?: string
  readonly debug?: boolean
}

/** How long what was accepted may take to finish after a stop began. */
const STOP_GRACE_MS = 10_000

/** Resolves when it listens; the process then runs until a signal. Throws when it cannot start. */
export async function serve(options: ServeOptions, io: Console): Promise<ExitCode> {
  const config = loadConfig(options.listen === undefined ? io.env : { ...io.env, ORRERY_LISTEN: options.listen })
  const logger = createLogger({ level: options.debug ? 'debug' : config.logLevel })
  for (const warning of configWarnings(config, io.env)) logger.warn({ event: 'config' }, warning)
  const now = Date.now
  const { access, tls, warnings } = readAccess(config)
  for (const warning of warnings) logger.warn({ event: 'config' }, warning)
  const metrics = createMetricsRegistry(io.version)
  const hooks = createEngineMetrics(metrics)
  const swarm = connectSwarm({
    ...{ connection: engineOptions(config), logger, now, hooks },
    ...(config.swarmSocket !== undefined && { controlSocket: config.swarmSocket }),
  })
  const { sync } = swarm.services
  hooks.watch(sync)
  const stopping = new AbortController()
  const { signal } = stopping
  // Whatever is under way listens to it.
  setMaxListeners(0, signal)
  const isNamed = (variable: string) => io.env[variable] !== undefined
  const controllerId = randomBytes(6).toString('base64url')
  const given = { controllerId, config, isNamed, access, tls, stopping: signal }
  const capabilities = await openCapabilities({ ...given, swarm, metrics, logger, now })
  const groups = capabilities.flatMap(({ routes = [] }) => routes)
  const controller = {
    ...{ id: controllerId, version: io.version, hostname: hostname() },
    ...{ engine: swarm.engineAddress, dryRun: config.dryRun, ui: config.ui },
    features: () => Object.assign({}, ...capabilities.map(({ features }) => features?.())),
    conditions: () => capabilities.flatMap(({ conditions }) => conditions?.() ?? []),
  }
  const dashboard = config.ui === 'off' ? {} : builtDashboard(logger)
  const app = buildServer({ groups, sync, metrics, access, logger, now, controller, stopping: signal, ...dashboard })

  const each = (act: 'finish' | 'close') => Promise.all(capabilities.map((capability) => capability[act]?.()))
  const closeInside = async () => {
    await each('close')
    await swarm.close()
  }
  const listening = await listen({ app, addresses: config.listen, tls }).catch(async (error: unknown) => {
    await closeInside()
    throw error
  })
  swarm.start()
  for (const capability of capabilities) capability.start?.()
  logger.info({ event: 'listening', urls: listening.urls, engine: swarm.engineAddress }, `orrery ${io.version} listens`)

  io.onStop(async ({ signal: received, err }) => {
    if (err !== undefined) logger.fatal({ event: 'fault', err }, 'an uncaught error')
    logger.info({ event: 'stopping', signal: received }, 'stopping: new work is refused, what was accepted is finished')
    stopping.abort()
    await Promise.race([each('finish'), sleep(STOP_GRACE_MS)])
    await listening.close(1000)
    await Promise.race([closeInside(), sleep(1000)])
    logger.info({ event: 'stopped' }, 'stopped')
  })
  return 0
}

/** What `npm run build` leaves beside the program; a program that runs from its sources has none. */
function builtDashboard(logger: Logger): { readonly dashboardFolder?: string } {
  const dashboardFolder = join(import.meta.dirname, '../../web')
  if (existsSync(join(dashboardFolder, 'index.html'))) return { dashboardFolder }
  logger.warn({ event: 'no-dashboard', folder: dashboardFolder }, 'no dashboard is served: npm run build makes it')
  return {}
}
