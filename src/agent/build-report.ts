/** The report of a node from what was seen there. Pure; what the words do not allow is cut, so that no report is refused. */

import type { EngineNetwork } from '../swarm/networks.ts'
import type { NetworkStanding, NodeReport, ReportedContainer, ReportedFault } from '../swarm/node-report.ts'
import type { HostState } from './plan/host.ts'
import { isShim } from './plan/link-names.ts'
import type { EngineFacts, Usage } from './ports.ts'

export interface ReportSource {
  readonly facts: EngineFacts
  readonly host: HostState
  /** Every network of the engine. */
  readonly networks: readonly EngineNetwork[]
  readonly containers: readonly ReportedContainer[]
  readonly usage: ReadonlyMap<string, Usage>
  readonly standings: readonly NetworkStanding[]
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
    engineVersion: facts.version,
    agentVersion,
    sentAtMs,
    startedAtMs,
    revision,
    hostAddresses: hostAddresses(source.host).slice(0, MOST.hostAddresses),
    networks: source.networks.filter(matters).slice(0, MOST.networks).map(fitting),
    standings: source.standings.slice(0, MOST.standings).map((standing) => ({
      ...standing,
      faults: faultsThatFit(standing.faults),
      mended: mended
        .filter(({ network }) => network === standing.name)
        .slice(-MOST.mended)
        .map(({ text }) => text.slice(0, TEXT)),
    })),
    containers: runningFirst(source.containers)
      .slice(0, MOST.containers)
      .map((container) => ({ ...container, ...source.usage.get(container.id) })),
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

const matters = ({ configOnly, driver }: EngineNetwork): boolean =>
  configOnly || driver === 'macvlan' || driver === 'ipvlan'

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
