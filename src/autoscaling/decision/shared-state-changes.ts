/** The changes made to the shared state. Pure; each may be applied more than once (compare-and-swap with re-reading). */
import type { Direction } from '../policy/policy.ts'
import type { Pause, PendingRestore, SharedState } from './shared-state.ts'

export interface PauseWish {
  readonly scope: Direction | 'both'
  /** Absent: until resumed. */
  readonly forMs?: number | undefined
  /** Why, in the caller's words. */
  readonly reason?: string
  /** Name or address of the caller. */
  readonly by?: string
}

/** Adds to a pause in force: the wider scope and the later end win. */
export function addPause(
  state: SharedState,
  serviceId: string,
  added: PauseWish & { readonly nowMs: number },
): SharedState {
  const { scope, forMs, nowMs, reason, by } = added
  const before = state.pauses.get(serviceId)
  const inForce = before !== undefined && (before.untilMs ?? nowMs + 1) > nowMs ? before : undefined
  const untilMs = forMs === undefined ? undefined : nowMs + forMs
  const end = latest(inForce === undefined ? untilMs : inForce.untilMs, untilMs)
  const pause: Pause = {
    scope: inForce === undefined || inForce.scope === scope ? scope : 'both',
    sinceMs: inForce?.sinceMs ?? nowMs,
    ...(end === undefined ? {} : { untilMs: end }),
    ...(reason !== undefined && { reason }),
    ...(by !== undefined && { by }),
  }
  return { ...state, pauses: new Map(state.pauses).set(serviceId, pause) }
}

/** Ends a pause, or the half of it that `scope` names. */
export function endPause(state: SharedState, serviceId: string, scope: Direction | 'both'): SharedState {
  const before = state.pauses.get(serviceId)
  if (before === undefined) return state
  const pauses = new Map(state.pauses)
  if (scope === 'both' || before.scope === scope) pauses.delete(serviceId)
  else if (before.scope === 'both') pauses.set(serviceId, { ...before, scope: scope === 'up' ? 'down' : 'up' })
  return { ...state, pauses }
}

/** Keeps the count that ran before a deploy. */
export function keepRestore(state: SharedState, serviceId: string, restore: PendingRestore): SharedState {
  return { ...state, restores: new Map(state.restores).set(serviceId, restore) }
}

export function dropRestore(state: SharedState, serviceId: string): SharedState {
  const restores = new Map(state.restores)
  restores.delete(serviceId)
  return { ...state, restores }
}

function dropGrowth(state: SharedState, serviceId: string): SharedState {
  if (!state.growths.has(serviceId)) return state
  const growths = new Map(state.growths)
  growths.delete(serviceId)
  return { ...state, growths }
}

/** Drops all that is kept of a removed service. */
export function forgetService(state: SharedState, serviceId: string): SharedState {
  return dropRestore(endPause(dropGrowth(state, serviceId), serviceId, 'both'), serviceId)
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.max(a, b)
}
