/** The conditions of one network: what is well and what is not, each with its reason. Pure. */

import type { Finding } from '../../foundation/conditions.ts'
import type { SwarmNode } from '../../swarm/nodes.ts'
import type { TaskSource } from '../../swarm/ports.ts'
import type { DefinitionIssue } from '../definition/definition.ts'
import type { AllocationView, NetworkConditionType } from '../network.ts'
import type { NetworkPlan, PlanProblemCode } from '../plan/words.ts'
import { areScarce, percentTaken, SCARCE_PERCENT } from '../record/address-count.ts'
import type { NetworkRecord } from '../record/record.ts'

export interface NetworkConditionInput {
  readonly name: string
  readonly record: NetworkRecord | undefined
  /** A record is there and cannot be understood: why. */
  readonly unreadable: string | undefined
  /** A file names this network, whether it can be read or not. */
  readonly isDefined: boolean
  /** Of its file. */
  readonly issues: readonly DefinitionIssue[]
  /** Why the folder cannot be read. */
  readonly folderFault: string | undefined
  /** Absent: nothing was planned yet. */
  readonly plan: NetworkPlan | undefined
  /** Of the swarm network. Absent: it is not there, or not known. */
  readonly networkId: string | undefined
  readonly nodes: readonly SwarmNode[]
  readonly allocations: readonly AllocationView[]
  /** Absent: nobody says how tasks are known. */
  readonly taskSource: TaskSource | undefined
  /** Heard lately. */
  readonly isHeard: (nodeId: string) => boolean
}

type Found = Finding<NetworkConditionType>

export function networkConditions(input: NetworkConditionInput): readonly Found[] {
  return [
    valid(input),
    definitionConflict(input),
    orphaned(input),
    removing(input),
    recordKnown(input),
    networkCreated(input),
    complete(input),
    asWanted(input),
    agentsHeard(input),
    hostNamesUnique(input),
    addressesLeft(input),
    ...tasksHeard(input),
  ]
}

function tasksHeard({ record, taskSource }: NetworkConditionInput): readonly Found[] {
  if (record === undefined || taskSource === undefined || taskSource.kind === 'idle') return []
  const status = taskSource.kind === 'heard'
  const reason = status ? 'each change of a task is known when it happens' : taskSource.reason
  return [{ type: 'TasksHeard', status, reason }]
}

const NAMED = 3
/** `a, b, c and 4 more`. */
function names(all: readonly string[]): string {
  const more = all.length > NAMED ? ` and ${all.length - NAMED} more` : ''
  return `${all.slice(0, NAMED).join(', ')}${more}`
}

const NOT_IN_FORCE = 'nothing is active yet: `orrery network apply` or ORRERY_NETWORK_AUTO=true'

/** What a person has to mend before nodes get what they lack. */
function inTheWay({ plan }: NetworkConditionInput): string | undefined {
  const found = plan?.problems.filter(({ code }) => IN_THE_WAY.has(code)) ?? []
  if (found.length === 0) return undefined
  const messages = [...new Set(found.map(({ message }) => message.replace(/\.$/, '')))]
  const more = messages.length > NAMED ? `; and ${messages.length - NAMED} more` : ''
  return `${messages.slice(0, NAMED).join('; ')}${more}`
}

/** Of the networks that somebody has made. */
const OF_NETWORKS = [
  'foreign-network',
  'different-network',
  'can-be-adopted',
  'same-subnet',
  'engine-cannot',
] as const satisfies readonly PlanProblemCode[]
const IN_THE_WAY: ReadonlySet<PlanProblemCode> = new Set(['no-range', ...OF_NETWORKS])

const problemOf = ({ plan }: NetworkConditionInput, ...codes: readonly PlanProblemCode[]): string | undefined =>
  plan?.problems.find(({ code, node }) => node === undefined && codes.includes(code))?.message

function valid({ issues, folderFault, isDefined }: NetworkConditionInput): Found {
  const errors = issues.filter(({ level }) => level === 'error')
  const [first] = errors
  const type = 'Valid'
  if (folderFault !== undefined) return { type, status: false, reason: folderFault }
  if (first === undefined)
    return { type, status: true, reason: isDefined ? 'the definition is valid' : 'there is none' }
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : ''
  return {
    type,
    status: false,
    reason: `${[first.file, first.field].filter(Boolean).join(' ')}: ${first.message}${more}`,
  }
}

function definitionConflict(input: NetworkConditionInput): Found {
  const type = 'DefinitionConflict'
  const message = problemOf(input, 'definition-conflict', 'not-changeable')
  if (message !== undefined || input.plan?.verdict === 'definition-conflict') {
    return { type, status: true, reason: message ?? 'the definition differs from the active one' }
  }
  return { type, status: false, reason: input.record ? 'what is active is what is defined' : NOT_IN_FORCE }
}

function orphaned({ record, isDefined, folderFault }: NetworkConditionInput): Found {
  const type = 'Orphaned'
  if (record === undefined || isDefined) return { type, status: false, reason: 'a definition is there' }
  if (record.phase === 'removing') return { type, status: false, reason: 'it is being removed' }
  const why =
    folderFault === undefined ? 'no file defines it any more' : `the definitions cannot be read: ${folderFault}`
  return { type, status: true, reason: `${why}; what is active is kept` }
}

