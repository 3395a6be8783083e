import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AlertState } from '../../../../src/autoscaling/alerts/alert-state.ts'
import { createAlertBook } from '../../../../src/autoscaling/receiver/alert-book.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import { silent } from '../../../support/use-cases/alerts.ts'
import { memoryAlertStore } from '../../../support/use-cases/memory-controller.ts'

const adds = (key: string) => (state: AlertState) =>
  state.groups.has(key)
    ? state
    : { ...state, groups: new Map(state.groups).set(key, { atSeconds: 1, firing: new Set() }) }
const keys = (state: AlertState) => [...state.groups.keys()]

function start() {
  const store = memoryAlertStore()
  const book = createAlertBook({ store: store.alertStore, logger: silent })
  return { ...store, book, inSwarm: () => keys(store.alertStore.current()), here: () => keys(book.current()) }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('what is remembered of alerts', () => {
  it('is in force here at once, and written together a moment later', async () => {
    const { book, calls, inSwarm, here } = start()
    book.note(adds('a'))
    book.note(adds('b'))
    expect([here(), inSwarm()]).toEqual([['a', 'b'], []])
    await vi.advanceTimersByTimeAsync(1000)
    expect([inSwarm(), calls.writes]).toEqual([['a', 'b'], 1])
  })

  it('is written before a promise is kept, with what waits', async () => {
    const { book, calls, inSwarm } = start()
    book.note(adds('a'))
    await book.keep(adds('b'))
    expect([inSwarm(), calls.writes]).toEqual([['a', 'b'], 1])
  })

  it('is not written where nothing changes', async () => {
    const { book, calls } = start()
    await book.keep(adds('a'))
    book.note(adds('a'))
    await book.keep(adds('a'))
    await vi.advanceTimersByTimeAsync(5000)
    expect(calls.writes).toBe(1)
  })

  it('is promised only once it is in the Swarm, though it is in force here already', async () => {
    const { book, fails, inSwarm } = start()
    const first = book.keep(adds('a'))
    await book.keep(adds('a'))
    expect(inSwarm()).toEqual(['a'])
    await first
    fails(new Fault('engine-unavailable', 'away'))
    await expect(book.keep(adds('b'))).rejects.toMatchObject({ code: 'engine-unavailable' })
  })

  it('is forgotten when a promise could not be kept, and tried again where nobody was promised anything', async () => {
    const { book, fails, inSwarm, here } = start()
    fails(new Error('a bug'))
    book.note(adds('noted'))
    await expect(book.keep(adds('promised'))).rejects.toMatchObject({ code: 'engine-unavailable', retryAfterMs: 1000 })
    expect(here()).toEqual(['noted'])
    await vi.advanceTimersByTimeAsync(3000)
    fails(undefined)
    await vi.advanceTimersByTimeAsync(4000)
    expect(inSwarm()).toEqual(['noted'])
  })

  it('is tried again after longer and longer, and said once in the log', async () => {
    const { alertStore } = memoryAlertStore()
    let tries = 0
    const update = async () => {
      tries += 1
      throw new Fault('write-rejected', 'forbidden')
    }
    const warnings: string[] = []
    const logger = { ...silent, warn: (_: object, message: string) => warnings.push(message) }
    const book = createAlertBook({ store: { ...alertStore, update }, logger })
    book.note(adds('a'))
    await vi.advanceTimersByTimeAsync(64_000)
    expect(tries).toBe(7)
    expect(warnings).toHaveLength(1)
    await book.close()
  })

  it('is what other controllers write, with our own on top', async () => {
    const { book, alertStore, here } = start()
    book.note(adds('ours'))
    await alertStore.update(adds('theirs'))
    expect(here()).toEqual(['theirs', 'ours'])
  })

  it('is written at the end, once', async () => {
    const { book, calls, inSwarm } = start()
    book.note(adds('a'))
    await Promise.all([book.close(), book.close()])
    await vi.advanceTimersByTimeAsync(5000)
    expect([inSwarm(), calls.writes]).toEqual([['a'], 1])
  })
})
