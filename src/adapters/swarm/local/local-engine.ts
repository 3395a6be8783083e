/** The engine beside an agent: what only this node knows. Nothing here asks for a manager. */
import { setMaxListeners } from 'node:events'
import type { ContainerUsage, EngineFacts, EngineNews, LocalEngine } from '../../../agent/ports.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { Fault } from '../../../foundation/errors.ts'
import { createLimit } from '../../../foundation/limit.ts'
import { createListeners } from '../../../foundation/listeners.ts'
import type { Logger } from '../../../foundation/logger.ts'
import { withoutUndefined } from '../../../foundation/without-undefined.ts'
import type { ConfigNetwork } from '../../../swarm/config-network.ts'
import type { EngineNetwork } from '../../../swarm/networks.ts'
import type { ReportedContainer } from '../../../swarm/node-report.ts'
import type { EngineOptions } from '../engine/engine-address.ts'
import { type CallRecord, connectEngine, type EngineCall } from '../engine/engine-connection.ts'
import { EngineError, orUnavailable, unavailable } from '../engine/engine-errors.ts'
import { at, textAt } from '../engine/engine-json.ts'
import { type EngineEvent, followEvents } from '../engine/event-stream.ts'
import { believed } from '../engine/list-items.ts'
import { TIMING, type Timing } from '../engine/timing.ts'
import { readNetworks } from '../networks/network-mapper.ts'
import {
  type Announced,
  type Counters,
  cpuPercent,
  readAnnounced,
  readContainers,
  readCounters,
} from './container-mapper.ts'

/** Something of each container; `event`: what is logged where it cannot be done. */
interface Turns {
  readonly event: string
  readonly ids: readonly string[]
  readonly work: (id: string) => Promise<void>
}

export interface LocalEngineDeps {
  readonly connection: EngineOptions
  readonly logger: Logger
  readonly now: Clock
  readonly timing?: Partial<Timing>
  readonly onCall?: (call: CallRecord) => void
}

export interface RunningLocalEngine extends LocalEngine {
  /** Starts listening for events and returns at once; an engine that is away is tried again for ever. */
  start(): void
  close(): Promise<void>
}

/** Health checks alone would be events every few seconds of each container. */
const ACTIONS = ['create', 'start', 'pause', 'unpause', 'die', 'destroy', 'rename', 'connect', 'disconnect', 'remove']
const AT_ONCE = 4

