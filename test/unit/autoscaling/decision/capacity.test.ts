import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { encodeState } from '../../../../src/autoscaling/decision/state.ts'
import type { AddressCapacity } from '../../../../src/autoscaling/ports.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import type { ServiceObservation } from '../../../../src/swarm/services.ts'
import { placement } from '../../../support/builders/addresses.ts'
import { NOW, state, up } from '../../../support/builders/autoscaling.ts'
import { createMemorySwarm } from '../../../support/swarm/services.ts'
import { memoryController } from '../../../support/use-cases/memory-controller.ts'

const labels = {
  'autoscaler.enable': 'true',
  'autoscaler.min': '1',
  'autoscaler.max': '1000',
  'autoscaler.cooldown': '0',
}
const set = (replicas: number) => ({ kind: 'set' as const, replicas, origin: 'call' as const })
const settle = async (ms = 0) => await vi.advanceTimersByTimeAsync(ms)

/** One network of so many addresses, as the writers see it. */
function addresses(total: number) {
  const claims = new Map<ServiceObservation['id'], number>()
  const calls = { ceilings: 0, claims: 0 }
  const room = { total }
  let swarm: ReturnType<typeof createMemorySwarm>
  let grants: readonly (() => Promise<boolean>)[] = []
  const capacity: AddressCapacity = {
    ceilingOf({ id, replicas }) {
      calls.ceilings += 1
      let taken = 0
      for (const other of swarm.services.list()) {
        if (other.id !== id) taken += Math.max(other.replicas, claims.get(other.id) ?? 0)
      }
      return { ceiling: room.total - taken, reason: `${room.total - taken - replicas} addresses are left` }
    },
    claim({ id }, replicas) {
      calls.claims += 1
      claims.set(id, replicas)
      const [grant = async () => true, ...later] = grants
      grants = later
      const granted = grant()
      granted.then((isGranted) => isGranted || claims.delete(id)).catch(() => claims.delete(id))
      return { granted, release: () => claims.delete(id) }
    },
  }
  return {
    ...{ capacity, claims, calls, room },
    grantNext: (...next: (() => Promise<boolean>)[]) => {
      grants = next
    },
    of: (made: ReturnType<typeof createMemorySwarm>) => {
      swarm = made
    },
  }
}

function start(total: number, names: readonly string[] = ['web']) {
  const swarm = createMemorySwarm(() => Date.now())
  const network = addresses(total)
  network.of(swarm)
  const clock = {
    get nowMs() {
      return Date.now()
    },
  }
  const { scaler, catalog } = memoryController(clock, { swarm, capacity: network.capacity })
  for (const name of names) swarm.add({ id: name, name, replicas: 2, labels, placement: placement() })
  return { swarm, scaler, catalog, ...network, replicas: (id = 'web') => swarm.service(id)?.replicas }
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a service that takes addresses', () => {
  it('grows as far as they go, and says why no further', async () => {
    const { scaler, catalog } = start(5)
    expect(await scaler.request('web', up({ by: 9 }))).toMatchObject({
      outcome: 'scaled',
      to: 5,
      limits: [{ stage: 'capacity', before: 11, after: 5, reason: '3 addresses are left' }],
    })
    expect(await scaler.request('web', up())).toMatchObject({
      outcome: 'unchanged',
      code: 'at-capacity',
      reason: '0 addresses are left',
    })
    expect(scaler.explain('web', up()).decision).toMatchObject({ code: 'at-capacity' })
    expect(catalog.get('web').conditions).toContainEqual(
      expect.objectContaining({ type: 'AtCapacity', status: true, reason: '0 addresses are left' }),
    )
  })

  it('is never made smaller by them', async () => {
    const { scaler, swarm, replicas, room } = start(9)
    swarm.change('web', { replicas: 9 })
    room.total = 4
    await settle(15_000)
    expect(replicas()).toBe(9)
    expect(await scaler.request('web', set(7))).toMatchObject({ outcome: 'scaled', to: 7 })
  })

  it('shares them with one that asks at the same moment: together exactly what there is', async () => {
    const { scaler, replicas } = start(39, ['web', 'shop'])
    const answers = await Promise.all([scaler.request('web', set(30)), scaler.request('shop', set(30))])
    expect(answers.map(({ outcome, to }) => [outcome, to])).toEqual([
      ['scaled', 30],
      ['scaled', 9],
    ])
    expect((replicas('web') ?? 0) + (replicas('shop') ?? 0)).toBe(39)
  })

  it('shares them with any number that ask for ever', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const { scaler, replicas } = start(39, names)
    for (let round = 0; round < 20; round += 1) {
      const asked = Promise.all(names.map(async (name) => await scaler.request(name, up())))
      await settle(500)
      await asked
    }
    expect(names.reduce((sum, name) => sum + (replicas(name) ?? 0), 0)).toBe(39)
  })
})

