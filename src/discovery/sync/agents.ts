/** Agent mode as a controller sees it: what it wants of each node's agent, and what came of it in Consul. */
import type { Clock } from '../../foundation/clock.ts'
import { createFailureLog } from '../../foundation/log-once.ts'
import type { Logger } from '../../foundation/logger.ts'
import { createWakeableTimer } from '../../foundation/wakeable-timer.ts'
import type { Nodes } from '../../swarm/ports.ts'
import type { WantedRegistrations } from '../../swarm/wanted.ts'
import type { Desired } from '../desired/desired.ts'
import { consulNodeOf, type Entry, type EntryIssue } from '../entry.ts'
import type { Settings, TaskFacts } from '../facts.ts'
import { type CatalogNodeDraft, type CatalogState, draftOf } from '../plan/catalog.ts'
import { isOurs } from '../plan/difference.ts'
import type { ConsulInstances } from '../ports.ts'
import type { Desire } from './desire.ts'
import type { CatalogKeeper } from './keep-catalog.ts'

/** An answer to an agent holds 4 MiB with all that is wanted of its node. */
const MOST_CHARACTERS = 32 * 1024

const isTooLong = (entry: Entry): boolean => JSON.stringify(entry).length > MOST_CHARACTERS

export interface ForAgentsDeps {
  readonly settings: () => Settings | undefined
  readonly desire: Pick<Desire, 'of'>
  readonly tasks: { list(): Iterable<Pick<TaskFacts, 'id' | 'nodeId'>> }
}

/** `undefined`: the Swarm cannot be read now, so that the agents leave everything as it is. */
export function wantedOfAgents({ settings, desire, tasks }: ForAgentsDeps) {
  const indexes = new WeakMap<Desired, ReadonlyMap<string, { entries: Entry[]; kept: string[] }>>()
  const indexOf = (desired: Desired) => {
    const known = indexes.get(desired)
    if (known !== undefined) return known
    const index = new Map<string, { entries: Entry[]; kept: string[] }>()
    const of = (nodeId: string) => {
      const found = index.get(nodeId) ?? { entries: [], kept: [] }
      index.set(nodeId, found)
      return found
    }
    for (const entry of desired.entries.values()) if (!isTooLong(entry)) of(entry.nodeId).entries.push(entry)
    for (const { id, nodeId } of tasks.list())
      if (nodeId !== undefined && desired.kept.has(id)) of(nodeId).kept.push(id)
    indexes.set(desired, index)
    return index
  }
  return (nodeId: string): WantedRegistrations | undefined => {
    const current = settings()
    if (current === undefined) return undefined
    const { entries = [], kept = [] } = indexOf(desire.of(current)).get(nodeId) ?? {}
    return { cluster: current.cluster, entries: entries.map(wireOf), kept: [...kept] }
  }
}

const wireOf = (entry: Entry): WantedRegistrations['entries'][number] => ({
  ...entry,
  tags: [...entry.tags],
  meta: { ...entry.meta },
  checks: entry.checks.map(({ Args, ...check }) => ({ ...check, ...(Args !== undefined && { Args: [...Args] }) })),
})

export interface AgentsWatchDeps extends ForAgentsDeps {
  readonly consul: ConsulInstances
  readonly nodes: Pick<Nodes, 'get'>
  readonly logger: Logger
  readonly now: Clock
  readonly everyMs?: number
}

const EVERY_MS = 10_000

export interface AgentsWatch extends CatalogKeeper {
  readonly address: string
  read(): Promise<CatalogState>
}

/** In place of the keeper of the catalog: looks, and writes nothing. */
export function watchAgents(deps: AgentsWatchDeps): AgentsWatch {
  const { consul, nodes, settings, desire, logger, everyMs = EVERY_MS } = deps
  const timer = createWakeableTimer()
  let actual: CatalogState | undefined
  const failures = createFailureLog((reason) => logger.warn({ event: 'consul-sync-failed' }, reason))

  const read = async (): Promise<CatalogState> => {
    const current = settings()
    if (current === undefined) return actual ?? new Map()
    const names = new Set([...desire.of(current).entries.values()].map(({ name }) => name))
    const state = new Map<string, CatalogNodeDraft>()
    for (const { service, checks } of await consul.instances([...names])) {
      if (!isOurs(service, current.cluster)) continue
      const name = consulNodeOf(nodes.get(service.meta.node ?? '')?.hostname ?? '')
      const node = state.get(name) ?? draftOf({ name, address: '', meta: {}, index: 0 })
      node.services.set(service.id, service)
      for (const check of checks) node.checks.set(check.id, check)
      state.set(name, node)
    }
    return state
  }
  const tooLong = (): EntryIssue[] => {
    const current = settings()
    if (current === undefined) return []
    return [...desire.of(current).entries.values()].filter(isTooLong).map(({ serviceName: service, id: value }) => {
      const message = `is longer than ${MOST_CHARACTERS} characters, more than is sent to an agent: shorten its tags`
      return { service, key: 'entry', value, message, effect: 'refused' }
    })
  }

  return {
    address: consul.address,
    read,
    isWriter: () => false,
    actual: () => actual,
    lastSync: () => undefined,
    fault: failures.reason,
    issues: tooLong,
    nudge: timer.wake,
    async run(signal) {
      while (!signal.aborted) {
        try {
          actual = await read()
          failures.succeeded()
        } catch (error) {
          failures.failed(error)
        }
        await timer.pause(everyMs, signal)
      }
    },
  }
}
