import { describe, expect, it } from 'vitest'
import { createHistory, type HistoryDeps } from '../../../../src/autoscaling/views/history.ts'
import { type ServiceChange, type ServiceObservation, STATE_LABEL } from '../../../../src/swarm/services.ts'
import { observation } from '../../../support/builders/autoscaling.ts'

const T0 = Date.UTC(2026, 0, 31, 12)

/** One service as a controller sees it, each observation after the one before. */
function watching(startedAtMs = T0, boundsAt: HistoryDeps['boundsAt'] = () => undefined) {
  const listeners: ((change: ServiceChange) => void)[] = []
  const onChange = (listener: (change: ServiceChange) => void) => {
    listeners.push(listener)
    return () => {}
  }
  const history = createHistory({ services: { onChange }, boundsAt, now: () => startedAtMs })
  let before: ServiceObservation | undefined
  const see = (change: Partial<ServiceObservation>) => {
    const after = { ...observation({ labels: {} }), ...change, id: 'web' }
    for (const listener of listeners) listener({ id: 'web', before, after })
    before = after
  }
  const gone = () => {
    for (const listener of listeners) listener({ id: 'web', before, after: undefined })
  }
  return { see, gone, points: () => history('web').points, history }
}

const written = (to: number, atMs: number, cause = 'call') => ({
  [STATE_LABEL]: JSON.stringify({ v: 1, id: 'x', at: atMs, from: 1, to, dir: 'up', cause }),
})

describe('the history of a count', () => {
  it('tells our writes, a person, a deploy and a rollback apart, each count once', () => {
    const { see, points } = watching()
    see({ replicas: 2, firstSeenAtMs: T0 })
    see({ replicas: 3, firstSeenAtMs: T0 + 1500, labels: written(3, T0 + 1000, 'alert') })
    see({ replicas: 3, firstSeenAtMs: T0 + 1600, labels: written(3, T0 + 1000, 'alert') })
    see({ replicas: 7, firstSeenAtMs: T0 + 2000, labels: written(3, T0 + 1000) })
    see({ replicas: 1, firstSeenAtMs: T0 + 3000, labels: {} })
    see({ replicas: 7, firstSeenAtMs: T0 + 4000, labels: {}, updateState: 'rollback_completed' })
    expect(points()).toEqual([
      { atMs: T0, replicas: 2, by: 'start' },
      { atMs: T0 + 1000, replicas: 3, by: 'orrery', cause: 'alert' },
      { atMs: T0 + 2000, replicas: 7, by: 'person' },
      { atMs: T0 + 3000, replicas: 1, by: 'deploy' },
      { atMs: T0 + 4000, replicas: 7, by: 'rollback' },
    ])
  })

  it('of two controllers is the same from their common start on', () => {
    const [first, second] = [watching(T0), watching(T0 + 5000)]
    const observations = [
      { replicas: 4, firstSeenAtMs: T0, labels: written(4, T0 - 1000) },
      { replicas: 5, firstSeenAtMs: T0 + 7000, labels: written(5, T0 + 6900) },
    ]
    for (const one of observations) first.see(one)
    // It hears a little later, and all the same tells the time of the write.
    for (const one of observations) second.see({ ...one, firstSeenAtMs: one.firstSeenAtMs + 50 })
    expect(second.points()).toEqual(first.points())
  })

  it('has the bounds of each moment: those of a window, none known, no policy', () => {
    const bounds = [{ min: 1, max: 4 }, { min: 2, max: null }, undefined]
    const { see, points } = watching(T0, (_, atMs) => bounds[(atMs - T0) / 1000])
    for (const index of bounds.keys()) see({ replicas: index, firstSeenAtMs: T0 + index * 1000 })
    expect(points().map(({ min, max }) => ({ min, max }))).toEqual([
      { min: 1, max: 4 },
      { min: 2, max: null },
      { min: undefined, max: undefined },
    ])
  })

  it('of a count that nobody can run is one point, as of any other', () => {
    const { see, points } = watching()
    for (let n = 0; n < 3; n += 1) see({ replicas: 2 ** 40, firstSeenAtMs: T0 + n })
    expect(points()).toMatchObject([{ replicas: 2 ** 31 - 1 }])
  })

  it('tells any cause, and of more than two hundred different ones that there was another', () => {
    const { see, points } = watching()
    for (let n = 0; n < 256; n += 1) see({ replicas: n, labels: written(n, T0 + n, `cause ${n}`) })
    expect(
      points()
        .slice(0, 2)
        .map(({ cause }) => cause),
    ).toEqual(['cause 0', 'cause 1'])
    expect(points().at(-1)?.cause).toBe('another cause')
  })

  it('of 1000 services with 256 points each is smaller than 8 MB', () => {
    const listeners: ((change: ServiceChange) => void)[] = []
    const onChange = (listener: (change: ServiceChange) => void) => {
      listeners.push(listener)
      return () => {}
    }
    const [before, heapBefore] = [process.memoryUsage().arrayBuffers, process.memoryUsage().heapUsed]
    const history = createHistory({ services: { onChange }, boundsAt: () => ({ min: 1, max: 500 }), now: () => T0 })
    for (let service = 0; service < 1000; service += 1) {
      const one = { ...observation({ labels: {} }), id: `s${service}` }
      for (let n = 0; n < 256; n += 1) {
        const after = { ...one, replicas: n, firstSeenAtMs: T0 + n }
        for (const listener of listeners) listener({ id: one.id, before: undefined, after })
      }
    }
    // The heap is noisy: what is packed is outside of it, and what is in it is a few objects a service.
    global.gc?.()
    const packed = process.memoryUsage().arrayBuffers - before
    expect(history('s999').points).toHaveLength(256)
    console.log(
      `history of 1000 services with 256 points each: ${(packed / 1e6).toFixed(1)} MB (heap ${((process.memoryUsage().heapUsed - heapBefore) / 1e6).toFixed(1)} MB with garbage)`,
    )
    expect(packed).toBeLessThan(8_000_000)
  })

  it('keeps the last 256, and nothing of a service that is gone', () => {
    const { see, gone, points } = watching()
    for (let n = 0; n < 300; n += 1) see({ replicas: n, firstSeenAtMs: T0 + n, labels: written(n, T0 + n) })
    expect(points()).toHaveLength(256)
    expect(points().at(0)).toMatchObject({ replicas: 44 })
    gone()
    expect(points()).toEqual([])
  })
})
