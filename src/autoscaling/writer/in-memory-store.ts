/** A record of this controller alone: for a dry run, which writes nothing to the Swarm. */
import type { SharedStore } from '../../swarm/ports.ts'

export function createInMemoryStore<State>(empty: State): SharedStore<State> {
  let state = empty
  const listeners = new Set<(state: State) => void>()
  return {
    current: () => state,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async update(change) {
      state = change(state)
      for (const listener of listeners) listener(state)
    },
  }
}
