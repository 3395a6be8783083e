/**
 * A Swarm with ranges, small enough to be played through by a property: services, tasks, containers with addresses, and
 * controllers that see all of it late. Nothing happens by itself; every step is the test's.
 */

import { EMPTY_SHARED_STATE } from '../../../src/autoscaling/decision/shared-state.ts'
import type { AddressClaim, SharedState } from '../../../src/autoscaling/ports.ts'
import { createAddressCapacity } from '../../../src/bootstrap/capacity/address-capacity.ts'
import type { HeardReport } from '../../../src/swarm/node-report.ts'
import type { SwarmNode } from '../../../src/swarm/nodes.ts'
import type { Services } from '../../../src/swarm/ports.ts'
import type { ServiceChange, ServiceObservation } from '../../../src/swarm/services.ts'
import type { SwarmTask } from '../../../src/swarm/tasks.ts'
import { heardReport, NETWORK_ID, networkRecord, placement, swarmNetwork, swarmNode } from '../builders/addresses.ts'
import { observation } from '../builders/autoscaling.ts'
import { placeBatch } from './scheduler.ts'

interface Task {
  readonly id: string
  readonly serviceId: string
  readonly slot: number
  nodeId?: string
  wanted: 'running' | 'remove'
  state: 'pending' | 'assigned' | 'running' | 'shutdown'
}

export type Controller = ReturnType<ReturnType<typeof createWorld>['controller']>

export interface WorldOptions {
  /** Usable addresses of each node. */
  readonly ranges: readonly number[]
  readonly services: Readonly<Record<string, Partial<ServiceObservation>>>
  readonly managers: number
}