/** Connects to nothing before it is asked or started. Throws Error for connection options that cannot be right. */
export function connectLocalEngine({ connection, logger, now, onCall, ...rest }: LocalEngineDeps): RunningLocalEngine {
  const timing = { ...TIMING, ...rest.timing }
  const closing = new AbortController()
  const { signal } = closing
  setMaxListeners(0, signal)
  const engine = connectEngine(connection, onCall)
  const news = createListeners<EngineNews>(logger)
  const counters = new Map<string, Counters>()
  const announced = new Map<string, Announced>()
  const known = { networks: 0, containers: 0 }
  let following: Promise<void> | undefined

  /** Read to look at, never to be sent back: digits beyond 2^53 do not matter here, and this is the cheaper way. */
  const look = async (call: Pick<EngineCall, 'path' | 'query'> & { readonly endpoint?: string }): Promise<unknown> => {
    const { path, endpoint = path } = call
    const { body } = await engine.call({ method: 'GET', timeoutMs: timing.readTimeoutMs, signal, ...call, endpoint })
    try {
      return JSON.parse(body.toString('utf8'))
    } catch (cause) {
      throw new EngineError('malformed', `GET ${endpoint} answered with something that is not JSON.`, { cause })
    }
  }

  const write = async (call: Omit<EngineCall, 'timeoutMs' | 'signal'>) => {
    try {
      await engine.call({ timeoutMs: timing.writeTimeoutMs, signal, ...call })
    } catch (error) {
      if (!(error instanceof EngineError) || error.failure !== 'status') throw unavailable(error)
      if (call.method === 'DELETE' && error.status === 404) return
      throw new Fault('write-rejected', error.message, { cause: error })
    }
  }

  const onEvent = ({ type, action }: EngineEvent) => {
    const isOfContainers = type === 'container' || action === 'connect' || action === 'disconnect'
    news.tell(isOfContainers ? 'container' : 'network')
  }

  /** Each container that is a task with an address is inspected once: what is read of it never changes. */
  const withAnnounced = async (list: readonly ReportedContainer[]): Promise<readonly ReportedContainer[]> => {
    const known = new Set(list.map(({ id }) => id))
    for (const id of announced.keys()) if (!known.has(id)) announced.delete(id)
    const missing = list.filter(
      ({ id, taskId, addresses }) => taskId !== undefined && addresses.length > 0 && !announced.has(id),
    )
    await inTurns({
      event: 'container-not-read',
      ids: missing.map(({ id }) => id),
      async work(id) {
        const path = `/containers/${encodeURIComponent(id)}/json`
        announced.set(id, readAnnounced(await look({ path, endpoint: '/containers/{id}/json' })))
      },
    })
    return list.map((container) => ({ ...container, ...announced.get(container.id) }))
  }

  const readAllNetworks = async (): Promise<readonly EngineNetwork[]> => {
    const found = await believed({ known: known.networks, signal }, async () =>
      readNetworks(await look({ path: '/networks' })),
    )
    known.networks = found.length
    return found
  }

  const readAllContainers = async (networks: ReadonlySet<string>): Promise<readonly ReportedContainer[]> => {
    const list = await believed({ known: known.containers, signal }, async () =>
      readContainers(await look({ path: '/containers/json', query: { all: 'true' } }), networks),
    )
    known.containers = list.length
    return await withAnnounced(list)
  }

  const inTurns = async ({ event, ids, work }: Turns) => {
    const limited = createLimit(AT_ONCE)
    const turn = async (id: string) => {
      if (signal.aborted) return
      try {
        await work(id)
      } catch (error) {
        // It may have ended just now. If it is the engine that is away, others find that out and say so.
        logger.debug({ event, container: id, err: error }, 'a container could not be read')
      }
    }
    await Promise.all(ids.map((id) => limited(() => turn(id))))
  }

  const count = async (id: string): Promise<ContainerUsage> => {
    const path = `/containers/${encodeURIComponent(id)}/stats`
    const query = { stream: 'false', 'one-shot': 'true' }
    const raw = await look({ path, endpoint: '/containers/{id}/stats', query })
    const counted = readCounters(raw)
    if (counted === undefined) return isOfLostLink(raw) ? { hasLostLink: true } : {}
    const before = counters.get(id)
    counters.set(id, counted)
    const percent = before === undefined ? undefined : cpuPercent(before, counted)
    const { memoryBytes } = counted
    return withoutUndefined({ cpuPercent: percent, memoryBytes })
  }

  return {
    address: engine.address,
    facts: () => orUnavailable(look({ path: '/info' }).then(factsOf)),
    networks: () => orUnavailable(readAllNetworks()),
    containers: (networks) => orUnavailable(readAllContainers(networks)),
    createNetwork: (network) =>
      write({ method: 'POST', path: '/networks/create', endpoint: '/networks/create', body: creation(network) }),
    async proveNetwork({ name, configFrom, driver }) {
      const made = { Name: name, CheckDuplicate: true, Driver: driver, ConfigFrom: { Network: configFrom } }
      const body = JSON.stringify(made)
      await write({ method: 'POST', path: '/networks/create', endpoint: '/networks/create', body })
      await write({ method: 'DELETE', path: `/networks/${name}`, endpoint: '/networks/{id}' })
    },
    removeNetwork: (id) =>
      write({ method: 'DELETE', path: `/networks/${encodeURIComponent(id)}`, endpoint: '/networks/{id}' }),
    async usage(ids) {
      for (const known of counters.keys()) if (!ids.includes(known)) counters.delete(known)
      const usage = new Map<string, ContainerUsage>()
      await inTurns({
        event: 'usage-not-read',
        ids,
        async work(id) {
          usage.set(id, await count(id))
        },
      })
      return usage
    },
    onNews: news.add,
    start() {
      following ??= followEvents({
        ...{ engine, logger, now, timing, signal, onEvent },
        types: ['container', 'network'],
        actions: ACTIONS,
        onUnreadable: () => news.tell('connected'),
        onConnected: () => news.tell('connected'),
        onDisconnected: () => news.tell('disconnected'),
      })
    },
    async close() {
      closing.abort()
      await following
      engine.close()
    },
  }
}

function factsOf(info: unknown): EngineFacts {
  const managers = at(info, 'Swarm', 'RemoteManagers')
  return {
    version: textAt(info, 'ServerVersion') ?? '',
    hostname: textAt(info, 'Name') ?? '',
    engineId: textAt(info, 'ID') ?? '',
    nodeId: textAt(info, 'Swarm', 'NodeID') ?? '',
    swarmState: textAt(info, 'Swarm', 'LocalNodeState') ?? '',
    managers: Array.isArray(managers) ? managers.flatMap((manager) => textAt(manager, 'Addr') ?? []) : [],
    managerIds: Array.isArray(managers) ? managers.flatMap((manager) => textAt(manager, 'NodeID') || []) : [],
  }
}

function creation({ name, labels, options, subnets }: ConfigNetwork): string {
  const config = subnets.map(({ subnet, range, gateway, aux }) => ({
    Subnet: subnet,
    IPRange: range,
    Gateway: gateway,
    ...(Object.keys(aux).length > 0 && { AuxiliaryAddresses: aux }),
  }))
  return JSON.stringify({
    Name: name,
    // Engines before 25 make a second network of the same name without.
    CheckDuplicate: true,
    ConfigOnly: true,
    EnableIPv6: subnets.some(({ subnet }) => subnet.includes(':')),
    IPAM: { Driver: 'default', Config: config },
    Options: options,
    Labels: labels,
  })
}

/** Newer engines say so, with status 200; those of the 20.10 series answer as if nothing had ever been counted. */
const isOfLostLink = (stats: unknown): boolean =>
  /link not found/i.test(textAt(stats, 'message') ?? '') || textAt(stats, 'read')?.startsWith('0001-') === true
