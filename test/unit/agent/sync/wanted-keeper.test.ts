import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWantedKeeper } from '../../../../src/agent/sync/wanted-keeper.ts'
import type { WantedState } from '../../../../src/swarm/wanted.ts'

const quiet = () => {}
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }

const network = (name: string): WantedState['networks'][number] => ({
  name,
  configName: `${name}_config`,
  presence: 'present',
  driver: 'macvlan',
  parent: 'eth1',
  ipv4: { subnet: '172.80.0.0/16', range: '172.80.1.0/24', aux: {} },
  isAdopted: false,
  mayRecreate: false,
})
const state = (revision: number, over: Partial<WantedState> = {}): WantedState => ({
  v: 1,
  nodeId: 'node-1',
  revision,
  networks: [],
  ...over,
})

const proven = (url: string) => ({ url, isProven: true })
const anybody = (url: string) => ({ url, isProven: false })

function keeper(before?: WantedState) {
  const kept: WantedState[] = []
  const taken: number[] = []
  const clock = { nowMs: 1_000_000 }
  const wanted = createWantedKeeper({
    memory: {
      wanted: () => before,
      async keepWanted(next) {
        kept.push(next)
      },
    },
    logger,
    now: () => clock.nowMs,
    onTaken: () => taken.push(1),
  })
  return { wanted, kept, taken, clock }
}

describe('what is wanted', () => {
  it('is what was kept before, until more is known', () => {
    const { wanted } = keeper(state(7))
    expect(wanted.current('node-1')).toEqual(state(7))
    expect(wanted.current('node-1')?.revision).toBe(7)
  })

  it('is nothing for a node that joined under another id, until a controller says so, of whatever revision', async () => {
    const { wanted } = keeper(state(7000, { nodeId: 'node-before' }))
    expect(wanted.current('node-1')).toBeUndefined()
    expect(wanted.current('node-1')?.revision).toBeUndefined()
    await wanted.offer(state(12), proven('a'))
    expect(wanted.current('node-1')).toEqual(state(12))
  })

  it('is kept and told once for each revision', async () => {
    const { wanted, kept, taken } = keeper()
    for (let time = 0; time < 3; time += 1) await wanted.offer(state(3), proven('a'))
    expect(kept).toEqual([state(3)])
    expect(taken).toHaveLength(1)
  })

  it('has the highest revision that was ever offered, by whomever and in whatever order', async () => {
    const offers = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.constantFrom('a', 'b', 'c')))
    await fc.assert(
      fc.asyncProperty(offers, fc.option(fc.integer({ min: 0, max: 50 })), async (all, before) => {
        const { wanted } = keeper(before === null ? undefined : state(before))
        for (const [revision, from] of all) await wanted.offer(state(revision), proven(from))
        expect(wanted.current('node-1')?.revision ?? 0).toBe(
          Math.max(before ?? 0, ...all.map(([revision]) => revision)),
        )
      }),
    )
  })

  it('of one revision is what its giver goes on to say, and what others say once that one is silent', async () => {
    const { wanted, clock } = keeper()
    await wanted.offer(state(3, { networks: [network('one')] }), proven('a'))
    await wanted.offer(state(3), proven('b'))
    expect(wanted.current('node-1')?.networks).toHaveLength(1)
    await wanted.offer(state(3, { networks: [network('one'), network('two')] }), proven('a'))
    expect(wanted.current('node-1')?.networks).toHaveLength(2)
    clock.nowMs += 20_000
    await wanted.offer(state(3), proven('b'))
    expect(wanted.current('node-1')?.networks).toHaveLength(0)
  })

  it('goes back with a Swarm that was restored, once no controller knows more any longer', async () => {
    const { wanted, taken, clock } = keeper(state(9_007_199_254_740_991))
    const hear = async (revision: number, from = proven('a')) => {
      await wanted.offer(state(revision), from)
      return wanted.current('node-1')?.revision
    }
    expect(await hear(40)).toBe(9_007_199_254_740_991)
    clock.nowMs += 20_000
    expect(await hear(40)).toBe(40)
    expect(taken).toHaveLength(1)
    expect(await hear(41)).toBe(41)
  })

  it('does not go back while one of several controllers is behind, nor by the word of one that proves nothing', async () => {
    const { wanted, clock } = keeper(state(7))
    for (let second = 0; second < 60; second += 5) {
      clock.nowMs += 5_000
      await wanted.offer(state(6), proven('behind'))
      await wanted.offer(state(7), proven('a'))
      expect(wanted.current('node-1')?.revision).toBe(7)
    }
    clock.nowMs += 60_000
    await wanted.offer(state(1), anybody('c'))
    expect(wanted.current('node-1')?.revision).toBe(7)
  })

  it('is not what somebody says who proves nothing, beside one who does', async () => {
    const { wanted, clock } = keeper()
    await wanted.offer(state(3), proven('a'))
    await wanted.offer(state(9_007_199_254_740_991), anybody('b'))
    expect(wanted.current('node-1')?.revision).toBe(3)
    clock.nowMs += 20_000
    await wanted.offer(state(4), anybody('b'))
    expect(wanted.current('node-1')?.revision).toBe(4)
  })
})
