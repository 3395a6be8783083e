import { parse, stringify } from 'lossless-json'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ServiceChange } from '../../../../src/swarm/services.ts'
import { eventually, fakeEngine, inSync, sleep, swarmOn } from '../swarm-fixture.ts'

const setup = async (options: Parameters<typeof swarmOn>[1] = {}) => {
  const engine = await fakeEngine()
  const id = engine.addService({ name: 'web', replicas: 3, labels: { 'autoscaler.enable': 'true' } })
  const { services } = await inSync(swarmOn(engine.host, options))
  await sleep(20)
  engine.forgetCalls()
  const replicas = (of = id) => services.get(of)?.replicas
  const write = (rest: Partial<Parameters<typeof services.writeCount>[0]> = {}) =>
    services.writeCount({ id, version: services.get(id)?.version ?? -1, replicas: 5, stateLabel: 'mine', ...rest })
  return { engine, id, services, replicas, write }
}

const setReplicas = (count: number) => (spec: object) => ({ ...spec, Mode: { Replicated: { Replicas: count } } })

describe('the services', () => {
  it('are those of the engine, as it lists them', async () => {
    const { services, id } = await setup()
    expect([...services.list()]).toEqual([services.get(id)])
    expect(services.get(id)).toMatchObject({ name: 'web', mode: 'replicated', replicas: 3 })
  })

  it('follow what others change, at the cost of one read a change', async () => {
    const { engine, id, replicas } = await setup()
    engine.changeService(id, setReplicas(7))
    await eventually(() => replicas() === 7)
    await sleep(50)
    expect(engine.count('GET /services/{id}')).toBe(1)
    expect(engine.count('GET /services')).toBe(0)
  })

  it('appear and disappear with their events', async () => {
    const { engine, services } = await setup()
    const changes: ServiceChange[] = []
    services.onChange((change) => changes.push(change))
    const id = engine.addService({ name: 'second' })
    await eventually(() => services.get(id) !== undefined)
    engine.removeService(id)
    await eventually(() => services.get(id) === undefined)
    expect(changes.map(({ before, after }) => [before?.name, after?.name])).toEqual([
      [undefined, 'second'],
      ['second', undefined],
    ])
  })

  it('that change in a burst are read few times, and the last state wins', async () => {
    const { engine, id, replicas } = await setup()
    for (let count = 10; count <= 60; count += 1) engine.changeService(id, setReplicas(count))
    await eventually(() => replicas() === 60)
    await sleep(50)
    expect(engine.count('GET /services/{id}')).toBeLessThan(10)
  })

  it('with a name that is the id of another, or a prefix of it, are never taken for it', async () => {
    const { engine, id, services } = await setup()
    engine.muteEvents(true)
    engine.addService({ name: 'impostor', id: `${id}x` })
    engine.removeService(id)
    expect(await services.refresh(id)).toBeUndefined()
    expect(services.get(id)).toBeUndefined()
  })

  it('keep a listener that throws to itself', async () => {
    const { engine, id, services } = await setup()
    const seen: number[] = []
    services.onChange(() => {
      throw new Error('a bug')
    })
    const stop = services.onChange(({ after }) => seen.push(after?.replicas ?? -1))
    engine.changeService(id, setReplicas(7))
    await eventually(() => seen.length === 1)
    stop()
    engine.changeService(id, setReplicas(8))
    await eventually(() => services.get(id)?.replicas === 8)
    expect(seen).toEqual([7])
  })

  it('that could not be read after an event are listed soon', async () => {
    const { engine, id, replicas } = await setup()
    engine.inject('GET /services/{id}', { status: 500 })
    engine.changeService(id, setReplicas(7))
    await eventually(() => replicas() === 7)
    expect(engine.count('GET /services')).toBe(1)
  })

  it('are listed every minute, for what no event told', async () => {
    const { engine, id, replicas } = await setup({ timing: { listEveryMs: 100 } })
    engine.muteEvents(true)
    engine.changeService(id, setReplicas(7))
    await eventually(() => replicas() === 7)
    expect(engine.count('GET /services/{id}')).toBe(0)
  })

  it('cost nothing but the leader read while nothing happens', async () => {
    const { engine } = await setup()
    await sleep(300)
    expect(new Set(engine.calls.map(({ endpoint }) => endpoint))).toEqual(new Set(['GET /swarm']))
    expect(engine.openStreams()).toBe(1)
  })
})

