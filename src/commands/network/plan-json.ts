/** A plan for machines. */
import type { ClusterPlan, NetworkPlan, PlanProblem, Step } from '../../bootstrap/plan/words.ts'

export const planJson = ({ networks, problems }: ClusterPlan) => ({
  networks: networks.map(networkJson),
  problems: problems.map(problemJson),
})

const networkJson = ({ name, verdict, nodes, steps, problems }: NetworkPlan) => ({
  name,
  verdict,
  nodes,
  steps: steps.map(stepJson),
  problems: problems.map(problemJson),
})

/** Without the records and writes themselves: they are no contract. */
const stepJson = ({ do: kind, node, text, waitsFor }: Step) => ({
  do: kind,
  ...(node !== undefined && { nodeId: node.id, hostname: node.hostname }),
  text,
  ...(waitsFor !== undefined && { waitsFor }),
})

export const problemJson = ({ network, node, code, message }: PlanProblem) => ({
  ...(network !== undefined && { network }),
  ...(node !== undefined && { nodeId: node.id, hostname: node.hostname }),
  code,
  message,
})
