/** Who follows the tasks of which services, and whether what each follows was read since it is known. */
import type { Tasks } from '../../../swarm/ports.ts'

/** `undefined`: it does not know its services yet. */
export type Followed = Parameters<Tasks['follow']>[0]

export interface Followers {
  /** Of all that know theirs; `undefined`: nobody does. */
  serviceIds(): readonly string[] | undefined
  /** Takes down who knows its services before a read; what it returns is called when that has them. */
  reader(): () => void
  isRead(ids: Followed): boolean
  /** Returns the end of it. */
  add(ids: Followed): () => void
}

export function createFollowers(): Followers {
  const read = new Map<Followed, boolean>()
  return {
    serviceIds() {
      const known = [...read.keys()].flatMap((ids) => {
        const followed = ids()
        if (followed !== undefined) return [followed]
        read.set(ids, false)
        return []
      })
      return known.length === 0 ? undefined : [...new Set(known.flat())]
    },
    reader() {
      const known = [...read.keys()].filter((ids) => ids() !== undefined)
      return () => {
        for (const ids of known) if (read.has(ids)) read.set(ids, true)
      }
    },
    isRead: (ids) => read.get(ids) === true,
    add(ids) {
      read.set(ids, false)
      return () => {
        read.delete(ids)
      }
    },
  }
}
