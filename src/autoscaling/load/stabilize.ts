/**
 * From the count that the metrics ask for to the one that may be asked for now: windows, then rates, as HPA v2 has them. Pure.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/podautoscaler/horizontal.go
 */

import { grownSince, type LoadHistory, NOT_WIDENED, type NotedChange, WIDENED_MS } from './history.ts'
import type { LoadPolicy, Rate } from './load-policy.ts'

/**
 * The current count, brought into what was asked for at least during the up window and at most during the down window.
 * `raw` counts as asked for now.
 */
export function stabilize(
  raw: number,
  current: number,
  { history, windowUpMs, windowDownMs, nowMs }: Windows & { readonly history: LoadHistory; readonly nowMs: number },
): number {
  let least = raw
  let most = raw
  for (const { atMs, count } of history.recommendations) {
    if (atMs > nowMs - windowUpMs) least = Math.min(least, count)
    if (atMs > nowMs - windowDownMs) most = Math.max(most, count)
  }
  return Math.min(Math.max(current, least), most)
}

interface Windows {
  readonly windowUpMs: number
  readonly windowDownMs: number
}

/** Every change counts, whoever made it; the rate that allows most wins; an exhausted one waits and never turns back. */
export function limitRate(
  wanted: number,
  current: number,
  {
    rateUp,
    rateDown,
    history,
    nowMs,
  }: Pick<LoadPolicy, 'rateUp' | 'rateDown'> & { history: LoadHistory; nowMs: number },
): number {
  const beginning = ({ periodMs }: Rate) => current - grownSince(history, nowMs - periodMs)
  if (wanted > current) {
    const limit = Math.max(...rateUp.map((rate) => highest(beginning(rate), rate)))
    return Math.min(wanted, Math.max(limit, current))
  }
  if (wanted < current) {
    const limit = Math.min(...rateDown.map((rate) => lowest(beginning(rate), rate)))
    return Math.max(wanted, Math.min(limit, current))
  }
  return wanted
}

/** From 0 at least 1, or per cent alone would never leave it. Whole numbers: 110 % of 100 is 110. */
function highest(start: number, { amount }: Rate): number {
  if (amount.kind === 'count') return start + amount.count
  return Math.max(1, Math.ceil((start * (100 + amount.percent)) / 100))
}

function lowest(start: number, { amount }: Rate): number {
  if (amount.kind === 'count') return Math.max(0, start - amount.count)
  return Math.max(0, Math.floor((start * (100 - amount.percent)) / 100))
}

/** Three turns within four down windows double the window, to four times at most, for an hour. */
const TURNS = 3
const WINDOWS = 4
const MOST_FACTOR = 4

export function widen(
  { changes, widening }: Pick<LoadHistory, 'changes' | 'widening'>,
  { windowDownMs, nowMs }: { readonly windowDownMs: number; readonly nowMs: number },
): LoadHistory['widening'] {
  const now = widening.untilMs > nowMs ? widening : NOT_WIDENED
  // What widened it last has had its effect.
  const widenedMs = now.factor === 1 ? 0 : now.untilMs - WIDENED_MS
  const recent = changes.filter(
    ({ atMs, byLoad }) => byLoad && atMs > Math.max(nowMs - WINDOWS * windowDownMs, widenedMs),
  )
  if (now.factor === MOST_FACTOR || turnsOf(recent) < TURNS) return now
  return { factor: now.factor * 2, untilMs: nowMs + WIDENED_MS }
}

function turnsOf(changes: readonly NotedChange[]): number {
  let turns = 0
  for (const [index, { from, to }] of changes.entries()) {
    const before = changes[index - 1]
    if (before !== undefined && before.to > before.from !== to > from) turns += 1
  }
  return turns
}
