/** One look at a node and what is done about it: observed, planned, and the steps taken one after the other. */
import { Fault, messageOf } from '../../foundation/errors.ts'
import { type EngineNetwork, isLinkDriver } from '../../swarm/networks.ts'
import type { NetworkStatus, ReportedContainer, ReportedFault } from '../../swarm/node-report.ts'
import type { WantedNetwork } from '../../swarm/wanted.ts'
import { statusOf, unknownStatus } from '../plan/build-report.ts'
import { HostFault, type HostState, type NodeObservation, type NodeStep } from '../plan/host.ts'
import { isHeldByItself, keptCount } from '../plan/kept-by-engine.ts'
import { planNode } from '../plan/node-plan.ts'
import { probeName, refusedProof } from '../plan/proof.ts'
import type { AgentMemory, Host, LocalEngine } from '../ports.ts'

export interface LookDeps {
  readonly host: Host
  readonly engine: LocalEngine
  readonly memory: AgentMemory
  readonly onStep: (network: string, step: NodeStep) => void
  /** By network: what the engine was seen to make. Added to. */
  readonly proven: Map<string, string>
}

export interface Seen {
  readonly host: HostState
  readonly networks: readonly EngineNetwork[]
  readonly containers: readonly ReportedContainer[]
  /** Networks and containers were read, now or before: none of either then means that there are none. */
  readonly isEngineSeen: boolean
}

export interface Look extends Seen {
  readonly standings: readonly NetworkStatus[]
  /** Why engine or host could not be seen to the end. */
  readonly fault?: ReportedFault
}

