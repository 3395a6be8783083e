/** The report of a node from what was seen there. What the words do not allow is cut, so that no report is refused. Pure. */
import { type EngineNetwork, isLinkDriver } from '../../swarm/networks.ts'
import type {
  NetworkStatus,
  NodeReport,
  ReportedContainer,
  ReportedFault,
  ReportedLink,
} from '../../swarm/node-report.ts'
import type { ContainerUsage, EngineFacts } from '../ports.ts'
import type { HostLink, HostState, NodeStep } from './host.ts'
import { isOurs, isShim } from './link-names.ts'
import type { NodeNetworkPlan } from './node-plan.ts'
import { linkNamed } from './parent.ts'
import { isProbe } from './proof.ts'

export interface ReportSource {
  readonly facts: EngineFacts
  readonly host: HostState
  /** Every network of the engine. */
  readonly networks: readonly EngineNetwork[]
  readonly containers: readonly ReportedContainer[]
  readonly usage: ReadonlyMap<string, ContainerUsage>
  readonly standings: readonly NetworkStatus[]
  readonly faults: readonly ReportedFault[]
}

export interface ReportFrame {
  readonly agentVersion: string
  readonly sentAtMs: number
  readonly startedAtMs: number
  readonly revision: number
  /** Since the last report that the controller took, oldest first. */
  readonly mended: readonly { readonly network: string; readonly text: string }[]
}

const MOST = {
  networks: 512,
  containers: 4096,
  standings: 256,
  faults: 32,
  mended: 64,
  hostAddresses: 256,
  labels: 256,
}
const TEXT = 1024
const RUNNING = new Set(['running', 'paused', 'restarting', 'removing'])

export function buildReport(source: ReportSource, frame: ReportFrame): NodeReport {
  const { facts } = source
  const { agentVersion, sentAtMs, startedAtMs, revision, mended } = frame
  return {
    v: 1,
    nodeId: facts.nodeId,
    hostname: facts.hostname,
    ...(facts.engineId !== '' && { machine: { engineId: facts.engineId, macs: macsOf(source.host) } }),
    engineVersion: facts.version,
    agentVersion,
    sentAtMs,
    startedAtMs,
    revision,
    hostAddresses: hostAddresses(source.host).slice(0, MOST.hostAddresses),
    networks: source.networks.filter(matters).slice(0, MOST.networks).map(fitting),
    standings: source.standings.slice(0, MOST.standings).map((status) => ({
      ...status,
      faults: faultsThatFit(status.faults),
      mended: mended
        .filter(({ network }) => network === status.name)
        .slice(-MOST.mended)
        .map(({ text }) => text.slice(0, TEXT)),
    })),
    containers: runningFirst(source.containers)
      .slice(0, MOST.containers)
      .map((container) => {
        const { hasLostLink: _, ...used } = source.usage.get(container.id) ?? {}
        return { ...container, ...used }
      }),
    faults: faultsThatFit(source.faults),
  }
}

/** Shims have theirs from a range on purpose. */
const hostAddresses = ({ links }: HostState): NodeReport['hostAddresses'] =>
  links
    .filter((link) => !isShim(link))
    .flatMap(({ name, addresses }) =>
      addresses.filter(({ scope }) => scope === 'global').map(({ address }) => ({ link: name, address })),
    )

const MOST_MACS = 32

/** Of hardware, and of links with an address of the LAN; an engine's own bridges and what containers have come and go. */
const macsOf = ({ links }: HostState): string[] => {
  const isLasting = ({ kind, addresses }: HostState['links'][number]) =>
    kind === undefined || (kind !== 'bridge' && addresses.some(({ scope }) => scope === 'global'))
  const macs = links.filter((link) => !isShim(link) && isLasting(link)).flatMap(({ mac }) => mac ?? [])
  return [...new Set(macs)].sort().slice(0, MOST_MACS)
}

const matters = (network: EngineNetwork): boolean =>
  !isProbe(network) && (network.configOnly || isLinkDriver(network.driver))

const fitting = (network: EngineNetwork): EngineNetwork => ({
  ...network,
  labels: labelsThatFit(network.labels),
  options: labelsThatFit(network.options),
})

const labelsThatFit = (labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels)
      .filter(([name, value]) => name.length <= TEXT && value.length <= TEXT)
      .slice(0, MOST.labels),
  )

const faultsThatFit = (faults: readonly ReportedFault[]): ReportedFault[] =>
  faults.slice(0, MOST.faults).map(({ code, message }) => ({ code, message: message.slice(0, TEXT) }))

