/** What a plan can not or may not do, in words. */
import type { ClusterPlan, PlanProblem, ProblemCode } from '../../bootstrap/plan/words.ts'
import type { Unheard } from './desk.ts'

/** Worth a word, and no refusal: what is in force is kept. */
const HARMLESS: ReadonlySet<ProblemCode> = new Set(['orphaned'])

export const allProblems = ({ networks, problems }: ClusterPlan): readonly PlanProblem[] => [
  ...problems,
  ...networks.flatMap((network) => network.problems),
]

export const isRefusal = ({ code }: PlanProblem): boolean => !HARMLESS.has(code)

export function problemLine({ network, node, code, message }: PlanProblem): string {
  const where = [network, node?.hostname].filter((part) => part !== undefined).join(' on ')
  return `${where === '' ? '' : `${where}: `}${code}: ${message}`
}

export const unheardLine = ({ reason }: Unheard): string => `What only agents know is unknown here: ${reason}.`
