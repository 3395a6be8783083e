/** A request: what somebody asks of an autoscaler. */
import type { Direction, Step } from '../policy/policy.ts'

/** Who asks, for the record: `call`, `alert`, `orbiter`; corrections name themselves. */
export type Origin = 'call' | 'alert' | 'orbiter'

/** An idempotency key as remembered: never the key itself. */
export interface RequestKey {
  /** 64-bit hash of key and autoscaler, 11 base64url characters. */
  readonly hash: string
  /** 12-bit hash of what was asked (direction, by, count), 2 base64url characters: one key is one wish. */
  readonly wish: string
}

interface Asked {
  readonly origin: Origin
  readonly key?: RequestKey
  /** Free text of the caller, kept in the decision's reason and the log. */
  readonly note?: string
}

type RequestArgs = {
  /** One step up or down. */
  step: Asked & { readonly direction: Direction; readonly by?: Step }
  /** One step of an alert with `autoscaler.on-firing=repeat`: as `step`, and never more often than each 15 s. */
  standing: Asked & { readonly direction: Direction; readonly by?: Step }
  /** A count, clamped to the bounds; skips cooldown; works at 0. */
  set: Asked & { readonly replicas: number }
  /** Back to the count that ran before a deploy reset it. */
  restore: { readonly replicas: number }
  /** Back inside the bounds that a person wrote. */
  bounds: Record<never, never>
}

export type RequestKind = keyof RequestArgs
export type Request = { [K in RequestKind]: { readonly kind: K } & RequestArgs[K] }[RequestKind]

/** Corrections carry no key. */
export function keyOf(request: Request): RequestKey | undefined {
  return isCorrection(request) ? undefined : request.key
}

/** Who asks; corrections name themselves. */
export function causeOf(request: Request): Origin | 'set' | 'restore' | 'bounds' {
  return request.kind === 'step' || request.kind === 'standing' ? request.origin : request.kind
}

function isCorrection(request: Request): request is Extract<Request, { kind: 'restore' | 'bounds' }> {
  return request.kind === 'restore' || request.kind === 'bounds'
}
