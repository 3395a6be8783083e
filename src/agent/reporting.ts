import type { NodeReport } from '../swarm/node-report.ts'
import type { WantedState } from '../swarm/wanted.ts'

/** The agents' side of the controller. */
export interface AgentDesk {
  /**
   * Takes in a report and says what is wanted of that node. Throws Fault `not-in-sync` (then nothing is wanted, and the
   * agent keeps what it has), `unknown-node` when Swarm has no such node, `node-mismatch` when the report names another.
   */
  report(nodeId: string, report: NodeReport): WantedState
}
