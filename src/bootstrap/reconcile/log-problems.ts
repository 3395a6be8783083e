/** Says once in the log what stands in the way of networks, and that it no longer does. */
import type { Logger } from '../../foundation/logger.ts'
import type { ClusterPlan, PlanProblem } from '../plan/words.ts'

export function tellProblems(logger: Logger): (plan: ClusterPlan) => void {
  let told: ReadonlyMap<string, PlanProblem> = new Map()
  return ({ problems, networks }) => {
    const all = [...problems, ...networks.flatMap((network) => network.problems)]
    const current = new Map(all.map((problem) => [keyOf(problem), problem]))
    for (const [key, problem] of current) {
      if (!told.has(key)) logger.warn({ event: 'network-problem', ...fieldsOf(problem) }, sentence(problem))
    }
    for (const [key, problem] of told) {
      if (current.has(key)) continue
      logger.info({ event: 'network-problem-over', ...fieldsOf(problem) }, `no longer so: ${sentence(problem)}`)
    }
    told = current
  }
}

const keyOf = ({ network, node, code, message }: PlanProblem): string => [network, node?.id, code, message].join('\n')

const fieldsOf = ({ network, node, code }: PlanProblem) => ({
  code,
  ...(network === undefined ? {} : { network }),
  ...(node === undefined ? {} : { node: node.hostname, nodeId: node.id }),
})

const sentence = ({ network, message }: PlanProblem): string =>
  network === undefined ? message : `${network}: ${message}`
