/** `orrery agent`: what runs on every node, put together, and its orderly end. It leaves everything on the node in place. */
import './compact-heap.ts'

import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { watchSwarmCertificates } from '../adapters/certificates/swarm-certificates.ts'
import { createControllerCalls } from '../adapters/controllers/controller-calls.ts'
import { openAgentMemory } from '../adapters/files/agent-memory.ts'
import { createHost } from '../adapters/host/host.ts'
import { createLogger } from '../adapters/logging/logger.ts'
import { connectLocalEngine } from '../adapters/swarm/local/local-engine.ts'
import { createNodeKeeper, type NodeKeeper } from '../agent/host/keep-node.ts'
import { startSync } from '../agent/sync/sync.ts'
import { createWantedKeeper, type Giver } from '../agent/sync/wanted-keeper.ts'
import { configWarnings, loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import type { Logger } from '../foundation/logger.ts'
import type { WantedRegistrations } from '../swarm/wanted.ts'
import type { Console, ExitCode } from './console.ts'
import { engineOptions } from './engine-options.ts'
import { openHealthSocket } from './health-socket.ts'

/** Longer than all calls of one turn may take when nobody answers. */
const STUCK_AFTER_MS = 120_000
const STOP_GRACE_MS = 5_000
/** Swarm ends a task about 3 s after it wants that: until then its entry has to be gone. */
const REGISTER_EVERY_MS = 1_000

/** Resolves when it runs; the process then goes on until a signal. Throws when it cannot start. */
export async function agent(io: Console): Promise<ExitCode> {
  const config = loadConfig(io.env)
  const logger = createLogger({ level: config.logLevel })
  for (const warning of configWarnings(config, io.env)) logger.warn({ event: 'config' }, warning)
  const now = Date.now
  const startedAtMs = now()
  const token = await readToken(config.agentTokenFile)
  const certificates = await watchSwarmCertificates({ dir: config.swarmCertDir, logger, now })
  for (const warning of proofWarnings(certificates.why(), token)) logger.warn({ event: 'config' }, warning)

  const memory = await openAgentMemory({ dir: config.stateDir, logger })
  const engine = connectLocalEngine({ connection: engineOptions(config), logger, now })
  const wanted = createWantedKeeper({ memory, logger, now, onTaken: () => keeper.nudge('look') })
  const keeper = createNodeKeeper({ host: createHost(), engine, memory, wanted: wanted.current, logger, now })
  const calls = createControllerCalls({
    token,
    certificates,
    managers: () => keeper.observed().facts?.managerIds ?? [],
  })
  // With another certificate the node may have another id.
  certificates.onChange(() => keeper.nudge('facts'))
  const stopping = new AbortController()

  const isTurning = () => performance.now() - keeper.turnedAtMs() < STUCK_AFTER_MS
  const health = await openHealthSocket(config.stateDir, isTurning)
  if (health === undefined)
    logger.warn({ event: 'config' }, 'there is no place for a socket, so `orrery alive` cannot ask')
  const registrar = await openRegistrar({ config, keeper, logger, now })
  engine.start()
  const keeping = keeper.run(stopping.signal)
  const registering = registrar?.run(stopping.signal)
  const sync = startSync({
    ...{ calls, wanted, logger, now, startedAtMs },
    observed() {
      const observed = keeper.observed()
      return registrar === undefined ? observed : { ...observed, faults: [...observed.faults, ...registrar.faults()] }
    },
    mendedSince: keeper.mendedSince,
    onChange: keeper.onChange,
    controllers: config.controllers.length === 0 ? undefined : config.controllers,
    agentVersion: io.version,
    ...(registrar !== undefined && { onRegistrations: registrar.offer, everyMs: REGISTER_EVERY_MS }),
  })
  logger.info({ event: 'agent-started', engine: engine.address }, `orrery agent ${io.version} runs`)

  io.onStop(async ({ signal, err }) => {
    if (err !== undefined) logger.fatal({ event: 'fault', err }, 'an uncaught error')
    logger.info({ event: 'stopping', signal }, 'stopping: what was made on this node stays')
    stopping.abort()
    certificates.close()
    await Promise.race([Promise.all([keeping, registering, sync.stop()]), sleep(STOP_GRACE_MS)])
    await Promise.race([
      Promise.all([engine.close(), calls.close(), registrar?.close(), health?.close()]),
      sleep(1_000),
    ])
    logger.info({ event: 'stopped' }, 'stopped')
  })
  return 0
}

interface RegistrarNeeds {
  readonly config: Config
  readonly keeper: NodeKeeper
  readonly logger: Logger
  readonly now: () => number
}

/** `undefined`: no Consul is named, so that none is loaded. */
async function openRegistrar({ config, keeper, logger, now }: RegistrarNeeds) {
  if (config.consulAddress === undefined) return undefined
  const { connectConfigured } = await import('./connect-consul.ts')
  const client = await connectConfigured(config)
  const { createConsulServices } = await import('../adapters/consul/agent-services.ts')
  const { createAgentKeeper, createWantedRegistrations } = await import('../discovery/sync/keep-agent.ts')
  const wanted = createWantedRegistrations(now)
  const isRunning = (taskId: string): boolean | undefined => {
    const { isEngineSeen, containers } = keeper.observed()
    if (!isEngineSeen) return undefined
    return containers.some((container) => container.taskId === taskId && container.state === 'running')
  }
  const services = createConsulServices(client)
  const registrar = createAgentKeeper({
    ...{ services, isRunning, logger, now },
    wanted: () => wanted.current(keeper.observed().facts?.nodeId),
  })
  const stop = keeper.onChange(registrar.nudge)
  return {
    run: registrar.run,
    faults: () => registrar.faults().map((message) => ({ code: 'not-registered', message: message.slice(0, 1000) })),
    offer(registrations: WantedRegistrations, nodeId: string, from: Giver) {
      if (wanted.offer({ ...registrations, nodeId }, from)) registrar.nudge()
    },
    close() {
      stop()
      client.close()
    },
  }
}

function proofWarnings(why: string | undefined, token: string | undefined): readonly string[] {
  if (why === undefined) return []
  return token === undefined
    ? [`${why}, and ORRERY_AGENT_TOKEN_FILE names no token: no controller will know this node (docs/operations.md)`]
    : [`${why}, so controllers know this node by its token, which any node could send`]
}

async function readToken(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  const token = (await readFile(file, 'utf8')).trim()
  if (token === '' || /\s/.test(token)) {
    throw new Error(`ORRERY_AGENT_TOKEN_FILE=${file}: it must hold the bare token and nothing else`)
  }
  return token
}
