/**
 * What is known about services but belongs to no single service spec, because a deploy would erase it:
 * pauses set by call, of one service or of everything, counts to return to after a deploy, growth on its way that takes
 * addresses. Pure; kept in the labels of the config `orrery-state`.
 */
import { type SeenAt, UNSEEN } from '../../foundation/clock.ts'
import { isWhole, parseJsonObject } from '../../foundation/stored-json.ts'
import { GROWTH_MS } from '../../swarm/services.ts'
import type { Direction } from '../policy/policy.ts'

export interface Pause {
  readonly scope: Direction | 'both'
  readonly sinceMs: number
  /** Absent: until resumed. */
  readonly untilMs?: number
  /** Why, in the words of who paused. */
  readonly reason?: string
  /** Name or address of who paused. */
  readonly by?: string
}

/** The count that ran before a deploy reset it, with the state label it had. */
export interface PendingRestore {
  readonly replicas: number
  readonly stateLabel: string | undefined
  readonly sinceMs: number
}

/** A growth that is about to be written and takes addresses, so that no other controller promises them too. */
export interface Growth {
  readonly replicas: number
  /** Version.Index of the service that it is written on: once another one is there, the service itself tells. */
  readonly version: number
  /** `GROWTH_MS` after it was promised. */
  readonly untilMs: number
}

/** All maps are keyed by service id. */
export interface SharedState {
  /** Of every autoscaler, those to come too; over `pauses`, which it neither changes nor ends. */
  readonly pauseAll?: Pause | undefined
  readonly pauses: ReadonlyMap<string, Pause>
  readonly restores: ReadonlyMap<string, PendingRestore>
  readonly growths: ReadonlyMap<string, Growth>
}

export const EMPTY_SHARED_STATE: SharedState = { pauses: new Map(), restores: new Map(), growths: new Map() }

const PAUSE = 'pause.'
const PAUSE_ALL = 'pause-all'
const RESTORE = 'restore.'
const GROWTH = 'grow.'

/**
 * From the labels `pause-all`, `pause.`, `restore.` and `grow.<service id>`. An unreadable pause pauses both ways; never throws.
 * What began later than it was first seen is of a clock that is ahead: it lasts its own length from then on.
 */
export function decodeSharedState(labels: Readonly<Record<string, string>>, seenAtMs: SeenAt = UNSEEN): SharedState {
  const pauses = new Map<string, Pause>()
  const restores = new Map<string, PendingRestore>()
  const growths = new Map<string, Growth>()
  let pauseAll: Pause | undefined
  for (const [name, text] of Object.entries(labels)) {
    if (name === PAUSE_ALL) pauseAll = agedPause(decodePause(text), seenAtMs(name))
    if (name.startsWith(PAUSE)) pauses.set(name.slice(PAUSE.length), agedPause(decodePause(text), seenAtMs(name)))
    const restore = name.startsWith(RESTORE) ? decodeRestore(text) : undefined
    if (restore !== undefined) {
      restores.set(name.slice(RESTORE.length), { ...restore, sinceMs: Math.min(restore.sinceMs, seenAtMs(name)) })
    }
    const growth = name.startsWith(GROWTH) ? decodeGrowth(text) : undefined
    if (growth !== undefined) {
      growths.set(name.slice(GROWTH.length), {
        ...growth,
        untilMs: Math.min(growth.untilMs, seenAtMs(name) + GROWTH_MS),
      })
    }
  }
  return { ...(pauseAll && { pauseAll }), pauses, restores, growths }
}

/**
 * The labels to write for `state`, given those that it was read from: labels that are unknown, unreadable or say the same
 * already keep their text, so that what a newer version wrote is not lost. What has ended by `nowMs` is dropped.
 */
