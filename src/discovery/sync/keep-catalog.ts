/**
 * Keeps Consul's catalog as it is desired: level-triggered, by the one controller that holds the lock. A change of a task is
 * written from memory at once; the whole catalog is read when it is taken over, each minute, and when it is not as we left it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../foundation/clock.ts'
import { createFailureLog } from '../../foundation/log-once.ts'
import type { Logger } from '../../foundation/logger.ts'
import { createWakeableTimer, pauseFor } from '../../foundation/wakeable-timer.ts'
import { checkIdOf, consulNodeOf, type EntryIssue } from '../entry.ts'
import type { Settings } from '../facts.ts'
import type { CatalogState, CatalogWrite } from '../plan/catalog.ts'
import { differenceOf, isOurs } from '../plan/difference.ts'
import { afterWrites, transactionsOf } from '../plan/transactions.ts'
import type { ConsulCatalog } from '../ports.ts'
import type { SyncRecord } from '../registrations.ts'
import type { Desire } from './desire.ts'
import { createSender, NotWriter } from './send-steps.ts'
import { createWriter } from './writer.ts'

export interface CatalogKeeperDeps {
  readonly catalog: ConsulCatalog
  /** `undefined`: the Swarm cannot be read now, so nothing may be written. */
  readonly settings: () => Settings | undefined
  readonly desire: Pick<Desire, 'of'>
  readonly hostnames: () => readonly string[]
  readonly listener: RegistrationListener
  readonly logger: Logger
  readonly now: Clock
  readonly timing?: Partial<typeof KEEP_TIMING>
}

export interface RegistrationListener {
  /** One entry came, changed or went. */
  changed(change: RegistrationChange): void
  synced(sync: SyncRecord): void
}

export interface RegistrationChange {
  readonly action: 'registered' | 'changed' | 'deregistered'
  readonly id: string
  readonly node: string
  /** Of the entry; absent for one that went. */
  readonly name?: string
  readonly address?: string
  readonly port?: number
}

export interface CatalogKeeper {
  isWriter(): boolean
  /** As known here; only of the writer. */
  actual(): CatalogState | undefined
  lastSync(): SyncRecord | undefined
  /** Why Consul is not as desired, for a person; empty: nothing is wrong. */
  fault(): string
  /** What Consul, or another's entry, stands in the way of. */
  issues(): readonly EntryIssue[]
  /** Something may have changed. `isFull`: read everything anew. */
  nudge(isFull?: boolean): void
  /** Returns when the signal is aborted, with the lock given up; never throws. */
  run(signal: AbortSignal): Promise<void>
}

const KEEP_TIMING = {
  fullEveryMs: 60_000,
  gatherMs: 10,
  /** Between two whole reads that something unexpected asked for. */
  suspectEveryMs: 2_000,
  retryMs: 500,
  mostRetryMs: 5_000,
  /** How long what Consul refused is left alone. */
  refusedForMs: 60_000,
  /** How long a Consul node with nothing on it stays. */
  spareAfterMs: 60_000,
}

const LOOK_AGAIN_MS = 20

