/** Which of several controllers writes to Consul: the one whose session holds the lock, while it can read the Swarm. */
import { createFailureLog } from '../../foundation/log-once.ts'
import type { Logger } from '../../foundation/logger.ts'
import { createWakeableTimer } from '../../foundation/wakeable-timer.ts'
import type { ConsulLock } from '../ports.ts'

export interface Writer {
  /** Of the lock; absent: somebody else writes, or nobody. */
  session(): string | undefined
  /** Consul says that the session does not hold the lock. */
  lost(): void
  /** Consul was away, and may have forgotten the session: it is asked at once. */
  doubt(): void
  /** Why the lock cannot be asked for; empty: it can. */
  fault(): string
  /** Gives the lock up and returns when the signal is aborted; never throws. */
  run(signal: AbortSignal): Promise<void>
}

export interface WriterDeps {
  readonly lock: ConsulLock
  /** Whether what this controller knows may be written at all. */
  readonly mayWrite: () => boolean
  readonly onChange: () => void
  readonly logger: Logger
  readonly timing?: Partial<typeof WRITER_TIMING>
}

/** Consul keeps a session for twice its 10 s after it was renewed. */
const WRITER_TIMING = { renewEveryMs: 7_000, lookEveryMs: 250, takeEveryMs: 100, retryMs: 500 }

export function createWriter({ lock, mayWrite, onChange, logger, ...rest }: WriterDeps): Writer {
  const timing = { ...WRITER_TIMING, ...rest.timing }
  let session: { readonly id: string; renewedAt: number } | undefined
  let isHeld = false
  const failures = createFailureLog((reason) => logger.warn({ event: 'consul-unavailable' }, reason))
  const timer = createWakeableTimer()

  const hold = (next: boolean) => {
    if (next === isHeld) return
    isHeld = next
    if (next) logger.info({ event: 'consul-writer' }, 'this controller writes to Consul from now on')
    else logger.info({ event: 'consul-writer-over' }, 'this controller no longer writes to Consul')
    onChange()
  }

  /** A session of ours that Consul still knows. */
  const opened = async (): Promise<string> => {
    if (session !== undefined && performance.now() - session.renewedAt > timing.renewEveryMs) {
      const renewedAt = performance.now()
      if (await lock.renew(session.id)) session.renewedAt = renewedAt
      else forget()
    }
    session ??= { renewedAt: performance.now(), id: await lock.open() }
    return session.id
  }

  const forget = () => {
    session = undefined
    hold(false)
  }

  const doubt = () => {
    if (session !== undefined) session.renewedAt = Number.NEGATIVE_INFINITY
  }

  const giveUp = async () => {
    const given = session?.id
    forget()
    // What cannot be given up ends by itself.
    if (given !== undefined) await lock.giveUp(given)
  }

  const whenFree = async (signal: AbortSignal): Promise<boolean> => {
    let index: string | undefined
    while (!signal.aborted && mayWrite()) {
      const answer = await lock.watch(index, signal)
      if (answer.isFree) return true
      // An index that went back says that the catalog was recreated.
      index = Number(answer.index) < Number(index ?? 0) ? undefined : answer.index
    }
    return false
  }

  const turn = async (signal: AbortSignal) => {
    if (!mayWrite()) {
      await giveUp()
      await timer.pause(timing.lookEveryMs, signal)
      return
    }
    if (isHeld) {
      await opened()
      if (isHeld) await timer.pause(timing.lookEveryMs, signal)
      return
    }
    if (!(await whenFree(signal)) || !mayWrite()) return
    if (await lock.take(await opened())) hold(true)
    else {
      // For want of a session that Consul knows, or somebody else's died a moment ago.
      doubt()
      await timer.pause(timing.takeEveryMs, signal)
    }
  }

  return {
    session: () => (isHeld ? session?.id : undefined),
    lost: forget,
    doubt,
    fault: failures.reason,
    async run(signal) {
      while (!signal.aborted) {
        try {
          await turn(signal)
          failures.succeeded()
        } catch (error) {
          if (signal.aborted) break
          failures.failed(error)
          doubt()
          // Nobody can say whether it is still held: Consul itself refuses the writes of one that is not.
          await timer.pause(timing.retryMs, signal)
        }
      }
      await giveUp().catch((error: unknown) => {
        logger.debug({ event: 'consul-lock-not-given-up', err: error }, 'the lock ends with its session')
      })
    },
  }
}
