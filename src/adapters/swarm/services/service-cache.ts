/** The services as last read, in memory, no I/O: when each was first seen so, and what a write of ours makes of one at once. */
import { isDeepStrictEqual } from 'node:util'
import type { CountWrite } from '../../../swarm/ports.ts'
import { type ServiceChange, type ServiceObservation, STATE_LABEL } from '../../../swarm/services.ts'
import { createVersionedCache, type VersionedCache } from '../engine/versioned-cache.ts'
import type { OpenSpec, ServiceReading } from './service-mapper.ts'

export interface CachedService {
  readonly id: string
  readonly version: number
  readonly observation: ServiceObservation
  readonly openSpec: OpenSpec
  readonly templateHash: string
  readonly updatedAtNano: string
  /** A write of ours is in force: the content is right, the version is that of before the write. */
  readonly versionIsStale: boolean
}

export interface ServiceCache extends Omit<VersionedCache<CachedService, ServiceReading>, 'all' | 'applyWrite'> {
  entries(): Iterable<ServiceObservation>
  /** Our own committed write: new count and label at once, the version with the next read. */
  applyWrite(write: CountWrite): void
}

export interface ServiceCacheDeps {
  readonly now: () => number
  /** Called after the cache changed in more than a version. */
  readonly changed: (change: ServiceChange) => void
}

export function createServiceCache({ now, changed }: ServiceCacheDeps): ServiceCache {
  const cache = createVersionedCache<CachedService>((changes) => {
    for (const { id, before, after } of changes) {
      const change = { id, before: before?.observation, after: after?.observation }
      if (!sameButVersion(change)) changed(change)
    }
  })

  const cached = (reading: ServiceReading): CachedService => {
    const { seen: _, ...kept } = reading
    return { ...kept, observation: observe(reading, cache.get(reading.id), now()), versionIsStale: false }
  }

  return {
    ...cache,
    entries: function* () {
      for (const { observation } of cache.all()) yield observation
    },
    hasVersion: (id, version) => cache.hasVersion(id, version) && cache.get(id)?.versionIsStale === false,
    applyRead: (started, id, reading) => cache.applyRead(started, id, reading && cached(reading)),
    applyList(started, listed) {
      cache.applyList(
        started,
        listed.map((one) => ('unchanged' in one ? one : cached(one))),
      )
    },
    applyWrite({ id, version, replicas, stateLabel }) {
      const known = cache.get(id)
      // A list may have brought what was written, or more, before the write was answered.
      if (known === undefined || known.versionIsStale || known.version !== version) return
      const observation = writtenObservation(known.observation, { replicas, stateLabel, nowMs: now() })
      cache.applyWrite({ ...known, versionIsStale: true, observation })
    },
  }
}

/** Adds when it was first seen: kept while count and labels, or the changed template, stay what they were. */
function observe(reading: ServiceReading, known: CachedService | undefined, nowMs: number): ServiceObservation {
  const { seen, templateHash } = reading
  const before = known?.observation
  const isUnchanged =
    before !== undefined && before.replicas === seen.replicas && isDeepStrictEqual(before.labels, seen.labels)
  const stateLabel = lastStateLabel(seen)
  const sameState = before !== undefined && lastStateLabel(before) === stateLabel
  const firstSeen = {
    firstSeenAtMs: isUnchanged ? before.firstSeenAtMs : nowMs,
    ...(stateLabel !== undefined && { stateSeenAtMs: (sameState ? before.stateSeenAtMs : undefined) ?? nowMs }),
  }
  if (seen.previous === undefined || seen.previous.sameTemplate) return { ...seen, ...firstSeen }
  const seenBefore = known?.templateHash === templateHash ? before?.templateChangeSeenAtMs : undefined
  return { ...seen, ...firstSeen, templateChangeSeenAtMs: seenBefore ?? nowMs }
}

const lastStateLabel = ({ labels, previous }: Pick<ServiceObservation, 'labels' | 'previous'>) =>
  labels[STATE_LABEL] ?? previous?.stateLabel

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
    stateSeenAtMs: written.nowMs,
  }
}

function sameButVersion({ before, after }: ServiceChange): boolean {
  return before && after ? isDeepStrictEqual({ ...before, version: 0 }, { ...after, version: 0 }) : before === after
}
