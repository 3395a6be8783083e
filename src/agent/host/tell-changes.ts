/** Says in the log what has changed on this node: each thing once, not at each look. */

import type { Logger } from '../../foundation/logger.ts'
import type { NetworkStanding, ReportedFault } from '../../swarm/node-report.ts'

export interface Told {
  readonly standings: readonly NetworkStanding[]
  readonly faults: readonly ReportedFault[]
}

export function tellChanges(logger: Logger, before: Told, now: Told): void {
  const isAmong = (faults: readonly ReportedFault[], fault: ReportedFault) =>
    faults.some(({ code, message }) => code === fault.code && message === fault.message)
  for (const fault of now.faults) {
    if (!isAmong(before.faults, fault)) logger.warn({ event: 'agent-fault', code: fault.code }, fault.message)
  }
  for (const { code } of before.faults) {
    if (!now.faults.some((fault) => fault.code === code)) {
      logger.info({ event: 'agent-fault-over', code }, 'what kept the agent from its work is over')
    }
  }
  for (const standing of now.standings) {
    const known = before.standings.find(({ name }) => name === standing.name)
    const fields = { network: standing.name }
    for (const fault of standing.faults) {
      if (!isAmong(known?.faults ?? [], fault)) {
        logger.warn({ event: 'network-fault', ...fields, code: fault.code }, fault.message)
      }
    }
    if (standing.isAsWanted && known?.isAsWanted !== true) {
      logger.info({ event: 'network-as-wanted', ...fields }, 'this node is as the network wants it')
    }
  }
}