describe('a claim', () => {
  it.each([
    { fault: 'unsent' as const, kept: false },
    { fault: 'rejected' as const, kept: false },
    { fault: 'lost-before' as const, kept: true },
  ])('of a write that ended as $fault is kept: $kept', async ({ fault, kept }) => {
    const { scaler, swarm, claims } = start(10)
    swarm.failNextWrites(fault)
    const refused = expect(scaler.request('web', up())).rejects.toBeInstanceOf(Fault)
    await settle(100)
    await refused
    expect(claims.has('web')).toBe(kept)
  })

  it('that is refused is decided again on what is left', async () => {
    const { scaler, room, grantNext } = start(10)
    grantNext(async () => {
      room.total = 6
      return false
    })
    expect(await scaler.request('web', set(9))).toMatchObject({ outcome: 'scaled', to: 6 })
  })

  it('that cannot be told to other controllers is a fault, and nothing was written', async () => {
    const { scaler, swarm, replicas, grantNext } = start(10)
    grantNext(async () => await Promise.reject(new Fault('engine-unavailable', 'no engine')))
    await expect(scaler.request('web', up())).rejects.toMatchObject({ code: 'engine-unavailable' })
    expect(swarm.calls.writes).toBe(0)
    expect(replicas()).toBe(2)
  })

  it('is not asked for by what gets smaller, nor is anything by a service without networks', async () => {
    const { scaler, swarm, calls } = start(10)
    await scaler.request('web', set(1))
    expect(calls.claims).toBe(0)
    const before = calls.ceilings
    const { placement: _, ...rest } = swarm.service('web') ?? {}
    swarm.remove('web')
    swarm.add({ ...rest, id: 'bare', name: 'bare', replicas: 2, labels })
    expect(await scaler.request('bare', set(50))).toMatchObject({ outcome: 'scaled', to: 50 })
    expect(calls).toEqual({ claims: 0, ceilings: before })
  })
})

describe('a count that a deploy reset while addresses are short', () => {
  const deployed = async (total: number) => {
    const started = start(100)
    const { swarm, room } = started
    const running = { replicas: 30, labels: { ...labels, 'autoscaler.state': encodeState(state({ to: 30 })) } }
    swarm.change('web', running)
    await settle(1000)
    room.total = total
    swarm.change('web', { replicas: 2, labels })
    await settle(1500)
    return { ...started, owed: () => swarm.shared().restores.get('web')?.replicas }
  }

  it('comes back in parts, as addresses get free, and is owed until then', async () => {
    const { replicas, room, owed } = await deployed(2)
    expect([replicas(), owed()]).toEqual([2, 30])
    room.total = 11
    await settle(1500)
    expect([replicas(), owed()]).toEqual([11, 30])
    room.total = 40
    await settle(1500)
    expect([replicas(), owed()]).toEqual([30, undefined])
  })

  it('is no longer owed when somebody makes it smaller', async () => {
    const { scaler, replicas, owed, room } = await deployed(11)
    expect([replicas(), owed()]).toEqual([11, 30])
    expect(await scaler.request('web', set(5))).toMatchObject({ outcome: 'scaled', to: 5 })
    room.total = 100
    await settle(3000)
    expect([replicas(), owed()]).toEqual([5, undefined])
  })
})
