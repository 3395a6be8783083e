/**
 * Objects as last read, in memory, no I/O. Reads overlap each other and events, so each read takes a ticket when it starts,
 * and what it brings is dropped where something newer is known: a higher version, or a removal after its start.
 */
import type { Changed } from './list-items.ts'

export interface Versioned {
  readonly id: string
  readonly version: number
}

/** Orders reads and events: a read that takes a lower ticket than an event may not know of it. */
export type Ticket = number

export interface Change<Item> {
  readonly id: string
  readonly before: Item | undefined
  /** Absent: it is gone. */
  readonly after: Item | undefined
}

export interface VersionedCache<Item extends Versioned, Read = Item> {
  all(): Iterable<Item>
  get(id: string): Item | undefined
  size(): number
  ticket(): Ticket
  /** Whether this version is cached, so that it needs no reading. */
  hasVersion(id: string, version: number): boolean
  /** It was there and is not any more; remembered until two full lists did not show it. */
  isGone(id: string): boolean
  /** What one inspect brought; `undefined`: there is no such object. */
  applyRead(started: Ticket, id: string, item: Read | undefined): void
  /** What a full list brought: everything there is. */
  applyList(started: Ticket, listed: readonly Changed<Read>[]): void
  applyRemoved(id: string): void
  /** What a write of ours made of it, under the version that it had. */
  applyWrite(item: Item): void
}

interface Entry<Item> {
  readonly item: Item
  /** When it entered the cache, and when it last changed. */
  readonly since: Ticket
  readonly storedAt: Ticket
  /** Of full lists in a row, the last version below ours that one showed. */
  readonly olderListed?: number
}

/** `changed` is called once after each call that changed something. */
export function createVersionedCache<Item extends Versioned>(
  changed: (changes: readonly Change<Item>[]) => void,
): VersionedCache<Item> {
  const entries = new Map<string, Entry<Item>>()
  const removed = new Map<string, Ticket>()
  let news: Change<Item>[] = []
  let lastTicket: Ticket = 0
  let previousList: Ticket = 0
  const ticket = () => {
    lastTicket += 1
    return lastTicket
  }

  const tell = () => {
    const told = news
    news = []
    if (told.length > 0) changed(told)
  }

  const remove = (id: string) => {
    const before = entries.get(id)?.item
    removed.set(id, ticket())
    if (entries.delete(id)) news.push({ id, before, after: undefined })
  }

  const put = (item: Item) => {
    const known = entries.get(item.id)
    entries.set(item.id, { item, since: known?.since ?? ticket(), storedAt: ticket() })
    news.push({ id: item.id, before: known?.item, after: item })
  }

  const store = (started: Ticket, item: Item) => {
    const known = entries.get(item.id)
    const isRemoved = (removed.get(item.id) ?? 0) > started
    if (!isRemoved && (known === undefined || item.version > known.item.version)) put(item)
  }

  /** A swarm restored from a backup starts again at lower versions: believed when two full lists in a row say so. */
  const isRestored = (started: Ticket, { id, version }: Item): boolean => {
    const known = entries.get(id)
    if (known === undefined || known.storedAt > started || version >= known.item.version) return false
    if (known.olderListed !== undefined && known.olderListed <= version) return true
    entries.set(id, { ...known, olderListed: version })
    return false
  }

  return {
    all: function* () {
      for (const { item } of entries.values()) yield item
    },
    get: (id) => entries.get(id)?.item,
    size: () => entries.size,
    ticket,
    hasVersion: (id, version) => entries.get(id)?.item.version === version,
    isGone: (id) => removed.has(id) && !entries.has(id),
    applyRead(started, id, item) {
      if (item !== undefined) store(started, item)
      else if ((entries.get(id)?.since ?? Number.POSITIVE_INFINITY) < started) remove(id)
      tell()
    },
    applyList(started, listed) {
      const ids = new Set(listed.map(({ id }) => id))
      for (const [id, { since }] of entries) if (since < started && !ids.has(id)) remove(id)
      for (const one of listed) {
        if ('unchanged' in one) continue
        if (isRestored(started, one)) put(one)
        else store(started, one)
      }
      for (const [id, at] of removed) if (at < previousList) removed.delete(id)
      previousList = started
      tell()
    },
    applyRemoved(id) {
      remove(id)
      tell()
    },
    applyWrite(item) {
      put(item)
      tell()
    },
  }
}
