/** Ms since the epoch. */
export type Clock = () => number
