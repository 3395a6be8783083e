/** Waits for a promise so long and no longer; it goes on without us. Throws `late` when its time is over. */
export function within<T>(promise: Promise<T>, timeMs: number, late: Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late), timeMs)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
