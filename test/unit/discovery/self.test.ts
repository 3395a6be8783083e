import { describe, expect, it, vi } from 'vitest'
import { findPrometheus } from '../../../src/commands/serve/consul.ts'
import type { SelfEntry } from '../../../src/discovery/ports.ts'
import { keepSelf } from '../../../src/discovery/sync/self.ts'

const SELF: SelfEntry = {
  ...{ id: 'orrery-controller-n1', name: 'orrery', address: '10.0.0.7', port: 8000 },
  ...{ meta: { cluster: 'c1' }, checkUrl: 'http://10.0.0.7:8000/readyz' },
}
const quiet = () => {}
const LOGGER = { debug: quiet, info: quiet, warn: quiet, error: quiet }

/** A Consul agent in memory; `lose`: it forgets everything. */
function anAgent() {
  const has = new Map<string, SelfEntry>()
  let isAway = false
  let registered = 0
  const asked = async <T>(answer: () => T): Promise<T> => {
    if (isAway) throw new Error('nobody answers')
    return answer()
  }
  return {
    has,
    registered: () => registered,
    away: (away: boolean) => {
      isAway = away
    },
    find: (id: string) => asked(() => has.get(id)),
    register: (self: SelfEntry) =>
      asked(() => {
        registered += 1
        has.set(self.id, self)
      }),
    deregister: (id: string) => asked(() => void has.delete(id)),
  }
}
const keep = (agent: ReturnType<typeof anAgent>, self = async (): Promise<SelfEntry | undefined> => SELF) => {
  const ending = new AbortController()
  const kept = keepSelf({ agent, self, logger: LOGGER, everyMs: 10 }, ending.signal)
  return async () => {
    ending.abort()
    await kept
  }
}

describe('the controller itself in Consul', () => {
  it('is registered once, and taken away at the end', async () => {
    const agent = anAgent()
    const find = vi.spyOn(agent, 'find')
    const end = keep(agent)
    await vi.waitFor(() => expect(find.mock.calls.length).toBeGreaterThan(3))
    expect(agent.registered()).toBe(1)
    expect(agent.has.get(SELF.id)).toEqual(SELF)
    await end()
    expect(agent.has.size).toBe(0)
  })

  it('is back after Consul lost it, was away, or it moved', async () => {
    const agent = anAgent()
    let address = SELF.address
    agent.away(true)
    const end = keep(agent, async () => ({ ...SELF, address }))
    agent.away(false)
    await vi.waitFor(() => expect(agent.has.size).toBe(1))
    agent.has.clear()
    await vi.waitFor(() => expect(agent.has.size).toBe(1))
    address = '10.0.0.8'
    await vi.waitFor(() => expect(agent.has.get(SELF.id)?.address).toBe('10.0.0.8'))
    await end()
  })

  it('is not there before anybody knows where it is, and nothing is taken away then', async () => {
    const agent = anAgent()
    const deregister = vi.spyOn(agent, 'deregister')
    const self = vi.fn(async () => undefined)
    const end = keep(agent, self)
    await vi.waitFor(() => expect(self.mock.calls.length).toBeGreaterThan(2))
    await end()
    expect(agent.registered()).toBe(0)
    expect(deregister).not.toHaveBeenCalled()
  })
})

describe('Prometheus', () => {
  it('is the one that the configuration names, if it does', async () => {
    const config = { prometheusUrl: 'http://named:9090', consulPrometheus: 'prometheus' }
    expect(await findPrometheus(config, { passing: async () => [] })?.()).toBe('http://named:9090')
  })

  it('is else a passing instance in Consul, IPv6 in brackets, asked for once in a while', async () => {
    const passing = vi.fn(async () => [{ address: 'fd00::1', port: 9090 }])
    const prometheus = findPrometheus({ consulPrometheus: 'prometheus' }, { passing })
    expect(await prometheus?.()).toBe('http://[fd00::1]:9090')
    await prometheus?.()
    expect(passing.mock.calls).toEqual([['prometheus']])
  })

  it('is nowhere while none passes', async () => {
    const prometheus = findPrometheus({ consulPrometheus: 'prometheus' }, { passing: async () => [] })
    await expect(prometheus?.()).rejects.toThrow('no instance of prometheus passes')
    expect(findPrometheus({ consulPrometheus: 'prometheus' }, undefined)).toBeUndefined()
  })
})
