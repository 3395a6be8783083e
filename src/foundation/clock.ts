/** Ms since the epoch. */
export type Clock = () => number

/** When this controller first saw what stands under a name, ms since the epoch, by its own clock. */
export type SeenAt = (name: string) => number

/** Nothing is ahead of it: for what is read once, and compared only with itself. */
export const UNSEEN: SeenAt = () => Number.POSITIVE_INFINITY

/**
 * When what was seen to begin at `fromMs` has lasted its length; `undefined`: it has. A beginning that is further ahead than it
 * is long means that this machine's clock was set back: then nobody waits for the time to come again.
 */
export function waitEndMs(fromMs: number, lengthMs: number, nowMs: number): number | undefined {
  const endMs = fromMs + lengthMs
  return fromMs - lengthMs <= nowMs && nowMs < endMs ? endMs : undefined
}
