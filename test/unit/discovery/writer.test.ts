/** Who writes, by a lock that is made up: what a real Consul does with it is in test/adapters/consul. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { ConsulLock } from '../../../src/discovery/ports.ts'
import { createWriter } from '../../../src/discovery/sync/writer.ts'

const quiet = () => {}
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }

/** The lock of a Consul that can lose everything. */
function aConsul() {
  const sessions = new Set<string>()
  const consul = {
    holder: undefined as string | undefined,
    opened: 0,
    isDelayed: false,
    forget: () => sessions.clear(),
  }
  const answer = async <T>(value: () => T): Promise<T> => {
    await sleep(1)
    return value()
  }
  const lock: ConsulLock = {
    open: () =>
      answer(() => {
        consul.opened += 1
        sessions.add(`session ${consul.opened}`)
        return `session ${consul.opened}`
      }),
    renew: (session) => answer(() => sessions.has(session)),
    take: (session) =>
      answer(() => {
        if (!sessions.has(session) || consul.isDelayed || consul.holder !== undefined) return false
        consul.holder = session
        return true
      }),
    giveUp: (session) => answer(() => void (consul.holder === session && Object.assign(consul, { holder: undefined }))),
    remove: () => answer(() => false),
    watch: () => answer(() => ({ index: '1', isFree: consul.holder === undefined })),
  }
  return { consul, lock }
}

function start(lock: ConsulLock) {
  // Renewed at its own pace never: what is seen below is asked for at once.
  const timing = { renewEveryMs: 3_600_000, lookEveryMs: 2, takeEveryMs: 2, retryMs: 2 }
  const writer = createWriter({ lock, mayWrite: () => true, onChange: quiet, logger, timing })
  const ending = new AbortController()
  const running = writer.run(ending.signal)
  onTestFinished(async () => {
    ending.abort()
    await running
  })
  return writer
}

it('a writer whose session Consul forgot writes no more once it is in doubt, though another holds the lock already', async () => {
  const { consul, lock } = aConsul()
  const writer = start(lock)
  await vi.waitFor(() => expect(writer.session()).toBe('session 1'))
  consul.forget()
  consul.holder = 'somebody else'
  await sleep(50)
  expect(writer.session()).toBe('session 1')
  writer.doubt()
  await vi.waitFor(() => expect(writer.session()).toBeUndefined())
  expect(consul.holder).toBe('somebody else')
})

it('one that waits takes the lock with another session when Consul forgot the one that it has', async () => {
  const { consul, lock } = aConsul()
  consul.isDelayed = true
  const writer = start(lock)
  await vi.waitFor(() => expect(consul.opened).toBe(1))
  consul.holder = 'somebody else'
  consul.forget()
  await sleep(20)
  Object.assign(consul, { isDelayed: false, holder: undefined })
  await vi.waitFor(() => expect(writer.session()).toBe('session 2'))
})
