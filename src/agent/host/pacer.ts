/** Which work is due when. One kind asked for twice is due once, at the earlier time. */

export interface Pacer<Work extends string> {
  ask(work: Work, afterMs: number): void
  /** Waits until something is due, and hands out all that is. Empty when the signal is aborted. */
  next(signal: AbortSignal): Promise<ReadonlySet<Work>>
}

export function createPacer<Work extends string>(): Pacer<Work> {
  const due = new Map<Work, number>()
  let wake = () => {}

  const waitUntil = async (atMs: number, signal: AbortSignal) => {
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    const timer = Number.isFinite(atMs) ? setTimeout(wake, Math.max(atMs - performance.now(), 0)) : undefined
    signal.addEventListener('abort', wake, { once: true })
    await woken
    signal.removeEventListener('abort', wake)
    clearTimeout(timer)
  }

  return {
    ask(work, afterMs) {
      const atMs = performance.now() + afterMs
      due.set(work, Math.min(due.get(work) ?? atMs, atMs))
      wake()
    },
    async next(signal) {
      while (!signal.aborted) {
        const nowMs = performance.now()
        const ripe = [...due].filter(([, atMs]) => atMs <= nowMs).map(([work]) => work)
        for (const work of ripe) due.delete(work)
        if (ripe.length > 0) return new Set(ripe)
        await waitUntil(Math.min(...due.values()), signal)
      }
      return new Set()
    },
  }
}
