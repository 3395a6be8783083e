/** Decides a batch of requests and commits what it changes in one write; every caller gets its own answer. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../foundation/errors.ts'
import type { ServiceObservation } from '../../swarm/services.ts'
import type { WriteResult } from '../../swarm/write-result.ts'
import type { Verdict } from '../decision/decide.ts'
import type { Decision } from '../decision/decision.ts'
import { fold } from '../decision/fold.ts'
import { type Request, traitsOf } from '../decision/request.ts'
import { encodeState } from '../decision/state.ts'
import type { BoundPolicy } from '../policy/policies.ts'
import { type PendingRequest, writeUnknown } from './pending-request.ts'
import type { RestoreKeeper } from './restore-keeper.ts'
import type { UnknownWrite } from './unknown-write.ts'
import { capacityOf, effectiveState, type WriterContext } from './writer-context.ts'

const MAX_TRIES = 5
const JITTER_MS = 25

/** Without a `pending` one it is of a request source: nobody waits for the answer. */
interface BatchEntry {
  readonly request: Request
  readonly pending?: PendingRequest
}

export interface Committed {
  /** To be decided in another batch. */
  readonly postponed: readonly PendingRequest[]
  readonly wrote: boolean
  /** How often somebody else wrote first. */
  readonly conflicts: number
}

interface CommitterDeps {
  readonly context: WriterContext
  readonly unknownWrite: UnknownWrite
  readonly restores: RestoreKeeper
  /** What is due unasked for the service as it is. */
  readonly dueFor: (bound: BoundPolicy) => Request | undefined
}

/**
 * Decides what is due unasked, then what is asked, and answers all that wait but the postponed ones.
 * Throws Fault `engine-unavailable` or `conflicts-exhausted` when it could not read, or keep what a deploy erased.
 */
