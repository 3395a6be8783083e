/**
 * Knows a notification that only comes because some alerts of its group resolved: it has a resolved alert, and every one that
 * fires was in the one before. Only for senders that do not say why they send. Pure.
 */
import type { AlertState, RememberedGroup } from './alert-state.ts'

const MAX_GROUPS = 200
/** About 160 KB of labels, which Swarm takes with ease. */
const MAX_ALERTS = 20_000
/** How old the time of an unchanged group may get before it is written again. */
const REWRITE_SECONDS = 3600

/** Nothing remembered: `false`. */
export function isKnownWhole(group: RememberedGroup | undefined, firing: readonly string[]): boolean {
  return group !== undefined && firing.every((hash) => group.firing.has(hash))
}

/** The same state where nothing worth a write has changed. Forgets what was heard of least lately. */
export function rememberGroup(
  state: AlertState,
  key: string,
  { firing, nowMs }: { readonly firing: readonly string[]; readonly nowMs: number },
): AlertState {
  const before = state.groups.get(key)
  const atSeconds = Math.floor(nowMs / 1000)
  if (firing.length === 0) return before === undefined ? state : { ...state, groups: without(state.groups, key) }
  const next = new Set(firing)
  if (before !== undefined && sameSet(before.firing, next) && atSeconds - before.atSeconds < REWRITE_SECONDS) {
    return state
  }
  const groups = new Map(without(state.groups, key)).set(key, { atSeconds, firing: next })
  return { ...state, groups: newest(groups) }
}

function newest(groups: ReadonlyMap<string, RememberedGroup>): ReadonlyMap<string, RememberedGroup> {
  const kept = new Map<string, RememberedGroup>()
  let alerts = 0
  for (const [key, group] of [...groups].sort(([, a], [, b]) => b.atSeconds - a.atSeconds)) {
    alerts += group.firing.size
    if (kept.size >= MAX_GROUPS || alerts > MAX_ALERTS) break
    kept.set(key, group)
  }
  return kept
}

function without(groups: AlertState['groups'], key: string): AlertState['groups'] {
  const kept = new Map(groups)
  kept.delete(key)
  return kept
}

function sameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((value) => other.has(value))
}
