/** One caller waiting for its answer, with the patience that a caller can be expected to have. */

import { Fault } from '../../foundation/errors.ts'
import type { Decision } from '../decision/decision.ts'
import type { Request } from '../decision/request.ts'

export interface PendingRequest {
  readonly request: Request
  readonly answer: Promise<Decision>
  resolve(decision: Decision): void
  reject(fault: Fault): void
  /** The request is part of a write that was sent, so running out of patience means: unknown. */
  sent: boolean
}

/** `onGivenUp` is called when the patience ends before an answer. */
export function createPendingRequest(
  request: Request,
  patienceMs: number,
  onGivenUp: (pending: PendingRequest) => void,
): PendingRequest {
  let settle: { resolve(decision: Decision): void; reject(fault: Fault): void } | undefined
  const answer = new Promise<Decision>((resolve, reject) => {
    settle = { resolve, reject }
  })
  const timer = setTimeout(() => {
    onGivenUp(pending)
    pending.reject(givenUp(pending.sent))
  }, patienceMs)
  const pending: PendingRequest = {
    request,
    answer,
    sent: false,
    resolve(decision) {
      clearTimeout(timer)
      settle?.resolve(decision)
    },
    reject(fault) {
      clearTimeout(timer)
      settle?.reject(fault)
    },
  }
  return pending
}

function givenUp(sent: boolean): Fault {
  if (sent) return writeUnknown()
  const detail = 'the engine did not take the write in time; nothing was changed for this call'
  return new Fault('engine-unavailable', detail, { retryAfterMs: 1000 })
}

export function writeUnknown(cause?: string): Fault {
  const why = cause === undefined ? '' : ` (${cause})`
  const detail = `the engine has not answered the write${why}: it may take effect, now or later`
  return new Fault('write-unknown', `${detail}; repeat the call with the same Idempotency-Key: it will be one step`, {
    retryAfterMs: 1000,
  })
}
