/** Where agents report, and are told what is wanted of their nodes. */

import type { AgentDesk } from '../../bootstrap/network.ts'
import type { Nodes, Records } from '../../bootstrap/ports.ts'
import { wantedOf } from '../../bootstrap/record/wanted-of.ts'
import { Fault } from '../../foundation/errors.ts'
import type { NodeReport } from '../report.ts'
import type { WantedState } from '../wanted.ts'
import type { ReportDesk } from './agent-reports.ts'

export interface AgentDeskDeps {
  readonly nodes: Pick<Nodes, 'get' | 'sync'>
  readonly records: Pick<Records, 'all' | 'revision'>
  readonly reports: Pick<ReportDesk, 'take'>
  /** An agent calls: nodes are needed from now on, whatever is configured. */
  readonly activate: () => void
}

export function createAgentDesk({ nodes, records, reports, activate }: AgentDeskDeps): AgentDesk {
  return {
    report(nodeId: string, report: NodeReport): WantedState {
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
      reports.take(report)
      return wantedOf({ nodeId, records: records.all(), revision: records.revision() })
    },
  }
}