describe('a refresh', () => {
  it('brings what no event told', async () => {
    const { engine, id, services } = await setup()
    engine.muteEvents(true)
    engine.changeService(id, setReplicas(7))
    expect(await services.refresh(id)).toMatchObject({ replicas: 7 })
  })

  it('ignores a version older than the one that is known', async () => {
    const { engine, id, services } = await setup()
    const before = services.get(id)
    engine.tamper(id, (raw) => ({ ...raw, Version: { Index: 1 }, Spec: setReplicas(1)(raw.Spec as object) }))
    expect(await services.refresh(id)).toEqual(before)
  })

  it.each([
    { name: 'an error', fault: { status: 500 } },
    { name: 'half an answer', fault: { truncate: 'json' } as const },
    { name: 'silence', fault: { hang: 'before' } as const },
  ])('that meets $name says that the engine is not available, not that the service is gone', async ({ fault }) => {
    const { engine, id, services } = await setup()
    engine.inject('GET /services/{id}', fault)
    await expect(services.refresh(id)).rejects.toMatchObject({ code: 'engine-unavailable' })
    expect(services.get(id)).toBeDefined()
  })
})

describe('a write', () => {
  it('changes the count and our label alone, on the version that was read', async () => {
    const { engine, id, services, write } = await setup()
    const { version } = services.get(id) ?? {}
    expect(await write()).toEqual({ kind: 'committed' })
    const sent = engine.calls.find(({ endpoint }) => endpoint === 'POST /services/{id}/update')
    expect(sent).toMatchObject({
      path: `/services/${id}/update`,
      query: { version: String(version), registryAuthFrom: 'spec' },
    })
    expect(JSON.parse(sent?.body ?? '')).toMatchObject({
      Labels: { 'autoscaler.enable': 'true', 'autoscaler.state': 'mine' },
      Mode: { Replicated: { Replicas: 5 } },
    })
  })

  it('shows at once, with one update and one read, and the next needs no more reading', async () => {
    const { engine, id, services, write } = await setup()
    await write()
    expect(services.get(id)).toMatchObject({
      replicas: 5,
      labels: { 'autoscaler.state': 'mine' },
      previous: { replicas: 3 },
    })
    await sleep(50)
    await services.refresh(id)
    expect(await write({ replicas: 6 })).toEqual({ kind: 'committed' })
    await sleep(50)
    expect(engine.count('POST /services/{id}/update')).toBe(2)
    expect(engine.count('GET /services/{id}')).toBe(2)
    expect(engine.replicas(id)).toBe(6)
  })

  it('may be one of many at once, without a word of leaks', async () => {
    const { engine, services } = await setup({ timing: { writeTimeoutMs: 5_000, readTimeoutMs: 5_000 } })
    const warnings: Error[] = []
    const warn = (warning: Error) => warnings.push(warning)
    process.on('warning', warn)
    onTestFinished(() => {
      process.off('warning', warn)
    })
    const ids = Array.from({ length: 30 }, (_, index) => engine.addService({ name: `many${index}` }))
    await eventually(() => ids.every((id) => services.get(id) !== undefined))
    const writes = ids.map((id) => {
      const { version = -1 } = services.get(id) ?? {}
      return services.writeCount({ id, version, replicas: 2, stateLabel: 's' })
    })
    expect(new Set((await Promise.all(writes)).map(({ kind }) => kind))).toEqual(new Set(['committed']))
    await sleep(20)
    expect(warnings).toEqual([])
  })

  it('keeps integers above 2^53, floats and unknown fields of the spec', async () => {
    const { engine, services } = await setup()
    const id = engine.addService({ name: 'sparse' })
    const text = '{"Limits":18446744073709551615,"Ratio":0.15,"Init":true}'
    engine.changeService(id, (spec) => ({ ...spec, New: parse(text) }))
    await eventually(() => services.get(id)?.previous !== undefined)
    const { version = -1 } = services.get(id) ?? {}
    expect(await services.writeCount({ id, version, replicas: 2, stateLabel: 's' })).toEqual({ kind: 'committed' })
    expect(stringify(engine.service(id))).toContain(`"New":${text}`)
  })

  it('of a version that is not the cached one is a conflict, without a call', async () => {
    const { engine, write } = await setup()
    expect(await write({ version: 1 })).toEqual({ kind: 'conflict' })
    expect(engine.count('POST /services/{id}/update')).toBe(0)
  })

  it('before the version of the last one is known is a conflict, without a call', async () => {
    const { engine, write } = await setup()
    engine.inject('GET /services/{id}', { delayMs: 100 })
    await write()
    expect(await write()).toEqual({ kind: 'conflict' })
    expect(engine.count('POST /services/{id}/update')).toBe(1)
  })

  it('that somebody else was faster than is a conflict, and the cache then knows who won', async () => {
    const { engine, id, replicas, write } = await setup()
    engine.inject('POST /services/{id}/update', { before: () => engine.changeService(id, setReplicas(9)) })
    expect(await write()).toEqual({ kind: 'conflict' })
    expect(replicas()).toBe(9)
  })

  it('that the manager sent twice is committed, though it says out of sequence', async () => {
    const { engine, id, services, write } = await setup()
    const asSentBefore = () =>
      engine.changeService(id, (spec) => ({ ...setReplicas(5)(spec), Labels: { 'autoscaler.state': 'mine' } }))
    engine.inject('POST /services/{id}/update', { before: asSentBefore })
    expect(await write()).toEqual({ kind: 'committed' })
    expect(services.get(id)).toMatchObject({
      replicas: 5,
      version: engine.version(id),
    })
  })

  it('that is out of sequence, and cannot be read back, is unknown', async () => {
    const { engine, id, write } = await setup()
    engine.inject('POST /services/{id}/update', { before: () => engine.changeService(id, setReplicas(9)) })
    engine.inject('GET /services/{id}', { status: 500 }, 5)
    expect(await write()).toMatchObject({ kind: 'unknown' })
  })

  it('of a service that was removed meanwhile is gone', async () => {
    const { engine, id, write } = await setup()
    engine.inject('POST /services/{id}/update', { before: () => engine.removeService(id) })
    expect(await write()).toEqual({ kind: 'gone' })
  })

  it('of a service that nobody knows is gone', async () => {
    const { write } = await setup()
    expect(await write({ id: 'nobody' })).toEqual({ kind: 'gone' })
  })

  it('of a global service is rejected', async () => {
    const { engine, services, write } = await setup()
    const id = engine.addService({ name: 'everywhere', spec: { Mode: { Global: {} } } })
    await eventually(() => services.get(id) !== undefined)
    expect(await write({ id, version: services.get(id)?.version ?? -1 })).toMatchObject({ kind: 'rejected' })
  })

  const unknown = [
    { name: 'hangs and is in force', fault: { hang: 'after' }, inForce: true },
    { name: 'hangs and is not in force', fault: { hang: 'before' }, inForce: false },
    { name: 'is reset and is in force', fault: { reset: 'after' }, inForce: true },
    { name: 'is reset and is not in force', fault: { reset: 'before' }, inForce: false },
    { name: 'is answered 500', fault: { status: 500, message: 'context deadline exceeded' }, inForce: false },
    { name: 'is answered 503', fault: { status: 503, message: 'busy' }, inForce: false },
  ] as const

  it.each(unknown)('that $name is unknown, and a refresh tells', async ({ fault, inForce }) => {
    const { engine, id, services, write } = await setup()
    engine.inject('POST /services/{id}/update', fault)
    expect(await write()).toMatchObject({ kind: 'unknown' })
    expect(await services.refresh(id)).toMatchObject({ replicas: inForce ? 5 : 3 })
  })

  it('that is answered with half a JSON text is committed: the status says so', async () => {
    const { engine, write } = await setup()
    engine.inject('POST /services/{id}/update', { truncate: 'json' })
    expect(await write()).toEqual({ kind: 'committed' })
  })

  it('on a worker has not been sent', async () => {
    const { engine, write } = await setup()
    engine.role = 'worker'
    expect(await write()).toMatchObject({ kind: 'unsent', message: expect.stringContaining('not a swarm manager') })
  })

  it('to an engine that is away has not been sent', async () => {
    const { engine, write } = await setup()
    await engine.close()
    expect(await write()).toMatchObject({ kind: 'unsent' })
  })

  it('that the engine refuses is rejected, with its words', async () => {
    const { engine, write } = await setup()
    engine.inject('POST /services/{id}/update', { status: 400, message: 'name must be valid' })
    expect(await write()).toMatchObject({ kind: 'rejected', message: expect.stringContaining('name must be valid') })
  })
})

