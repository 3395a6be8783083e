import { describe, expect, it } from 'vitest'
import { aDefinition } from '../../../support/builders/network-views.ts'
import type { FakeEngine } from '../../../support/fake-engine/fake-engine.ts'
import { eventually, fakeEngine, inSync, sleep, swarmOn } from '../swarm-fixture.ts'

const QUICK_TASKS = { tasksEveryMs: 40, tasksApartMs: 10, listEveryMs: 100_000 }

const onNetwork = (network: string) => ({
  TaskTemplate: { ContainerSpec: { Image: 'busybox' }, Networks: [{ Target: network }] },
})

/** A network in force with one service on it, and another service that is not. */
const connected = async (prepare: (engine: FakeEngine, network: string) => void = () => {}) => {
  const engine = await fakeEngine()
  const network = engine.putNetwork({ Name: 'vlan40', Scope: 'swarm', Driver: 'macvlan' })
  engine.addService({ id: 'web', name: 'web', spec: onNetwork(network) })
  engine.addService({ id: 'other', name: 'other' })
  prepare(engine, network)
  const swarm = await inSync(swarmOn(engine.host, { timing: QUICK_TASKS }))
  const { bootstrap } = swarm
  bootstrap.activate()
  await eventually(() => bootstrap.sync().inSync)
  const inForce = async () =>
    await bootstrap.records.update('vlan40', () => ({
      ...{ definition: aDefinition(), phase: 'present', isAdopted: false, allocations: new Map(), freed: [] },
    }))
  const states = () => Object.fromEntries(bootstrap.tasks.list().map(({ id, state }) => [id, state]))
  return { engine, network, bootstrap, tasks: bootstrap.tasks, inForce, states }
}

