/** One line of the table: what was measured, and what it is held to. */

export interface Figure {
  readonly name: string
  /** What was measured, in words for the table. */
  readonly measured: string
  /** Absent: for orientation only. */
  readonly limit?: Limit
}

export interface Limit {
  readonly text: string
  /** How many times the measured value is as bad as the limit: 1 is just met, 2 is twice as slow. */
  readonly times: number
  /** Times may miss by less than this without failing the run; what is no time may not miss at all. */
  readonly failsAt: number
}

export type Verdict = 'ok' | 'MISSED' | 'FAILED' | ''

/** Machines are slow and busy: a time fails only here. */
const SLACK = 10

export const atMost = (measured: number, limit: number, unit = ''): Limit => ({
  text: `<= ${limit}${unit}`,
  times: measured / limit,
  failsAt: SLACK,
})

export const atLeast = (measured: number, limit: number, unit = ''): Limit => ({
  text: `>= ${limit}${unit}`,
  times: limit / measured,
  failsAt: SLACK,
})

/** For what no slow machine excuses. */
export const exactly = (isSo: boolean, text: string): Limit => ({ text, times: isSo ? 1 : Infinity, failsAt: 1 })

export function verdictOf({ limit }: Pick<Figure, 'limit'>): Verdict {
  if (limit === undefined) return ''
  if (limit.times <= 1) return 'ok'
  return limit.times < limit.failsAt ? 'MISSED' : 'FAILED'
}
