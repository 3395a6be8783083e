/**
 * Keeps one node as it is wanted, level-triggered: looks, plans, takes the steps, looks again. Every few seconds, and at once
 * when something else is wanted, a network came or went, or the engine is back. Nothing overlaps.
 */
import type { Clock } from '../../foundation/clock.ts'
import { createListeners, type Unsubscribe } from '../../foundation/listeners.ts'
import type { Logger } from '../../foundation/logger.ts'
import { createWakeableTimer } from '../../foundation/wakeable-timer.ts'
import type { NetworkStatus, ReportedFault } from '../../swarm/node-report.ts'
import type { WantedState } from '../../swarm/wanted.ts'
import { mendedBy, withLostLinks } from '../plan/build-report.ts'
import type { NodeStep } from '../plan/host.ts'
import { countAttached } from '../plan/node-plan.ts'
import type { AgentMemory, ContainerUsage, EngineFacts, EngineNews, Host, LocalEngine } from '../ports.ts'
import { containerNetworks, lookAtNode, type Seen } from './look-and-mend.ts'

export interface KeepTiming {
  readonly lookEveryMs: number
  readonly factsEveryMs: number
  readonly usageEveryMs: number
  /** How long news are gathered before they are looked at. */
  readonly gatherMs: number
}

const KEEP_TIMING: KeepTiming = { lookEveryMs: 5_000, factsEveryMs: 10_000, usageEveryMs: 15_000, gatherMs: 100 }
const MOST_MENDED = 256

export interface KeepNodeDeps {
  readonly host: Host
  readonly engine: LocalEngine
  readonly memory: AgentMemory
  /** Of the node with this id; absent: nothing was ever wanted of it. */
  readonly wanted: (nodeId: string) => WantedState | undefined
  readonly logger: Logger
  readonly now: Clock
  readonly timing?: Partial<KeepTiming>
}

export interface Mended {
  readonly network: string
  readonly text: string
  readonly atMs: number
}

/** What was seen last; while something is away, what was seen of it before. */
export interface ObservedNode extends Seen {
  /** Absent: the engine never answered. */
  readonly facts: EngineFacts | undefined
  /** Of the wanted state that the standings are of; 0: none. What was taken since is not seen yet. */
  readonly revision: number
  readonly usage: ReadonlyMap<string, ContainerUsage>
  readonly standings: readonly NetworkStatus[]
  readonly faults: readonly ReportedFault[]
}

export interface NodeKeeper {
  observed(): ObservedNode
  /** What was mended after this time, oldest first. */
  mendedSince(ms: number): readonly Mended[]
  /** Called when containers, standings or faults are not what they were. */
  onChange(listener: () => void): Unsubscribe
  /** Something else is wanted, or the node may be another one: look at that at once. */
  nudge(what: 'look' | 'facts'): void
  /** When its loop last turned, by `performance.now()`. */
  turnedAtMs(): number
  /** Returns when the signal is aborted; never throws. */
  run(signal: AbortSignal): Promise<void>
}

const NOTHING: ObservedNode = {
  facts: undefined,
  revision: 0,
  host: { links: [], routes: [] },
  networks: [],
  containers: [],
  isEngineSeen: false,
  usage: new Map(),
  standings: [],
  faults: [],
}

