/** What decide() is given, and from the wanted count to the allowed one. Pure. */
import type { ServiceObservation } from '../../swarm/services.ts'
import type { Policy, PolicyReading } from '../policy/policy.ts'
import type { Bounds, BoundsInForce } from '../policy/policy-at.ts'
import type { Limit } from './decision.ts'
import type { Request } from './request.ts'
import type { Pause } from './shared-state.ts'
import type { ScalingState } from './state.ts'

export interface DecideInput {
  readonly reading: PolicyReading
  readonly observation: ServiceObservation
  readonly state: ScalingState | undefined
  /** Set by call, beside the policy's own. */
  readonly pause: Pause | undefined
  /** Of everything. */
  readonly pauseAll?: Pause | undefined
  /** How many replicas the networks can address; absent: no limit known. */
  readonly capacity?: Capacity
  /** Why Swarm cannot place or keep alive the tasks there are; absent: it can, or nobody knows. */
  readonly unplaceable?: string
  /** A write whose answer never came is still unresolved. */
  readonly writeUnknown: boolean
  /** Dry run for every service of this controller. */
  readonly dryRun: boolean
  /** How long idempotency keys are remembered. */
  readonly dedupWindowMs: number
  readonly request: Request
  readonly nowMs: number
}

/** The same with a policy that is known to be valid, and its bounds now. */
export type ValidInput = DecideInput & { readonly policy: Policy; readonly bounds: BoundsInForce }

/** How many replicas can be addressed, and why no more. */
export interface Capacity {
  readonly ceiling: number
  readonly reason: string
}

export function limitCount(
  wanted: number,
  current: number,
  bounds: Bounds,
  capacity: Capacity | undefined,
): { readonly to: number; readonly limits: readonly Limit[] } {
  const limits: Limit[] = []
  let to = wanted
  const limit = (stage: Limit['stage'], after: number, reason: string) => {
    limits.push({ stage, before: to, after, reason })
    to = after
  }
  if (to < bounds.min) limit('min', bounds.min, `min is ${bounds.min}`)
  const max = highest(current, bounds)
  if (to > max.count) limit('max', max.count, max.reason)
  if (capacity !== undefined) {
    // A ceiling never takes away what runs already.
    const ceiling = Math.max(capacity.ceiling, current)
    if (to > ceiling) limit('capacity', ceiling, capacity.reason)
  }
  return { to, limits }
}

/** A max that nobody wrote limits growth only: it never pulls down what already runs. */
function highest(current: number, { max, maxWritten }: Bounds): { count: number; reason: string } {
  if (max === null) return { count: current, reason: 'no max is set, so the count does not grow' }
  if (maxWritten || current <= max) return { count: max, reason: `max is ${max}` }
  return { count: current, reason: `max is ${max} by default: ${current} stays and does not grow` }
}
