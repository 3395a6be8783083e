/** The one swarm network of a definition: whose it is, and when it can be made. Pure. */

import { configNetwork, differences } from '../../swarm/config-network.ts'
import { type EngineNetwork, NETWORK_LABEL } from '../../swarm/networks.ts'
import type { NetworkDefinition } from '../definition/definition.ts'
import type { NetworkRecord } from '../record/record.ts'
import { type NetworkContext, swarmNetworksOf, wantedHere } from './context.ts'
import type { PlanProblem, Step } from './words.ts'

export type SwarmNetworkState =
  | { readonly kind: 'absent' }
  /** Made from the config-only network of this definition. Whether it is ours is for the record to say. */
  | { readonly kind: 'fitting'; readonly network: EngineNetwork }
  | { readonly kind: 'different'; readonly differences: readonly string[] }
  /** Of one engine alone, with the same name. */
  | { readonly kind: 'foreign'; readonly network: EngineNetwork }

export function swarmNetworkState(context: NetworkContext, definition: NetworkDefinition): SwarmNetworkState {
  const networks = swarmNetworksOf(context)
  const local = networks.find(({ scope }) => scope !== 'swarm')
  if (local !== undefined) return { kind: 'foreign', network: local }
  const [network] = networks
  if (network === undefined) return { kind: 'absent' }
  const phrases = [
    ...(network.driver === definition.driver ? [] : [`its driver is ${network.driver}, not ${definition.driver}`]),
    ...(network.configFrom === definition.configName
      ? []
      : [
          `it is made from ${network.configFrom === '' ? 'no config-only network' : network.configFrom}, not from ${definition.configName}`,
        ]),
  ]
  return phrases.length === 0 ? { kind: 'fitting', network } : { kind: 'different', differences: phrases }
}

/** What is in the way of a network of this name that is not active yet. */
export function nameProblems(context: NetworkContext, definition: NetworkDefinition): readonly PlanProblem[] {
  const { name } = context
  const state = swarmNetworkState(context, definition)
  const rename = 'or give the definition another name'
  switch (state.kind) {
    case 'absent':
      return []
    case 'fitting': {
      const message = `There is a swarm network ${name} that Orrery did not make: \`orrery network adopt ${name}\` takes it over if every node's ${definition.configName} is as defined; else remove it (docker network rm ${name}), ${rename}.`
      return [{ network: name, code: 'can-be-adopted', message }]
    }
    case 'different': {
      const message = `There is a swarm network ${name} already, and ${state.differences.join(' and ')}: remove it (docker network rm ${name}), ${rename}.`
      return [{ network: name, code: 'foreign-network', message }]
    }
    case 'foreign':
      return [{ network: name, code: 'foreign-network', message: localMessage(context, state.network) }]
    default:
      return state satisfies never
  }
}

const localMessage = ({ name, observed, nodes }: NetworkContext, { driver, configOnly }: EngineNetwork): string => {
  const where = nodes.get(observed.engine.nodeId)?.hostname ?? 'the manager'
  const what = configOnly ? 'config-only' : driver
  return `The engine of ${where} has a ${what} network ${name} of its own: remove it there (docker network rm ${name}), or give the definition another name.`
}

/** The steps and problems of a swarm network that the record asks for. */
export function swarmNetworkSteps(
  context: NetworkContext,
  record: NetworkRecord,
): { readonly steps: readonly Step[]; readonly problems: readonly PlanProblem[] } {
  const { definition } = record
  const { name, driver, configName } = definition
  const state = swarmNetworkState(context, definition)
  if (state.kind === 'fitting') return { steps: [], problems: [] }
  if (state.kind === 'different') {
    const message = `The swarm network ${name} is not the active one: ${state.differences.join(' and ')}. Remove it (docker network rm ${name}), and it is made as it should be.`
    return { steps: [], problems: [{ network: name, code: 'foreign-network', message }] }
  }
  if (state.kind === 'foreign') {
    return {
      steps: [],
      problems: [{ network: name, code: 'foreign-network', message: localMessage(context, state.network) }],
    }
  }
  const impossible = engineProblems(context)
  if (impossible.length > 0) return { steps: [], problems: impossible }
  const waitsFor = whyNotCreatable(context, record)
  // Nobody gives it one unasked.
  const isStuck = context.options.mode === 'keep' && !record.allocations.has(context.observed.engine.nodeId)
  const step = {
    network: name,
    do: 'create-network' as const,
    text: `create the swarm network ${name}`,
    driver,
    configFrom: configName,
  }
  return { steps: [waitsFor === undefined ? step : { ...step, waitsFor, ...(isStuck && { isStuck }) }], problems: [] }
}

const BROKEN_ENGINE = '28.0.0'

export function engineProblems({ name, observed, nodes }: NetworkContext): readonly PlanProblem[] {
  const { version, nodeId } = observed.engine
  if (version !== BROKEN_ENGINE) return []
  const where = nodes.get(nodeId)?.hostname ?? 'this manager'
  const message = `The engine of ${where} is ${BROKEN_ENGINE}, which can neither create nor use networks like ${name}: 28.0.1 can.`
  return [{ network: name, code: 'engine-cannot', message }]
}

/** Engines before 28.0.1 make a broken network without a word when they lack the config-only one. */
function whyNotCreatable({ observed, nodes, options }: NetworkContext, record: NetworkRecord): string | undefined {
  const { nodeId } = observed.engine
  const { configName, name } = record.definition
  const where = nodes.get(nodeId)?.hostname ?? 'this manager'
  const allocation = record.allocations.get(nodeId)
  const wanted = wantedHere(record, nodeId)
  if (allocation === undefined || wanted === undefined) {
    const remedy = options.mode === 'keep' ? ': `orrery network apply` gives it one' : ''
    return `a range for ${where}, whose engine creates it${remedy}`
  }
  const found = observed.networks.find((network) => network.configOnly && network.name === configName)
  if (found === undefined) return `${configName} on ${where}, whose engine creates it`
  const isOurs = allocation.isAdopted || found.labels[NETWORK_LABEL] === name
  const parent = wanted.parent === 'auto' ? (found.options.parent ?? '') : wanted.parent
  if (!isOurs || differences(found, configNetwork(wanted, parent)).length > 0) {
    return `${configName} of ${where} to match the definition`
  }
  return undefined
}
