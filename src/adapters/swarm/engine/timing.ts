/** How often and how long, in ms. Tests shorten these. */
export interface Timing {
  /** A read through the leader, and how long it may take. */
  readonly leaderReadEveryMs: number
  readonly leaderReadTimeoutMs: number
  /** The pause after one that failed. */
  readonly leaderRetryMs: number
  /** How long a read through the leader proves anything. */
  readonly freshForMs: number
  readonly listEveryMs: number
  /** Between reads of who leads, while somebody looks; and for how long after a look. */
  readonly managersEveryMs: number
  readonly lookedAtMs: number
  readonly listTimeoutMs: number
  /** Between reads of all tasks that matter, and at least between two that something asked for. */
  readonly tasksEveryMs: number
  readonly tasksApartMs: number
  /** Between lists of all tasks while each change is heard, for truth. */
  readonly tasksAgainMs: number
  /** Up to the first message of the watch of tasks, and between looks for its socket. */
  readonly watchTimeoutMs: number
  readonly watchRetryMs: number
  readonly readTimeoutMs: number
  readonly writeTimeoutMs: number
  /** Up to the headers of the event stream. */
  readonly streamTimeoutMs: number
  /** Between tries of what failed: the first and the longest pause. */
  readonly backoffMs: { readonly first: number; readonly longest: number }
}

export const TIMING: Timing = {
  leaderReadEveryMs: 2_000,
  leaderReadTimeoutMs: 2_000,
  leaderRetryMs: 500,
  freshForMs: 5_000,
  listEveryMs: 60_000,
  managersEveryMs: 5_000,
  lookedAtMs: 60_000,
  listTimeoutMs: 15_000,
  tasksEveryMs: 1_000,
  tasksApartMs: 200,
  tasksAgainMs: 300_000,
  watchTimeoutMs: 1_000,
  watchRetryMs: 1_000,
  readTimeoutMs: 5_000,
  writeTimeoutMs: 10_000,
  streamTimeoutMs: 5_000,
  backoffMs: { first: 200, longest: 5_000 },
}

/** Doubles with each failure in a row (0 = the first), and adds up to a quarter at random so that controllers spread. */
export function backoff({ backoffMs }: Pick<Timing, 'backoffMs'>, failures: number): number {
  const pause = Math.min(backoffMs.first * 2 ** Math.min(failures, 16), backoffMs.longest)
  return pause * (1 + Math.random() / 4)
}
