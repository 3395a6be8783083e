import type { NodeReport } from '../swarm/node-report.ts'
import type { WantedState } from '../swarm/wanted.ts'

/** `certificate`: the node that Swarm says; `token`: whoever has it says a node. */
export type ProvenBy = 'certificate' | 'token'

/** The agents' side of the controller. */
export interface ReportHandler {
  /**
   * Takes in a report and says what is wanted of that node. Throws Fault `not-in-sync` (then nothing is wanted, and the
   * agent keeps what it has), `unknown-node` when Swarm has no such node, `node-mismatch` when the report names another,
   * `certificate-needed` when a token is not enough for this node.
   */
  report(nodeId: string, report: NodeReport, provenBy: ProvenBy): WantedState
}
