/**
 * Asks the swarm's leader something small again and again: the one sign of life that needs a quorum. Without one the event
 * stream stays open and silent, `/info` says that all is well, and `/services` serves old data before it hangs.
 */
import { createFailureLog } from '../../../foundation/log-once.ts'
import type { Logger } from '../../../foundation/logger.ts'
import { pauseFor } from '../../../foundation/wakeable-timer.ts'
import { type Engine, parseBody } from '../engine/engine-connection.ts'
import { textAt } from '../engine/engine-json.ts'
import type { Timing } from '../engine/timing.ts'

export interface LeaderReadDeps {
  readonly engine: Engine
  readonly now: () => number
  readonly logger: Logger
  readonly timing: Pick<Timing, 'leaderReadEveryMs' | 'leaderReadTimeoutMs' | 'leaderRetryMs'>
  readonly signal: AbortSignal
  /** With the time the read started: what it proves holds of that moment. */
  readonly onSuccess: (startedAtMs: number) => void
  /** The Swarm's own id. */
  readonly onCluster: (id: string) => void
  readonly onFailure: (reason: string) => void
  /** How far the engine's clock is ahead of ours, ms; good to about half a second. */
  readonly onClockSkew: (skewMs: number) => void
}

const SKEW_WARNING_MS = 2_000

/** Returns when the signal is aborted; never throws. */
export async function keepReadingLeader(deps: LeaderReadDeps): Promise<void> {
  const { engine, now, logger, timing, signal } = deps
  const warnOnce = skewWarning(logger)
  const failures = createFailureLog((reason) => logger.warn({ event: 'leader-read-failed' }, reason))
  while (!signal.aborted) {
    const startedAtMs = now()
    const startedAt = performance.now()
    let pauseMs = timing.leaderRetryMs
    try {
      const timeoutMs = timing.leaderReadTimeoutMs
      const { body, engineTimeMs } = await engine.call({
        method: 'GET',
        path: '/swarm',
        endpoint: '/swarm',
        timeoutMs,
        signal,
      })
      const id = textAt(parseBody(body, 'GET /swarm'), 'ID')
      if (id !== undefined) deps.onCluster(id)
      const tookMs = performance.now() - startedAt
      pauseMs = timing.leaderReadEveryMs - tookMs
      failures.succeeded()
      if (engineTimeMs !== undefined) {
        // The header has whole seconds, cut off: half a second more is the best guess.
        const skewMs = engineTimeMs + 500 - (startedAtMs + tookMs / 2)
        warnOnce(skewMs)
        deps.onClockSkew(skewMs)
      }
      deps.onSuccess(startedAtMs)
    } catch (error) {
      if (signal.aborted) return
      deps.onFailure(failures.failed(error))
    }
    await pauseFor(Math.max(pauseMs, 0), signal)
  }
}

/** Warns when the clocks drift apart and says when they agree again, once each. */
function skewWarning(logger: Logger): (skewMs: number) => void {
  let apart = false
  return (skewMs) => {
    const now = Math.abs(skewMs) > SKEW_WARNING_MS
    if (now === apart) return
    apart = now
    const fields = { event: 'clock-skew', skewMs: Math.round(skewMs) }
    if (apart)
      logger.warn(fields, "the engine's clock and this one differ by more than 2 s: cooldowns may be off by as much")
    else logger.info(fields, "the engine's clock and this one agree again")
  }
}
