/** The lock of the one writer: a session of 10 s, and a key that it holds. */
import type { ConsulLock } from '../../discovery/ports.ts'
import { WAIT_TIMEOUT_MS, waitForChange } from './blocking.ts'
import { answerOf, type ConsulClient } from './consul-client.ts'
import { listOf, textAt } from './fields.ts'

const TTL = '10s'
const LOCK_DELAY = '5s'
const TIMEOUT_MS = 3_000

export function createLock({ consul, common, call, transact }: ConsulClient, key: () => string): ConsulLock {
  return {
    open: () =>
      call('opening a session', async () => {
        // No checks: the node of the agent that is asked may come and go, the session does not depend on it.
        const options = { name: key(), ttl: TTL, lockdelay: LOCK_DELAY, behavior: 'release' as const, checks: [] }
        const { ID } = await consul.session.create({ ...common(TIMEOUT_MS), ...options })
        return ID
      }),
    renew: (session) =>
      call('renewing the session', async () => {
        try {
          await consul.session.renew({ ...common(TIMEOUT_MS), id: session })
          return true
        } catch (error) {
          if (answerOf(error)?.status === 404) return false
          throw error
        }
      }),
    take: (session) =>
      call('taking the lock', async () => {
        try {
          return (await consul.kv.set({ ...common(TIMEOUT_MS), key: key(), value: session, acquire: session })) === true
        } catch (error) {
          // A session that has ended since: another one is opened.
          if (/invalid session/i.test(String(answerOf(error)?.body ?? ''))) return false
          throw error
        }
      }),
    giveUp: (session) =>
      call('giving up the lock', async () => {
        await consul.kv.set({ ...common(TIMEOUT_MS), key: key(), value: '', release: session })
        await consul.session.destroy({ ...common(TIMEOUT_MS), id: session })
      }),
    remove: (session) =>
      call('removing the key of the lock', async () => {
        const [Key, Session] = [key(), session]
        const operations = [{ KV: { Verb: 'check-session', Key, Session } }, { KV: { Verb: 'delete', Key } }]
        try {
          await transact(operations, TIMEOUT_MS)
        } catch (error) {
          if (answerOf(error)?.status === 409) return false
          throw error
        }
        // Of controllers that were killed: each would end by itself after 20 s.
        const sessions: unknown = await consul.session.list(common(TIMEOUT_MS))
        for (const one of listOf(sessions).filter(
          (raw) => textAt(raw, 'Name') === Key && textAt(raw, 'ID') !== Session,
        ))
          await consul.session.destroy({ ...common(TIMEOUT_MS), id: textAt(one, 'ID') })
        return true
      }),
    watch: (index, signal) =>
      call('waiting for the lock', async () => {
        const options = { ...common(WAIT_TIMEOUT_MS), key: key() }
        const { index: next, body } = await waitForChange(index, signal, (waiting) =>
          consul.kv.get({ ...options, ...waiting }),
        )
        return { index: next, isFree: textAt(body, 'Session') === '' }
      }),
  }
}
