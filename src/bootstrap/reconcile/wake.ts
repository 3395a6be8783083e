/** Waits for news of any kind, for a time, or for an end. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Unsubscribe } from '../../autoscaling/ports.ts'

export interface Wake {
  /** Resolves at the next news, at once when there were some since the last call, after the time, or on abort. */
  wait(timeoutMs: number, signal?: AbortSignal): Promise<void>
  news(): void
  close(): void
}

export function createWake(subscribe: (listener: () => void) => readonly Unsubscribe[]): Wake {
  let isNews = false
  let wake = () => {}
  const news = () => {
    isNews = true
    wake()
  }
  const stops = subscribe(news)
  return {
    news,
    async wait(timeoutMs, signal) {
      if (!isNews) {
        const timer = new AbortController()
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        const stop = () => wake()
        signal?.addEventListener('abort', stop, { once: true })
        if (signal?.aborted) stop()
        // Called off by news.
        await Promise.race([woken, sleep(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined)])
        timer.abort()
        signal?.removeEventListener('abort', stop)
      }
      isNews = false
    },
    close() {
      for (const stop of stops) stop()
    },
  }
}
