/** Reads that never overlap themselves. */
export interface CoalescedRead {
  /** Resolves after a read that starts after the call; those who ask meanwhile share one. Rejects as that read does. */
  (): Promise<void>
  /** The one under way. */
  current(): Promise<void> | undefined
  isIdle(): boolean
}

export function createCoalescedRead(readOnce: () => Promise<void>): CoalescedRead {
  let reading: Promise<void> | undefined
  let waiting: Promise<void> | undefined
  const begin = (): Promise<void> => {
    waiting = undefined
    const begun = readOnce().finally(() => {
      if (reading === begun) reading = undefined
    })
    reading = begun
    return begun
  }
  const read = (): Promise<void> => {
    if (waiting === undefined && reading === undefined) return begin()
    waiting ??= (reading ?? Promise.resolve()).then(begin, begin)
    return waiting
  }
  return Object.assign(read, {
    current: () => reading,
    isIdle: () => reading === undefined && waiting === undefined,
  })
}