function removing({ record }: NetworkConditionInput): Found {
  const status = record?.phase === 'removing'
  return { type: 'Removing', status, reason: status ? '`network remove` began' : 'nobody removes it' }
}

function recordKnown(input: NetworkConditionInput): Found {
  const type = 'RecordKnown'
  const { record, unreadable } = input
  if (unreadable !== undefined) return { type, status: false, reason: unreadable }
  if (record !== undefined) return { type, status: true, reason: 'the record is there' }
  const lost = problemOf(input, 'record-lost', 'unreadable-record')
  return { type, status: lost === undefined, reason: lost ?? 'nothing was ever given' }
}

function networkCreated(input: NetworkConditionInput): Found {
  const type = 'NetworkCreated'
  const problem = problemOf(input, ...OF_NETWORKS)
  if (problem !== undefined) return { type, status: false, reason: problem }
  if (input.networkId !== undefined) return { type, status: true, reason: 'the swarm network is there' }
  const notYet = input.record ? 'the swarm network is not there yet' : (inTheWay(input) ?? NOT_IN_FORCE)
  return { type, status: false, reason: notYet }
}

/** Those that could carry tasks now. Where Swarm does not say the system, it counts as Linux. */
const couldHaveOne = ({ state, platform }: SwarmNode): boolean =>
  state === 'ready' && (platform.os === 'linux' || platform.os === '')

function complete(input: NetworkConditionInput): Found {
  const type = 'Complete'
  const { record, nodes, allocations } = input
  if (record === undefined) return { type, status: false, reason: inTheWay(input) ?? NOT_IN_FORCE }
  const without = nodes.filter((node) => couldHaveOne(node) && !record.allocations.has(node.id))
  const present = new Set(nodes.map(({ id }) => id))
  const unready = allocations.filter(({ nodeId, isReady }) => present.has(nodeId) && !isReady)
  const reasons = [
    ...(without.length > 0
      ? [
          [`without a range: ${names(without.map(({ hostname }) => hostname))}`, inTheWay(input)]
            .filter(Boolean)
            .join(': '),
        ]
      : []),
    ...(unready.length > 0 ? [`not ready: ${names(unready.map(({ hostname }) => hostname))}`] : []),
  ]
  if (reasons.length > 0) return { type, status: false, reason: reasons.join('; ') }
  return { type, status: true, reason: 'each node has a range and is ready' }
}

function asWanted({ allocations }: NetworkConditionInput): Found {
  const type = 'AsWanted'
  const not = allocations.filter(({ isAsWanted }) => isAsWanted !== true)
  if (not.length === 0) return { type, status: true, reason: 'each node matches the definition' }
  const told = not.map(({ hostname, isAsWanted, faults: [fault] }) => {
    if (isAsWanted === null) return `${hostname} has never reported`
    return fault === undefined ? `${hostname} is not done yet` : `${hostname}: ${fault.message}`
  })
  return { type, status: false, reason: names(told) }
}

function agentsHeard({ allocations, isHeard }: NetworkConditionInput): Found {
  const type = 'AgentsHeard'
  const silent = allocations.filter(({ nodeId }) => !isHeard(nodeId))
  if (silent.length === 0) return { type, status: true, reason: 'each agent has reported in the last 15 s' }
  return { type, status: false, reason: `no report in the last 15 s: ${names(silent.map(({ hostname }) => hostname))}` }
}

/** One that is down and has no range any more is the old id of a node that joined again. */
function hostNamesUnique({ nodes, record }: NetworkConditionInput): Found {
  const type = 'HostNamesUnique'
  const counted = nodes.filter(({ id, state }) => state !== 'down' || record?.allocations.has(id) === true)
  const byName = new Map<string, SwarmNode[]>()
  for (const node of counted) {
    const namesakes = byName.get(node.hostname)
    if (namesakes === undefined) byName.set(node.hostname, [node])
    else namesakes.push(node)
  }
  const shared = [...byName].filter(([, namesakes]) => namesakes.length > 1)
  if (shared.length === 0) return { type, status: true, reason: 'no two nodes have one host name' }
  const told = shared
    .map(([name, all]) => `${name} is the name of ${all.map(({ id, state }) => `${id} (${state})`).join(' and ')}`)
    .sort()
  const gone = counted.find(({ hostname, state }) => state === 'down' && (byName.get(hostname)?.length ?? 0) > 1)
  const remedy =
    gone === undefined
      ? 'give one of them another host name'
      : `give one of them another host name, or if ${gone.id} is gone for good: docker node rm ${gone.id}`
  return { type, status: false, reason: `${names(told)}: ${remedy}` }
}

function addressesLeft({ allocations }: NetworkConditionInput): Found {
  const type = 'AddressesLeft'
  const scarce = allocations.filter(({ count }) => areScarce(count))
  if (scarce.length === 0) return { type, status: true, reason: `below ${SCARCE_PERCENT} % in use on every node` }
  const told = scarce.map(({ hostname, count }) => `${hostname} ${percentTaken(count)} % (${count.free} left)`)
  return { type, status: false, reason: names(told) }
}
