/**
 * A Swarm in memory, the one that every test without an engine plays on: services, nodes, tasks, networks and our configs,
 * with versions of one log. Writes compare them as the Swarm does. Nothing happens by itself: `scheduler.ts` places and
 * starts tasks, `services.ts` has the scaler's ports over it; agents and the ports of networks are beside their tests, in
 * test/unit/bootstrap/model.
 */

import { EMPTY_SHARED_STATE, type SharedState } from '../../../src/autoscaling/decision/shared-state.ts'
import type { NetworkRecord } from '../../../src/bootstrap/record/record.ts'
import { recordCodec } from '../../../src/bootstrap/record/record-codec.ts'
import type { EngineNetwork } from '../../../src/swarm/networks.ts'
import type { SwarmNode } from '../../../src/swarm/nodes.ts'
import type { NodeWrite } from '../../../src/swarm/ports.ts'
import { type ServiceChange, type ServiceObservation, STATE_LABEL } from '../../../src/swarm/services.ts'
import type { SwarmTask } from '../../../src/swarm/tasks.ts'

export interface ModelTask {
  readonly id: string
  readonly serviceId: string
  readonly slot: number
  /** Names of swarm networks; a task is known to nobody until they are there. */
  readonly networks: readonly string[]
  nodeId?: string | undefined
  wanted: 'running' | 'remove'
  state: 'pending' | 'assigned' | 'running' | 'shutdown'
}

export type Swarm = ReturnType<typeof createSwarm>

export function createSwarm(now: () => number) {
  let index = 100
  let recordRevision = 0
  let shared: SharedState = EMPTY_SHARED_STATE
  const services = new Map<string, ServiceObservation>()
  const nodes = new Map<string, SwarmNode>()
  const tasks: ModelTask[] = []
  /** Swarm networks, by name. */
  const networks = new Map<string, EngineNetwork>()
  const records = new Map<string, { record: NetworkRecord; version: number }>()
  const listeners = new Set<(change: ServiceChange) => void>()

  const nextIndex = () => {
    index += 1
    return index
  }

  const putService = (id: string, after: ServiceObservation | undefined) => {
    const before = services.get(id)
    if (after === undefined) services.delete(id)
    else services.set(id, after)
    for (const listener of listeners) listener({ id, before, after })
  }

  /** A new version: what was before becomes the previous spec, and the update's state is cleared. */
  const changeService = (id: string, over: Partial<ServiceObservation>, keep: { previous?: boolean } = {}) => {
    const before = services.get(id)
    if (before === undefined) throw new Error(`no service ${id}`)
    const { updateState: _, ...rest } = before
    const stateLabel = before.labels[STATE_LABEL]
    const previous = { replicas: before.replicas, stateLabel, sameTemplate: true, sameButCount: false }
    const version = nextIndex()
    putService(id, { ...rest, ...(keep.previous ? {} : { previous }), ...over, version, firstSeenAtMs: now() })
  }

  const putNode = (node: Omit<SwarmNode, 'version'>) => void nodes.set(node.id, { ...node, version: nextIndex() })

  const same = (one: NetworkRecord | undefined, other: NetworkRecord | undefined) =>
    JSON.stringify(one && recordCodec.encode(one, {})) === JSON.stringify(other && recordCodec.encode(other, {}))

  return {
    ...{ services, nodes, tasks, networks, records, nextIndex, putService, changeService, putNode },
    /** The highest version that a record ever had. */
    recordRevision: () => recordRevision,
    onService(listener: (change: ServiceChange) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    /** False: somebody wrote first, or it is gone. */
    writeService(id: string, basedOn: number, over: Partial<ServiceObservation>): boolean {
      if (services.get(id)?.version !== basedOn) return false
      changeService(id, over)
      return true
    },
    writeNode({ id, version, labels = {}, availability }: NodeWrite): boolean {
      const node = nodes.get(id)
      if (node?.version !== version) return false
      const next = Object.entries({ ...node.labels, ...labels }).filter(([, value]) => value !== null)
      putNode({
        ...node,
        labels: Object.fromEntries(next) as Record<string, string>,
        availability: availability ?? node.availability,
      })
      return true
    },
    /** What is written is what is read. `undefined` removes it, or says that there was none. */
    writeRecord(name: string, basis: NetworkRecord | undefined, next: NetworkRecord | undefined): boolean {
      if (!same(records.get(name)?.record, basis)) return false
      if (next === undefined) return records.delete(name)
      const record = recordCodec.decode(recordCodec.encode(next, {}))
      if ('unreadable' in record) throw new Error(record.unreadable)
      recordRevision = nextIndex()
      records.set(name, { record, version: recordRevision })
      return true
    },
    shared: () => shared,
    changeShared(change: (state: SharedState) => SharedState) {
      shared = change(shared)
    },
    /** As a manager lists them. */
    taskList: (): SwarmTask[] =>
      tasks.flatMap(({ id, serviceId, slot, nodeId, wanted, state, networks: names }) => {
        const networkIds = names.flatMap((name) => networks.get(name)?.id ?? [])
        const task = { id, serviceId, slot, desiredState: wanted, state, networkIds }
        return networkIds.length < names.length ? [] : [nodeId === undefined ? task : { ...task, nodeId }]
      }),
    /** Those that hold an address. */
    running: (nodeId: string, network?: string) =>
      tasks.filter(
        (task) =>
          task.nodeId === nodeId &&
          task.state === 'running' &&
          (network === undefined || task.networks.includes(network)),
      ),
  }
}
