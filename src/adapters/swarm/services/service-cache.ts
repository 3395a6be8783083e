/**
 * The services as last read, in memory, no I/O. Reads overlap each other and events, so each read takes a ticket when it
 * starts, and what it brings is dropped where something newer is known: a higher version, or a removal after its start.
 */
import { isDeepStrictEqual } from 'node:util'
import type { CountWrite } from '../../../swarm/ports.ts'
import { type ServiceChange, type ServiceObservation, STATE_LABEL } from '../../../swarm/services.ts'
import type { OpenSpec, ServiceReading } from './service-mapper.ts'

export interface CachedService {
  readonly observation: ServiceObservation
  readonly openSpec: OpenSpec
  readonly templateHash: string
  readonly updatedAtNano: string
  /** A write of ours is in force: the content is right, the version is that of before the write. */
  readonly versionIsStale: boolean
  /** When it entered the cache, and when its content last came in. */
  readonly since: Ticket
  readonly storedAt: Ticket
  /** The version below ours that the last full list showed, if it did. */
  readonly olderListed?: number
}

/** Orders reads and events: a read that takes a lower ticket than an event may not know of it. */
export type Ticket = number

/** One service of a full list: newly read, or known to have the version that is cached. */
export type Listed = ServiceReading | { readonly id: string; readonly unchanged: true }

export interface ServiceCache {
  entries(): Iterable<ServiceObservation>
  get(id: string): CachedService | undefined
  size(): number
  ticket(): Ticket
  /** Whether this version is cached, so that it needs no reading. */
  hasVersion(id: string, version: number): boolean
  /** What one inspect brought; `undefined`: there is no such service. */
  applyRead(ticket: Ticket, id: string, reading: ServiceReading | undefined): void
  /** What a full list brought: everything there is. */
  applyList(ticket: Ticket, listed: readonly Listed[]): void
  applyRemoved(id: string): void
  /** Our own committed write: new count and label at once, the version with the next read. */
  applyWrite(write: CountWrite): void
}

export interface ServiceCacheDeps {
  readonly now: () => number
  /** Called after the cache changed in more than a version. */
  readonly changed: (change: ServiceChange) => void
}

export function createServiceCache({ now, changed }: ServiceCacheDeps): ServiceCache {
  const services = new Map<string, CachedService>()
  const removed = new Map<string, Ticket>()
  let lastTicket: Ticket = 0
  let previousList: Ticket = 0
  const ticket = () => {
    lastTicket += 1
    return lastTicket
  }

  const put = (id: string, entry: CachedService) => {
    const before = services.get(id)?.observation
    services.set(id, entry)
    if (!sameButVersion(before, entry.observation)) changed({ id, before, after: entry.observation })
  }

  const remove = (id: string) => {
    const before = services.get(id)?.observation
    removed.set(id, ticket())
    services.delete(id)
    if (before !== undefined) changed({ id, before, after: undefined })
  }

  const store = (started: Ticket, reading: ServiceReading) => {
    const { id, version } = reading.seen
    const known = services.get(id)
    if ((removed.get(id) ?? 0) > started) return
    if (known !== undefined && version < known.observation.version) return
    // A read that overlapped our own write may show what was before it, under the version that was then.
    if (known?.versionIsStale === true && version === known.observation.version) return
    put(id, {
      ...reading,
      observation: observe(reading, known, now()),
      versionIsStale: false,
      since: known?.since ?? ticket(),
      storedAt: ticket(),
    })
  }

  /** A swarm restored from a backup starts again at lower versions: believed when two full lists in a row say so. */
  const isRestored = (started: Ticket, { seen }: ServiceReading): boolean => {
    const known = services.get(seen.id)
    if (known === undefined || known.storedAt > started || seen.version >= known.observation.version) return false
    if (known.olderListed !== undefined && known.olderListed <= seen.version) return true
    services.set(seen.id, { ...known, olderListed: seen.version })
    return false
  }

  return {
    entries: function* () {
      for (const { observation } of services.values()) yield observation
    },
    get: (id) => services.get(id),
    size: () => services.size,
    ticket,
    hasVersion(id, version) {
      const known = services.get(id)
      return known !== undefined && !known.versionIsStale && known.observation.version === version
    },
    applyRead(started, id, reading) {
      if (reading !== undefined) store(started, reading)
      else if ((services.get(id)?.since ?? 0) < started) remove(id)
    },
    applyList(started, listed) {
      const ids = new Set(listed.map((one) => ('unchanged' in one ? one.id : one.seen.id)))
      for (const [id, { since }] of [...services]) if (since < started && !ids.has(id)) remove(id)
      for (const one of listed) {
        if ('unchanged' in one) continue
        if (isRestored(started, one)) services.delete(one.seen.id)
        store(started, one)
      }
      for (const [id, at] of removed) if (at < previousList) removed.delete(id)
      previousList = started
    },
    applyRemoved: remove,
    applyWrite({ id, version, replicas, stateLabel }) {
      const known = services.get(id)
      // A list may have brought what was written, or more, before the write was answered.
      if (known === undefined || known.versionIsStale || known.observation.version !== version) return
      const observation = writtenObservation(known.observation, { replicas, stateLabel, nowMs: now() })
      put(id, { ...known, versionIsStale: true, storedAt: ticket(), observation })
    },
  }
}

/** Adds when it was first seen: kept while count and labels, or the changed template, stay what they were. */
function observe(reading: ServiceReading, known: CachedService | undefined, nowMs: number): ServiceObservation {
  const { seen, templateHash } = reading
  const before = known?.observation
  const sameSight =
    before !== undefined && before.replicas === seen.replicas && isDeepStrictEqual(before.labels, seen.labels)
  const firstSeenAtMs = sameSight ? before.firstSeenAtMs : nowMs
  if (seen.previous === undefined || seen.previous.sameTemplate) return { ...seen, firstSeenAtMs }
  const seenBefore = known?.templateHash === templateHash ? before?.templateChangeSeenAtMs : undefined
  return { ...seen, firstSeenAtMs, templateChangeSeenAtMs: seenBefore ?? nowMs }
}

/** What Swarm makes of a write of ours: the spec of before becomes PreviousSpec, and UpdateStatus is cleared. */
function writtenObservation(
  before: ServiceObservation,
  written: { replicas: number; stateLabel: string; nowMs: number },
): ServiceObservation {
  const { updateState: _cleared, templateChangeSeenAtMs: _same, ...kept } = before
  const labels: Record<string, string> = Object.assign(Object.create(null), before.labels)
  labels[STATE_LABEL] = written.stateLabel
  return {
    ...kept,
    replicas: written.replicas,
    labels,
    previous: {
      replicas: before.replicas,
      stateLabel: before.labels[STATE_LABEL],
      sameTemplate: true,
      sameButCount: true,
    },
    firstSeenAtMs: written.nowMs,
  }
}

function sameButVersion(before: ServiceObservation | undefined, after: ServiceObservation): boolean {
  return before !== undefined && isDeepStrictEqual({ ...before, version: 0 }, { ...after, version: 0 })
}
