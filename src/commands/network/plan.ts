/** `orrery network plan`: every node with what it has or gets, and the steps that `apply` would take. Changes nothing. */
import type { ClusterPlan, NetworkPlan, PlanProblem, PlanRow, Step } from '../../bootstrap/plan/words.ts'
import { visibleText } from '../../foundation/visible-text.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import type { Console, ExitCode } from '../console.ts'
import { textTable } from '../text-table.ts'
import { allProblems, areUsable, count, isRefusal, problemLine, unheardLine } from './problems.ts'
import type { NetworkSession } from './session.ts'

export interface PlanFlags {
  readonly allowDrain?: true
  readonly json?: true
}

export async function networkPlan(
  session: NetworkSession,
  { allowDrain, json }: PlanFlags,
  io: Console,
): Promise<ExitCode> {
  if (!areUsable(session.definitions, io)) return 1
  const plan = await session.bootstrap.plan({ mode: 'apply', allowDrain: allowDrain === true })
  const unheard = session.unheard()
  if (json) io.out(`${JSON.stringify({ ...planJson(plan), ...(unheard && { unknown: unheard.reason }) })}\n`)
  else {
    if (unheard !== undefined) io.out(`${unheardLine(unheard)}\n\n`)
    io.out(planText(plan))
  }
  return allProblems(plan).some(isRefusal) ? 1 : 0
}

export function planText(plan: ClusterPlan): string {
  const problems = plan.problems.map((problem) => `! ${problemLine(problem)}\n`).join('')
  const networks = plan.networks.map(networkText).join('\n')
  return `${networks}${networks === '' ? '' : '\n'}${problems}${conclusion(plan)}\n`
}

function networkText({ name, verdict, nodes, steps, problems }: NetworkPlan): string {
  return [
    `${visibleText(`${name}: ${verdict}`)}\n`,
    ...(nodes.length > 0 ? [textTable(HEAD, nodes.map(row))] : []),
    ...nodes
      .filter(({ nodeId, reason }) => isLong(reason) && !problems.some(({ node }) => node?.id === nodeId))
      .map(({ hostname, reason }) => `  ${visibleText(`${hostname}: ${reason}`)}\n`),
    ...steps.map(
      ({ text, waitsFor }, index) =>
        `  ${index + 1}. ${visibleText(`${text}${waitsFor === undefined ? '' : ` (waits for ${waitsFor})`}`)}\n`,
    ),
    ...problems.map((problem) => `  ! ${problemLine(problem)}\n`),
  ].join('')
}

const HEAD = ['NODE', 'RANGE', 'CAPACITY', 'PARENT', 'SHIM', 'READY', 'ACTION', 'WHY']

function row({ hostname, range, range6, capacity, parent, shim, shim6, isReady, action, reason }: PlanRow) {
  return [
    hostname,
    [range, range6],
    capacity ?? '-',
    parent,
    [shim, shim6],
    isReady ? 'yes' : 'no',
    action,
    isLong(reason) ? 'see below' : reason,
  ]
}

/** A table is to fit a screen. */
const isLong = (reason: string): boolean => reason.length > 60

function conclusion(plan: ClusterPlan): string {
  const steps = plan.networks.reduce((sum, network) => sum + network.steps.length, 0)
  const refusals = allProblems(plan).filter(isRefusal).length
  if (refusals > 0 && steps === 0)
    return `Nothing can be done before ${count(refusals, 'problem')} (!) ${refusals === 1 ? 'is' : 'are'} fixed.`
  if (plan.networks.length === 0) return 'No network is defined, and none is active.'
  if (steps === 0) return 'Nothing to do.'
  const rest = refusals > 0 ? ` ${count(refusals, 'problem')} (!) would be left.` : ''
  return `${count(steps, 'step')}; \`orrery network apply\` takes ${steps === 1 ? 'it' : 'them'}.${rest}`
}

/** For machines. */
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
  ...withoutUndefined({ nodeId: node?.id, hostname: node?.hostname }),
  text,
  ...withoutUndefined({ waitsFor }),
})

export const problemJson = ({ network, node, code, message }: PlanProblem) => ({
  ...withoutUndefined({ network, nodeId: node?.id, hostname: node?.hostname }),
  code,
  message,
})
