/** Making a changed definition active: what changes at once, and which nodes have to be recreated for it. Pure. */
import type { WantedFamily } from '../../swarm/wanted.ts'
import { fitAllocations, type Misfit } from '../allocation/fit.ts'
import { otherUsesOf } from '../allocation/other-uses.ts'
import type { NetworkDefinition } from '../definition/definition.ts'
import { definitionDifferences, differenceText, isForLife } from '../definition/definition-differences.ts'
import { type NetworkRecord, type NodeAllocation, parentLabel } from '../record/record.ts'
import { type Advance, NOT_DRAINED, rangesText } from './change.ts'
import {
  allocationsOf,
  attachedOn,
  hasOtherHost,
  isFree,
  isReady,
  type NetworkContext,
  named,
  reportNow,
  statusNow,
  wantedHere,
  withAllocations,
} from './context.ts'
import { configState } from './node-state.ts'
import type { PlanProblem } from './words.ts'

export interface Taken extends Advance {
  readonly problems: readonly PlanProblem[]
  /** Nodes that are to be made anew, by id, with the reason. */
  readonly anew: ReadonlyMap<string, string>
}

/** Only `apply` takes anything; else it is told that the definition differs. */
export function takeDefinition(context: NetworkContext, record: NetworkRecord, definition: NetworkDefinition): Taken {
  const nothing: Taken = { record, texts: [], problems: [], anew: new Map() }
  const { name, options } = context
  const found = definitionDifferences(record.definition, definition)
  const texts = found.map(differenceText)
  if (options.mode !== 'apply') {
    if (found.length === 0) return nothing
    const message = `The definition differs from the active one: ${texts.join('; ')}. \`orrery network apply\` takes it.`
    return { ...nothing, problems: [{ network: name, code: 'definition-conflict', message }] }
  }
  const fixed = found.filter(isForLife)
  if (fixed.length > 0) {
    const message = `${fixed.map(differenceText).join('; ')}: that cannot change. Correct the definition, or remove the network (\`orrery network remove ${name}\`) and apply again.`
    return { ...nothing, problems: [{ network: name, code: 'not-changeable', message }] }
  }
  const next = { ...record, definition }
  const { changed, problems } = changesOf(context, record, next)
  const anew = new Map(changed.map(({ allocation, reasons }) => [allocation.nodeId, reasons.join('; ')]))
  const all = [...problems, ...drainProblems(context, changed)]
  if (all.length > 0) return { ...nothing, problems: all, anew }
  if (found.length === 0 && changed.length === 0) return nothing
  return {
    record: withAllocations(
      next,
      changed.map(({ allocation }) => allocation),
    ),
    texts: [
      ...(found.length === 0 ? [] : [`take the definition: ${texts.join('; ')}`]),
      ...changed.map(
        ({ allocation, reasons }) =>
          `change ${allocation.hostname} to ${rangesText(allocation.change ?? allocation)}: ${reasons.join('; ')}`,
      ),
    ],
    problems: [],
    anew,
  }
}

interface Changed {
  /** With its change. */
  readonly allocation: NodeAllocation
  readonly reasons: readonly string[]
}

function changesOf(context: NetworkContext, record: NetworkRecord, next: NetworkRecord) {
  const { observed, options, name } = context
  const { definition, allocations, freed } = next
  const otherUses = otherUsesOf(definition, observed)
  const fit = fitAllocations({ definition, allocations, freed, otherUses, nodes: observed.nodes, nowMs: options.nowMs })
  const problems = fit.problems.map(({ message }): PlanProblem => ({ network: name, code: 'no-range', message }))
  const changed = allocationsOf(next).flatMap((allocation): Changed[] => {
    if (allocation.change !== undefined || !context.nodes.has(allocation.nodeId)) return []
    return changeOf(context, { allocation, record, next, misfit: fit.misfits.get(allocation.nodeId) })
  })
  return { changed, problems }
}

interface Asked {
  readonly allocation: NodeAllocation
  readonly record: NetworkRecord
  readonly next: NetworkRecord
  readonly misfit: Misfit | undefined
}

function changeOf(context: NetworkContext, { allocation, record, next, misfit }: Asked): Changed[] {
  const { nodeId } = allocation
  const node = context.nodes.get(nodeId)
  if (node === undefined || (misfit !== undefined && misfit.wanted === undefined)) return []
  const parent = node.labels[parentLabel(context.name)] ?? next.definition.parent
  const { range, range6 } = misfit?.wanted ?? allocation
  const isParentNew = parent !== allocation.parent
  const reasons = [
    ...(misfit?.reasons ?? []),
    ...(isParentNew ? [`its parent is ${allocation.parent} and should be ${parent}`] : []),
    ...(misfit === undefined && !isParentNew ? contentReasons(context, { record, next, nodeId }) : []),
  ]
  if (reasons.length === 0) return []
  const needsDrain = isReady(context, node) || !isFree(context, nodeId)
  const change = {
    range,
    ...(range6 === undefined ? {} : { range6 }),
    parent,
    availabilityBefore: needsDrain ? node.availability : NOT_DRAINED,
    stage: needsDrain ? ('waiting' as const) : ('recreating' as const),
    startedAtMs: context.options.nowMs,
  }
  return [{ allocation: { ...allocation, change }, reasons }]
}

/** The same range and parent, and still another network. */
function contentReasons(
  context: NetworkContext,
  { record, next, nodeId }: { record: NetworkRecord; next: NetworkRecord; nodeId: string },
): string[] {
  const [before, after] = [wantedHere(record, nodeId), wantedHere(next, nodeId)]
  if (before === undefined || after === undefined) return []
  const parts = [content(before.ipv4) === content(after.ipv4), content(before.ipv6) === content(after.ipv6)]
  if (parts.includes(false)) return ['its gateway, or what its range holds back, changes']
  // A report from before the record says how things were.
  if (reportNow(context, nodeId) === undefined) return []
  const state = configState(context, nodeId, after)
  if (state.kind !== 'ours') return []
  if (state.differences.length > 0 || after.parent !== 'auto') return [...state.differences]
  // Which link that is, its agent alone knows: it has another name, say.
  const isOther = statusNow(context, nodeId)?.faults.some(({ code }) => code === 'network-different') === true
  return isOther ? ['`auto` is another link there now'] : []
}

const content = (family: WantedFamily | undefined): string =>
  family === undefined
    ? ''
    : JSON.stringify([family.subnet, family.gateway, family.range, Object.values(family.aux).sort()])

function drainProblems(context: NetworkContext, changed: readonly Changed[]): PlanProblem[] {
  const { name, options } = context
  const drained = changed.filter(({ allocation }) => allocation.change?.stage === 'waiting')
  if (drained.length === 0) return []
  if (!options.allowDrain) {
    const told = drained.map(({ allocation, reasons }) => `${allocation.hostname} (${reasons.join('; ')})`).join(', ')
    const message = `This takes a drain, one node at a time, of ${told}: \`orrery network apply --allow-drain\`.`
    return [{ network: name, code: 'needs-drain', message }]
  }
  return drained.flatMap(({ allocation }): PlanProblem[] => {
    const hasTasks = attachedOn(context, allocation.nodeId).tasks.length > 0
    if (!hasTasks || hasOtherHost(context, allocation.nodeId)) return []
    const message = `The tasks on ${allocation.hostname} could run nowhere else while it is drained: no other node is ready for ${name}. Scale their services to 0 first, or make another node ready.`
    return [{ network: name, node: named(allocation), code: 'nowhere-to-drain-to', message }]
  })
}
