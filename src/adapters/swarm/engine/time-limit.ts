/** A signal for one call. AbortSignal.any on a long-lived signal keeps every call's signal alive, so this listens itself. */
export function timeLimit(timeoutMs: number, outer: readonly (AbortSignal | undefined)[]) {
  const controller = new AbortController()
  let expired = false
  const abort = () => controller.abort()
  const timer = setTimeout(() => {
    expired = true
    abort()
  }, timeoutMs)
  for (const signal of outer) {
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
  }
  return {
    signal: controller.signal,
    expired: () => expired,
    /** The time begins anew. */
    extend: () => {
      timer.refresh()
    },
    clear: () => {
      clearTimeout(timer)
      for (const signal of outer) signal?.removeEventListener('abort', abort)
    },
  }
}
