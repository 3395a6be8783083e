/**
 * Keeps the Consul agent beside this node's engine as the controllers want it: level-triggered, every few seconds and at once
 * when something changed. Where nobody says what is wanted, nothing is written.
 */
import type { Clock } from '../../foundation/clock.ts'
import { messageOf } from '../../foundation/errors.ts'
import { createFailureLog } from '../../foundation/log-once.ts'
import type { Logger } from '../../foundation/logger.ts'
import { createWakeableTimer } from '../../foundation/wakeable-timer.ts'
import type { Entry, EntryIssue } from '../entry.ts'
import { type AgentWrite, agentDifference } from '../plan/agent-difference.ts'
import type { ConsulServices } from '../ports.ts'
import { createIssueLog, issueLine } from './issue-log.ts'
import { createRefusals } from './refusals.ts'

export interface WantedOfNode {
  readonly cluster: string
  readonly nodeId: string
  readonly entries: readonly Entry[]
  /** Tasks of which too little is known: what is there of them stays. */
  readonly kept: readonly string[]
}

export interface AgentKeeperDeps {
  readonly services: ConsulServices
  /** `undefined`: no controller has said it yet. */
  readonly wanted: () => WantedOfNode | undefined
  /** By the engine beside us; `undefined`: it does not say. */
  readonly isRunning: (taskId: string) => boolean | undefined
  readonly logger: Logger
  readonly now: Clock
  readonly timing?: Partial<typeof TIMING>
}

export interface AgentKeeper {
  nudge(): void
  /** Sentences for people: why this agent's Consul is not as it is wanted. */
  faults(): readonly string[]
  /** Returns when the signal is aborted; what is registered stays. Never throws. */
  run(signal: AbortSignal): Promise<void>
}

const TIMING = { lookEveryMs: 2_000, refusedForMs: 60_000 }

export function createAgentKeeper({ services, wanted, isRunning, logger, now, ...deps }: AgentKeeperDeps): AgentKeeper {
  const timing = { ...TIMING, ...deps.timing }
  const timer = createWakeableTimer()
  /** By id: what this process registered. */
  const told = new Map<string, string>()
  const refusals = createRefusals(now, timing.refusedForMs)
  const failures = createFailureLog((reason) => logger.warn({ event: 'consul-sync-failed' }, reason))
  let standing: readonly EntryIssue[] = []
  const logIssues = createIssueLog(logger)

  const isDue = (write: AgentWrite): boolean =>
    write.kind !== 'register' || !refusals.isSetAside(write.entry.id, () => textOf(write.entry))

  const send = async (write: AgentWrite, isThere: boolean) => {
    await services.write(write)
    if (write.kind === 'deregister') {
      told.delete(write.id)
      logger.info({ event: 'registration', action: 'deregistered', id: write.id }, `deregistered ${write.id}`)
    } else if (write.kind === 'register') {
      const { id, name, address, port } = write.entry
      const isKnown = isThere && !told.has(id)
      const action = isThere ? 'changed' : 'registered'
      told.set(id, textOf(write.entry))
      refusals.forget(id)
      // After a restart of ours each is told once more as it is.
      if (!isKnown) logger.info({ event: 'registration', action, id, name, address, port }, `${action} ${id}`)
    }
  }

  const setAside = (write: AgentWrite, error: unknown) => {
    const id = write.kind === 'register' ? write.entry.id : write.id
    const service = write.kind === 'register' ? write.entry.serviceName : ''
    const message = `is refused by Consul: ${messageOf(error).slice(0, 300)}`
    const issue = { service, key: 'entry', value: id, message, effect: 'refused' } as const
    if (write.kind === 'register') refusals.setAside(id, textOf(write.entry), issue)
    return issue
  }

  const look = async () => {
    const current = wanted()
    if (current === undefined) return
    const actual = await services.list()
    // A container that the engine has no more answers nobody, whatever Swarm has heard of it yet.
    const live = current.entries.filter(({ taskId }) => isRunning(taskId) !== false)
    const entries = new Map<string, Entry>(live.map((entry) => [entry.id, entry]))
    const kept = new Set(current.kept.filter((taskId) => isRunning(taskId) !== false))
    const { cluster, nodeId } = current
    const isTold = (entry: Entry) => told.get(entry.id) === textOf(entry)
    const { writes, issues } = agentDifference({ cluster, nodeId, entries, kept }, actual, isTold)
    const failed: EntryIssue[] = []
    refusals.keep((id) => entries.has(id))
    for (const write of writes.filter(isDue)) {
      try {
        await send(write, write.kind === 'register' && actual.has(write.entry.id))
      } catch (error) {
        const issue = setAside(write, error)
        if (write.kind !== 'register') failed.push(issue)
      }
    }
    standing = [...issues, ...failed, ...refusals.issues()]
    logIssues(standing)
  }

  return {
    nudge: timer.wake,
    faults: () => [...[failures.reason()].filter((reason) => reason !== ''), ...standing.map(issueLine)],
    async run(signal) {
      while (!signal.aborted) {
        try {
          await look()
          failures.succeeded()
        } catch (error) {
          failures.failed(error)
        }
        await timer.pause(timing.lookEveryMs, signal)
      }
    },
  }
}

const textOf = ({ id, name, address, port, tags, meta, checks }: Entry): string =>
  JSON.stringify([id, name, address, port, tags, meta, checks])

/** For how long another controller is not heard beside the one that was. */
const HEARD_MS = 15_000

/** What the controllers say of this node's entries: one of them counts until it falls silent, and what it said last stays. */
export function createWantedRegistrations(now: Clock) {
  let taken: WantedOfNode | undefined
  let giver: { readonly url: string; readonly isProven: boolean; readonly atMs: number } | undefined
  return {
    /** Of the node with this id. */
    current: (nodeId: string | undefined) => (taken?.nodeId === nodeId ? taken : undefined),
    /** Whether it is news. */
    offer(wanted: WantedOfNode, { url, isProven }: { readonly url: string; readonly isProven: boolean }): boolean {
      const isFirst = giver === undefined || giver.url === url || now() - giver.atMs > HEARD_MS
      if (!isFirst && !(isProven && giver?.isProven === false)) return false
      giver = { url, isProven, atMs: now() }
      const isNews = JSON.stringify(wanted) !== JSON.stringify(taken)
      taken = wanted
      return isNews
    },
  }
}
