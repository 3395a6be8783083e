/** A network that is defined and has no record: it was lost, or nothing was ever given. Pure. */
import { blockOf, overlaps } from '../../foundation/address.ts'
import type { NetworkDefinition } from '../definition/definition.ts'
import { rebuildRecord } from '../record/rebuild.ts'
import type { NetworkRecord } from '../record/record.ts'
import { firstRanges } from './allocations.ts'
import { type NetworkContext, swarmNetworksOf } from './context.ts'
import { type InTheWay, inTheWay } from './node-state.ts'
import { couldHaveRange, later, type PlanPart, refusals, withLeftovers } from './present.ts'
import { engineProblems, nameProblems, swarmNetworkState, swarmNetworkSteps } from './swarm-network.ts'
import type { PlanProblem, Step } from './words.ts'

export interface NewPlan extends PlanPart {
  readonly isInForceSoon: boolean
}

export function planNew(context: NetworkContext, definition: NetworkDefinition): NewPlan {
  const { name, observed, options, reports } = context
  const empty: NetworkRecord = { definition, phase: 'present', isAdopted: false, allocations: new Map(), freed: [] }
  const nothing: NewPlan = {
    ...{ steps: [], problems: [], record: empty, isInForceSoon: false },
    ...{ anew: new Map(), refused: new Map() },
  }
  const isNetworkThere = swarmNetworkState(context, definition).kind === 'fitting'
  const rebuilt = rebuildRecord({ definition, nodes: observed.nodes, reports, isNetworkThere, nowMs: options.nowMs })
  if (rebuilt.kind === 'record') {
    const text = `rebuild the record of ${rebuilt.record.allocations.size} ranges from the nodes' labels and networks`
    return { ...nothing, ...written(context, rebuilt.record, text) }
  }
  if (rebuilt.kind === 'not-yet' && isLost(context)) {
    const message = `Its record is not there, and nothing is given before it is rebuilt: ${rebuilt.reasons.join('; ')}.`
    return { ...nothing, problems: [{ network: name, code: 'record-lost', message }] }
  }
  if (options.mode === 'keep') return nothing
  return planFirst(context, definition, nothing)
}

/** A swarm network of this name alone may be anybody's, and is told of as such. */
const isLost = ({ name, observed, reports }: NetworkContext): boolean =>
  observed.nodes.some(({ labels }) =>
    Object.keys(labels).some((label) => label.startsWith(`orrery.network.${name}.`)),
  ) || [...reports.values()].some(({ networks }) => networks.some(({ labels }) => labels['orrery.network'] === name))

function planFirst(context: NetworkContext, definition: NetworkDefinition, nothing: NewPlan): NewPlan {
  const { name, observed } = context
  const refused = new Map<string, InTheWay>()
  for (const node of observed.nodes) {
    const found = inTheWay(context, definition, node)
    if (found !== undefined && node.state !== 'down') refused.set(node.id, found)
  }
  const given = firstRanges(context, definition, ({ id }) => {
    const node = context.nodes.get(id)
    return node !== undefined && couldHaveRange(context, node)
  })
  const inForce = [...observed.records.values()].filter((other) => doOverlap(definition, other.definition))
  const problems: PlanProblem[] = [
    ...nameProblems(context, definition),
    ...engineProblems(context),
    ...inForce.map(({ definition: other }): PlanProblem => {
      const message = `${definition.ipv4.subnet} overlaps with ${other.ipv4.subnet} of ${other.name}, which is active: an engine can have one network of a subnet. Remove that one (\`orrery network remove ${other.name}\`), or define another subnet.`
      return { network: name, code: 'same-subnet', message }
    }),
    ...refusals(context, refused),
    ...given.problems.map(({ message }): PlanProblem => ({ network: name, code: 'no-range', message })),
  ]
  const record = withLeftovers(context, nothing.record, given.record)
  if (problems.length > 0) return { ...nothing, problems, record, refused }
  const silent = unheard(context)
  const text = given.texts.length === 0 ? `activate ${name}` : `activate ${name}: ${given.texts.join(', ')}`
  return { ...nothing, ...written(context, record, text, silent) }
}

/** Unasked, nothing begins before every node could say what is in the way there. */
function unheard({ options, observed, reports }: NetworkContext): string | undefined {
  if (options.mode === 'apply') return undefined
  const silent = observed.nodes
    .filter(({ id, state, platform }) => state === 'ready' && platform.os === 'linux' && !reports.has(id))
    .map(({ hostname }) => hostname)
  return silent.length === 0 ? undefined : `the agents of ${silent.sort().join(', ')}`
}

function written(
  context: NetworkContext,
  record: NetworkRecord,
  text: string,
  waitsFor?: string,
): Pick<NewPlan, 'steps' | 'record' | 'isInForceSoon'> {
  const step: Step = {
    network: context.name,
    do: 'write-record',
    text,
    record,
    ...(waitsFor === undefined ? {} : { waitsFor }),
  }
  const network = swarmNetworksOf(context).length > 0 ? [] : swarmNetworkSteps(context, record).steps
  const after = network.map((one): Step => ({ ...one, waitsFor: one.waitsFor ?? 'the record' }))
  return { steps: [step, ...later(context, undefined, record), ...after], record, isInForceSoon: true }
}

const doOverlap = (one: NetworkDefinition, other: NetworkDefinition): boolean =>
  one.name !== other.name && subnetsOf(one).some((mine) => subnetsOf(other).some((theirs) => overlaps(mine, theirs)))

const subnetsOf = ({ ipv4, ipv6 }: NetworkDefinition) =>
  [ipv4, ...(ipv6 === undefined ? [] : [ipv6])].map(({ subnet }) => blockOf(subnet))