export function createCommitter({ context, unknownWrite, restores, dueFor }: CommitterDeps) {
  const { serviceId, services, policies, now, settings, newWriteId } = context
  /** The version last written on: after a write the cache shows the new count at once, but keeps this until it was read. */
  let writtenOn: number | undefined
  /** Of the next write: most that is decided is none. */
  let writeId = newWriteId()
  let lastUnasked = ''

  const foldOn = ({ observation, reading }: BoundPolicy, batch: readonly BatchEntry[]) => {
    const restore = restores.pending()
    const { pauses, pauseAll } = context.sharedState.current()
    return fold({
      reading,
      observation,
      state: effectiveState(observation, restore),
      pause: pauses.get(serviceId),
      pauseAll,
      writeUnknown: unknownWrite.pending(),
      dryRun: settings.dryRun,
      ...capacityOf(context, observation),
      dedupWindowMs: settings.dedupWindowMs,
      nowMs: now(),
      requests: batch.map(({ request }) => request),
      writeId,
    })
  }

  const growthOf = (observation: ServiceObservation, replicas: number) =>
    observation.placement !== undefined && replicas > observation.replicas
      ? context.capacity?.claim(observation, replicas)
      : undefined

  const deliver = async (batch: readonly BatchEntry[], verdicts: readonly (Verdict | Fault)[], startedMs: number) => {
    const tookMs = now() - startedMs
    const carriedOut: Promise<void>[] = []
    for (const [index, verdict] of verdicts.entries()) {
      const { request, pending } = batch[index] ?? {}
      if (request === undefined) continue
      if (verdict instanceof Fault) {
        pending?.reject(verdict)
        continue
      }
      const decision = context.log.named(verdict.decision)
      if (pending !== undefined || isNews(request, decision)) context.decided(decision, tookMs)
      carriedOut.push(restores.carriedOut(request, decision))
      pending?.resolve(decision)
    }
    await Promise.all(carriedOut)
  }

  /** What is asked unasked and waits is decided again and again: it is told only when its answer changes. */
  const isNews = (request: Request, { outcome, code, from, to }: Decision): boolean => {
    const told = [traitsOf(request).source, outcome, code, from, to].join()
    const isSame = told === lastUnasked && outcome !== 'scaled'
    lastUnasked = told
    return !isSame
  }

  const fail = (waiting: readonly PendingRequest[], fault: Fault): Committed => {
    for (const pending of waiting) pending.reject(fault)
    return { postponed: [], wrote: false, conflicts: 0 }
  }

  return async (waiting: readonly PendingRequest[]): Promise<Committed> => {
    const startedMs = now()
    for (let conflicts = 0; conflicts < MAX_TRIES; ) {
      const bound = policies.byId(serviceId)
      if (bound === undefined) return fail(waiting, new Fault('unknown-autoscaler', 'the service was removed'))
      if (!restores.noted(bound.observation)) {
        await restores.note(bound.observation, bound.reading.policy)
        continue
      }
      // Anew each time: a deploy may have come in between, or another controller have done what was due.
      const due = unasked(dueFor(bound), waiting)
      const batch = [...due, ...waiting.map((pending) => ({ request: pending.request, pending }))]
      if (batch.length === 0) return { postponed: [], wrote: false, conflicts }
      const { verdicts, write } = foldOn(bound, batch)
      const taken = batch.slice(0, verdicts.length)
      const postponed = pendingOf(batch.slice(verdicts.length))
      if (write === undefined) {
        await deliver(taken, verdicts, startedMs)
        return { postponed, wrote: false, conflicts }
      }
      const { version } = bound.observation
      if (version === writtenOn) {
        await services.refresh(serviceId)
        writtenOn = undefined
        continue
      }
      const growth = growthOf(bound.observation, write.replicas)
      if (growth !== undefined && !(await growth.granted)) {
        conflicts += 1
        continue
      }
      for (const pending of pendingOf(taken)) pending.sent = true
      const stateLabel = encodeState(write.state)
      const result = await services.writeCount({ id: serviceId, version, replicas: write.replicas, stateLabel })
      // Only now: chance takes a while, and callers wait for the write.
      writeId = newWriteId()
      context.listener.wrote(bound.observation.name, result.kind)
      if (result.kind === 'committed') {
        writtenOn = version
        await deliver(taken, verdicts, startedMs)
        return { postponed, wrote: true, conflicts }
      }
      if (result.kind !== 'unknown') growth?.release()
      if (result.kind !== 'conflict') {
        if (result.kind === 'unknown') unknownWrite.begin({ writeId: write.state.writeId, version })
        return fail(waiting, writeFault(result))
      }
      for (const pending of pendingOf(taken)) pending.sent = false
      await sleep(Math.random() * JITTER_MS * conflicts)
      conflicts += 1
      await services.refresh(serviceId)
    }
    const detail = `others changed the service at the same time, ${MAX_TRIES} times in a row; nothing was changed for this call`
    return fail(waiting, new Fault('conflicts-exhausted', detail, { retryAfterMs: 1000 }))
  }
}

/** What a caller asks in the place of a source, the source does not ask: a notification asks for its alert's first step itself. */
function unasked(due: Request | undefined, waiting: readonly PendingRequest[]): readonly BatchEntry[] {
  if (due === undefined) return []
  const { source } = traitsOf(due)
  return waiting.some(({ request }) => traitsOf(request).source === source) ? [] : [{ request: due }]
}

const pendingOf = (batch: readonly BatchEntry[]): PendingRequest[] => batch.flatMap(({ pending }) => pending ?? [])

function writeFault(result: Exclude<WriteResult, { kind: 'committed' | 'conflict' }>): Fault {
  switch (result.kind) {
    case 'gone':
      return new Fault('unknown-autoscaler', 'the service was removed')
    case 'rejected':
      return new Fault('write-rejected', `the engine refuses the write: ${result.message}`)
    case 'unsent':
      return new Fault('engine-unavailable', `the engine cannot be reached: ${result.message}`, { retryAfterMs: 2000 })
    case 'unknown':
      return writeUnknown(result.message)
    default:
      return result satisfies never
  }
}
