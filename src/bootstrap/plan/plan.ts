/** From what is wanted and what is observed to what is to be done about every network, and why. Pure and total. */

import type { NetworkRecord } from '../record/record.ts'
import { type NetworkContext, networkContext, type SharedContext, sharedContext } from './context.ts'
import { planNew } from './new.ts'
import { type PlanPart, planPresent } from './present.ts'
import { removalSteps } from './removal.ts'
import { planRows } from './rows.ts'
import type { ClusterPlan, NetworkPlan, NetworkVerdict, PlanInput, PlanProblem, PlanProblemCode } from './words.ts'

export function planCluster(input: PlanInput): ClusterPlan {
  const shared = sharedContext(input)
  const { records, unreadable } = input.observed
  const defined = input.wanted.files.flatMap(({ definition, name }) => definition?.name ?? name ?? [])
  const names = [...new Set([...records.keys(), ...unreadable.keys(), ...defined])].sort()
  return { networks: names.map((name) => planNetwork(name, shared)), problems: folderProblems(input, names) }
}

const folderProblems = ({ wanted: { fault } }: PlanInput, names: readonly string[]): PlanProblem[] => {
  if (fault === undefined) return []
  const kept = names.length === 0 ? '' : ' What is active is kept.'
  return [{ code: 'folder-unreadable', message: `${fault}${kept}` }]
}

function planNetwork(name: string, shared: SharedContext): NetworkPlan {
  const context = networkContext(name, shared)
  const { records, unreadable } = shared.input.observed
  const reason = unreadable.get(name)
  if (reason !== undefined) {
    const message = `Its record is there and cannot be understood: ${reason}. Nothing is done before it is corrected, or removed (docker config rm orrery-network-${name}) to be rebuilt.`
    return {
      name,
      verdict: 'refused',
      nodes: [],
      steps: [],
      problems: [{ network: name, code: 'unreadable-record', message }],
    }
  }
  const record = records.get(name)
  if (record === undefined) return planUnrecorded(context)
  return record.phase === 'removing' ? planRemoval(context, record) : planInForce(context, record)
}

function planUnrecorded(context: NetworkContext): NetworkPlan {
  const { name, defined } = context
  if (defined.kind !== 'valid') {
    const problems = definitionProblems(context)
    return { name, verdict: 'refused', nodes: [], steps: [], problems }
  }
  const part = planNew(context, defined.definition)
  const { steps, problems, isInForceSoon } = part
  const verdict = problems.length > 0 ? 'refused' : isInForceSoon ? 'pending' : 'not-in-force'
  return { name, verdict, problems, nodes: planRows(context, part), steps }
}

function planInForce(context: NetworkContext, record: NetworkRecord): NetworkPlan {
  const part = planPresent(context, record)
  const problems = [...definitionProblems(context), ...part.problems]
  return {
    name: context.name,
    verdict: verdictOf(context, part, problems),
    problems,
    nodes: planRows(context, part),
    steps: part.steps,
  }
}

function planRemoval(context: NetworkContext, record: NetworkRecord): NetworkPlan {
  const part: PlanPart = { steps: [], problems: [], record, anew: new Map(), refused: new Map() }
  const nodes = planRows(context, part).map((row) => ({
    ...row,
    action: 'none' as const,
    reason: 'the network is being removed',
  }))
  return { name: context.name, verdict: 'removing', problems: [], nodes, steps: removalSteps(context, record) }
}

function definitionProblems({ name, defined }: NetworkContext): PlanProblem[] {
  switch (defined.kind) {
    case 'valid':
      return []
    case 'invalid': {
      const message = `Its definition in ${defined.file} has errors, so what is active is kept as it is.`
      return [{ network: name, code: 'definition-invalid', message }]
    }
    case 'missing': {
      const message = `It is active and no file defines it any more, so it is kept as it is: put the file back, or \`orrery network remove ${name}\`.`
      return [{ network: name, code: 'orphaned', message }]
    }
    case 'unknown': {
      const message = `The definitions cannot be read, so it is kept as it is: ${defined.fault}`
      return [{ network: name, code: 'orphaned', message }]
    }
    default:
      return defined satisfies never
  }
}

const CONFLICTS: ReadonlySet<PlanProblemCode> = new Set(['definition-conflict', 'not-changeable', 'needs-drain'])

function verdictOf({ defined }: NetworkContext, { steps }: PlanPart, problems: readonly PlanProblem[]): NetworkVerdict {
  if (problems.some(({ code, node }) => node === undefined && CONFLICTS.has(code))) return 'definition-conflict'
  if (defined.kind === 'missing' || defined.kind === 'unknown') return 'orphaned'
  if (problems.some(({ code, node }) => node === undefined && code === 'foreign-network')) return 'refused'
  return steps.length > 0 ? 'pending' : 'kept'
}
