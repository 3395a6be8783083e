/**
 * Reports to every controller, and takes from each what is wanted: every few seconds, and at once when something changed.
 * Each controller is spoken to by itself: one that is away or slow keeps nobody waiting.
 */

import type { Unsubscribe } from '../../foundation/listeners.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { WantedRegistrations } from '../../swarm/wanted.ts'
import { buildReport, type ReportSource } from '../plan/build-report.ts'
import type { ControllerAnswer, ControllerCalls, EngineFacts } from '../ports.ts'
import { controllerUrls } from './controller-urls.ts'
import type { Giver, WantedKeeper } from './wanted-keeper.ts'

export interface SyncDeps {
  readonly calls: ControllerCalls
  /** Nothing is reported of an engine that never said what it is, or what it has: controllers would take it for empty. */
  readonly observed: () => Omit<ReportSource, 'facts'> & {
    readonly facts: EngineFacts | undefined
    readonly isEngineSeen: boolean
    /** Of the wanted state that the standings are of. */
    readonly revision: number
  }
  readonly mendedSince: (ms: number) => readonly { readonly network: string; readonly text: string }[]
  readonly onChange: (listener: () => void) => Unsubscribe
  readonly wanted: WantedKeeper
  /** Where there is a Consul beside this agent: what a controller says of this node's entries. */
  readonly onRegistrations?: (registrations: WantedRegistrations, nodeId: string, from: Giver) => void
  /** In place of those that the engine names. */
  readonly controllers: readonly string[] | undefined
  readonly agentVersion: string
  readonly startedAtMs: number
  readonly logger: Logger
  readonly now: () => number
  readonly everyMs?: number
}

export interface Sync {
  /** Speaks to nobody any more, once what is under way has ended. */
  stop(): Promise<void>
}

const EVERY_MS = 5_000

interface Line {
  readonly url: string
  /** Reports one after another; absent: none is under way. */
  work: Promise<void> | undefined
  /** Something changed since the report that is under way. */
  isStale: boolean
  /** Of the last report that it took. */
  deliveredAtMs: number
  state: string
}

export function startSync(deps: SyncDeps): Sync {
  const { calls, wanted, logger, now, everyMs = EVERY_MS } = deps
  const lines = new Map<string, Line>()
  let isStopped = false

  const urls = (managers: readonly string[]): readonly string[] => deps.controllers ?? controllerUrls(managers)

  const tell = (line: Line, answer: ControllerAnswer) => {
    const state = answer.kind === 'wanted' ? 'answers' : `${answer.kind}: ${answer.reason}`
    if (state === line.state) return
    line.state = state
    const fields = { controller: line.url }
    if (answer.kind === 'wanted') logger.info({ event: 'controller-answers', ...fields }, 'a controller takes reports')
    else logger.warn({ event: 'controller-silent', ...fields }, answer.reason)
  }

  const send = async (line: Line, facts: EngineFacts) => {
    const sentAtMs = now()
    const observed = deps.observed()
    const report = buildReport(
      { ...observed, facts },
      {
        agentVersion: deps.agentVersion,
        sentAtMs,
        startedAtMs: deps.startedAtMs,
        // What was taken since has not been looked at: to name its revision would prove what nobody has seen.
        revision: observed.revision,
        mended: deps.mendedSince(line.deliveredAtMs),
      },
    )
    const answer = await calls.report(line.url, report)
    if (isStopped) return
    const isForUs = answer.kind !== 'wanted' || answer.wanted.nodeId === facts.nodeId
    tell(line, isForUs ? answer : { kind: 'refused', status: 200, reason: `${line.url} answers for another node` })
    if (answer.kind !== 'wanted' || !isForUs) return
    line.deliveredAtMs = sentAtMs
    const { registrations, ...state } = answer.wanted
    const from = { url: line.url, isProven: answer.isProven }
    if (registrations !== undefined) deps.onRegistrations?.(registrations, facts.nodeId, from)
    await wanted.offer(state, from)
  }

  const sendAll = async (line: Line): Promise<void> => {
    do {
      line.isStale = false
      const { facts } = deps.observed()
      // In no swarm there is nobody to report to, and no name to report under.
      if (facts === undefined || facts.nodeId === '') return
      await send(line, facts)
    } while (line.isStale && !isStopped && lines.get(line.url) === line)
  }

  const serve = (line: Line) => {
    line.isStale = true
    line.work ??= sendAll(line)
      .catch((error: unknown) => {
        logger.error({ event: 'report-failed', controller: line.url, err: error }, 'a report could not be made')
      })
      .finally(() => {
        line.work = undefined
      })
  }

  const report = () => {
    const { facts, isEngineSeen } = deps.observed()
    if (isStopped || facts === undefined || !isEngineSeen) return
    const known = urls(facts.managers)
    for (const url of known) {
      const fresh: Line = { url, work: undefined, isStale: false, deliveredAtMs: 0, state: '' }
      if (!lines.has(url)) lines.set(url, fresh)
    }
    for (const url of lines.keys()) if (!known.includes(url)) lines.delete(url)
    for (const line of lines.values()) serve(line)
  }

  const timer = setInterval(report, everyMs)
  const unsubscribe = deps.onChange(report)
  report()
  return {
    async stop() {
      isStopped = true
      unsubscribe()
      clearInterval(timer)
      await Promise.all([...lines.values()].map(({ work }) => work))
    },
  }
}
