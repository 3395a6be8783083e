/**
 * The ports of the scaler over a Swarm in memory: versions, PreviousSpec and UpdateStatus as the engine keeps them,
 * and faults on demand. For tests of what the scaler does when things go wrong; the real engines are in test/e2e.
 */

import { EMPTY_SHARED_STATE, type SharedState } from '../../../src/autoscaling/decision/shared-state.ts'
import type { SharedStateStore } from '../../../src/autoscaling/ports.ts'
import { Fault } from '../../../src/foundation/errors.ts'
import type { CountWrite, Services } from '../../../src/swarm/ports.ts'
import type { ServiceChange } from '../../../src/swarm/services.ts'
import { type ServiceObservation, STATE_LABEL } from '../../../src/swarm/services.ts'
import type { SyncStatus } from '../../../src/swarm/sync.ts'
import type { WriteResult } from '../../../src/swarm/write-result.ts'
import { observation } from '../builders/autoscaling.ts'

/** What the next write meets instead of the engine. `late`: no answer, and in force when `thaw()` is called. */
export type WriteFault = 'conflict' | 'unsent' | 'lost-before' | 'lost-after' | 'late' | 'hang' | 'rejected'

export function createMemorySwarm(now: () => number) {
  const services = new Map<string, ServiceObservation>()
  const listeners = new Set<(change: ServiceChange) => void>()
  const faults: WriteFault[] = []
  const late: (() => void)[] = []
  let status: SyncStatus = { inSync: true, reason: '' }
  let shared: SharedState = EMPTY_SHARED_STATE
  let sharedFails = false
  let version = 100
  const calls = { writes: 0, refreshes: 0 }

  const put = (after: ServiceObservation) => {
    const before = services.get(after.id)
    services.set(after.id, after)
    for (const listener of listeners) listener({ id: after.id, before, after })
  }

  const change = (id: string, over: Partial<ServiceObservation>, keep: { previous?: boolean } = {}) => {
    const before = services.get(id)
    if (before === undefined) throw new Error(`no service ${id}`)
    const previous = {
      replicas: before.replicas,
      stateLabel: before.labels[STATE_LABEL],
      sameTemplate: true,
      sameButCount: false,
    }
    const { updateState: _, ...rest } = before
    version += 1
    put({ ...rest, ...(keep.previous ? {} : { previous }), ...over, version, firstSeenAtMs: now() })
  }

  const apply = ({ id, replicas, stateLabel, version: based }: CountWrite): boolean => {
    const service = services.get(id)
    if (service === undefined || service.version !== based) return false
    change(id, { replicas, labels: { ...service.labels, [STATE_LABEL]: stateLabel } })
    return true
  }

  const writeCount = async (write: CountWrite): Promise<WriteResult> => {
    calls.writes += 1
    const fault = faults.shift()
    await Promise.resolve()
    switch (fault) {
      case 'conflict':
        change(write.id, {}, { previous: true })
        return { kind: 'conflict' }
      case 'unsent':
        return { kind: 'unsent', message: 'connect ECONNREFUSED' }
      case 'rejected':
        return { kind: 'rejected', message: 'name conflicts' }
      case 'lost-before':
        return { kind: 'unknown', message: 'socket hang up' }
      case 'lost-after':
        apply(write)
        return { kind: 'unknown', message: 'socket hang up' }
      case 'late':
        late.push(() => apply(write))
        return { kind: 'unknown', message: 'timeout' }
      case 'hang':
        await new Promise<void>((resolve) => late.push(resolve))
        break
      case undefined:
        break
      default:
        return fault satisfies never
    }
    if (!services.has(write.id)) return { kind: 'gone' }
    return { kind: apply(write) ? 'committed' : 'conflict' }
  }

  const port: Services = {
    list: () => services.values(),
    get: (id) => services.get(id),
    sync: () => status,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    onSync: () => () => {},
    async refresh(id) {
      calls.refreshes += 1
      if (!status.inSync) throw new Fault('engine-unavailable', status.reason)
      return services.get(id)
    },
    writeCount,
  }

  const sharedState: SharedStateStore = {
    current: () => shared,
    onChange: () => () => {},
    async update(changeState) {
      if (sharedFails) throw new Fault('engine-unavailable', 'no engine')
      shared = changeState(shared)
    },
  }

  return {
    services: port,
    sharedState,
    calls,
    service: (id: string) => services.get(id),
    add: (over: Partial<ServiceObservation> = {}) => put(observation({ firstSeenAtMs: now(), ...over })),
    change,
    remove(id: string) {
      const before = services.get(id)
      services.delete(id)
      for (const listener of listeners) listener({ id, before, after: undefined })
    },
    failNextWrites: (...next: WriteFault[]) => faults.push(...next),
    thaw: () => {
      for (const resume of late.splice(0)) resume()
    },
    setSync(next: SyncStatus) {
      status = next
    },
    failSharedState(fails: boolean) {
      sharedFails = fails
    },
    shared: () => shared,
  }
}
