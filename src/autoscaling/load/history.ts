/**
 * What is remembered of a service between evaluations: what was asked for, and how the count has changed whoever changed it.
 * Pure; each controller has its own, and the tick in the state label keeps two of them from acting twice.
 */

export interface LoadHistory {
  /** Counts that the metrics asked for, oldest first; the current count where a history begins. */
  readonly recommendations: readonly { readonly atMs: number; readonly count: number }[]
  /** Changes of the count, oldest first. */
  readonly changes: readonly NotedChange[]
  /** Evaluations in a row without data, by the metric's name. */
  readonly failures: ReadonlyMap<string, number>
  /** The down window is this many times as long, because the count flapped. */
  readonly widening: { readonly factor: number; readonly untilMs: number }
}

export interface NotedChange {
  readonly atMs: number
  readonly from: number
  readonly to: number
  /** Measured load asked for it. */
  readonly byLoad: boolean
}

export const NOT_WIDENED = { factor: 1, untilMs: 0 }
/** How long a window stays widened. */
export const WIDENED_MS = 3_600_000

/** Longest period of a rate, and four windows at their widest, are looked back on; no more is kept. */
const MOST_CHANGES = 1000

/** Where nothing is known: as if the current count had been asked for just now, so that nothing shrinks before its window. */
export function beginHistory(current: number, nowMs: number): LoadHistory {
  return {
    recommendations: [{ atMs: nowMs, count: current }],
    changes: [],
    failures: new Map(),
    widening: NOT_WIDENED,
  }
}

/** What was noted before this machine's clock was set back counts as of now: it lasts its own length from then on. */
export function notAhead(history: LoadHistory, nowMs: number): LoadHistory {
  const now = <T extends { readonly atMs: number }>(one: T): T => (one.atMs > nowMs ? { ...one, atMs: nowMs } : one)
  const { recommendations, changes, widening } = history
  return {
    ...history,
    recommendations: recommendations.map(now),
    changes: changes.map(now),
    widening: { ...widening, untilMs: Math.min(widening.untilMs, nowMs + WIDENED_MS) },
  }
}

/** The count was changed. By anybody but measured load, the windows begin with it. */
export function noteChange(history: LoadHistory, change: NotedChange): LoadHistory {
  const recommendations = change.byLoad ? history.recommendations : [{ atMs: change.atMs, count: change.to }]
  return { ...history, recommendations, changes: [...history.changes, change].slice(-MOST_CHANGES) }
}

/** Replicas added less those removed since `sinceMs`, that instant itself left out. */
export function grownSince({ changes }: LoadHistory, sinceMs: number): number {
  let grown = 0
  for (let index = changes.length - 1; index >= 0; index -= 1) {
    const change = changes[index]
    if (change === undefined || change.atMs <= sinceMs) break
    grown += change.to - change.from
  }
  return grown
}
