/** A wanted state as it comes from a controller or from disk. */
import { Value } from '@sinclair/typebox/value'
import { type WantedState, WantedStateSchema } from '../swarm/wanted.ts'

/** What is wrong with it, for a person. */
export class NoWantedState extends Error {
  override readonly name = 'NoWantedState'
}

/** Fields that are not known are left as they are. Throws NoWantedState. */
export function readWanted(value: unknown): WantedState {
  if (Value.Check(WantedStateSchema, value)) return value
  const [first] = [...Value.Errors(WantedStateSchema, value)]
  throw new NoWantedState(`${first?.path || 'it'}: ${first?.message ?? 'is no wanted state'}`)
}