export function createWorld({ ranges, services: given, managers }: WorldOptions) {
  let nowMs = 1_767_225_600_000
  let lastTask = 0
  let failures = 0
  let shared: SharedState = EMPTY_SHARED_STATE
  const record = networkRecord(ranges)
  const nodes: SwarmNode[] = ranges.map((_, index) => swarmNode(index, { role: 'worker' }))
  const all = [
    ...nodes,
    ...Array.from({ length: managers }, (_, index) =>
      swarmNode(ranges.length + index, { role: 'manager', availability: 'drain' }),
    ),
  ]
  const truth = new Map<string, ServiceObservation>(
    Object.entries(given).map(([id, over]) => [
      id,
      observation({ id, name: id, replicas: 0, placement: placement(), ...over }),
    ]),
  )
  let tasks: Task[] = []
  const living = (serviceId: string) =>
    tasks.filter((task) => task.serviceId === serviceId && task.wanted === 'running' && task.state !== 'shutdown')
  const holding = (nodeId: string) => tasks.filter((task) => task.nodeId === nodeId && task.state === 'running')

  const put = (serviceId: string, replicas: number) => {
    const before = truth.get(serviceId)
    if (before === undefined) throw new Error(serviceId)
    truth.set(serviceId, { ...before, replicas, version: before.version + 1 })
  }

  const orchestrate = (serviceId: string, pick: number) => {
    const replicas = truth.get(serviceId)?.replicas ?? 0
    const alive = living(serviceId)
    const slots = new Set(alive.map(({ slot }) => slot))
    for (let slot = 1; slots.size < replicas; slot += 1) {
      if (slots.has(slot)) continue
      slots.add(slot)
      lastTask += 1
      tasks.push({ id: `task-${lastTask}`, serviceId, slot, wanted: 'running', state: 'pending' })
    }
    for (let left = alive.length - replicas; left > 0; left -= 1) {
      const [task] = alive.splice(pick % alive.length, 1)
      if (task !== undefined) task.wanted = 'remove'
    }
  }

  const schedule = (serviceId: string, most: number, noise: number) => {
    const waiting = living(serviceId).filter(({ nodeId }) => nodeId === undefined)
    const batch = waiting.slice(0, most)
    const models = nodes.map(({ id }, index) => ({
      id,
      count: living(serviceId).filter(({ nodeId }) => nodeId === id).length,
      total: (noise >> (index * 3)) % 8,
    }))
    const before = models.map(({ count }) => count)
    placeBatch(models, batch.length)
    for (const [index, { id, count }] of models.entries()) {
      for (const task of batch.splice(0, count - (before[index] ?? 0))) {
        task.nodeId = id
        task.state = 'assigned'
      }
    }
  }

  const start = (node: number) => {
    const nodeId = nodes[node % nodes.length]?.id ?? ''
    for (const task of tasks) {
      if (task.nodeId !== nodeId || task.state !== 'assigned') continue
      if (task.wanted === 'remove') {
        task.state = 'shutdown'
      } else if (holding(nodeId).length < (ranges[node % nodes.length] ?? 0)) {
        task.state = 'running'
      } else {
        task.state = 'shutdown'
        failures += 1
      }
    }
  }

  const stop = (node: number) => {
    const nodeId = nodes[node % nodes.length]?.id ?? ''
    for (const task of holding(nodeId)) if (task.wanted === 'remove') task.state = 'shutdown'
    tasks = tasks.filter(({ wanted, state }) => wanted === 'running' || state !== 'shutdown')
  }

  const controller = () => {
    const cache = new Map(truth)
    const listeners = new Set<(change: ServiceChange) => void>()
    const taskListeners = new Set<() => void>()
    const reports = new Map<string, HeardReport>()
    let list: readonly SwarmTask[] = []
    let readAtMs: number | undefined
    let seenShared = shared

    const show = (after: ServiceObservation) => {
      const before = cache.get(after.id)
      cache.set(after.id, after)
      for (const listener of listeners) listener({ id: after.id, before, after })
    }

    const services: Pick<Services, 'get' | 'list' | 'onChange'> = {
      get: (id) => cache.get(id),
      list: () => cache.values(),
      onChange(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
    const still = () => () => {}
    const capacity = createAddressCapacity({
      services,
      nodes: { list: () => all, get: (id) => all.find((node) => node.id === id), onChange: still },
      tasks: {
        list: () => list,
        readAtMs: () => readAtMs,
        onChange(listener) {
          taskListeners.add(listener)
          return () => taskListeners.delete(listener)
        },
      },
      records: { all: () => new Map([[record.definition.name, record]]), unreadable: () => new Map(), onChange: still },
      networks: { current: () => [swarmNetwork()], onChange: still },
      reports: { get: (id) => reports.get(id) },
      sharedState: {
        current: () => seenShared,
        // A compare-and-swap with re-reading: what commits was made of the newest.
        async update(change) {
          await Promise.resolve()
          shared = change(shared)
          seenShared = shared
        },
      },
      sync: () => ({ inSync: true, reason: '' }),
      now: () => nowMs,
    })

    const writing = (seen: ServiceObservation, to: number, claim: AddressClaim | undefined) => () => {
      if (truth.get(seen.id)?.version !== seen.version) {
        claim?.release()
        return
      }
      put(seen.id, to)
      // The new count at once, its version with the next read.
      if (cache.get(seen.id)?.version === seen.version) show({ ...seen, replicas: to })
    }

    return {
      capacity,
      readTasks() {
        readAtMs = nowMs
        list = tasks.map(({ id, serviceId, slot, nodeId, wanted, state }) => ({
          ...{ id, serviceId, slot, desiredState: wanted, state, networkIds: [NETWORK_ID] },
          ...(nodeId !== undefined && { nodeId }),
        }))
        for (const listener of taskListeners) listener()
      },
      hear(node: number) {
        const { id: nodeId } = nodes[node % nodes.length] ?? swarmNode(0)
        const containers = tasks
          .filter((task) => task.nodeId === nodeId && task.state === 'running')
          .map(({ id, serviceId }) => ({ taskId: id, serviceId, state: 'running' }))
        reports.set(nodeId, heardReport(node % nodes.length, containers, nowMs))
      },
      see(serviceId: string) {
        const newest = truth.get(serviceId)
        if (newest !== undefined) show(newest)
      },
      seeShared() {
        seenShared = shared
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
    failures: () => failures,
    replicasOf: (id: string) => truth.get(id)?.replicas ?? 0,
    runningOf: (id: string) => living(id).filter(({ state }) => state === 'running').length,
    services: [...truth.keys()],
    nodes: nodes.length,
    wait(ms: number) {
      nowMs += ms
    },
    ...{ orchestrate, schedule, start, stop, controller },
    scaleByHand: put,
  }
}