/** Those hold addresses: if any must be left out, it is others. */
const runningFirst = (containers: readonly ReportedContainer[]): readonly ReportedContainer[] =>
  containers.toSorted((one, other) => Number(RUNNING.has(other.state)) - Number(RUNNING.has(one.state)))

/** Of a network that was planned on what was seen last; `failed`: what kept a step from being taken. */
export function statusOf(
  name: string,
  plan: NodeNetworkPlan,
  { host, failed }: { readonly host: HostState; readonly failed: ReportedFault | undefined },
): NetworkStatus {
  const faults = [...plan.faults, ...(failed === undefined ? [] : [failed])]
  const parent = plan.parent === undefined ? undefined : linkNamed(host, plan.parent)
  const shim = linkNamed(host, plan.shim)
  return {
    name,
    isAsWanted: plan.steps.length === 0 && faults.length === 0,
    faults,
    mended: [],
    ...(parent !== undefined && { parent: linkShown(parent) }),
    ...(shim !== undefined && isOurs(shim) && { shim: linkShown(shim) }),
    attached: plan.attached,
  }
}

interface Lost {
  readonly containers: readonly ReportedContainer[]
  readonly usage: ReadonlyMap<string, { readonly hasLostLink?: true }>
}

const MOST_LOST = 5

/** Running containers whose link is gone are told, each look anew: nothing on this node brings it back to them. */
export function withLostLinks(status: NetworkStatus, { containers, usage }: Lost): NetworkStatus {
  const lost = containers.filter(
    ({ id, state, addresses }) =>
      state === 'running' &&
      usage.get(id)?.hasLostLink === true &&
      addresses.some(({ network }) => network === status.name),
  )
  if (lost.length === 0) return status
  const services = [...new Set(lost.flatMap(({ serviceName }) => serviceName ?? []))].sort()
  const names = lost.map(({ taskName, name }) => taskName ?? name).sort()
  const more = names.length > MOST_LOST ? ` and ${names.length - MOST_LOST} more` : ''
  const who = `${names.slice(0, MOST_LOST).join(', ')}${more} ${lost.length === 1 ? 'has' : 'have'}`
  const remedy = services.map((service) => `docker service update --force ${service}`).join('; ')
  const message = `${who} lost the link to the LAN: the parent was removed under them. New tasks have one: ${remedy}.`
  return { ...status, isAsWanted: false, faults: [...status.faults, { code: 'link-lost', message }] }
}

/** Of a network about which nothing can be said now. What was seen of its links before stays as it was. */
export const unknownStatus = (
  name: string,
  fault: ReportedFault,
  before: NetworkStatus | undefined,
): NetworkStatus => ({ attached: 0, ...before, name, mended: [], isAsWanted: false, faults: [fault] })

function linkShown(link: HostLink): ReportedLink {
  const { name, isUp, isPromiscuous, mtu, addresses } = link
  return {
    name,
    isUp,
    isPromiscuous,
    ...(mtu !== undefined && { mtu }),
    addresses: addresses.filter(({ scope }) => scope === 'global').map(({ address }) => address),
    isOurs: isOurs(link),
  }
}

/** `undefined`: a look at how things are, which changes nothing. */
export function mendedBy(step: NodeStep): string | undefined {
  switch (step.do) {
    case 'make-vlan':
      return `made the VLAN link ${step.link}`
    case 'make-shim':
      return `made the shim link ${step.link} on ${step.lower}`
    case 'remove-link':
      return `removed the link ${step.link}`
    case 'raise-link':
      return `set the link ${step.link} up`
    case 'set-promiscuous':
      return step.isOn ? `made ${step.link} promiscuous` : `${step.link} is no longer promiscuous`
    case 'set-mtu':
      return `set the MTU of ${step.link} to ${step.mtu}`
    case 'ask-for-address':
    case 'prove-network':
      return undefined
    case 'add-address':
      return `gave ${step.link} the address ${step.address}`
    case 'remove-address':
      return `took the address ${step.address} from ${step.link}`
    case 'set-route':
      return `routed ${step.destination} by ${step.link}`
    case 'remove-route':
      return `removed the route to ${step.destination} by ${step.link}`
    case 'create-network':
      return `created the config-only network ${step.network.name}`
    case 'adopt-network':
      return `took over the config-only network ${step.name}`
    case 'remove-network':
      return `removed the config-only network ${step.name}`
    default:
      return step satisfies never
  }
}
