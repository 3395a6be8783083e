import { LosslessNumber } from 'lossless-json'
import { describe, expect, it } from 'vitest'
import { eventually, fakeEngine, inSync, sleep, swarmOn } from '../swarm-fixture.ts'

const connected = async (prepare: (engine: Awaited<ReturnType<typeof fakeEngine>>) => void = () => {}) => {
  const engine = await fakeEngine()
  prepare(engine)
  const swarm = await inSync(swarmOn(engine.host))
  const { bootstrap } = swarm
  bootstrap.activate()
  await eventually(() => bootstrap.sync().inSync)
  await sleep(20)
  engine.forgetCalls()
  return { engine, swarm, bootstrap, nodes: bootstrap.nodes }
}

const write = (id: string, version: number | undefined, rest: object) => ({ id, version: version ?? 0, ...rest })

describe('the nodes', () => {
  it('are not asked for before somebody needs them', async () => {
    const engine = await fakeEngine()
    engine.addNode({ hostname: 'worker1' })
    const { bootstrap } = await inSync(swarmOn(engine.host))
    await sleep(30)
    expect(bootstrap.nodes.list()).toEqual([])
    expect(bootstrap.sync()).toMatchObject({ inSync: false, reason: expect.stringContaining('nodes and networks') })
    for (const endpoint of ['GET /nodes', 'GET /networks', 'GET /tasks', 'GET /info'])
      expect(engine.count(endpoint)).toBe(0)
  })

  it('are those of the engine, with what plans are made from', async () => {
    const { nodes } = await connected((engine) => {
      engine.addNode({ id: 'm1', hostname: 'manager1', role: 'manager', labels: { zone: 'a' }, availability: 'pause' })
    })
    expect(nodes.get('m1')).toMatchObject({
      ...{ id: 'm1', hostname: 'manager1', role: 'manager', state: 'ready', availability: 'pause' },
      ...{ labels: { zone: 'a' }, address: '10.0.0.1', engineVersion: '28.5.1' },
      platform: { os: 'linux', architecture: 'x86_64' },
      ...{ cpus: 4, memoryBytes: 8_000_000_000 },
    })
  })

  it('are read one by one when an event announces a change, and go when one says so', async () => {
    const { engine, nodes } = await connected((fake) => {
      fake.addNode({ id: 'w1', hostname: 'worker1' })
    })
    engine.changeNode('w1', (raw) => ({ ...raw, Status: { State: 'down' } }))
    await eventually(() => nodes.get('w1')?.state === 'down')
    engine.addNode({ id: 'w2', hostname: 'worker2' })
    await eventually(() => nodes.get('w2') !== undefined)
    engine.removeNode('w1')
    await eventually(() => nodes.get('w1') === undefined)
    expect(engine.count('GET /nodes')).toBe(0)
  })

  it('are listed again when one that changed cannot be read', async () => {
    const { engine, nodes } = await connected((fake) => {
      fake.addNode({ id: 'w1', hostname: 'worker1' })
    })
    engine.inject('GET /nodes/{id}', { status: 500 })
    engine.changeNode('w1', (raw) => ({ ...raw, Status: { State: 'down' } }))
    await eventually(() => nodes.get('w1')?.state === 'down')
    expect(engine.count('GET /nodes')).toBe(1)
  })

  it('that cannot be listed keep nobody from scaling', async () => {
    const engine = await fakeEngine()
    const id = engine.addService({ name: 'web', replicas: 3 })
    engine.inject('GET /nodes', { status: 403, message: 'forbidden by the proxy' }, 1000)
    const { bootstrap, services } = await inSync(swarmOn(engine.host))
    bootstrap.activate()
    await eventually(() => bootstrap.sync().reason.includes('forbidden by the proxy'))
    const version = services.get(id)?.version ?? 0
    expect(services.sync().inSync).toBe(true)
    expect(await services.writeCount({ id, version, replicas: 4, stateLabel: '{}' })).toEqual({ kind: 'committed' })
  })
})

describe('a write to a node', () => {
  const odd = {
    Labels: { zone: 'a', mine: 'b' },
    Role: 'worker',
    Availability: 'active',
    Later: new LosslessNumber('9007199254740993'),
  }

  it('changes what is named, and sends the rest back as it was, digits and all', async () => {
    const { engine, nodes } = await connected((fake) => {
      fake.addNode({ id: 'w1', hostname: 'worker1', raw: { Spec: odd } })
    })
    const change = { labels: { mine: null, ours: 'c' }, availability: 'drain' as const }
    expect(await nodes.write(write('w1', nodes.get('w1')?.version, change))).toEqual({ kind: 'committed' })
    const sent = engine.calls.find(({ endpoint }) => endpoint === 'POST /nodes/{id}/update')?.body ?? ''
    expect(sent).toContain('"Later":9007199254740993')
    expect(JSON.parse(sent)).toMatchObject({ Labels: { zone: 'a', ours: 'c' }, Role: 'worker', Availability: 'drain' })
    expect(JSON.parse(sent).Labels).not.toHaveProperty('mine')
  })

  it('is in the cache with its version when it has ended', async () => {
    const { nodes } = await connected((fake) => {
      fake.addNode({ id: 'w1', hostname: 'worker1' })
    })
    for (const value of ['1', '2', '3']) {
      expect(await nodes.write(write('w1', nodes.get('w1')?.version, { labels: { a: value } }))).toEqual({
        kind: 'committed',
      })
      expect(nodes.get('w1')?.labels).toMatchObject({ a: value })
    }
  })

  it('is a conflict when somebody wrote first, and the cache has what they wrote', async () => {
    const { engine, nodes } = await connected((fake) => {
      fake.addNode({ id: 'w1', hostname: 'worker1' })
    })
    const version = nodes.get('w1')?.version
    engine.muteEvents(true)
    engine.changeNode('w1', (raw) => ({ ...raw, Status: { State: 'down' } }))
    expect(await nodes.write(write('w1', version, { labels: { a: 'b' } }))).toEqual({ kind: 'conflict' })
    expect(nodes.get('w1')?.state).toBe('down')
    engine.forgetCalls()
    expect(await nodes.write(write('w1', version, { labels: { a: 'b' } }))).toEqual({ kind: 'conflict' })
    expect(engine.count('POST /nodes/{id}/update')).toBe(0)
  })

  const ends = [
    { name: 'of a node that left', fault: { status: 404, message: 'node w1 not found' }, kind: 'gone' },
    { name: 'that a proxy forbids', fault: { status: 403, message: 'no' }, kind: 'rejected' },
    { name: 'that is in force without an answer', fault: { hang: 'after' as const }, kind: 'unknown' },
  ]
  it.each(ends)('$name is $kind', async ({ fault, kind }) => {
    const { engine, nodes } = await connected((fake) => {
      fake.addNode({ id: 'w1', hostname: 'worker1' })
    })
    engine.inject('POST /nodes/{id}/update', fault)
    expect(await nodes.write(write('w1', nodes.get('w1')?.version, { labels: { a: 'b' } }))).toMatchObject({ kind })
    if (kind === 'unknown') expect(nodes.get('w1')?.labels).toMatchObject({ a: 'b' })
  })

  it('to one that was never seen is gone', async () => {
    const { nodes } = await connected()
    expect(await nodes.write(write('w9', 1, { availability: 'drain' }))).toEqual({ kind: 'gone' })
  })
})