export function createCatalogKeeper(deps: CatalogKeeperDeps): CatalogKeeper {
  const { catalog, settings, desire, hostnames, listener, logger, now } = deps
  const timing = { ...KEEP_TIMING, ...deps.timing }
  const emptySinceMs = new Map<string, number>()
  let actual: CatalogState | undefined
  let readAtMs = 0
  let isSuspect = false
  let isSyncing = false
  let lastSync: SyncRecord | undefined
  const failures = createFailureLog((reason) => logger.warn({ event: 'consul-sync-failed' }, reason))
  let standing: readonly EntryIssue[] = []
  const timer = createWakeableTimer()

  const nudge = (isFull = false) => {
    if (isFull) readAtMs = 0
    timer.wake()
  }
  const writer = createWriter({
    ...{ lock: catalog.lock, logger },
    mayWrite: () => settings() !== undefined,
    onChange() {
      // Whoever wrote meanwhile left it in another state.
      actual = undefined
      nudge()
    },
  })

  const spareNodes = (state: CatalogState): ReadonlySet<string> => {
    for (const name of emptySinceMs.keys()) if ((state.get(name)?.services.size ?? 1) > 0) emptySinceMs.delete(name)
    for (const { name, services } of state.values())
      if (services.size === 0 && name.startsWith(consulNodeOf('')) && !emptySinceMs.has(name))
        emptySinceMs.set(name, now())
    const spare = [...emptySinceMs].filter(([, sinceMs]) => now() - sinceMs >= timing.spareAfterMs)
    return new Set(spare.map(([name]) => name))
  }

  const sender = createSender({
    ...{ catalog, now, refusedForMs: timing.refusedForMs },
    onWritten(writes, indexOf) {
      const before = actual ?? new Map()
      actual = afterWrites(before, writes, indexOf)
      for (const write of writes) logWrite(write, before)
    },
    onStale() {
      readAtMs = 0
    },
  })

  const logWrite = (write: CatalogWrite, before: CatalogState) => {
    if (write.kind === 'delete-service') {
      listener.changed({ action: 'deregistered', id: write.id, node: write.node })
    } else if (write.kind === 'set-service') {
      const { id, name, address, port } = write.service
      const action = before.get(write.node)?.services.has(id) ? 'changed' : 'registered'
      listener.changed({ action, id, node: write.node, name, address, port })
    }
  }

  const sync = async (session: string, current: Settings, signal: AbortSignal): Promise<number | undefined> => {
    const startedAtMs = now()
    const startedAt = performance.now()
    const isFull = actual === undefined || startedAtMs - readAtMs >= timing.fullEveryMs
    if (isFull) {
      actual = await catalog.read(hostnames().map(consulNodeOf), signal)
      readAtMs = startedAtMs
      isSuspect = false
    }
    const state = actual ?? new Map()
    const desired = desire.of(current)
    const { cluster } = current
    const difference = differenceOf(desired, state, { cluster, spareNodes: spareNodes(state) })
    const steps = sender.dueOf(difference.steps, desired)
    let transactions = 0
    for (const transaction of transactionsOf(steps)) {
      if (signal.aborted || settings() === undefined) return undefined
      transactions += await sender.send(transaction, desired, session)
    }
    standing = [...difference.issues, ...sender.issues()]
    const writes = steps.reduce((sum, step) => sum + step.writes.length, 0)
    lastSync = { atMs: startedAtMs, tookMs: performance.now() - startedAt, transactions, writes, isFull }
    listener.synced(lastSync)
    if (writes > 0)
      logger.debug({ event: 'consul-synced', ...lastSync }, `Consul was synchronized with ${writes} writes`)
    return desired.dueAtMs
  }

  const keep = async (signal: AbortSignal) => {
    for (let retries = 0; !signal.aborted; ) {
      const [session, current] = [writer.session(), settings()]
      let dueAtMs: number | undefined
      try {
        isSyncing = true
        if (session !== undefined && current !== undefined) dueAtMs = await sync(session, current, signal)
        isSyncing = false
        retries = 0
        failures.succeeded()
      } catch (error) {
        isSyncing = false
        if (signal.aborted) return
        // What was sent without an answer may be there or not.
        actual = undefined
        if (error instanceof NotWriter) {
          writer.lost()
          continue
        }
        failures.failed(error)
        writer.doubt()
        await pauseFor(Math.min(timing.retryMs * 2 ** retries, timing.mostRetryMs), signal)
        retries += 1
        continue
      }
      // A stale write, or a catalog that is not as we left it, is looked at again; not in a hot loop.
      const againInMs = readAtMs === 0 ? 50 : timing.fullEveryMs - (now() - readAtMs)
      await timer.pause(Math.max(Math.min(againInMs, (dueAtMs ?? Number.POSITIVE_INFINITY) - now()), 50), signal)
      await pauseFor(timing.gatherMs, signal)
    }
  }

  /** Whether every entry of ours has its passing check, as we left it. */
  const isAsLeft = (checks: ReadonlyMap<string, string>, cluster: string): boolean => {
    for (const node of actual?.values() ?? [])
      for (const service of node.services.values()) {
        if (!isOurs(service, cluster)) continue
        const check = checkIdOf(service.id)
        if (checks.get(`${node.name}/${check}`) !== node.checks.get(check)?.status) return false
      }
    return true
  }

  /** Somebody else's hand in our entries, a restart of Consul, a wiped catalog: the checks tell. */
  const watch = async (signal: AbortSignal) => {
    let index: string | undefined
    while (!signal.aborted) {
      try {
        const current = settings()
        if (!writer.session() || actual === undefined || current === undefined) {
          await pauseFor(timing.retryMs, signal)
          index = undefined
          continue
        }
        const answer = await catalog.watch(index, signal)
        index = Number(answer.index) < Number(index ?? 0) ? undefined : answer.index
        if (isAsLeft(answer.checks, current.cluster)) continue
        // A write of our own may be seen before its answer is here.
        while (isSyncing && !signal.aborted) await sleep(LOOK_AGAIN_MS)
        if (isAsLeft((await catalog.watch(undefined, signal)).checks, current.cluster)) continue
        await pauseFor(isSuspect ? timing.suspectEveryMs : 0, signal)
        isSuspect = true
        nudge(true)
      } catch {
        // The sync meets the same Consul, and says so; what happened meanwhile is read when it is back.
        index = undefined
        writer.doubt()
        await pauseFor(timing.retryMs, signal)
        nudge(true)
      }
    }
  }

  return {
    isWriter: () => writer.session() !== undefined,
    actual: () => actual,
    lastSync: () => lastSync,
    fault: () => failures.reason() || writer.fault(),
    issues: () => standing,
    nudge,
    async run(signal) {
      await Promise.all([writer.run(signal), keep(signal), watch(signal)])
    },
  }
}
