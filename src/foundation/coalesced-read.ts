/** A read that starts after each call, and never overlaps itself; those who ask meanwhile share one. */
export function createCoalescedRead(readOnce: () => Promise<void>): () => Promise<void> {
  let reading: Promise<void> | undefined
  let waiting: Promise<void> | undefined
  return () => {
    waiting ??= (async () => {
      await reading?.catch(() => undefined)
      waiting = undefined
      reading = readOnce()
      await reading
    })()
    return waiting
  }
}
