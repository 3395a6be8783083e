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

export interface VersionedCache<Item extends Versioned> {
  all(): Iterable<Item>
  get(id: string): Item | undefined
  size(): number
  ticket(): Ticket
  hasVersion(id: string, version: number): boolean
  /** It was there and is not any more; remembered until two full lists did not show it. */
  isGone(id: string): boolean
  /** What one inspect brought; `undefined`: there is no such object. */
  applyRead(started: Ticket, id: string, item: Item | undefined): void
  /** What a full list brought: everything there is. */
  applyList(started: Ticket, listed: readonly Changed<Item>[]): void
  applyRemoved(id: string): void
}

interface Entry<Item> {
  readonly item: Item
  /** When it entered the cache. */
  readonly since: Ticket
  /** Of full lists in a row, the last version below ours that one showed. */
  readonly olderListed?: number
}

/** `changed` is called once after each call that changed something. */
export function createVersionedCache<Item extends Versioned>(changed: () => void): VersionedCache<Item> {
  const entries = new Map<string, Entry<Item>>()
  const removed = new Map<string, Ticket>()
  let lastTicket: Ticket = 0
  let previousList: Ticket = 0
  const ticket = () => {
    lastTicket += 1
    return lastTicket
  }

  const remove = (id: string): boolean => {
    removed.set(id, ticket())
    return entries.delete(id)
  }

  const store = (started: Ticket, item: Item): boolean => {
    const known = entries.get(item.id)
    if ((removed.get(item.id) ?? 0) > started) return false
    if (known !== undefined && item.version <= known.item.version) return false
    entries.set(item.id, { item, since: known?.since ?? ticket() })
    return true
  }

  /** A swarm restored from a backup starts again at lower versions: believed when two full lists in a row say so. */
  const isRestored = ({ id, version }: Item): boolean => {
    const known = entries.get(id)
    if (known === undefined || version >= known.item.version) return false
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
      const isNews =
        item === undefined
          ? (entries.get(id)?.since ?? Number.POSITIVE_INFINITY) < started && remove(id)
          : store(started, item)
      if (isNews) changed()
    },
    applyList(started, listed) {
      const ids = new Set(listed.map(({ id }) => id))
      let isNews = false
      for (const [id, { since }] of [...entries]) if (since < started && !ids.has(id)) isNews = remove(id) || isNews
      for (const one of listed) {
        if ('unchanged' in one) continue
        if (isRestored(one)) entries.delete(one.id)
        isNews = store(started, one) || isNews
      }
      for (const [id, at] of removed) if (at < previousList) removed.delete(id)
      previousList = started
      if (isNews) changed()
    },
    applyRemoved(id) {
      if (remove(id)) changed()
    },
  }
}