/** `before`: what was seen and how it stood, for what cannot be seen now. Never throws. */
export async function lookAtNode(
  wanted: readonly WantedNetwork[],
  before: Seen & { readonly standings: readonly NetworkStatus[] },
  deps: LookDeps,
): Promise<Look> {
  const { host, engine, memory, onStep, proven } = deps
  let { host: state, networks, containers, isEngineSeen }: Seen = before
  const see = async () => {
    const ipv6 = wanted.some((network) => network.ipv6 !== undefined)
    const [ofEngine, ofHost] = await Promise.allSettled([seeEngine(engine, wanted), host.observe({ ipv6 })])
    // What could be seen is shown, whatever became of the other.
    if (ofEngine.status === 'fulfilled') ({ networks, containers, isEngineSeen } = ofEngine.value)
    if (ofHost.status === 'fulfilled') state = ofHost.value
    if (ofEngine.status === 'rejected') throw ofEngine.reason
    if (ofHost.status === 'rejected') throw ofHost.reason
    const byUs = { promiscuousByUs: memory.promiscuous(), adoptedByUs: memory.adopted() }
    return { ...state, networks, containers, ...byUs, proven }
  }
  try {
    const { standings } = await mendNode(wanted, await see(), { host, engine, memory, proven, look: see, onStep })
    return { host: state, networks, containers, isEngineSeen, standings }
  } catch (error) {
    const fault = faultOfLook(error)
    const known = (name: string) => before.standings.find((status) => status.name === name)
    const standings = wanted.map(({ name }) => unknownStatus(name, fault, known(name)))
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
  const onLinks = networks.filter(({ driver }) => isLinkDriver(driver))
  return new Set([...onLinks, ...wanted].map(({ name }) => name))
}

function faultOfLook(error: unknown): ReportedFault {
  const message = messageOf(error)
  return { code: error instanceof HostFault ? error.code : 'engine-away', message }
}

export interface MendDeps<Seen extends NodeObservation> extends CarryOutDeps {
  /** Throws as Host and LocalEngine do. */
  readonly look: () => Promise<Seen>
  readonly onStep: (network: string, step: NodeStep) => void
}

/** A second round is for what could only be seen after the first; more than a third would be a step that does nothing. */
const ROUNDS = 3

/**
 * Plans, takes the steps, looks again, until nothing is left or a step fails. Throws as `look`; what was done before that
 * stays done.
 */
async function mendNode<Seen extends NodeObservation>(
  wanted: readonly WantedNetwork[],
  first: Seen,
  deps: MendDeps<Seen>,
): Promise<{ readonly seen: Seen; readonly standings: readonly NetworkStatus[] }> {
  const failed = new Map<string, ReportedFault>()
  let seen = first
  for (let round = 0; round < ROUNDS; round += 1) {
    let hasChanged = false
    for (const network of wanted) {
      if (failed.has(network.name)) continue
      const { steps } = planNode(network, seen, wanted)
      if (steps.length === 0) continue
      const { done, fault } = await carryOut(steps, deps, seen.networks)
      for (const step of done) deps.onStep(network.name, step)
      if (fault !== undefined) failed.set(network.name, fault)
      // The next network is planned on what is there now.
      seen = await deps.look()
      hasChanged = true
    }
    if (!hasChanged) break
  }
  const standings = wanted.map((network) =>
    statusOf(network.name, planNode(network, seen, wanted), { host: seen, failed: failed.get(network.name) }),
  )
  return { seen, standings }
}

export interface CarryOutDeps {
  readonly host: Host
  readonly engine: Pick<LocalEngine, 'createNetwork' | 'removeNetwork' | 'proveNetwork'>
  readonly proven: Map<string, string>
  readonly memory: Pick<AgentMemory, 'promiscuous' | 'keepPromiscuous' | 'adopted' | 'keepAdopted'>
}

export interface Carried {
  readonly done: readonly NodeStep[]
  /** What kept the next one from being taken. */
  readonly fault?: ReportedFault
}

/** Stops at the first step that fails. Never throws. */
async function carryOut(
  steps: readonly NodeStep[],
  deps: CarryOutDeps,
  networks: readonly EngineNetwork[],
): Promise<Carried> {
  const done: NodeStep[] = []
  for (const step of steps) {
    try {
      await take(step, deps)
      done.push(step)
    } catch (error) {
      return { done, fault: faultOfStep(step, error, networks) }
    }
  }
  return { done }
}

async function take(step: NodeStep, { host, engine, memory, proven }: CarryOutDeps): Promise<void> {
  switch (step.do) {
    case 'create-network':
      return await engine.createNetwork(step.network)
    case 'adopt-network':
      return await memory.keepAdopted(new Set([...memory.adopted(), step.id]))
    case 'remove-network':
      await engine.removeNetwork(step.id)
      if (memory.adopted().has(step.id)) {
        await memory.keepAdopted(new Set([...memory.adopted()].filter((id) => id !== step.id)))
      }
      return
    case 'prove-network': {
      const { network, configFrom, driver } = step
      await engine.proveNetwork({ name: probeName(network), configFrom, driver }).catch((error: unknown) => {
        if (!isRefusal(error) || !isHeldByItself(step, messageOf(error))) throw error
      })
      proven.set(network, step.basis)
      return
    }
    case 'set-promiscuous': {
      const others = [...memory.promiscuous()].filter((link) => link !== step.link)
      // Before: what was switched on and forgotten would stay on for good.
      if (step.isOn) await memory.keepPromiscuous(new Set([...others, step.link]))
      await host.carryOut(step)
      if (!step.isOn) await memory.keepPromiscuous(new Set(others))
      return
    }
    default:
      return await host.carryOut(step)
  }
}

const isRefusal = (error: unknown): boolean => error instanceof Fault && error.code === 'write-rejected'

function faultOfStep(step: NodeStep, error: unknown, networks: readonly EngineNetwork[]): ReportedFault {
  const message = messageOf(error)
  if (error instanceof HostFault) {
    if (error.code !== 'kind-unknown') return { code: error.code, message }
    if (step.do === 'make-vlan') {
      return { code: 'vlan-impossible', message: `${message} VLAN links need the module 8021q: modprobe 8021q.` }
    }
    return { code: 'driver-impossible', message }
  }
  const isRefused = isRefusal(error)
  if (isRefused && step.do === 'prove-network') return refusedProof(step, message)
  const kept = isRefused && step.do === 'remove-network' ? keptCount(step.name, message, networks) : undefined
  if (kept !== undefined) return kept
  return { code: isRefused ? 'engine-refused' : 'engine-away', message }
}
