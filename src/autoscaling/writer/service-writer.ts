/**
 * The one writer of one service. Requests queue here; whatever arrives while a write is under way is decided together
 * and committed in the next one (fold.ts). Every write is a compare-and-swap on the version that was decided on:
 *
 *   decide on the cache -> write -> committed
 *                                 | conflict: read again, decide again, 5 times at most
 *                                 | unknown: nothing more is written until a read shows what became of it
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../foundation/errors.ts'
import { notInSync } from '../../swarm/sync.ts'
import { ALERT_PATIENCE_MS } from '../alerts/alert-state.ts'
import type { Decision } from '../decision/decision.ts'
import { causeOf, type Request } from '../decision/request.ts'
import { dueRequest } from '../decision/request-source.ts'
import type { BoundPolicy } from '../policy/policies.ts'
import { createCommitter } from './commit.ts'
import { createPendingRequest, type PendingRequest } from './pending-request.ts'
import { createRestoreKeeper } from './restore-keeper.ts'
import { createUnknownWrite } from './unknown-write.ts'
import { effectiveState, type WriterContext } from './writer-context.ts'

const RESOLVE_POLL_MS = 100
/** While callers come faster than writes are made: how long to gather them, how often, and how much longer after a conflict. */
const GATHER_MS = 25
const GATHER_ROUNDS = 5
const YIELD_MS = 50

export interface ServiceWriter {
  /** Throws the Faults of `Scaler.request`. */
  submit(request: Request): Promise<Decision>
  /** Looks at the service as it is now and does what is due unasked. */
  wake(): void
  writeUnknown(): boolean
  /** Resolves when nothing is queued or under way. */
  idle(): Promise<void>
}

export function createServiceWriter(context: WriterContext): ServiceWriter {
  const { serviceId, services, logger, now, settings } = context
  const queue: PendingRequest[] = []
  const unknownWrite = createUnknownWrite(context)
  const restores = createRestoreKeeper(context)

  const dueFor = ({ observation, reading }: BoundPolicy): Request | undefined => {
    if (!reading.optedIn) return undefined
    const state = effectiveState(observation, restores.pending())
    const bound = { observation, policy: reading.policy, state, countSeenAtMs: restores.countSeenAtMs() }
    return dueRequest(context.sources, bound, now())
  }

  const commit = createCommitter({ context, unknownWrite, restores, dueFor })
  let running = Promise.resolve()
  let busy = false
  let woken = false

  const rejectAll = (fault: Fault) => {
    for (const pending of queue.splice(0)) pending.reject(fault)
  }

  const round = async () => {
    const sync = services.sync()
    if (!sync.inSync) return rejectAll(notInSync(sync))
    if (!(await unknownWrite.settle())) {
      // Callers wait here until their patience ends; without any, the next wake tries again.
      if (queue.length > 0) await sleep(RESOLVE_POLL_MS)
      return
    }
    const { postponed, wrote, conflicts } = await commitOrFail(queue.splice(0))
    queue.unshift(...postponed)
    if (wrote) await gather(conflicts)
  }

  /** Waits while more and more callers queue: one write can carry them all. A caller that comes alone never waits. */
  const gather = async (conflicts: number) => {
    // What arrived during the write is in the process, but not in the queue yet.
    await nextTurn()
    let before = 0
    for (let turn = 0; turn < GATHER_ROUNDS && queue.length > before; turn += 1) {
      before = queue.length
      // Random, so that two controllers with much to do do not meet each time.
      await sleep(GATHER_MS + Math.random() * (conflicts > 0 ? YIELD_MS : GATHER_MS))
    }
  }

  const commitOrFail = async (waiting: readonly PendingRequest[]) => {
    try {
      return await commit(waiting)
    } catch (error) {
      for (const pending of waiting) pending.reject(faultFrom(error))
      throw error
    }
  }

  /** `busy` ends in the same turn as the last look at the queue, so that nothing queued then is left lying. */
  const run = async () => {
    busy = true
    while (woken || queue.length > 0) {
      woken = false
      try {
        await round()
      } catch (error) {
        logger.error({ event: 'lane-failed', serviceId, err: error }, 'scaling failed')
        rejectAll(faultFrom(error))
      }
    }
    busy = false
  }

  const start = () => {
    if (!busy) running = run()
  }

  return {
    submit(request) {
      const patienceMs =
        causeOf(request) === 'alert' ? Math.min(ALERT_PATIENCE_MS, settings.patienceMs) : settings.patienceMs
      const pending = createPendingRequest(request, patienceMs, (givenUp) => {
        const at = queue.indexOf(givenUp)
        if (at >= 0) queue.splice(at, 1)
      })
      queue.push(pending)
      start()
      return pending.answer
    },
    wake() {
      woken = true
      start()
    },
    writeUnknown: unknownWrite.pending,
    idle: async () => await running,
  }
}

function faultFrom(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault('engine-unavailable', 'internal error', { cause: error })
}