describe('a service without a policy in its labels', () => {
  const bystander = async () => {
    const { engine, services } = await setup()
    const spec = { TaskTemplate: { ContainerSpec: { Image: 'busybox', StopGracePeriod: 9007199254740993n } } }
    engine.muteEvents(true)
    const id = engine.addService({
      name: 'by-file',
      replicas: 3,
      spec: parse(stringify(spec) ?? '') as Record<string, unknown>,
    })
    engine.muteEvents(false)
    // The list shows it, and no event told of it.
    engine.cutEvents()
    await eventually(() => services.get(id) !== undefined)
    engine.forgetCalls()
    return { engine, services, id }
  }

  it('is written as it is, digits beyond 2^53 too: it is read first', async () => {
    const { engine, services, id } = await bystander()
    expect(engine.count('GET /services/{id}')).toBe(0)
    const version = services.get(id)?.version ?? -1
    expect(await services.writeCount({ id, version, replicas: 5, stateLabel: 's' })).toEqual({ kind: 'committed' })
    const sent = engine.calls.find(({ endpoint }) => endpoint === 'POST /services/{id}/update')
    expect(sent?.body).toContain('9007199254740993')
    expect(engine.replicas(id)).toBe(5)
    await services.refresh(id)
    engine.forgetCalls()
    const next = services.get(id)?.version ?? -1
    expect(await services.writeCount({ id, version: next, replicas: 6, stateLabel: 's' })).toEqual({
      kind: 'committed',
    })
    expect(engine.calls[0]?.endpoint).toBe('POST /services/{id}/update')
  })

  it('that changed since is a conflict, one that can not be read is unsent, one that has gone is gone', async () => {
    const { engine, services, id } = await bystander()
    const version = services.get(id)?.version ?? -1
    const write = () => services.writeCount({ id, version, replicas: 5, stateLabel: 's' })
    engine.inject('GET /services/{id}', { status: 503, message: 'away' })
    expect(await write()).toMatchObject({ kind: 'unsent' })
    engine.muteEvents(true)
    engine.changeService(id, setReplicas(4))
    expect(await write()).toEqual({ kind: 'conflict' })
    const other = await bystander()
    other.engine.muteEvents(true)
    other.engine.removeService(other.id)
    const of = { id: other.id, version: other.services.get(other.id)?.version ?? -1 }
    expect(await other.services.writeCount({ ...of, replicas: 5, stateLabel: 's' })).toEqual({ kind: 'gone' })
    expect(engine.count('POST /services/{id}/update')).toBe(0)
  })
})