export function createNodeKeeper(deps: KeepNodeDeps): NodeKeeper {
  const { host, engine, memory, logger, now } = deps
  const timing = { ...KEEP_TIMING, ...deps.timing }
  const pacer = createPacer<'facts' | 'look' | 'containers' | 'usage'>()
  const changes = createListeners<void>(logger)
  let observed = NOTHING
  /** What an engine can make does not outlive the agent: it costs little to prove it again. */
  const proven = new Map<string, string>()
  let mended: readonly Mended[] = []
  let turnedAtMs = performance.now()

  const wanted = (): WantedState | undefined => {
    const nodeId = observed.facts?.nodeId
    return nodeId === undefined || nodeId === '' ? undefined : deps.wanted(nodeId)
  }

  const show = (next: Partial<ObservedNode>) => {
    const before = observed
    observed = { ...before, ...next }
    logChanges(logger, before, observed)
    const essence = ({ facts, isEngineSeen, containers, standings, faults }: ObservedNode) =>
      JSON.stringify([facts?.nodeId, isEngineSeen, containers, standings, faults])
    if (essence(before) !== essence(observed)) changes.tell()
  }

  const readFacts = async () => {
    try {
      const facts = await engine.facts()
      // What is wanted of the other is not wanted of this one.
      const isOther = observed.facts !== undefined && facts.nodeId !== observed.facts.nodeId
      if (isOther) pacer.ask('look', 0)
      show({ facts, ...(isOther && { revision: 0 }) })
    } catch (error) {
      // The look that follows meets the same engine, and reports it.
      logger.debug({ event: 'engine-facts-not-read', err: error }, 'the engine does not say what it is')
    }
  }

  const onStep = (network: string, step: NodeStep) => {
    const text = mendedBy(step)
    if (text === undefined) return
    mended = [...mended, { network, text, atMs: now() }].slice(-MOST_MENDED)
    logger.info({ event: 'network-mended', network }, text)
  }

  const look = async () => {
    const { networks = [], revision = 0 } = wanted() ?? {}
    const { fault, ...seen } = await lookAtNode(networks, observed, { host, engine, memory, proven, onStep })
    const standings = seen.standings.map((each) => withLostLinks(each, { ...seen, usage: observed.usage }))
    show({ ...seen, revision, standings, faults: [...(fault === undefined ? [] : [fault]), ...generalFaults()] })
  }

  const generalFaults = (): ReportedFault[] => {
    const kept = memory.fault()
    const faults = kept === undefined ? [] : [{ code: 'state-not-kept', message: kept }]
    if (observed.facts === undefined || observed.facts.nodeId !== '') return faults
    const message = `The engine at ${engine.address} is in no swarm (${observed.facts.swarmState}): run "docker swarm join" on this host.`
    return [...faults, { code: 'no-swarm', message }]
  }

  const seeContainers = async () => {
    try {
      const containers = await engine.containers(containerNetworks(observed.networks, wanted()?.networks ?? []))
      const attached = (name: string) => countAttached(name, { containers })
      show({ containers, standings: observed.standings.map((each) => ({ ...each, attached: attached(each.name) })) })
    } catch {
      pacer.ask('look', 0)
    }
  }

  const count = async () => {
    const tasks = observed.containers.filter(({ taskId, state }) => taskId !== undefined && state === 'running')
    observed = { ...observed, usage: await engine.usage(tasks.map(({ id }) => id)) }
    pacer.ask('usage', timing.usageEveryMs)
  }

  const onNews = (news: EngineNews) => {
    if (news === 'container') return pacer.ask('containers', timing.gatherMs)
    if (news === 'network') return pacer.ask('look', timing.gatherMs)
    if (news === 'connected') pacer.ask('facts', 0)
    pacer.ask('look', 0)
  }

  const turn = async (due: ReadonlySet<string>) => {
    if (due.has('facts')) {
      await readFacts()
      pacer.ask('facts', timing.factsEveryMs)
    }
    if (due.has('look')) {
      await look()
      pacer.ask('look', timing.lookEveryMs)
    } else if (due.has('containers')) await seeContainers()
    // Not waited for: an engine with many containers answers slowly.
    if (due.has('usage')) void count()
  }

  return {
    observed: () => observed,
    mendedSince: (ms) => mended.filter(({ atMs }) => atMs > ms),
    onChange: changes.add,
    nudge(what) {
      pacer.ask(what, 0)
    },
    turnedAtMs: () => turnedAtMs,
    async run(signal) {
      const stop = engine.onNews(onNews)
      for (const work of ['facts', 'look', 'usage'] as const) pacer.ask(work, 0)
      for (let due = await pacer.next(signal); due.size > 0; due = await pacer.next(signal)) {
        await turn(due)
        turnedAtMs = performance.now()
      }
      stop()
    },
  }
}

export interface Told {
  readonly standings: readonly NetworkStatus[]
  readonly faults: readonly ReportedFault[]
}

function logChanges(logger: Logger, before: Told, now: Told): void {
  const isAmong = (faults: readonly ReportedFault[], fault: ReportedFault) =>
    faults.some(({ code, message }) => code === fault.code && message === fault.message)
  for (const fault of now.faults) {
    if (!isAmong(before.faults, fault)) logger.warn({ event: 'agent-fault', code: fault.code }, fault.message)
  }
  for (const { code } of before.faults) {
    if (!now.faults.some((fault) => fault.code === code)) {
      logger.info({ event: 'agent-fault-over', code }, 'what kept the agent from its work is over')
    }
  }
  for (const status of now.standings) {
    const known = before.standings.find(({ name }) => name === status.name)
    const fields = { network: status.name }
    for (const fault of status.faults) {
      if (!isAmong(known?.faults ?? [], fault)) {
        logger.warn({ event: 'network-fault', ...fields, code: fault.code }, fault.message)
      }
    }
    if (status.isAsWanted && known?.isAsWanted !== true) {
      logger.info({ event: 'network-as-wanted', ...fields }, 'this node matches the definition of the network')
    }
  }
}

/** Which work is due when. One kind asked for twice is due once, at the earlier time. */
interface Pacer<Work extends string> {
  ask(work: Work, afterMs: number): void
  /** Waits until something is due, and hands out all that is. Empty when the signal is aborted. */
  next(signal: AbortSignal): Promise<ReadonlySet<Work>>
}

function createPacer<Work extends string>(): Pacer<Work> {
  const due = new Map<Work, number>()
  const { wake, pause } = createWakeableTimer()

  return {
    ask(work, afterMs) {
      const atMs = performance.now() + afterMs
      due.set(work, Math.min(due.get(work) ?? atMs, atMs))
      wake()
    },
    async next(signal) {
      while (!signal.aborted) {
        const nowMs = performance.now()
        const ripe = [...due].filter(([, atMs]) => atMs <= nowMs).map(([work]) => work)
        for (const work of ripe) due.delete(work)
        if (ripe.length > 0) return new Set(ripe)
        await pause(Math.min(...due.values()) - nowMs, signal)
      }
      return new Set()
    },
  }
}
