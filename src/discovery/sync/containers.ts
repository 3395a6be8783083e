/** The containers of Swarm's tasks as their agents last said, kept the same objects while nothing of them changes. */
import type { AgentReports } from '../../swarm/ports.ts'
import type { ContainerFacts } from '../facts.ts'

type Report = ReturnType<AgentReports['list']>[number]['report']
type Reported = Report['containers'][number]

export interface Containers {
  /** Of the task, as the agent of its node says: no other node's is heard. */
  get(taskId: string, nodeId: string): ContainerFacts | undefined
  /** Whether anything has changed since it was last read. */
  read(): boolean
}

interface OfNode {
  readonly report: Report
  /** By task id. */
  readonly containers: ReadonlyMap<string, { readonly text: string; readonly facts: ContainerFacts }>
}

export function createContainers(reports: Pick<AgentReports, 'list'>): Containers {
  let nodes = new Map<string, OfNode>()

  return {
    get: (taskId, nodeId) => nodes.get(nodeId)?.containers.get(taskId)?.facts,
    read() {
      let isNews = false
      const next = new Map<string, OfNode>()
      for (const { report } of reports.list()) {
        const known = nodes.get(report.nodeId)
        if (known?.report === report) {
          next.set(report.nodeId, known)
          continue
        }
        const containers = new Map(
          report.containers.flatMap((container) => {
            // What could not be read of it yet is not known: it is as if nothing was said.
            if (container.taskId === undefined || (container.state === 'running' && container.exposed === undefined))
              return []
            const facts = factsOf(container)
            const text = JSON.stringify(facts)
            const before = known?.containers.get(container.taskId)
            const same = before?.text === text ? before : { text, facts }
            if (same !== before) isNews = true
            return [[container.taskId, same] as const]
          }),
        )
        if (containers.size !== known?.containers.size) isNews = true
        next.set(report.nodeId, { report, containers })
      }
      if (next.size !== nodes.size) isNews = true
      nodes = next
      return isNews
    },
  }
}

const factsOf = ({ id, state, addresses, exposed, env, labels }: Reported): ContainerFacts => ({
  id,
  state,
  addresses: addresses.map(({ network, address, address6 }) => ({
    network,
    ...(address !== undefined && { address }),
    ...(address6 !== undefined && { address6 }),
  })),
  exposed: exposed ?? [],
  env: env ?? {},
  labels: labels ?? {},
})
