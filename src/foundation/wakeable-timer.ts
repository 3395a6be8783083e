/** A pause that ends by time, or sooner when somebody wakes it. */
export interface WakeableTimer {
  /**
   * Resolves after the time, at the next `wake`, at once when there was one since the last pause, or on abort.
   * `Infinity`: never by time. One pause at a time.
   */
  pause(timeoutMs: number, signal?: AbortSignal): Promise<void>
  wake(): void
}

export function createWakeableTimer(): WakeableTimer {
  let isWoken = false
  let end = () => {}
  return {
    wake() {
      isWoken = true
      end()
    },
    async pause(timeoutMs, signal) {
      if (!isWoken && signal?.aborted !== true) {
        const woken = new Promise<void>((resolve) => {
          end = resolve
        })
        const timer = Number.isFinite(timeoutMs) ? setTimeout(end, Math.max(timeoutMs, 0)) : undefined
        signal?.addEventListener('abort', end, { once: true })
        await woken
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
      }
      isWoken = false
    },
  }
}

/** Resolves after the time, or on abort; never rejects. */
export const pauseFor = (timeoutMs: number, signal?: AbortSignal): Promise<void> =>
  createWakeableTimer().pause(timeoutMs, signal)
