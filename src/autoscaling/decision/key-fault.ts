/** An idempotency key that was used for another wish. Pure. */
import { Fault } from '../../foundation/errors.ts'
import { recall } from './recent-keys.ts'
import type { Request } from './request.ts'
import type { ScalingState } from './state.ts'

export function keyFault(
  { key }: Request,
  state: ScalingState | undefined,
  at: { readonly nowMs: number; readonly dedupWindowMs: number },
): Fault | undefined {
  if (key === undefined) return undefined
  const known = recall(state?.keys ?? [], key, { nowMs: at.nowMs, windowMs: at.dedupWindowMs })
  if (known.kind !== 'reused') return undefined
  return new Fault('key-reused', 'this Idempotency-Key was used for another request; use a new key for a new wish')
}
