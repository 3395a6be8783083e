/** A policy read at a time: which bounds hold now. Whatever asks for min or max asks here; nothing else knows schedules. Pure. */
import type { Policy } from './policy.ts'

/** Min and max, and whether a person wrote them: a written bound is kept unasked, a defaulted max limits growth only. */
export type Bounds = Pick<Policy, 'min' | 'max' | 'minWritten' | 'maxWritten'>

export interface BoundsInForce extends Bounds {
  /** What they come from: `policy`, or the fields of the schedules whose windows are open, such as `schedule.night`. */
  readonly source: string
  /** When they next change, ms since the epoch; absent: never by time alone. */
  readonly untilMs?: number
}

/** The bounds of `policy` at `_nowMs`. They are the plain ones always: no policy has windows yet. */
export function policyAt({ min, max, minWritten, maxWritten }: Policy, _nowMs: number): BoundsInForce {
  return { min, max, minWritten, maxWritten, source: 'policy' }
}

/** Whether a count is inside the bounds that a person wrote; 0 below min is maintenance and judged by decide(). */
export function inWrittenBounds(replicas: number, { min, max, maxWritten }: Bounds): boolean {
  return (replicas >= min || replicas === 0) && !(maxWritten && max !== null && replicas > max)
}
