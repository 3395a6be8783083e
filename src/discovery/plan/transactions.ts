/** Steps in transactions that Consul takes, and what is left of one when it refuses some of it. Pure. */
import {
  type CatalogNodeDraft,
  type CatalogState,
  type CatalogStep,
  type CatalogWrite,
  draftOf,
  EXTERNAL_NODE,
} from './catalog.ts'

/** Consul takes 64 operations; the first says whose session writes. */
export const MOST_WRITES = 63
/** Consul takes 512 KiB of JSON in one. */
const MOST_BYTES = 256 * 1024

/** In their order. A step is never divided. */
export function transactionsOf(steps: readonly CatalogStep[]): CatalogStep[][] {
  const transactions: CatalogStep[][] = []
  let room = { writes: 0, bytes: 0 }
  for (const step of steps) {
    const [writes, bytes] = [step.writes.length, JSON.stringify(step.writes).length * 2]
    if (writes > room.writes || bytes > room.bytes) {
      transactions.push([])
      room = { writes: MOST_WRITES, bytes: MOST_BYTES }
    }
    transactions.at(-1)?.push(step)
    room = { writes: room.writes - writes, bytes: room.bytes - bytes }
  }
  return transactions
}

/** Of Consul's answer: the place of a write among those of the transaction (the session check is not counted), and why. */
export interface WriteFailure {
  readonly place: number
  readonly reason: string
  /** What it compared with is no longer so: read again and look again. */
  readonly isStale: boolean
}

export interface Divided {
  /** To send again: nothing was written. */
  readonly rest: readonly CatalogStep[]
  readonly failed: readonly { readonly step: CatalogStep; readonly reason: string; readonly isStale: boolean }[]
}

export function divide(transaction: readonly CatalogStep[], failures: readonly WriteFailure[]): Divided {
  const byPlace = new Map(failures.map((failure) => [failure.place, failure]))
  const rest: CatalogStep[] = []
  const failed: { step: CatalogStep; reason: string; isStale: boolean }[] = []
  let place = 0
  for (const step of transaction) {
    // A check fails because its service did: the first word is the cause.
    const failure = step.writes.map((_, offset) => byPlace.get(place + offset)).find((found) => found !== undefined)
    place += step.writes.length
    if (failure === undefined) rest.push(step)
    else failed.push({ step, reason: failure.reason, isStale: failure.isStale })
  }
  return { rest, failed }
}

/** The catalog as these writes left it; `indexOf`: what Consul answered for one. */
export function afterWrites(
  state: CatalogState,
  writes: readonly CatalogWrite[],
  indexOf: (write: CatalogWrite) => number,
): CatalogState {
  const next = new Map(state)
  const copies = new Map<string, CatalogNodeDraft>()
  const changing = (name: string): CatalogNodeDraft => {
    const known = copies.get(name) ?? draftOf(state.get(name) ?? { name, address: '', meta: EXTERNAL_NODE, index: 0 })
    copies.set(name, known)
    next.set(name, known)
    return known
  }
  for (const write of writes) {
    if (write.kind === 'delete-node') {
      next.delete(write.node)
      continue
    }
    const node = changing(write.node)
    if (write.kind === 'set-node')
      Object.assign(node, { address: write.address, meta: write.meta, index: indexOf(write) })
    else if (write.kind === 'set-service')
      node.services.set(write.service.id, { ...write.service, index: indexOf(write) })
    else if (write.kind === 'set-check') node.checks.set(write.check.id, { ...write.check, index: indexOf(write) })
    else {
      node.services.delete(write.id)
      for (const check of [...node.checks.values()]) if (check.serviceId === write.id) node.checks.delete(check.id)
    }
  }
  return next
}
