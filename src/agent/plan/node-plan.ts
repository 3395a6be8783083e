/**
 * What one node lacks of one network, as steps in their order, or why nothing is done about it. Only what carries our label
 * or alias, or was taken over by this agent, is ever changed or removed.
 */

import { configNetwork, differences, nameClash, subnetClashes, whyForeign } from '../../swarm/config-network.ts'
import { type EngineNetwork, NETWORK_LABEL } from '../../swarm/networks.ts'
import type { ReportedFault } from '../../swarm/node-report.ts'
import type { WantedNetwork } from '../../swarm/wanted.ts'
import type { HostStep, NodeObservation, NodeStep } from './host.ts'
import { HALF_MADE, shimName } from './link-names.ts'
import { findParent, linkNamed, type Parent } from './parent.ts'
import { planProof, removeProbes } from './proof.ts'
import { addressesInRange, refusals } from './refusals.ts'
import { planShim, removeShims, unusedSteps } from './shim-plan.ts'

export interface NodeNetworkPlan {
  /** In the order in which they are taken. Empty, and no faults: the network matches the definition here. */
  readonly steps: readonly NodeStep[]
  readonly faults: readonly ReportedFault[]
  /** The link's name, where one is known. */
  readonly parent?: string
  /** The name that the shim has or would have. */
  readonly shim: string
  /** Containers with an address of it. */
  readonly attached: number
}

/** `all`: everything that is wanted of the node, this network among it. */
export function planNode(
  wanted: WantedNetwork,
  observed: NodeObservation,
  all: readonly WantedNetwork[],
): NodeNetworkPlan {
  const attached = countAttached(wanted.name, observed)
  const plan = wanted.presence === 'absent' ? planAbsent(wanted, observed, all) : planPresent(wanted, observed, all)
  return { ...plan, steps: [...leftovers(wanted, observed), ...plan.steps], shim: shimName(wanted.name), attached }
}

export const countAttached = (network: string, { containers }: Pick<NodeObservation, 'containers'>): number =>
  containers.filter(({ addresses }) =>
    addresses.some((one) => one.network === network && (one.address !== undefined || one.address6 !== undefined)),
  ).length

type Part = Pick<NodeNetworkPlan, 'steps' | 'faults' | 'parent'>

/** Of an agent that was killed: gone first, and whatever else is in the way. */
const leftovers = (wanted: WantedNetwork, observed: NodeObservation): NodeStep[] => [
  ...removeHalfMade(observed),
  ...removeProbes(wanted, observed),
]

/** No mark is lost with it: a link gets its mark together with its name. */
const removeHalfMade = ({ links }: NodeObservation): HostStep[] =>
  links.filter(({ name }) => name === HALF_MADE).map(({ name }) => ({ do: 'remove-link', link: name }))

function planPresent(wanted: WantedNetwork, observed: NodeObservation, all: readonly WantedNetwork[]): Part {
  const refused = refusals(wanted, observed)
  if (refused.length > 0) return { steps: [], faults: refused }
  const holders = observed.networks.filter(({ name }) => name === wanted.configName)
  const [found] = holders
  const parent = findParent(wanted, observed, found?.configOnly ? found.options.parent : undefined)
  const shown = parent.name === undefined ? {} : { parent: parent.name }
  const foreign = holders.flatMap((holder) => whyForeign(holder, wanted))
  const clashes = [...nameClash(wanted, observed), ...subnetClashes(wanted, observed)]
  if (foreign.length > 0) return { ...shown, steps: [], faults: [...foreign, ...clashes, ...parent.faults] }
  const faults = [...clashes, ...parent.faults]
  // Before anything is made, nothing may stand in the way; what is there already is kept true as far as it goes.
  if (found === undefined && faults.length > 0) return { ...shown, steps: [], faults }
  if (parent.name === undefined) return { steps: [], faults }
  const config = planConfig(wanted, { found, parent: parent.name, observed })
  if (config.faults.length > 0) return { ...shown, steps: [], faults: [...faults, ...config.faults] }
  const host = planHost(wanted, parent, observed)
  const removed = config.steps.flatMap((step) => (step.do === 'remove-network' ? [step.id] : []))
  const unused = unusedSteps(observed, { all, removed, parent: parent.name, shimsOf: undefined })
  const isSettled = found !== undefined && config.steps.length === 0 && parent.isUsable && faults.length === 0
  // Where a container is on it, the engine has made it; and a probe beside it would be in the way of the next.
  const proof = isSettled && countAttached(wanted.name, observed) === 0 ? planProof(wanted, found, observed) : []
  const steps = [...parent.steps, ...host.promiscuous, ...config.steps, ...host.shim, ...proof, ...unused]
  return { ...shown, steps, faults: [...faults, ...addressesInRange(wanted, observed), ...host.faults] }
}

