/** What is wrong with definitions, and what a plan cannot or may not do, in words. */
import type { DefinitionIssue, DefinitionSet } from '../../bootstrap/definition/definition.ts'
import type { ClusterPlan, PlanProblem, PlanProblemCode } from '../../bootstrap/plan/words.ts'
import { visibleText } from '../../foundation/visible-text.ts'
import type { Console } from '../console.ts'
import type { Unheard } from './session.ts'

/** Worth a word, and no refusal: what is active is kept. */
const HARMLESS: ReadonlySet<PlanProblemCode> = new Set(['orphaned'])

export const allProblems = ({ networks, problems }: ClusterPlan): readonly PlanProblem[] => [
  ...problems,
  ...networks.flatMap((network) => network.problems),
]

export const isRefusal = ({ code }: PlanProblem): boolean => !HARMLESS.has(code)

export function problemLine({ network, node, code, message }: PlanProblem): string {
  const where = [network, node?.hostname].filter((part) => part !== undefined).join(' on ')
  return visibleText(`${where === '' ? '' : `${where}: `}${code}: ${message}`)
}

export const unheardLine = ({ reason }: Unheard): string =>
  visibleText(`What only agents know is unknown here: ${reason}.`)

/** `vlan40.yaml pool[0]=10.90.1.0/24: …`. */
export function issueLine({ file, field, value, message }: DefinitionIssue): string {
  const where = [file, field].filter(Boolean).join(' ')
  return `${where}${value === undefined ? '' : `=${value}`}: ${message}`
}

/** Says all of it on standard error. `false`: there are errors, so nothing should be done with these definitions. */
export function areUsable({ issues, fault }: DefinitionSet, io: Console): boolean {
  for (const issue of issues) io.err(`${visibleText(`orrery: ${issue.level}: ${issueLine(issue)}`)}\n`)
  const errors = issues.filter(({ level }) => level === 'error').length
  if (fault !== undefined)
    io.err(`orrery: error: ${visibleText(fault)}; ORRERY_NETWORK_DIR names the folder of definitions\n`)
  if (errors > 0) io.err(`orrery: the definitions have ${count(errors, 'error')}; nothing was touched\n`)
  return errors === 0 && fault === undefined
}

export const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
