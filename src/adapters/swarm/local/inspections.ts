/** Single reads by id, coalesced: for each id at most one under way and one waiting, and few at once overall. */

export interface Inspections {
  /** Resolves after a read of this id that started after the call. Rejects as `read` does. */
  request(id: string): Promise<void>
  /** Resolves when the read of this id that is under way has ended, well or not; `undefined` if there is none. */
  underWay(id: string): Promise<void> | undefined
}

interface Waiting {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

export function createInspections(deps: {
  readonly read: (id: string) => Promise<void>
  readonly atOnce: number
}): Inspections {
  const running = new Map<string, Promise<void>>()
  const waiting = new Map<string, Waiting>()

  const run = async (id: string, { resolve, reject }: Waiting) => {
    try {
      await deps.read(id)
      resolve()
    } catch (error) {
      reject(error)
    } finally {
      running.delete(id)
      startNext()
    }
  }

  const startNext = () => {
    for (const [id, next] of waiting) {
      if (running.size >= deps.atOnce) return
      if (running.has(id)) continue
      waiting.delete(id)
      running.set(id, run(id, next))
    }
  }

  return {
    underWay: (id) => running.get(id),
    request(id) {
      const joined = waiting.get(id) ?? newWaiting()
      waiting.set(id, joined)
      startNext()
      return joined.promise
    },
  }
}

function newWaiting(): Waiting {
  let resolve: () => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<void>((fulfil, refuse) => {
    resolve = fulfil
    reject = refuse
  })
  return { promise, resolve, reject }
}
