/**
 * A Swarm with ranges, small enough to be played through by a property, and controllers that see all of it late. Nothing
 * happens by itself; every step is the test's.
 */

import type { AddressClaim } from '../../../../src/autoscaling/ports.ts'
import { createAddressCapacity } from '../../../../src/bootstrap/capacity/address-capacity.ts'
import type { HeardReport } from '../../../../src/swarm/node-report.ts'
import type { ServiceChange, ServiceObservation } from '../../../../src/swarm/services.ts'
import type { SwarmTask } from '../../../../src/swarm/tasks.ts'
import { heardReport, networkRecord, placement, swarmNetwork, swarmNode } from '../../../support/builders/addresses.ts'
import { NOW, observation } from '../../../support/builders/autoscaling.ts'
import { living, orchestrate, schedule, start, stop } from '../../../support/swarm/scheduler.ts'
import { createSwarm } from '../../../support/swarm/swarm.ts'

export type Controller = ReturnType<ReturnType<typeof createWorld>['controller']>

export interface WorldOptions {
  /** Usable addresses of each node. */
  readonly ranges: readonly number[]
  readonly services: Readonly<Record<string, Partial<ServiceObservation>>>
  readonly managers: number
  /** Where tasks are heard, the list is newer than what it is vouched for. */
  readonly newerByMs?: number
}

const still = () => () => {}

export function createWorld({ ranges, services: given, managers, newerByMs = 0 }: WorldOptions) {
  let nowMs = NOW
  let failures = 0
  const now = () => nowMs
  const swarm = createSwarm(now)
  const record = networkRecord(ranges)
  swarm.networks.set('vlan40', swarmNetwork())
  const nodes = ranges.map((_, index) => swarmNode(index, { role: 'worker' }))
  const manager = (index: number) => swarmNode(ranges.length + index, { role: 'manager', availability: 'drain' })
  for (const node of [...nodes, ...Array.from({ length: managers }, (_, index) => manager(index))]) swarm.putNode(node)
  for (const [id, over] of Object.entries(given)) {
    swarm.putService(id, observation({ id, name: id, replicas: 0, placement: placement(), ...over }))
  }
  const nodeOf = (at: number) => nodes[at % nodes.length]?.id ?? ''

  const controller = () => {
    const cache = new Map(swarm.services)
    const listeners = new Set<(change: ServiceChange) => void>()
    const taskListeners = new Set<() => void>()
    const reports = new Map<string, HeardReport>()
    let list: readonly SwarmTask[] = []
    const gone = new Set<string>()
    let readAtMs: number | undefined
    let seenShared = swarm.shared()

    const show = (after: ServiceObservation) => {
      const before = cache.get(after.id)
      cache.set(after.id, after)
      for (const listener of listeners) listener({ id: after.id, before, after })
    }

    const capacity = createAddressCapacity({
      services: {
        get: (id) => cache.get(id),
        list: () => cache.values(),
        onChange(listener) {
          listeners.add(listener)
          return () => listeners.delete(listener)
        },
      },
      nodes: { list: () => [...swarm.nodes.values()], get: (id) => swarm.nodes.get(id), onChange: still },
      tasks: {
        list: () => list,
        isGone: (id) => gone.has(id),
        readAtMs: () => readAtMs,
        onChange(listener) {
          taskListeners.add(listener)
          return () => taskListeners.delete(listener)
        },
      },
      records: { all: () => new Map([[record.definition.name, record]]), unreadable: () => new Map(), onChange: still },
      networks: { current: () => [...swarm.networks.values()], onChange: still },
      reports: { get: (id) => reports.get(id) },
      sharedState: {
        current: () => seenShared,
        // A compare-and-swap with re-reading: what commits was made of the newest.
        async update(change) {
          await Promise.resolve()
          swarm.changeShared(change)
          seenShared = swarm.shared()
        },
      },
      sync: () => ({ inSync: true, reason: '' }),
      now,
    })

    const writing = (seen: ServiceObservation, to: number, claim: AddressClaim | undefined) => () => {
      if (!swarm.writeService(seen.id, seen.version, { replicas: to })) {
        claim?.release()
        return
      }
      // The new count at once, its version with the next read.
      if (cache.get(seen.id)?.version === seen.version) show({ ...seen, replicas: to })
    }

    return {
      capacity,
      readTasks() {
        readAtMs = nowMs - newerByMs
        const before = list
        list = swarm.taskList()
        for (const { id } of before) if (!list.some((one) => one.id === id)) gone.add(id)
        for (const listener of taskListeners) listener()
      },
      hear(node: number) {
        const held = swarm.running(nodeOf(node))
        const containers = held.map(({ id, serviceId }) => ({ taskId: id, serviceId, state: 'running' }))
        reports.set(nodeOf(node), heardReport(node % nodes.length, containers, nowMs))
      },
      see(serviceId: string) {
        const newest = swarm.services.get(serviceId)
        if (newest !== undefined) show(newest)
      },
      seeShared() {
        seenShared = swarm.shared()
      },
      /** Decides and promises; the answer writes. */
      async begin(serviceId: string, wanted: number) {
        for (let tries = 0; tries < 5; tries += 1) {
          const seen = cache.get(serviceId)
          if (seen === undefined) throw new Error(serviceId)
          const ceiling = Math.max(capacity.ceilingOf(seen)?.ceiling ?? Number.MAX_SAFE_INTEGER, seen.replicas)
          const to = Math.min(wanted, ceiling)
          if (to === seen.replicas) return undefined
          const claim = to > seen.replicas ? capacity.claim(seen, to) : undefined
          if (claim !== undefined && !(await claim.granted)) continue
          return writing(seen, to, claim)
        }
        return undefined
      },
    }
  }

  return {
    controller,
    failures: () => failures,
    replicasOf: (id: string) => swarm.services.get(id)?.replicas ?? 0,
    runningOf: (id: string) => living(swarm, id).filter(({ state }) => state === 'running').length,
    services: [...swarm.services.keys()],
    nodes: nodes.length,
    wait(ms: number) {
      nowMs += ms
    },
    orchestrate: (serviceId: string, pick: number) => orchestrate(swarm, serviceId, pick),
    schedule: (serviceId: string, most: number, noise: number) => schedule(swarm, serviceId, most, noise),
    start(node: number) {
      failures += start(swarm, nodeOf(node), ranges[node % nodes.length]).failed
    },
    stop: (node: number) => stop(swarm, nodeOf(node)),
  }
}
