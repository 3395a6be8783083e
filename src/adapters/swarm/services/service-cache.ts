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
  /** Absent: nothing was to be written to it when it was listed. A read of it alone brings it. */
  readonly openSpec?: OpenSpec
  readonly templateHash: string
  readonly updatedAtNano: string
  /** A write of ours took effect: the content is right, the version is that of before the write. */
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
    const { id, version, openSpec, templateHash, updatedAtNano } = reading
    const observation = observe(reading, cache.get(id), now())
    // Written once in full: what is added to a copy gives each service a hidden class of its own.
    const kept = openSpec === undefined ? {} : { openSpec }
    return { id, version, observation, templateHash, updatedAtNano, versionIsStale: false, ...kept }
  }

  return {
    ...cache,
    entries: function* () {
      for (const { observation } of cache.all()) yield observation
    },
    hasVersion: (id, version) => cache.hasVersion(id, version) && cache.get(id)?.versionIsStale === false,
    applyRead(started, id, reading) {
      const known = cache.get(id)
      const isSame = known !== undefined && !known.versionIsStale && known.version === reading?.version
      if (isSame && reading?.openSpec && !known.openSpec) cache.applyWrite({ ...known, openSpec: reading.openSpec })
      else cache.applyRead(started, id, reading && cached(reading))
    },
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

/** Built field by field: copies of objects with some of their fields have a shape each, which costs more than what they hold. */
type Growing = { -readonly [Field in keyof ServiceObservation]: ServiceObservation[Field] }

/** Adds when it was first seen: kept while count and labels, or the changed template, stay what they were. */
function observe({ seen, templateHash }: ServiceReading, known: CachedService | undefined, nowMs: number): Growing {
  const { id, name, version, mode, replicas, labels, resources, placement, updateState, previous } = seen
  const before = known?.observation
  const isUnchanged = before !== undefined && before.replicas === replicas && isDeepStrictEqual(before.labels, labels)
  const firstSeenAtMs = isUnchanged ? before.firstSeenAtMs : nowMs
  // What is known of labels, such as what our state in them says, is known of the object.
  const kept = isUnchanged ? before.labels : labels
  const one: Growing = { id, name, version, mode, replicas, labels: kept, firstSeenAtMs }
  if (resources !== undefined) one.resources = resources
  if (placement !== undefined) one.placement = placement
  if (updateState !== undefined) one.updateState = updateState
  if (previous !== undefined) one.previous = previous
  const stateLabel = lastStateLabel(seen)
  const sameState = before !== undefined && lastStateLabel(before) === stateLabel
  if (stateLabel !== undefined) one.stateSeenAtMs = (sameState ? before.stateSeenAtMs : undefined) ?? nowMs
  if (previous === undefined || previous.sameTemplate) return one
  const seenBefore = known?.templateHash === templateHash ? before?.templateChangeSeenAtMs : undefined
  one.templateChangeSeenAtMs = seenBefore ?? nowMs
  return one
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
