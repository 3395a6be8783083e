/** A request: what somebody asks of an autoscaler, and how it is to be judged. */
import type { Direction, Step } from '../policy/policy.ts'

/** Who asks, for the record. */
export type Origin = 'call' | 'alert' | 'orbiter'

/** An idempotency key as remembered: never the key itself. */
export interface RequestKey {
  /** 64-bit hash of key and autoscaler, 11 base64url characters. */
  readonly hash: string
  /** 12-bit hash of what was asked (direction, by, count), 2 base64url characters: one key is one wish. */
  readonly wish: string
  /** How long it is remembered, where that is longer than the window of all keys. */
  readonly keepMs?: number
}

/** What deciding and writing ask of a request, instead of its kind or who made it. */
export interface Traits {
  /** It waits for the cooldown of its direction, which is `leastMs` at least; absent: it does not wait. */
  readonly cooldown?: { readonly leastMs: number }
  /** It may write at a count of 0 below min, which somebody set by hand. */
  readonly endsMaintenance: boolean
  /** It waits until no update or rollback runs or is paused. */
  readonly waitsForRollout: boolean
  /** With `autoscaler.unschedulable=hold` its growth waits while Swarm cannot place the tasks there are. */
  readonly waitsForPlacement: boolean
  /** The tick of the clock that it belongs to, ms since the epoch: of several controllers one acts on it. */
  readonly tickMs?: number
  /** The request source that it is of: what a caller asks in its place is not asked by the source too. */
  readonly source?: string
  /** What is over once it is carried out: the count owed after a deploy; alerts that stand, until they are heard of again. */
  readonly clears?: 'restore' | 'alerts'
}

/** Of a step that somebody calls for. */
export const STEP_TRAITS: Traits = {
  cooldown: { leastMs: 0 },
  endsMaintenance: false,
  waitsForRollout: true,
  waitsForPlacement: false,
}

/** Of a count that is right whatever was before. */
export const COUNT_TRAITS: Traits = { endsMaintenance: false, waitsForRollout: true, waitsForPlacement: false }

const SET_TRAITS: Traits = { ...COUNT_TRAITS, endsMaintenance: true, clears: 'alerts' }

/** Who asked, as far as it is known: the name of the token, and the address of the socket. */
export interface Caller {
  readonly name?: string
  readonly address?: string
}

interface Common {
  readonly key?: RequestKey
  readonly caller?: Caller
  /** Names of the alerts that it is for. */
  readonly alerts?: readonly string[]
  /** The firings whose end it is for, as hashes; empty where one cannot be told from the next. One firing has one end. */
  readonly ends?: readonly string[]
  /** Free text of the caller, kept beside the decision's reason and in the log. */
  readonly note?: string
}

type RequestArgs = {
  /** One step up or down. Traits absent: those of a call. */
  step: { readonly origin: Origin; readonly direction: Direction; readonly by?: Step; readonly traits?: Traits }
  /** A count by name, clamped to the bounds; skips the cooldown; works at 0. */
  /** `expected`: the count that the caller saw; at another one it is refused. */
  set: { readonly origin: Origin; readonly replicas: number; readonly expected?: number; readonly traits?: Traits }
  /** A count that a request source found to be right. `cause` is the source's word for the record. */
  recommend: { readonly replicas: number; readonly why: string; readonly cause: string; readonly traits: Traits }
  /** Back to the count that ran before a deploy reset it. */
  restore: { readonly replicas: number; readonly traits: Traits }
  /** Back inside the bounds that a person wrote. */
  bounds: { readonly traits: Traits }
}

export type RequestKind = keyof RequestArgs
export type Request = { [K in RequestKind]: { readonly kind: K } & RequestArgs[K] & Common }[RequestKind]

export function traitsOf({ kind, traits }: Request): Traits {
  return traits ?? (kind === 'set' ? SET_TRAITS : STEP_TRAITS)
}

/** What a write for it is recorded as. */
export function causeOf(request: Request): string {
  if (request.kind === 'step') return request.origin
  return request.kind === 'recommend' ? request.cause : request.kind
}

/** Who or what asks, for the record. */
export const originOf = (request: Request): string =>
  request.kind === 'step' || request.kind === 'set' ? request.origin : causeOf(request)
