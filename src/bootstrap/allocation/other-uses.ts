/**
 * Addresses that something outside the record has: hosts' own, other networks', and what a node's network of this name
 * holds already. No range that is given may touch one, but the node's own of this network. Pure.
 */
import { NETWORK_LABEL } from '../../swarm/networks.ts'
import { type HeardReport, isSameMachine, SILENT_AFTER_MS } from '../../swarm/node-report.ts'
import type { SwarmNode } from '../../swarm/nodes.ts'
import type { NetworkDefinition } from '../definition/definition.ts'
import type { NetworkRecord } from '../record/record.ts'

export interface OtherUse {
  /** An address, or a CIDR. One that cannot be read counts for nothing. */
  readonly text: string
  /** Whose, for a person: `an address of worker3 (eth0)`. */
  readonly what: string
  /** The node that says so. */
  readonly nodeId?: string
  /** `own-network`: what the node has of this very network. */
  readonly kind: 'address' | 'own-network' | 'other-network'
}

export interface OtherUseSources {
  /** Reports of nodes that are not among them count for nothing: what they had is in the record. */
  readonly nodes: readonly Pick<SwarmNode, 'id' | 'hostname' | 'address' | 'state'>[]
  readonly reports: readonly HeardReport[]
  /** All of them; this network's own is skipped. */
  readonly records: ReadonlyMap<string, NetworkRecord>
}

const ofHosts = ({ nodes }: OtherUseSources): OtherUse[] =>
  nodes.flatMap(({ id, hostname, address }) =>
    address === undefined ? [] : [{ text: address, what: `the address of ${hostname}`, nodeId: id, kind: 'address' }],
  )

const withoutLength = (cidr: string): string => cidr.split('/')[0] ?? cidr

const ofReport = ({ report }: HeardReport, { name, configName }: NetworkDefinition): OtherUse[] => {
  const { nodeId, hostname } = report
  const addresses = report.hostAddresses.map(({ link, address }): OtherUse => {
    const what = `an address of ${hostname} (${link})`
    return { text: withoutLength(address), what, nodeId, kind: 'address' }
  })
  const networks = report.networks.flatMap(({ name: own, configFrom, labels, subnets }): OtherUse[] => {
    // What is made from it has its range: the swarm network, and what a killed agent left of its probe.
    const isOwn = own === name || [own, configFrom].includes(configName) || labels[NETWORK_LABEL] === name
    const what = `the network ${own} of ${hostname}`
    const kind = isOwn ? 'own-network' : 'other-network'
    return subnets.flatMap(({ range }) => (range === undefined ? [] : [{ text: range, what, nodeId, kind }]))
  })
  return [...addresses, ...networks]
}

/**
 * Without what a machine said under an id that it has left: Swarm does not call it ready, or nothing came under it any more.
 * What two nodes go on to say of one machine is said by one that is not it, and nobody knows which.
 */
export const lastOfMachines = ({
  reports,
  nodes,
}: Pick<OtherUseSources, 'reports' | 'nodes'>): readonly HeardReport[] => {
  const ready = new Set(nodes.filter(({ state }) => state === 'ready').map(({ id }) => id))
  const byEngine = new Map<string, HeardReport[]>()
  for (const heard of reports) {
    const { engineId } = heard.report.machine ?? {}
    if (engineId !== undefined) byEngine.set(engineId, [...(byEngine.get(engineId) ?? []), heard])
  }
  return reports.filter(({ report: { machine, nodeId }, receivedAtMs }) => {
    const others = machine === undefined ? [] : (byEngine.get(machine.engineId) ?? [])
    const silentMs = ready.has(nodeId) ? SILENT_AFTER_MS : 1
    return !others.some(
      (one) => one.receivedAtMs - receivedAtMs >= silentMs && isSameMachine(one.report.machine, machine),
    )
  })
}

const ofRecord = ({ definition, allocations }: NetworkRecord): OtherUse[] =>
  [...allocations.values()].flatMap((allocation) => {
    const what = `the range of ${allocation.hostname} in the network ${definition.name}`
    const texts = [allocation.range, allocation.range6, allocation.change?.range, allocation.change?.range6]
    return texts.flatMap((text) => (text === undefined ? [] : [{ text, what, kind: 'other-network' as const }]))
  })

/** What is in use, as far as it is known; each as often as somebody says it. */
export const otherUsesOf = (definition: NetworkDefinition, sources: OtherUseSources): readonly OtherUse[] => {
  const present = new Set(sources.nodes.map(({ id }) => id))
  return [
    ...ofHosts(sources),
    ...lastOfMachines(sources)
      .filter(({ report }) => present.has(report.nodeId))
      .flatMap((heard) => ofReport(heard, definition)),
    ...[...sources.records].flatMap(([name, record]) => (name === definition.name ? [] : ofRecord(record))),
  ]
}
