/** The port `SwarmNetworks`: the networks of the engine that takes the calls, and what it says of itself. */
import { isDeepStrictEqual } from 'node:util'
import { createCoalescedRead } from '../../../foundation/coalesced-read.ts'
import { createListeners } from '../../../foundation/listeners.ts'
import type { Logger } from '../../../foundation/logger.ts'
import type { EngineNetwork } from '../../../swarm/networks.ts'
import type { SwarmNetworks } from '../../../swarm/ports.ts'
import type { WriteResult } from '../../../swarm/write-result.ts'
import type { Engine, EngineCall } from '../engine/engine-connection.ts'
import { orUnavailable, stepResult } from '../engine/engine-errors.ts'
import { textAt } from '../engine/engine-json.ts'
import type { EngineEvent } from '../engine/event-stream.ts'
import { believed } from '../engine/list-items.ts'
import type { Timing } from '../engine/timing.ts'
import { readNetworks } from './network-mapper.ts'

export interface NetworkReads extends SwarmNetworks {
  /** Reads the networks and the engine. Throws EngineError. */
  load(): Promise<void>
  onEvent(event: EngineEvent): void
}

export interface NetworkReadsDeps {
  readonly engine: Engine
  readonly logger: Logger
  readonly timing: Pick<Timing, 'listTimeoutMs' | 'readTimeoutMs' | 'writeTimeoutMs'>
  readonly signal: AbortSignal
  /** An announced change could not be read. */
  readonly onMissed: () => void
}

type EngineFacts = Awaited<ReturnType<SwarmNetworks['engine']>>

/** Attaching and detaching containers are events of networks too. */
const ACTIONS = new Set(['create', 'remove', 'destroy'])

export function createSwarmNetworks(deps: NetworkReadsDeps): NetworkReads {
  const { engine, logger, timing, signal } = deps
  const changes = createListeners<void>(logger)
  let known: readonly EngineNetwork[] = []
  let facts: EngineFacts | undefined

  const readOnce = async () => {
    const [path, timeoutMs] = ['/networks', timing.listTimeoutMs]
    const found = await believed({ known: known.length, signal }, async () =>
      readNetworks(await engine.read({ method: 'GET', path, endpoint: path, timeoutMs, signal })),
    )
    if (isDeepStrictEqual(found, known)) return
    known = found
    changes.tell()
  }

  const readAnew = createCoalescedRead(readOnce)

  const readEngine = async (): Promise<EngineFacts> => {
    const [path, timeoutMs] = ['/info', timing.readTimeoutMs]
    const info = await engine.read({ method: 'GET', path, endpoint: path, timeoutMs, signal })
    facts = { version: textAt(info, 'ServerVersion') ?? '', nodeId: textAt(info, 'Swarm', 'NodeID') ?? '' }
    return facts
  }

  const write = async (call: Pick<EngineCall, 'method' | 'path' | 'endpoint' | 'body'>): Promise<WriteResult> => {
    try {
      await engine.call({ ...call, statusOnly: true, timeoutMs: timing.writeTimeoutMs, signal })
      return { kind: 'committed' }
    } catch (error) {
      return stepResult(error, 'network')
    }
  }

  return {
    current: () => known,
    onChange: changes.add,
    async load() {
      await Promise.all([readAnew(), readEngine()])
    },
    async read() {
      await orUnavailable(readAnew())
      return known
    },
    engine: async () => facts ?? (await orUnavailable(readEngine())),
    async create({ name, driver, configFrom }) {
      const body = JSON.stringify({
        ...{ Name: name, Driver: driver, Scope: 'swarm', ConfigFrom: { Network: configFrom } },
        // Engines before 25 make a second one of the same name without it.
        CheckDuplicate: true,
      })
      const [path, endpoint] = ['/networks/create', '/networks/create']
      const result = await write({ method: 'POST', path, endpoint, body })
      // Its 404 is about the config-only network.
      if (result.kind === 'gone') {
        return { kind: 'rejected', message: `The engine has no config-only network ${configFrom}.` }
      }
      return result
    },
    remove: (id) =>
      write({ method: 'DELETE', path: `/networks/${encodeURIComponent(id)}`, endpoint: '/networks/{id}' }),
    onEvent({ action }) {
      if (!ACTIONS.has(action)) return
      readAnew().catch((error: unknown) => {
        if (signal.aborted) return
        logger.warn({ event: 'networks-read-failed', err: error }, 'the networks could not be read')
        deps.onMissed()
      })
    },
  }
}
