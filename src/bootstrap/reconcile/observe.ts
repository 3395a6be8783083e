/** What a plan is made from, put together from one manager's engine, the definitions and the agents. */

import type { Clock } from '../../foundation/clock.ts'
import { Fault } from '../../foundation/errors.ts'
import type { Unsubscribe } from '../../foundation/listeners.ts'
import type { AgentReports, Nodes, SwarmNetworks, Tasks } from '../../swarm/ports.ts'
import { planCluster } from '../plan/plan.ts'
import type { ClusterPlan, Observed, PlanOptions, ServiceUse } from '../plan/words.ts'
import type { Definitions, Records } from '../ports.ts'
import type { NetworkRecord } from '../record/record.ts'

export interface BootstrapSwarm {
  readonly nodes: Nodes
  readonly tasks: Pick<Tasks, 'list' | 'readAtMs' | 'onChange' | 'refresh'>
  readonly networks: SwarmNetworks
  readonly records: Records
  /** Services that name networks, from the cache. */
  readonly serviceUses: () => readonly ServiceUse[]
  /** From the cache. */
  readonly serviceName: (id: string) => string | undefined
}

export interface ObserverDeps {
  readonly swarm: BootstrapSwarm
  readonly definitions: Pick<Definitions, 'current'>
  readonly reports: Pick<AgentReports, 'list'>
  readonly now: Clock
}

export interface Observer {
  /** Throws Fault `not-in-sync` or `engine-unavailable`. */
  observe(): Promise<Observed>
  /** Of what is observed now. Throws as `observe`. */
  plan(wish: Omit<PlanOptions, 'nowMs'>): Promise<ClusterPlan>
}

/** Calls `wake` when what a plan is made from has changed in the Swarm. */
export function onSwarmChange(
  { nodes, tasks, records, networks }: BootstrapSwarm,
  wake: () => void,
  areTasksNews: () => boolean = () => true,
): Unsubscribe {
  const stops = [nodes, records, networks].map((source) => source.onChange(wake))
  stops.push(tasks.onChange(() => areTasksNews() && wake()))
  return () => {
    for (const stop of stops) stop()
  }
}

/** A list older than this says nothing of now. */
const TASKS_FRESH_MS = 5_000

export function createObserver({ swarm, definitions, reports, now }: ObserverDeps): Observer {
  const { nodes, tasks, networks, records } = swarm

  const observe = async (): Promise<Observed> => {
    const { inSync, reason } = nodes.sync()
    if (!inSync) throw new Fault('not-in-sync', reason, { retryAfterMs: 2000 })
    const all = records.all()
    // Of before the tasks: a node that is drained here is drained when they are read.
    const seen = nodes.list()
    if ([...all.values()].some(dependsOnTasks)) await tasks.refresh()
    const readAtMs = tasks.readAtMs()
    const isFresh = readAtMs !== undefined && now() - readAtMs < TASKS_FRESH_MS
    return {
      records: all,
      revisions: revisionsOf(all, records.revisionOf),
      unreadable: records.unreadable(),
      nodes: seen,
      reports: reports.list(),
      networks: networks.current(),
      engine: await networks.engine(),
      tasks: tasks.list(),
      ...(isFresh ? { tasksReadAtMs: readAtMs } : {}),
      serviceName: swarm.serviceName,
    }
  }

  return {
    observe,
    async plan(wish) {
      const observed = await observe()
      return planCluster({ wanted: definitions.current(), observed, options: { ...wish, nowMs: now() } })
    },
  }
}

/** What ends tasks, or waits for their end, asks anew. */
const dependsOnTasks = ({ phase, allocations }: NetworkRecord): boolean =>
  phase === 'removing' || [...allocations.values()].some(({ change }) => change !== undefined)

function revisionsOf(
  records: ReadonlyMap<string, NetworkRecord>,
  revisionOf: (name: string) => number | undefined,
): ReadonlyMap<string, number> {
  const known = [...records.keys()].flatMap((name) => {
    const revision = revisionOf(name)
    return revision === undefined ? [] : [[name, revision] as const]
  })
  return new Map(known)
}
