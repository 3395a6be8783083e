/** From the wanted count to the allowed one: min, max, capacity, in this order, each change kept. Pure. */

import type { Bounds } from '../policy/policy-at.ts'
import type { Limit } from './decision.ts'

/** How many replicas can be addressed, and why no more. */
export interface Capacity {
  readonly ceiling: number
  readonly reason: string
}

export function limitCount(
  wanted: number,
  current: number,
  bounds: Bounds,
  capacity: Capacity | undefined,
): { readonly to: number; readonly limits: readonly Limit[] } {
  const limits: Limit[] = []
  let to = wanted
  const limit = (stage: Limit['stage'], after: number, reason: string) => {
    limits.push({ stage, before: to, after, reason })
    to = after
  }
  if (to < bounds.min) limit('min', bounds.min, `min is ${bounds.min}`)
  const max = highest(current, bounds)
  if (to > max.count) limit('max', max.count, max.reason)
  if (capacity !== undefined) {
    // A ceiling never takes away what runs already.
    const ceiling = Math.max(capacity.ceiling, current)
    if (to > ceiling) limit('capacity', ceiling, capacity.reason)
  }
  return { to, limits }
}

/** A max that nobody wrote limits growth only: it never pulls down what already runs. */
function highest(current: number, { max, maxWritten }: Bounds): { count: number; reason: string } {
  if (max === null) return { count: current, reason: 'no max is set, so the count does not grow' }
  if (maxWritten || current <= max) return { count: max, reason: `max is ${max}` }
  return { count: current, reason: `max is ${max} by default: ${current} stays and does not grow` }
}
