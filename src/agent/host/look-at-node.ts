/** One look at a node: what is there, mended where it is not as wanted, and how far it is as wanted then. Never throws. */

import type { EngineNetwork } from '../../swarm/networks.ts'
import type { NetworkStanding, ReportedContainer, ReportedFault } from '../../swarm/node-report.ts'
import type { WantedNetwork } from '../../swarm/wanted.ts'
import { HostFault } from '../host-fault.ts'
import type { HostState, NodeStep } from '../plan/host.ts'
import { unknownStanding } from '../plan/standing.ts'
import type { AgentMemory, Host, LocalEngine } from '../ports.ts'
import { mendNode } from './mend-node.ts'

export interface LookDeps {
  readonly host: Host
  readonly engine: LocalEngine
  readonly memory: AgentMemory
  readonly onStep: (network: string, step: NodeStep) => void
}

export interface Seen {
  readonly host: HostState
  readonly networks: readonly EngineNetwork[]
  readonly containers: readonly ReportedContainer[]
  /** Networks and containers were read, now or before: none of either then means that there are none. */
  readonly isEngineSeen: boolean
}

export interface Look extends Seen {
  readonly standings: readonly NetworkStanding[]
  /** Why engine or host could not be seen to the end. */
  readonly fault?: ReportedFault
}

/** `before`: what was seen and how it stood, for what can not be seen now. */
export async function lookAtNode(
  wanted: readonly WantedNetwork[],
  before: Seen & { readonly standings: readonly NetworkStanding[] },
  deps: LookDeps,
): Promise<Look> {
  const { host, engine, memory, onStep } = deps
  let { host: state, networks, containers, isEngineSeen }: Seen = before
  const see = async () => {
    const ipv6 = wanted.some((network) => network.ipv6 !== undefined)
    const [ofEngine, ofHost] = await Promise.allSettled([seeEngine(engine, wanted), host.observe({ ipv6 })])
    // What could be seen is shown, whatever became of the other.
    if (ofEngine.status === 'fulfilled') ({ networks, containers, isEngineSeen } = ofEngine.value)
    if (ofHost.status === 'fulfilled') state = ofHost.value
    if (ofEngine.status === 'rejected') throw ofEngine.reason
    if (ofHost.status === 'rejected') throw ofHost.reason
    return { ...state, networks, containers, promiscuousByUs: memory.promiscuous() }
  }
  try {
    const { standings } = await mendNode(wanted, await see(), { host, engine, memory, look: see, onStep })
    return { host: state, networks, containers, isEngineSeen, standings }
  } catch (error) {
    const fault = faultOf(error)
    const known = (name: string) => before.standings.find((standing) => standing.name === name)
    const standings = wanted.map(({ name }) => unknownStanding(name, fault, known(name)))
    return { host: state, networks, containers, isEngineSeen, standings, fault }
  }
}

async function seeEngine(engine: LocalEngine, wanted: readonly WantedNetwork[]): Promise<Omit<Seen, 'host'>> {
  const networks = await engine.networks()
  const containers = await engine.containers(containerNetworks(networks, wanted))
  return { networks, containers, isEngineSeen: true }
}

/** By name. One that no container is on at the moment may be unknown to a worker's engine. */
export function containerNetworks(
  networks: readonly EngineNetwork[],
  wanted: readonly WantedNetwork[],
): ReadonlySet<string> {
  const onLinks = networks.filter(({ driver }) => driver === 'macvlan' || driver === 'ipvlan')
  return new Set([...onLinks, ...wanted].map(({ name }) => name))
}

function faultOf(error: unknown): ReportedFault {
  const message = error instanceof Error ? error.message : String(error)
  return { code: error instanceof HostFault ? error.code : 'engine-away', message }
}
