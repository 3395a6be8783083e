/** The port `Nodes`: all nodes in memory, read anew when an event announces a change, and the one write there is. */

import { createListeners } from '../../../foundation/listeners.ts'
import type { Logger } from '../../../foundation/logger.ts'
import type { Nodes, NodeWrite } from '../../../swarm/ports.ts'
import type { SyncStatus } from '../../../swarm/sync.ts'
import type { WriteResult } from '../../../swarm/write-result.ts'
import type { Engine } from '../engine/engine-connection.ts'
import { orUnavailable, stepResult } from '../engine/engine-errors.ts'
import type { EngineEvent } from '../engine/event-stream.ts'
import { createObjectReads } from '../engine/object-reads.ts'
import type { Timing } from '../engine/timing.ts'
import { createVersionedCache } from '../engine/versioned-cache.ts'
import { type NodeReading, readNode, specOfNode } from './node-mapper.ts'

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

  const reads = createObjectReads({
    ...{ engine, cache, logger, timing, signal, onMissed, read: readNode },
    ...{ kind: 'node', path: '/nodes', endpoint: '/nodes/{id}' },
    updatedAtNano: (id) => cache.get(id)?.updatedAtNano,
    notRead: (nodeId) => ({ event: 'node-read-failed', nodeId }),
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
    load: reads.list,
    refresh: () => orUnavailable(reads.list()),
    async write(write) {
      const known = cache.get(write.id)
      if (known === undefined) return { kind: 'gone' }
      // Decided on what is no longer known: the engine could only refuse it.
      if (known.version !== write.version) return { kind: 'conflict' }
      const result = await send(write, known)
      if (result.kind !== 'unsent' && result.kind !== 'rejected') await reads.follow(write.id)
      return result
    },
    onEvent: reads.onEvent,
  }
}