interface ConfigPlace {
  readonly found: EngineNetwork | undefined
  readonly parent: string
  readonly observed: NodeObservation
}

function planConfig(wanted: WantedNetwork, { found, parent, observed }: ConfigPlace): Omit<Part, 'parent'> {
  const network = configNetwork(wanted, parent)
  if (found === undefined) return { steps: [{ do: 'create-network', network }], faults: [] }
  const different = differences(found, network)
  const { id, name } = found
  const isOwn = isLabelled(found, wanted) || observed.adoptedByUs.has(id)
  if (different.length === 0) return { steps: isOwn ? [] : [{ do: 'adopt-network', id, name }], faults: [] }
  const what = `The config-only network "${wanted.configName}" does not match the definition: ${different.join('; ')}.`
  if (!wanted.mayRecreate) {
    const remedy = 'It can only be recreated: `orrery network apply --allow-drain` drains the node for that.'
    return { steps: [], faults: [{ code: 'network-different', message: `${what} ${remedy}` }] }
  }
  if (!isOwn) return { steps: [], faults: [neverTakenOver(name, what)] }
  const attached = countAttached(wanted.name, observed)
  if (attached > 0) {
    const message = `${what} It is recreated once nothing is attached: ${attached} ${attached === 1 ? 'container is' : 'containers are'}.`
    return { steps: [], faults: [{ code: 'in-use', message }] }
  }
  return {
    steps: [
      { do: 'remove-network', id, name },
      { do: 'create-network', network },
    ],
    faults: [],
  }
}

interface HostPart {
  readonly promiscuous: readonly HostStep[]
  readonly shim: readonly HostStep[]
  readonly faults: readonly ReportedFault[]
}

function planHost(wanted: WantedNetwork, { name, isUsable }: Parent, observed: NodeObservation): HostPart {
  if (name === undefined || !isUsable) return { promiscuous: [], shim: [], faults: [] }
  // ipvlan sends with the parent's own MAC address: nothing is gained by hearing others.
  const needsAll = wanted.driver === 'macvlan' && linkNamed(observed, name)?.isPromiscuous !== true
  const { steps, faults } = planShim(wanted, name, observed)
  return { promiscuous: needsAll ? [{ do: 'set-promiscuous', link: name, isOn: true }] : [], shim: steps, faults }
}

function planAbsent(wanted: WantedNetwork, observed: NodeObservation, all: readonly WantedNetwork[]): Part {
  const attached = countAttached(wanted.name, observed)
  if (attached > 0) {
    const message = `${attached} ${attached === 1 ? 'container has' : 'containers have'} an address of "${wanted.name}": what is here goes when nothing does any more.`
    return { steps: [], faults: [{ code: 'in-use', message }] }
  }
  const there = observed.networks.filter(
    (found) => found.name === wanted.configName && whyForeign(found, wanted).length === 0,
  )
  const own = there.filter((found) => isLabelled(found, wanted) || observed.adoptedByUs.has(found.id))
  const removed = own.map(({ id }) => id)
  return {
    steps: [
      ...own.map(({ id, name }): NodeStep => ({ do: 'remove-network', id, name })),
      ...removeShims(wanted.name, observed),
      ...unusedSteps(observed, { all, removed, parent: undefined, shimsOf: wanted.name }),
    ],
    faults: there.filter((found) => !own.includes(found)).map(({ name }) => neverTakenOver(name)),
  }
}

const isLabelled = ({ labels }: EngineNetwork, { name }: WantedNetwork): boolean => labels[NETWORK_LABEL] === name

/** A record says that it is ours, and nothing on this node does: whoever made it removes it. */
const neverTakenOver = (name: string, what?: string): ReportedFault => ({
  code: 'network-foreign',
  message: `${what === undefined ? '' : `${what} `}The config-only network "${name}" was made by somebody else and never taken over by this agent, so it is not removed here: docker network rm ${name}.`,
})