export function encodeSharedState(
  state: SharedState,
  labels: Readonly<Record<string, string>>,
  seenAtMs: SeenAt,
  nowMs: number,
): Readonly<Record<string, string>> {
  const read = decodeSharedState(labels, seenAtMs)
  const next = new Map(Object.entries(labels))
  const keep = <Kept>(
    name: string,
    now: Kept | undefined,
    before: Kept | undefined,
    encode: (kept: Kept) => string,
  ) => {
    if (now === undefined) next.delete(name)
    else if (before === undefined || encode(now) !== encode(before)) next.set(name, encode(now))
  }
  keep(PAUSE_ALL, activePause(state.pauseAll, nowMs), read.pauseAll, encodePause)
  for (const id of new Set([...read.pauses.keys(), ...state.pauses.keys()])) {
    keep(PAUSE + id, activePause(state.pauses.get(id), nowMs), read.pauses.get(id), encodePause)
  }
  for (const id of new Set([...read.restores.keys(), ...state.restores.keys()])) {
    keep(RESTORE + id, state.restores.get(id), read.restores.get(id), encodeRestore)
  }
  for (const id of new Set([...read.growths.keys(), ...state.growths.keys()])) {
    const growth = state.growths.get(id)
    const promised = growth === undefined || growth.untilMs <= nowMs ? undefined : growth
    keep(GROWTH + id, promised, read.growths.get(id), encodeGrowth)
  }
  return Object.fromEntries(next)
}

function encodePause({ scope, sinceMs, untilMs, reason, by }: Pause): string {
  return JSON.stringify({ scope, since: sinceMs, until: untilMs, reason, by })
}

function encodeRestore({ replicas, stateLabel, sinceMs }: PendingRestore): string {
  return JSON.stringify({ replicas, state: stateLabel, since: sinceMs })
}

function decodePause(text: string): Pause {
  const { scope, since, until, reason, by } = parseJsonObject(text) ?? {}
  const readable = (scope === 'up' || scope === 'down' || scope === 'both') && isWhole(since)
  const words = { ...(typeof reason === 'string' && { reason }), ...(typeof by === 'string' && { by }) }
  if (readable && until === undefined) return { scope, sinceMs: since, ...words }
  if (readable && isWhole(until)) return { scope, sinceMs: since, untilMs: until, ...words }
  return { scope: 'both', sinceMs: 0 }
}

function agedPause(pause: Pause, seenAtMs: number): Pause {
  const aheadMs = Math.max(0, pause.sinceMs - seenAtMs)
  if (aheadMs === 0) return pause
  const { sinceMs, untilMs } = pause
  return { ...pause, sinceMs: sinceMs - aheadMs, ...(untilMs !== undefined && { untilMs: untilMs - aheadMs }) }
}

function decodeRestore(text: string): PendingRestore | undefined {
  const { replicas, state, since } = parseJsonObject(text) ?? {}
  if (!isWhole(replicas) || !isWhole(since)) return undefined
  if (state !== undefined && typeof state !== 'string') return undefined
  return { replicas, stateLabel: state, sinceMs: since }
}

function encodeGrowth({ replicas, version, untilMs }: Growth): string {
  return JSON.stringify({ replicas, version, until: untilMs })
}

function decodeGrowth(text: string): Growth | undefined {
  const { replicas, version, until } = parseJsonObject(text) ?? {}
  return isWhole(replicas) && isWhole(version) && isWhole(until) ? { replicas, version, untilMs: until } : undefined
}

export interface PauseWish {
  readonly scope: Direction | 'both'
  /** Absent: until resumed. */
  readonly forMs?: number | undefined
  /** Why, in the caller's words. */
  readonly reason?: string
  /** Name or address of the caller. */
  readonly by?: string
}

const SCOPES: Readonly<Record<Pause['scope'], string>> = { up: 'up', down: 'down', both: 'up and down' }

/** `undefined`: there is none, or it has ended. */
export const activePause = (pause: Pause | undefined, nowMs: number): Pause | undefined =>
  pause === undefined || (pause.untilMs !== undefined && pause.untilMs <= nowMs) ? undefined : pause

