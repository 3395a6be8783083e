/** The port `Nodes`: all nodes in memory, read anew when an event announces a change, and the one write there is. */

import { createListeners } from '../../../foundation/listeners.ts'
import type { Logger } from '../../../foundation/logger.ts'
import type { Nodes, NodeWrite } from '../../../swarm/ports.ts'
import type { SyncStatus } from '../../../swarm/sync.ts'
import type { WriteResult } from '../../../swarm/write-result.ts'
import type { Engine } from '../engine/engine-connection.ts'
import { EngineError, isGoneOf, stepResult, unavailable } from '../engine/engine-errors.ts'
import { parseLossless, textAt } from '../engine/engine-json.ts'
import type { EngineEvent } from '../engine/event-stream.ts'
import { listChanged } from '../engine/list-items.ts'
import type { Timing } from '../engine/timing.ts'
import { createVersionedCache } from '../engine/versioned-cache.ts'
import { createInspections } from '../local/inspections.ts'
import { type NodeReading, readNode, specOfNode } from './node-mapper.ts'

const READS_AT_ONCE = 8

export interface NodeCache extends Nodes {
  /** Reads all nodes. Throws EngineError. */
  load(): Promise<void>
  onEvent(event: EngineEvent): void
}

export interface NodeCacheDeps {
  readonly engine: Engine
  readonly sync: () => SyncStatus
  readonly logger: Logger
  readonly timing: Pick<Timing, 'readTimeoutMs' | 'listTimeoutMs' | 'writeTimeoutMs'>
  readonly signal: AbortSignal
  /** An announced change could not be read: only a full list can tell now. */
  readonly onMissed: () => void
}

export function createNodeCache({ engine, sync, logger, timing, signal, onMissed }: NodeCacheDeps): NodeCache {
  const changes = createListeners<void>(logger)
  const cache = createVersionedCache<NodeReading>(() => changes.tell())

  const load = async () => {
    const started = cache.ticket()
    const call = { path: '/nodes', timeoutMs: timing.listTimeoutMs, signal }
    const read = (text: string) => readNode(parseLossless(text))
    const { hasVersion } = cache
    cache.applyList(started, await listChanged({ engine, call, hasVersion, read, known: cache.size() }))
  }

  const readOne = async (id: string): Promise<NodeReading | undefined> => {
    const [path, endpoint] = [`/nodes/${encodeURIComponent(id)}`, '/nodes/{id}']
    try {
      const raw = await engine.read({ method: 'GET', path, endpoint, timeoutMs: timing.readTimeoutMs, signal })
      // The engine falls back to names and id prefixes: another id means that this one is gone.
      return textAt(raw, 'ID') === id ? readNode(raw) : undefined
    } catch (error) {
      if (error instanceof EngineError && isGoneOf(error, 'node')) return undefined
      throw error
    }
  }

  const inspections = createInspections({
    atOnce: READS_AT_ONCE,
    read: async (id) => {
      const started = cache.ticket()
      cache.applyRead(started, id, await readOne(id))
    },
  })

  /** What could not be read is listed soon. */
  const follow = (id: string) =>
    inspections.request(id).catch((error: unknown) => {
      if (signal.aborted) return
      logger.warn({ event: 'node-read-failed', nodeId: id, err: error }, 'a node that changed could not be read')
      onMissed()
    })

  const send = async ({ id, version, ...change }: NodeWrite, known: NodeReading): Promise<WriteResult> => {
    try {
      await engine.call({
        method: 'POST',
        path: `/nodes/${encodeURIComponent(id)}/update`,
        endpoint: '/nodes/{id}/update',
        query: { version: String(version) },
        body: specOfNode(known.spec, change),
        statusOnly: true,
        timeoutMs: timing.writeTimeoutMs,
        signal,
      })
      return { kind: 'committed' }
    } catch (error) {
      return stepResult(error, 'node')
    }
  }

  return {
    list: () => [...cache.all()].map(({ node }) => node),
    get: (id) => cache.get(id)?.node,
    sync,
    onChange: changes.add,
    load,
    async refresh() {
      await load().catch((error: unknown) => {
        throw unavailable(error)
      })
    },
    async write(write) {
      const known = cache.get(write.id)
      if (known === undefined) return { kind: 'gone' }
      // Decided on what is no longer known: the engine could only refuse it.
      if (known.version !== write.version) return { kind: 'conflict' }
      const result = await send(write, known)
      if (result.kind !== 'unsent' && result.kind !== 'rejected') await follow(write.id)
      return result
    },
    onEvent({ id, action, timeNano }) {
      if (action === 'remove') cache.applyRemoved(id)
      else if (cache.get(id)?.updatedAtNano !== timeNano) void follow(id)
    },
  }
}
