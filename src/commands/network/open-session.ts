/** What `orrery network …` works with, put together: a manager's engine, the definitions, and what a controller has heard. */
import { setTimeout as sleep } from 'node:timers/promises'
import { readNetworkFiles } from '../../adapters/files/network-files.ts'
import { connectSwarm, type Swarm } from '../../adapters/swarm/swarm.ts'
import { openBootstrap } from '../../bootstrap/reconcile/open-bootstrap.ts'
import { createNetworkCatalog } from '../../bootstrap/views/network-catalog.ts'
import { loadConfig } from '../../config/load.ts'
import { Fault } from '../../foundation/errors.ts'
import { callController } from '../controller-client.ts'
import { engineOptions } from '../engine-options.ts'
import { askForReports } from './controller-reports.ts'
import { areUsable } from './problems.ts'
import type { OpenSession } from './session.ts'

/** Longer than a Swarm takes to elect a leader. */
const SYNC_TIMEOUT_MS = 15_000
const LOOK_EVERY_MS = 20

const quiet = () => {}
/** A command says itself what is worth saying. */
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }

export const openNetworkSession: OpenSession = async (io) => {
  const config = loadConfig(io.env)
  const now = Date.now
  const required = io.env.ORRERY_NETWORK_DIR !== undefined
  const definitions = await readNetworkFiles({ dir: config.networkDir, required, logger })
  const swarm = connectSwarm({ connection: engineOptions(config), logger, now })
  try {
    await inSync(swarm)
  } catch (error) {
    await swarm.close()
    // What is wrong with the definitions can be said without an engine.
    areUsable(definitions, io)
    throw error
  }
  const reports = await askForReports({ call: (call) => callController(io, call), now })
  const { nodes, tasks, networks, records, serviceName } = swarm.bootstrap
  const watched = { current: () => definitions, onChange: () => quiet }
  const deps = { definitions: watched, reports, now }
  return {
    definitions,
    isAuto: config.networkAuto,
    bootstrap: openBootstrap({ ...deps, swarm: swarm.bootstrap }),
    catalog: (plan) =>
      createNetworkCatalog({ ...deps, nodes, tasks, networks, records, serviceName, plan: () => plan }),
    unheard: reports.unheard,
    async close() {
      await Promise.all([reports.close(), swarm.close()])
    },
  }
}

/** Throws Fault `engine-unavailable` at once for an engine that cannot serve, `not-in-sync` when it takes too long. */
async function inSync({ bootstrap, start }: Swarm): Promise<void> {
  // Says in a sentence what is wrong with the engine: not there, no manager, no leader.
  await bootstrap.nodes.refresh()
  bootstrap.activate()
  start()
  const deadlineMs = Date.now() + SYNC_TIMEOUT_MS
  while (!bootstrap.sync().inSync) {
    if (Date.now() > deadlineMs) throw new Fault('not-in-sync', bootstrap.sync().reason)
    await sleep(LOOK_EVERY_MS)
  }
  await bootstrap.tasks.refresh()
}
