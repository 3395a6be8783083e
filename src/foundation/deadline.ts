/**
 * A time limit on a piece of work. Not `AbortSignal.any` with `AbortSignal.timeout`: Node 20 collects the timeout before it
 * fires (nodejs/node#57736), so that what hangs is waited for without end.
 */
export async function withDeadline<T>(
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  /** The signal aborts with a `TimeoutError` when the time is over, and when the outer one does. */
  work: (within: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const end = () => controller.abort(signal.reason)
  const timer = setTimeout(
    () => controller.abort(new DOMException(`not within ${timeoutMs} ms`, 'TimeoutError')),
    timeoutMs,
  )
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}