/** What holds of a service's own pause and of that of everything, the one that lasts longest first; each with its words. */
export function activePauses(
  { pause, pauseAll }: { readonly pause: Pause | undefined; readonly pauseAll?: Pause | undefined },
  nowMs: number,
): readonly (Pause & { readonly text: string })[] {
  const [own, all] = [activePause(pause, nowMs), activePause(pauseAll, nowMs)]
  return [
    ...(own ? [{ ...own, text: pauseText(own) }] : []),
    ...(all ? [{ ...all, text: `everything is ${pauseText(all)}` }] : []),
  ].sort((one, other) => endOf(other) - endOf(one))
}

/** A date beyond all others where only a call ends it: two of them are of one length. */
const endOf = ({ untilMs = Number.MAX_SAFE_INTEGER }: Pause): number => untilMs

/** `paused via API until 2026-01-31T11:38:00Z (up and down) by ops: the database moves`. */
function pauseText({ scope, untilMs, reason, by }: Pause): string {
  const until = untilMs === undefined ? 'until it is resumed' : `until ${timeText(untilMs)}`
  const who = by === undefined ? '' : ` by ${by}`
  return `paused via API ${until} (${SCOPES[scope]})${who}${reason === undefined ? '' : `: ${reason}`}`
}

const UTC = new Intl.DateTimeFormat('sv-SE', { timeZone: 'UTC', dateStyle: 'short', timeStyle: 'medium' })

/** RFC 3339, to the second. */
const timeText = (ms: number): string => `${UTC.format(ms).replace(' ', 'T')}Z`

type WishAt = PauseWish & { readonly nowMs: number }

const pauseOf = ({ scope, forMs, nowMs, reason, by }: WishAt): Pause => ({
  ...{ scope, sinceMs: nowMs },
  ...(forMs !== undefined && { untilMs: nowMs + forMs }),
  ...(reason !== undefined && { reason }),
  ...(by !== undefined && { by }),
})

/** The last pause is what holds, whatever was before. */
export const setPause = (state: SharedState, serviceId: string, wish: WishAt): SharedState => ({
  ...state,
  pauses: new Map(state.pauses).set(serviceId, pauseOf(wish)),
})

/** Ends a pause, or the half of it that `scope` names. */
export function endPause(state: SharedState, serviceId: string, scope: Direction | 'both'): SharedState {
  const before = state.pauses.get(serviceId)
  if (before === undefined) return state
  const rest = restOf(before, scope)
  const others = without(state.pauses, serviceId)
  return { ...state, pauses: rest === undefined ? others : others.set(serviceId, rest) }
}

/** As `setPause`, of everything: what is paused on its own stays so. */
export const setPauseOfAll = (state: SharedState, wish: WishAt): SharedState => ({ ...state, pauseAll: pauseOf(wish) })

/** As `endPause`, of everything: what is paused on its own stays so. */
export const endPauseOfAll = (state: SharedState, scope: Direction | 'both'): SharedState =>
  state.pauseAll === undefined ? state : { ...state, pauseAll: restOf(state.pauseAll, scope) }

function restOf(pause: Pause, ended: Direction | 'both'): Pause | undefined {
  if (ended === 'both' || pause.scope === ended) return undefined
  return pause.scope === 'both' ? { ...pause, scope: ended === 'up' ? 'down' : 'up' } : pause
}

/** Keeps the count that ran before a deploy. */
export function keepRestore(state: SharedState, serviceId: string, restore: PendingRestore): SharedState {
  return { ...state, restores: new Map(state.restores).set(serviceId, restore) }
}

export const dropRestore = (state: SharedState, serviceId: string): SharedState => ({
  ...state,
  restores: without(state.restores, serviceId),
})

/** Drops all that is kept of a removed service. */
export const forgetService = (state: SharedState, serviceId: string): SharedState => ({
  ...state,
  pauses: without(state.pauses, serviceId),
  restores: without(state.restores, serviceId),
  growths: without(state.growths, serviceId),
})

function without<Kept>(kept: ReadonlyMap<string, Kept>, serviceId: string): Map<string, Kept> {
  const others = new Map(kept)
  others.delete(serviceId)
  return others
}
