import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createWakeableTimer } from '../../../src/foundation/wakeable-timer.ts'

const paused = (timeoutMs: number, signal?: AbortSignal) => {
  const timer = createWakeableTimer()
  let isOver = false
  const pause = timer.pause(timeoutMs, signal).then(() => {
    isOver = true
  })
  return { timer, pause, isOver: () => isOver }
}

describe('a wakeable timer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('ends by time', async () => {
    const { isOver } = paused(1000)
    await vi.advanceTimersByTimeAsync(999)
    expect(isOver()).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(isOver()).toBe(true)
  })

  it('ends when woken, and leaves no timer behind', async () => {
    const { timer, pause } = paused(1000)
    timer.wake()
    await pause
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not pause when it was woken before, but only once', async () => {
    const timer = createWakeableTimer()
    timer.wake()
    timer.wake()
    await timer.pause(1000)
    let isOver = false
    void timer.pause(1000).then(() => {
      isOver = true
    })
    await vi.advanceTimersByTimeAsync(999)
    expect(isOver).toBe(false)
  })

  it('never ends by time when the time is infinite', async () => {
    const { timer, pause, isOver } = paused(Number.POSITIVE_INFINITY)
    await vi.advanceTimersByTimeAsync(1_000_000_000)
    expect(isOver()).toBe(false)
    timer.wake()
    await pause
  })

  it('ends on abort, at once when that was before', async () => {
    const abort = new AbortController()
    const { pause } = paused(1000, abort.signal)
    abort.abort()
    await pause
    expect(vi.getTimerCount()).toBe(0)
    await createWakeableTimer().pause(1000, abort.signal)
  })
})
