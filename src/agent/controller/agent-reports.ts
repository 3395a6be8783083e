/**
 * The controllers' end of the agents: takes their reports in, keeps the newest of each in memory, and says what is wanted of
 * their nodes. Any report may be lost or come late; that of a node that has left goes.
 */
import type { Clock } from '../../foundation/clock.ts'
import { Fault } from '../../foundation/errors.ts'
import { createListeners } from '../../foundation/listeners.ts'
import type { Logger } from '../../foundation/logger.ts'
import { type HeardReport, type NodeReport, SILENT_AFTER_MS } from '../../swarm/node-report.ts'
import type { AgentNews, AgentReports, Nodes } from '../../swarm/ports.ts'
import type { WantedState } from '../../swarm/wanted.ts'
import type { ReportHandler } from '../reporting.ts'

export interface ReportHandlerDeps {
  readonly nodes: Pick<Nodes, 'get' | 'sync'>
  readonly reports: Pick<ReportBook, 'take'>
  readonly wantedOf: (nodeId: string) => WantedState
  /** An agent calls: nodes are needed from now on, whatever is configured. */
  readonly activate: () => void
  /** Agents are heard by their certificates, and nobody has been given a token for them. */
  readonly areCertificatesNeeded: () => boolean
  readonly logger: Logger
}

export function createReportHandler(deps: ReportHandlerDeps): ReportHandler {
  const { nodes, reports, wantedOf, activate, areCertificatesNeeded, logger } = deps
  /** Nodes that have spoken by their certificate: no token speaks for them any more. */
  const proven = new Set<string>()
  const byToken = new Set<string>()

  const judgeToken = (nodeId: string) => {
    if (proven.has(nodeId) || areCertificatesNeeded()) {
      throw new Fault('certificate-needed', `The node ${nodeId} reports with its Swarm certificate alone.`)
    }
    if (byToken.has(nodeId)) return
    byToken.add(nodeId)
    logger.warn({ event: 'agent-by-token', node: nodeId }, 'an agent is believed by a token that any node could send')
  }

  return {
    report(nodeId, report, provenBy) {
      activate()
      if (report.nodeId !== nodeId) {
        throw new Fault(
          'node-mismatch',
          `The report is of the node ${report.nodeId}, and was sent as that of ${nodeId}.`,
        )
      }
      const { inSync, reason } = nodes.sync()
      if (!inSync) throw new Fault('not-in-sync', reason, { retryAfterMs: 2000 })
      if (nodes.get(nodeId) === undefined) throw new Fault('unknown-node', `The Swarm has no node ${nodeId}.`)
      if (provenBy === 'token') judgeToken(nodeId)
      else proven.add(nodeId)
      reports.take(report)
      return wantedOf(nodeId)
    },
  }
}

export interface ReportBook extends AgentReports, AgentNews {
  /** Keeps it unless it is older than what is known. */
  take(report: NodeReport): void
}

export interface AgentReportsDeps {
  readonly nodes: Pick<Nodes, 'list' | 'sync' | 'onChange'>
  readonly logger: Logger
  readonly now: Clock
}

export function createAgentReports({ nodes, logger, now }: AgentReportsDeps): ReportBook {
  const heard = new Map<string, HeardReport>()
  /** Of the newest report of each, what is news when it changes. */
  const said = new Map<string, string>()
  const changes = createListeners<void>(logger)
  const news = createListeners<NodeReport>(logger)

  nodes.onChange(() => {
    if (!nodes.sync().inSync) return
    const known = new Set(nodes.list().map(({ id }) => id))
    for (const nodeId of [...heard.keys()]) {
      if (known.has(nodeId)) continue
      heard.delete(nodeId)
      said.delete(nodeId)
    }
  })

  return {
    get: (nodeId) => heard.get(nodeId),
    list: () => [...heard.values()],
    onChange: changes.add,
    onNews: news.add,
    take(report) {
      const receivedAtMs = now()
      const known = heard.get(report.nodeId)
      if (known !== undefined && isOlder(report, known, receivedAtMs)) return
      const next = { report, receivedAtMs, notAsWantedSinceMs: sinceOf(report, known, receivedAtMs) }
      heard.set(report.nodeId, next)
      const [before, says] = [said.get(report.nodeId), newsIn(report)]
      said.set(report.nodeId, says)
      changes.tell()
      const wasSilent = known === undefined || receivedAtMs - known.receivedAtMs >= SILENT_AFTER_MS
      if (wasSilent || says !== before) news.tell(report)
    },
  }
}

/** Its node's clock orders the reports of one agent; one that was silent long enough may have been set back. */
function isOlder(report: NodeReport, known: HeardReport, nowMs: number): boolean {
  if (nowMs - known.receivedAtMs >= SILENT_AFTER_MS) return false
  const { startedAtMs, sentAtMs } = known.report
  return report.startedAtMs < startedAtMs || (report.startedAtMs === startedAtMs && report.sentAtMs < sentAtMs)
}

function sinceOf(report: NodeReport, known: HeardReport | undefined, nowMs: number): ReadonlyMap<string, number> {
  const faulty = report.standings.filter(({ isAsWanted }) => !isAsWanted)
  return new Map(faulty.map(({ name }) => [name, known?.notAsWantedSinceMs?.get(name) ?? nowMs]))
}

const newsIn = ({ revision, networks, hostAddresses, standings }: NodeReport): string => {
  const told = standings.map(({ name, isAsWanted, faults, attached }) => [name, isAsWanted, faults, attached])
  return JSON.stringify([revision, told, networks, hostAddresses])
}
