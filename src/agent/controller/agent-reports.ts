/** The newest report of each agent, in memory. Any may be lost or come late; that of a node that has left goes. */

import type { Clock } from '../../autoscaling/ports.ts'
import type { AgentReports, HeardReport, Nodes } from '../../bootstrap/ports.ts'
import { SILENT_AFTER_MS } from '../../bootstrap/record/address-count.ts'
import type { NodeReport } from '../report.ts'

export interface ReportDesk extends AgentReports {
  /** Keeps it unless it is older than what is known. */
  take(report: NodeReport): void
  /** Called when what a report says of networks is news, or an agent is heard that was not. */
  onNews(listener: (report: NodeReport) => void): () => void
}

export function createAgentReports({
  nodes,
  now,
}: {
  readonly nodes: Pick<Nodes, 'list' | 'sync' | 'onChange'>
  readonly now: Clock
}): ReportDesk {
  const heard = new Map<string, HeardReport>()
  const listeners = new Set<() => void>()
  const newsListeners = new Set<(report: NodeReport) => void>()

  nodes.onChange(() => {
    if (!nodes.sync().inSync) return
    const known = new Set(nodes.list().map(({ id }) => id))
    for (const nodeId of [...heard.keys()]) if (!known.has(nodeId)) heard.delete(nodeId)
  })

  return {
    get: (nodeId) => heard.get(nodeId),
    list: () => [...heard.values()],
    onChange(listener) {
      const added = () => listener()
      listeners.add(added)
      return () => void listeners.delete(added)
    },
    onNews(listener) {
      const added = (report: NodeReport) => listener(report)
      newsListeners.add(added)
      return () => void newsListeners.delete(added)
    },
    take(report) {
      const receivedAtMs = now()
      const known = heard.get(report.nodeId)
      if (known !== undefined && isOlder(report, known, receivedAtMs)) return
      const next = { report, receivedAtMs, notAsWantedSinceMs: sinceOf(report, known, receivedAtMs) }
      heard.set(report.nodeId, next)
      for (const listener of listeners) listener()
      if (known === undefined || isNews(next, known)) for (const listener of newsListeners) listener(report)
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

const isNews = (next: HeardReport, known: HeardReport): boolean =>
  next.receivedAtMs - known.receivedAtMs >= SILENT_AFTER_MS || newsIn(next.report) !== newsIn(known.report)

const newsIn = ({ revision, networks, hostAddresses, standings }: NodeReport): string => {
  const told = standings.map(({ name, isAsWanted, faults, attached }) => [name, isAsWanted, faults, attached])
  return JSON.stringify([revision, told, networks, hostAddresses])
}
