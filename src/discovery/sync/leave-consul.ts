/** Takes all of this Swarm out of Consul once no controller writes any more, the writer's key last: for `orrery uninstall`. */
import type { Clock } from '../../foundation/clock.ts'
import { Fault } from '../../foundation/errors.ts'
import { pauseFor } from '../../foundation/wakeable-timer.ts'
import { CONTROLLER_ID_PREFIX, consulNodeOf } from '../entry.ts'
import type { CatalogService } from '../plan/catalog.ts'
import { differenceOf, isOurs } from '../plan/difference.ts'
import { transactionsOf } from '../plan/transactions.ts'
import type { ConsulCatalog, ConsulServices } from '../ports.ts'
import { createSender } from './send-steps.ts'

export interface LeaveDeps {
  readonly catalog: Pick<ConsulCatalog, 'read' | 'write' | 'lock' | 'address'>
  /** Of the Consul agent that is asked: where controllers that were killed have left their own entries. */
  readonly services: Pick<ConsulServices, 'list' | 'write'>
  /** The Swarm's id: entries of others stay, and Consul nodes with anything else on them. */
  readonly cluster: string
  readonly hostnames: readonly string[]
  readonly now: Clock
  readonly signal: AbortSignal
  readonly patienceMs: number
}

const NOTHING = { entries: new Map(), kept: new Set<string>(), issues: [] }
const RETRY_MS = 500

/** How many entries and nodes went. Throws Fault `consul-unavailable`, also while another holds the writer's lock. */
export async function leaveConsul(deps: LeaveDeps): Promise<number> {
  const { catalog, services, cluster, hostnames, now, signal, patienceMs } = deps
  const { lock, address } = catalog
  const session = await lock.open()
  try {
    // Of a writer that was killed the lock is free only when its session has ended.
    for (const untilMs = now() + patienceMs; !(await lock.take(session)); await pauseFor(RETRY_MS, signal)) {
      if (signal.aborted || now() > untilMs)
        throw new Fault('consul-unavailable', `A controller still writes to Consul at ${address}.`)
      await lock.renew(session)
    }
    const sender = createSender({ catalog, now, refusedForMs: 0, onWritten: () => {}, onStale: () => {} })
    let gone = 0
    // Entries first; what is read after that says which nodes have nothing on them.
    for (const isOfNodes of [false, true]) {
      const actual = await catalog.read(hostnames.map(consulNodeOf), signal)
      const spareNodes = new Set(
        isOfNodes ? [...actual.keys()].filter((name) => name.startsWith(consulNodeOf(''))) : [],
      )
      const { steps } = differenceOf(NOTHING, actual, { cluster, spareNodes })
      for (const transaction of transactionsOf(steps)) await sender.send(transaction, NOTHING, session)
      gone += steps.length
    }
    const [refused] = sender.issues()
    if (refused !== undefined) throw new Fault('consul-refused', `${refused.value} ${refused.message}`)
    for (const { id } of [...(await services.list()).values()].filter((one) => isOfSwarm(one, cluster))) {
      await services.write({ kind: 'deregister', id })
      gone += 1
    }
    if (!(await lock.remove(session)))
      throw new Fault('consul-unavailable', `A controller has begun to write to Consul at ${address}.`)
    return gone
  } finally {
    await lock.giveUp(session)
  }
}

/** A task's, in the mode `agent`, or a controller's own. */
const isOfSwarm = (service: Pick<CatalogService, 'id' | 'meta'>, cluster: string): boolean =>
  isOurs(service, cluster) || (service.id.startsWith(CONTROLLER_ID_PREFIX) && service.meta.cluster === cluster)