describe('the tasks', () => {
  it('are not asked for while no network is in force', async () => {
    const { engine, tasks } = await connected()
    await sleep(150)
    expect(engine.count('GET /tasks')).toBe(0)
    expect(tasks.readAtMs()).toBeUndefined()
    await tasks.refresh()
    expect([tasks.list(), tasks.readAtMs()]).toEqual([[], undefined])
  })

  it('are asked for again and again once one is, of the services that are on it', async () => {
    const { engine, network, inForce, tasks, states } = await connected((fake, id) => {
      fake.putTask({ id: 't1', serviceId: 'web', nodeId: 'w1', networkIds: [id] })
      fake.putTask({ id: 't2', serviceId: 'other', nodeId: 'w1' })
    })
    await inForce()
    await eventually(() => 't1' in states())
    expect(tasks.list()).toEqual([
      { id: 't1', serviceId: 'web', nodeId: 'w1', desiredState: 'running', state: 'running', networkIds: [network] },
    ])
    engine.putTask({ id: 't3', serviceId: 'web', state: 'pending', networkIds: [network] })
    await eventually(() => states().t3 === 'pending')
  })

  it('are followed to their end when Swarm wants them stopped, and old history is not read again', async () => {
    const { engine, network, inForce, states } = await connected((fake, id) => {
      fake.putTask({ id: 't1', serviceId: 'web', nodeId: 'w1', networkIds: [id] })
      for (const old of ['o1', 'o2', 'o3']) {
        fake.putTask({
          id: old,
          serviceId: 'web',
          nodeId: 'w1',
          desiredState: 'shutdown',
          state: 'failed',
          networkIds: [id],
        })
      }
    })
    await inForce()
    await eventually(() => 't1' in states())
    engine.putTask({ id: 't1', serviceId: 'web', nodeId: 'w1', desiredState: 'shutdown', networkIds: [network] })
    await sleep(150)
    expect(states()).toEqual({ t1: 'running' })
    const filters = engine.calls
      .filter(({ endpoint }) => endpoint === 'GET /tasks')
      .map(({ query }) => JSON.parse(query.filters ?? '{}'))
    expect(filters.slice(-2)).toContainEqual({ id: ['t1'] })
    expect(filters.filter((one) => one.service !== undefined && one['desired-state'] === undefined)).toHaveLength(1)
    engine.putTask({
      id: 't1',
      serviceId: 'web',
      nodeId: 'w1',
      desiredState: 'shutdown',
      state: 'shutdown',
      networkIds: [network],
    })
    await eventually(() => !('t1' in states()))
  })

  it('that were stopping before anybody looked are seen too, also of a service that is gone', async () => {
    const { inForce, states } = await connected((fake, id) => {
      fake.putTask({ id: 's1', serviceId: 'web', nodeId: 'w1', desiredState: 'shutdown', networkIds: [id] })
      fake.putTask({ id: 'r1', serviceId: 'removed', nodeId: 'w1', desiredState: 'remove', networkIds: [id] })
    })
    await inForce()
    await eventually(() => 's1' in states() && 'r1' in states())
  })

  it('are asked for at once, and not too often, when services change', async () => {
    const { engine, inForce, states, network } = await connected((fake, id) => {
      fake.putTask({ id: 't1', serviceId: 'web', nodeId: 'w1', networkIds: [id] })
    })
    await inForce()
    await eventually(() => 't1' in states())
    engine.putTask({ id: 't2', serviceId: 'web', nodeId: 'w2', networkIds: [network] })
    for (let count = 2; count < 30; count += 1)
      engine.changeService('web', (spec) => ({ ...spec, Mode: { Replicated: { Replicas: count } } }))
    await eventually(() => 't2' in states())
  })

  it('keep what is known when they cannot be read, and say how old it is', async () => {
    const { engine, inForce, tasks, states } = await connected((fake, id) => {
      fake.putTask({ id: 't1', serviceId: 'web', nodeId: 'w1', networkIds: [id] })
    })
    await inForce()
    await eventually(() => 't1' in states())
    engine.inject('GET /tasks', { status: 500, message: 'not now' }, 1000)
    await sleep(60)
    const readAtMs = tasks.readAtMs()
    await sleep(100)
    expect(tasks.readAtMs()).toBe(readAtMs)
    expect(states()).toEqual({ t1: 'running' })
    await expect(tasks.refresh()).rejects.toMatchObject({ code: 'engine-unavailable' })
  })

  it('are asked for less often while the engine takes long to tell them', async () => {
    const { engine, inForce, tasks } = await connected((fake, id) => {
      fake.putTask({ id: 't1', serviceId: 'web', nodeId: 'w1', networkIds: [id] })
      fake.inject('GET /tasks', { delayMs: 150 }, 1000)
    })
    await inForce()
    await eventually(() => tasks.list().length === 1)
    const before = engine.count('GET /tasks')
    await sleep(1200)
    // Each 600 ms at most, in place of each 40.
    expect(engine.count('GET /tasks') - before).toBeLessThanOrEqual(3)
    expect(engine.count('GET /tasks') - before).toBeGreaterThan(0)
  })

  it('of a follower are not read before those of the services that it knows were', async () => {
    const { engine, inForce, tasks, states } = await connected((fake, id) => {
      fake.putTask({ id: 't1', serviceId: 'web', nodeId: 'w1', networkIds: [id] })
      fake.putTask({ id: 't2', serviceId: 'other', nodeId: 'w1' })
    })
    await inForce()
    await eventually(() => 't1' in states())
    let known: string[] | undefined
    const following = tasks.follow(() => known)
    const before = engine.count('GET /tasks')
    await eventually(() => engine.count('GET /tasks') > before + 2)
    expect(tasks.sync().inSync).toBe(true)
    // The list is in sync with what others follow, and lacks the task of a service that this one would name.
    expect([following.isRead(), Object.keys(states())]).toEqual([false, ['t1']])
    known = ['other']
    tasks.soon()
    await eventually(() => following.isRead())
    expect(Object.keys(states()).toSorted()).toEqual(['t1', 't2'])
    known = undefined
    await eventually(() => !following.isRead())
    following()
  })
})
