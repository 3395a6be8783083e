/** Keeps the service cache in step: full lists, and single reads when an event announces a version it does not have. */
import type { Logger } from '../../../foundation/logger.ts'
import type { Engine } from '../engine/engine-connection.ts'
import { EngineError, isGone } from '../engine/engine-errors.ts'
import { parseLossless, textAt } from '../engine/engine-json.ts'
import type { EngineEvent } from '../engine/event-stream.ts'
import { listChanged } from '../engine/list-items.ts'
import type { Timing } from '../engine/timing.ts'
import { createInspections } from '../local/inspections.ts'
import type { ServiceCache, Ticket } from './service-cache.ts'
import { readService } from './service-mapper.ts'

const READS_AT_ONCE = 8

export interface ServiceReads {
  /** Reads all services. Throws EngineError. */
  list(): Promise<void>
  /** Reads one service with a call that starts after this one. Throws EngineError. */
  inspect(id: string): Promise<void>
  onEvent(event: EngineEvent): void
  /** Reads one service unless a read that is under way brings the version of our last write. Throws EngineError. */
  catchUp(id: string): Promise<void>
}

export interface ServiceReadsDeps {
  readonly engine: Engine
  readonly cache: ServiceCache
  readonly logger: Logger
  readonly timing: Pick<Timing, 'readTimeoutMs' | 'listTimeoutMs'>
  readonly signal: AbortSignal
  /** An announced change could not be read: only a full list can tell now. */
  readonly onMissed: () => void
}

export function createServiceReads(deps: ServiceReadsDeps): ServiceReads {
  const { engine, cache, logger, timing, signal } = deps
  /** By id, the last event that no read covers yet. */
  const announced = new Map<string, { readonly timeNano: string; readonly at: Ticket }>()

  const covered = (id: string, started: Ticket) => {
    if ((announced.get(id)?.at ?? started) < started) announced.delete(id)
  }

  const inspections = createInspections({
    atOnce: READS_AT_ONCE,
    read: async (id) => {
      const started = cache.ticket()
      cache.applyRead(started, id, await readOne(id))
      covered(id, started)
    },
  })

  const readOne = async (id: string) => {
    const [path, endpoint] = [`/services/${encodeURIComponent(id)}`, '/services/{id}']
    try {
      const raw = await engine.read({ method: 'GET', path, endpoint, timeoutMs: timing.readTimeoutMs, signal })
      // The engine falls back to names and id prefixes: another id means that this one is gone.
      return textAt(raw, 'ID') === id ? readService(raw) : undefined
    } catch (error) {
      if (error instanceof EngineError && isGone(error)) return undefined
      throw error
    }
  }

  const follow = async (id: string): Promise<void> => {
    const news = announced.get(id)
    if (news === undefined || inspections.underWay(id) !== undefined) return
    if (cache.get(id)?.updatedAtNano === news.timeNano) {
      announced.delete(id)
      return
    }
    await inspect(id).catch((error: unknown) => {
      if (signal.aborted) return
      logger.warn(
        { event: 'service-read-failed', serviceId: id, err: error },
        'a service that changed could not be read',
      )
    })
  }

  const inspect = async (id: string) => {
    try {
      await inspections.request(id)
    } catch (error) {
      if (announced.delete(id)) deps.onMissed()
      throw error
    }
    // What was announced while the read was under way may be newer than what it brought.
    void follow(id)
  }

  return {
    inspect,
    async list() {
      const started = cache.ticket()
      const call = { path: '/services', timeoutMs: timing.listTimeoutMs, signal }
      const read = (text: string) => readService(parseLossless(text))
      const { hasVersion } = cache
      cache.applyList(started, await listChanged({ engine, call, hasVersion, read, known: cache.size() }))
      for (const id of [...announced.keys()]) covered(id, started)
    },
    onEvent({ id, action, timeNano }) {
      if (action === 'remove') {
        announced.delete(id)
        cache.applyRemoved(id)
        return
      }
      announced.set(id, { timeNano, at: cache.ticket() })
      void follow(id)
    },
    async catchUp(id) {
      await inspections.underWay(id)
      if (cache.get(id)?.versionIsStale === true) await inspect(id)
    },
  }
}
