/** Keeps a cache of objects in step: full lists, and single reads when an event announces a version that it does not have. */
import { type CoalescedRead, createCoalescedRead } from '../../../foundation/coalesced-read.ts'
import { createLimit } from '../../../foundation/limit.ts'
import type { Logger } from '../../../foundation/logger.ts'
import type { Engine } from './engine-connection.ts'
import { EngineError, isGoneOf } from './engine-errors.ts'
import { parseLossless, textAt } from './engine-json.ts'
import type { EngineEvent } from './event-stream.ts'
import { listChanged } from './list-items.ts'
import type { Timing } from './timing.ts'
import type { Ticket, Versioned, VersionedCache } from './versioned-cache.ts'

const READS_AT_ONCE = 8

export interface ObjectReads {
  /** Reads all of them. Throws EngineError. */
  list(): Promise<void>
  /** Reads one with a call that starts after this one. Throws EngineError. */
  inspect(id: string): Promise<void>
  /** As `inspect`, for something that is known to have changed: if it cannot be read, all are listed soon. Never throws. */
  follow(id: string): Promise<void>
  /** Resolves when the read of this one that is under way has ended, well or not; `undefined` if there is none. */
  underWay(id: string): Promise<void> | undefined
  onEvent(event: EngineEvent): void
}

export interface ObjectReadsDeps<Read extends Versioned> {
  readonly engine: Engine
  readonly kind: 'service' | 'node'
  /** `/services` and `/services/{id}`. */
  readonly path: string
  readonly endpoint: string
  /** Takes one parsed by `parseLossless`. `undefined`: it does not count. Throws EngineError `malformed`. */
  readonly read: (raw: unknown) => Read | undefined
  /** Of a list, with numbers that may be rounded: what is never written as it is read here. `undefined`: it is for `read`. */
  readonly readListed?: (raw: unknown) => Read | undefined
  readonly cache: Pick<
    VersionedCache<Read, Read>,
    'ticket' | 'size' | 'hasVersion' | 'applyRead' | 'applyList' | 'applyRemoved'
  >
  /** Equals `timeNano` of the event that announced the version that is cached. */
  readonly updatedAtNano: (id: string) => string | undefined
  /** What is logged of one that cannot be read. */
  readonly notRead: (id: string) => { readonly event: string }
  readonly logger: Logger
  readonly timing: Pick<Timing, 'readTimeoutMs' | 'listTimeoutMs'>
  readonly signal: AbortSignal
  /** An announced change could not be read: only a full list can tell now. */
  readonly onMissed: () => void
}

export function createObjectReads<Read extends Versioned>(deps: ObjectReadsDeps<Read>): ObjectReads {
  const { engine, kind, path, endpoint, cache, logger, timing, signal } = deps
  /** By id, the last event that no read covers yet. */
  const announced = new Map<string, { readonly timeNano: string; readonly at: Ticket }>()

  const covered = (id: string, started: Ticket) => {
    if ((announced.get(id)?.at ?? started) < started) announced.delete(id)
  }

  const readOne = async (id: string): Promise<Read | undefined> => {
    const call = { path: `${path}/${encodeURIComponent(id)}`, endpoint, timeoutMs: timing.readTimeoutMs, signal }
    try {
      const raw = await engine.read({ method: 'GET', ...call })
      // The engine falls back to names and id prefixes: another id means that this one is gone.
      return textAt(raw, 'ID') === id ? deps.read(raw) : undefined
    } catch (error) {
      if (error instanceof EngineError && isGoneOf(error, kind)) return undefined
      throw error
    }
  }

  const inspections = createInspections({
    atOnce: READS_AT_ONCE,
    read: async (id) => {
      const started = cache.ticket()
      cache.applyRead(started, id, await readOne(id))
      covered(id, started)
    },
  })

  const inspect = async (id: string) => {
    try {
      await inspections.request(id)
    } catch (error) {
      if (announced.delete(id)) deps.onMissed()
      throw error
    }
    // What was announced while the read was under way may be newer than what it brought.
    readAnnounced(id)
  }

  const inspectOrWarn = (id: string): Promise<void> =>
    inspect(id).catch((error: unknown) => {
      if (!signal.aborted) logger.warn({ ...deps.notRead(id), err: error }, `a ${kind} that changed could not be read`)
    })

  const readAnnounced = (id: string) => {
    const news = announced.get(id)
    if (news === undefined || inspections.underWay(id) !== undefined) return
    if (deps.updatedAtNano(id) === news.timeNano) announced.delete(id)
    else void inspectOrWarn(id)
  }

  const announce = (id: string, timeNano: string) => announced.set(id, { timeNano, at: cache.ticket() })

  return {
    inspect,
    underWay: inspections.underWay,
    async list() {
      const started = cache.ticket()
      const call = { path, timeoutMs: timing.listTimeoutMs, signal }
      const read = (text: string) => deps.readListed?.(JSON.parse(text)) ?? deps.read(parseLossless(text))
      const { hasVersion } = cache
      cache.applyList(started, await listChanged({ engine, call, hasVersion, read, known: cache.size() }))
      for (const id of [...announced.keys()]) covered(id, started)
    },
    async follow(id) {
      announce(id, '')
      await inspectOrWarn(id)
    },
    onEvent({ id, action, timeNano }) {
      if (action === 'remove') {
        announced.delete(id)
        cache.applyRemoved(id)
        return
      }
      announce(id, timeNano)
      readAnnounced(id)
    },
  }
}

/** Single reads by id, coalesced: for each id at most one under way and one waiting, and few at once overall. */
export function createInspections(deps: { readonly read: (id: string) => Promise<void>; readonly atOnce: number }): {
  request(id: string): Promise<void>
  underWay(id: string): Promise<void> | undefined
} {
  const inTurn = createLimit(deps.atOnce)
  const byId = new Map<string, CoalescedRead>()
  return {
    underWay: (id) =>
      byId
        .get(id)
        ?.current()
        ?.catch(() => undefined),
    async request(id) {
      const read = byId.get(id) ?? createCoalescedRead(() => inTurn(() => deps.read(id)))
      byId.set(id, read)
      try {
        await read()
      } finally {
        if (read.isIdle()) byId.delete(id)
      }
    },
  }
}
