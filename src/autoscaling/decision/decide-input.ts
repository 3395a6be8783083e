/** What decide() is given. Pure data. */

import type { ServiceObservation } from '../../swarm/services.ts'
import type { Policy, PolicyReading } from '../policy/policy.ts'
import type { BoundsInForce } from '../policy/policy-at.ts'
import type { Capacity } from './limit-count.ts'
import type { Request } from './request.ts'
import type { Pause } from './shared-state.ts'
import type { ScalingState } from './state.ts'

export interface DecideInput {
  readonly reading: PolicyReading
  readonly observation: ServiceObservation
  readonly state: ScalingState | undefined
  /** Set by call, beside the policy's own. */
  readonly pause: Pause | undefined
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

/** The same with a policy that is known to be valid, and its bounds in force now. */
export type ValidInput = DecideInput & { readonly policy: Policy; readonly bounds: BoundsInForce }
