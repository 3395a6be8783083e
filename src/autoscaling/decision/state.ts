/**
 * The state label `autoscaler.state`: what one service's autoscaler must remember, written in the same
 * compare-and-swap as the count (a service label restarts no task). Plain JSON, small because every task carries it. Pure.
 */
import { isWhole, parseJsonObject } from '../../foundation/stored-json.ts'
import type { Direction } from '../policy/policy.ts'
import { decodePackedKeys } from './packed-keys.ts'
import {
  decodeEnded,
  decodeRecentKeys,
  type EndedFiring,
  encodeEnded,
  encodeRecentKeys,
  type RecentKey,
  withEnded,
} from './recent-keys.ts'
import type { RequestKey } from './request.ts'

export interface ScalingState {
  /** Random id of the write that carried this state. */
  readonly writeId: string
  readonly atMs: number
  readonly from: number
  readonly to: number
  readonly direction: Direction
  /** What the write was for: `call`, `alert`, `orbiter`, `set`, `restore`, `bounds`, or the word of a request source. */
  readonly cause: string
  /** When a write of ours last raised the count. */
  readonly lastUpMs?: number
  /** When a write of ours last changed the count either way. */
  readonly lastChangeMs?: number
  /** The last tick of the clock that a write of ours belonged to. */
  readonly tickMs?: number
  /** Keyed requests that changed the count, oldest first. */
  readonly keys: readonly RecentKey[]
  /** Firings of alerts whose end changed the count, oldest first; absent: none. */
  readonly ended?: readonly EndedFiring[]
  /** The version that wrote it, and the fields that this version does not know: sent back untouched. */
  readonly version: number
  readonly unknown: Readonly<Record<string, unknown>>
}

const VERSION = 1
const KNOWN = new Set(['v', 'id', 'at', 'from', 'to', 'dir', 'cause', 'up', 'chg', 'tk', 'keys', 'recent', 'ends'])

export function encodeState(state: ScalingState): string {
  return JSON.stringify({
    v: state.version,
    id: state.writeId,
    at: state.atMs,
    from: state.from,
    to: state.to,
    dir: state.direction,
    cause: state.cause,
    up: state.lastUpMs,
    chg: state.lastChangeMs,
    tk: state.tickMs,
    recent: state.keys.length > 0 ? encodeRecentKeys(state.keys) : undefined,
    ends: state.ended === undefined ? undefined : encodeEnded(state.ended),
    ...state.unknown,
  })
}

/**
 * `undefined` for an absent label or one that is no state at all; a newer `v` is read as far as it can be. No time in it is
 * later than `seenAtMs`, when this controller first saw it: what a clock that is ahead wrote would never age.
 */
export function decodeState(label: string | undefined, seenAtMs = Number.POSITIVE_INFINITY): ScalingState | undefined {
  const raw = parseJsonObject(label)
  if (raw === undefined) return undefined
  const time = (value: unknown) => (isWhole(value) ? Math.min(value, seenAtMs) : undefined)
  const at = time(raw.at)
  const to = wholeNumber(raw.to)
  if (at === undefined || to === undefined) return undefined
  const lastUpMs = time(raw.up)
  const lastChangeMs = time(raw.chg)
  const tickMs = time(raw.tk)
  const latestSeconds = Math.floor(seenAtMs / 1000)
  const keys = [...(typeof raw.keys === 'string' ? decodePackedKeys(raw.keys) : []), ...decodeRecentKeys(raw.recent)]
  const ended = decodeEnded(raw.ends)
  return {
    writeId: typeof raw.id === 'string' ? raw.id : '',
    atMs: at,
    from: wholeNumber(raw.from) ?? to,
    to,
    direction: raw.dir === 'down' ? 'down' : 'up',
    cause: typeof raw.cause === 'string' ? raw.cause : 'call',
    ...(lastUpMs === undefined ? {} : { lastUpMs }),
    ...(lastChangeMs === undefined ? {} : { lastChangeMs }),
    ...(tickMs === undefined ? {} : { tickMs }),
    keys: keys.map((key) => (key.atSeconds <= latestSeconds ? key : { ...key, atSeconds: latestSeconds })),
    ...(ended.length > 0 && { ended }),
    version: wholeNumber(raw.v) ?? VERSION,
    unknown: Object.fromEntries(Object.entries(raw).filter(([field]) => !KNOWN.has(field))),
  }
}

/** One committed change of the count. */
export interface Change {
  readonly writeId: string
  readonly nowMs: number
  readonly from: number
  readonly to: number
  readonly cause: string
  readonly tickMs?: number | undefined
  readonly key?: RequestKey
  readonly ends?: readonly string[]
}

/** The state after `change`. `liveKeys` are the keys to go on remembering. */
export function nextState(
  before: ScalingState | undefined,
  change: Change,
  liveKeys: readonly RecentKey[],
): ScalingState {
  const { from, to, nowMs } = change
  const direction: Direction = to > from ? 'up' : 'down'
  const lastUpMs = direction === 'up' ? nowMs : before?.lastUpMs
  const tickMs = change.tickMs ?? before?.tickMs
  const ended = withEnded(before?.ended ?? [], change.ends ?? [], { from, to })
  const remembered = change.key && { ...change.key, atSeconds: Math.floor(nowMs / 1000), from, to }
  return {
    writeId: change.writeId,
    atMs: nowMs,
    from,
    to,
    direction,
    cause: change.cause,
    ...(lastUpMs === undefined ? {} : { lastUpMs }),
    lastChangeMs: nowMs,
    ...(tickMs === undefined ? {} : { tickMs }),
    keys: remembered === undefined ? liveKeys : [...liveKeys, remembered],
    ...(ended.length > 0 && { ended }),
    version: Math.max(before?.version ?? VERSION, VERSION),
    unknown: before?.unknown ?? {},
  }
}

/** A 0 that was written here: it ends with the bounds that allowed it, and nobody keeps hands off. */
export const isOwnZero = (replicas: number, state: Pick<ScalingState, 'to'> | undefined): boolean =>
  replicas === 0 && state?.to === 0

const wholeNumber = (value: unknown): number | undefined => (isWhole(value) ? value : undefined)
