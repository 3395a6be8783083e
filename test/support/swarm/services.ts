/** The ports of the scaler over a Swarm in memory, with faults on demand; the real engines are in test/e2e. */

import type { SharedStateStore } from '../../../src/autoscaling/ports.ts'
import { Fault } from '../../../src/foundation/errors.ts'
import type { CountWrite, Services } from '../../../src/swarm/ports.ts'
import { type ServiceObservation, STATE_LABEL } from '../../../src/swarm/services.ts'
import type { SyncStatus } from '../../../src/swarm/sync.ts'
import type { WriteResult } from '../../../src/swarm/write-result.ts'
import { observation } from '../builders/autoscaling.ts'
import { createSwarm } from './swarm.ts'

/** What the next write meets instead of the engine. `late`: no answer, and effective when `thaw()` is called. */
export type WriteFault = 'conflict' | 'unsent' | 'lost-before' | 'lost-after' | 'late' | 'hang' | 'rejected'

export function createMemorySwarm(now: () => number) {
  const swarm = createSwarm(now)
  const faults: WriteFault[] = []
  const late: (() => void)[] = []
  let status: SyncStatus = { inSync: true, reason: '' }
  let sharedFails = false
  const calls = { writes: 0, refreshes: 0 }

  const apply = ({ id, replicas, stateLabel, version }: CountWrite): boolean =>
    swarm.writeService(id, version, {
      replicas,
      labels: { ...swarm.services.get(id)?.labels, [STATE_LABEL]: stateLabel },
    })

  const writeCount = async (write: CountWrite): Promise<WriteResult> => {
    calls.writes += 1
    const fault = faults.shift()
    await Promise.resolve()
    switch (fault) {
      case 'conflict':
        swarm.changeService(write.id, {}, { previous: true })
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
    if (!swarm.services.has(write.id)) return { kind: 'gone' }
    return { kind: apply(write) ? 'committed' : 'conflict' }
  }

  const services: Services = {
    list: () => swarm.services.values(),
    get: (id) => swarm.services.get(id),
    sync: () => status,
    onChange: swarm.onService,
    onSync: () => () => {},
    async refresh(id) {
      calls.refreshes += 1
      if (!status.inSync) throw new Fault('engine-unavailable', status.reason)
      return swarm.services.get(id)
    },
    writeCount,
  }

  const sharedState: SharedStateStore = {
    current: swarm.shared,
    onChange: () => () => {},
    async update(change) {
      if (sharedFails) throw new Fault('engine-unavailable', 'no engine')
      swarm.changeShared(change)
    },
  }

  return {
    ...{ services, sharedState, calls, shared: swarm.shared, change: swarm.changeService },
    service: (id: string) => swarm.services.get(id),
    add(over: Partial<ServiceObservation> = {}) {
      const added = observation({ firstSeenAtMs: now(), ...over })
      swarm.putService(added.id, added)
    },
    remove: (id: string) => swarm.putService(id, undefined),
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
  }
}
