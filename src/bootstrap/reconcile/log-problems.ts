/** Says once in the log what stands in the way of networks, and that it no longer does. */
import { createOnceLog } from '../../foundation/log-once.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { ClusterPlan, PlanProblem } from '../plan/words.ts'
import { problemsOf } from './steps.ts'

export function logProblems(logger: Logger): (plan: ClusterPlan) => void {
  const log = createOnceLog<PlanProblem>({
    keyOf: ({ network, node, code, message }) => [network, node?.id, code, message].join('\n'),
    begun: (problem) => logger.warn({ event: 'network-problem', ...fieldsOf(problem) }, sentence(problem)),
    over: (problem) =>
      logger.info({ event: 'network-problem-over', ...fieldsOf(problem) }, `no longer so: ${sentence(problem)}`),
  })
  return (plan) => log(problemsOf(plan))
}

const fieldsOf = ({ network, node, code }: PlanProblem) => ({
  code,
  ...(network === undefined ? {} : { network }),
  ...(node === undefined ? {} : { node: node.hostname, nodeId: node.id }),
})

const sentence = ({ network, message }: PlanProblem): string =>
  network === undefined ? message : `${network}: ${message}`
