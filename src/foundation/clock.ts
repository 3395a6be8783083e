/** Ms since the epoch. */
export type Clock = () => number

/** When this controller first saw what stands under a name, ms since the epoch, by its own clock. */
export type SeenAt = (name: string) => number

/** Nothing is ahead of it: for what is read once, and compared only with itself. */
export const UNSEEN: SeenAt = () => Number.POSITIVE_INFINITY
