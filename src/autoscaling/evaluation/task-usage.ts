/** What the tasks of services use, from the newest reports of the agents. */

import { type ReportedContainer, SILENT_AFTER_MS } from '../../swarm/node-report.ts'
import type { AgentReports, Nodes, Tasks } from '../../swarm/ports.ts'
import type { ServiceObservation } from '../../swarm/services.ts'
import type { LoadMetric } from '../load/load-policy.ts'
import type { Measurement } from '../load/measurement.ts'

export interface TaskUsageDeps {
  readonly reports: Pick<AgentReports, 'list'>
  readonly nodes: Pick<Nodes, 'list'>
  readonly tasks: Pick<Tasks, 'get' | 'sync'>
}

export interface TaskUsage {
  /** `each`: what one task may use, in ns of processor time a second or bytes. */
  of(
    service: ServiceObservation,
    asked: {
      readonly kind: (LoadMetric & { readonly kind: 'cpu' | 'memory' })['kind']
      readonly each: number
      readonly warmupMs: number
    },
  ): Measurement
}

/** One look at all reports: for one tick. */
export function lookAtUsage({ reports, nodes, tasks }: TaskUsageDeps, nowMs: number): TaskUsage {
  const heard = reports.list().filter(({ receivedAtMs }) => nowMs - receivedAtMs < SILENT_AFTER_MS)
  const byService = new Map<string, { readonly container: ReportedContainer; readonly ageMs: number }[]>()
  const areTasksKnown = tasks.sync().inSync
  /** An agent says what its node's tasks use, and of no others: which they are is Swarm's to say. */
  const isOfNode = ({ taskId, serviceId }: ReportedContainer, nodeId: string) => {
    const task = taskId === undefined ? undefined : tasks.get(taskId)
    return !areTasksKnown || (task?.nodeId === nodeId && task.serviceId === serviceId)
  }
  for (const { report } of heard) {
    for (const container of report.containers) {
      if (container.state !== 'running' || container.serviceId === undefined) continue
      if (!isOfNode(container, report.nodeId)) continue
      const known = byService.get(container.serviceId) ?? []
      // Both times are of the agent's clock, so that no other clock matters.
      const ageMs = container.createdAtMs === undefined ? 0 : report.sentAtMs - container.createdAtMs
      known.push({ container, ageMs })
      byService.set(container.serviceId, known)
    }
  }
  const reporting = new Set(heard.map(({ report }) => report.nodeId))
  const silent = nodes.list().filter(({ id, state }) => state === 'ready' && !reporting.has(id))

  return {
    of(service, { kind, each, warmupMs }) {
      if (reporting.size === 0) {
        return {
          kind: 'missing',
          why: 'unreported',
          detail: 'no agent reports what tasks use: run `orrery agent` on every node',
        }
      }
      let used = 0n
      let measured = 0
      let warming = 0
      let unmeasured = 0
      for (const { container, ageMs } of byService.get(service.id) ?? []) {
        const value = kind === 'cpu' ? container.cpuPercent : container.memoryBytes
        if (ageMs < warmupMs) warming += 1
        else if (value === undefined) unmeasured += 1
        else {
          measured += 1
          // Of one CPU: 100 per cent are 1e9 ns a second.
          used += BigInt(Math.max(0, Math.round(kind === 'cpu' ? value * 10_000_000 : value)))
        }
      }
      // Where every node reports, what is not there does not run. Else it may run where nobody reports.
      const absent = Math.max(0, service.replicas - measured - warming - unmeasured)
      if (silent.length > 0) unmeasured += absent
      else warming += absent
      return { kind: 'usage', used, each: BigInt(Math.round(each)), measured, warming, unmeasured }
    },
  }
}
