import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually, fakeEngine, inSync, QUICK, recordingLogger, sleep, swarmOn } from '../swarm-fixture.ts'

describe('in sync', () => {
  it('is not claimed before everything was read', async () => {
    const engine = await fakeEngine()
    engine.inject('GET /services', { delayMs: 150 })
    const { services } = swarmOn(engine.host)
    expect(services.sync()).toMatchObject({ inSync: false, reason: 'The swarm has not been read yet.' })
    await eventually(() => services.sync().reason.startsWith('All services are being read'))
    await eventually(() => services.sync().inSync)
    expect(services.sync()).toMatchObject({ reason: '', lastLeaderReadAtMs: expect.any(Number) })
  })

  it('is not claimed before the pauses are known', async () => {
    const engine = await fakeEngine()
    engine.setConfig('orrery-state', { 'pause.abc': '{"scope":"both","since":1}' })
    engine.inject('GET /configs', { status: 500 }, 3)
    const swarm = swarmOn(engine.host)
    swarm.services.onSync(({ inSync: isInSync }) => {
      if (isInSync) expect(swarm.sharedState.current().pauses.size).toBe(1)
    })
    await inSync(swarm)
    // Three that fail, and one for each of the two configs that then succeeds; more when they fail in turns.
    expect(engine.count('GET /configs')).toBeGreaterThanOrEqual(5)
  })

  it("says on a worker's socket where to point it, and comes once the node is a manager", async () => {
    const engine = await fakeEngine()
    engine.role = 'worker'
    const { services } = swarmOn(engine.host)
    await eventually(() => services.sync().reason.includes("point DOCKER_HOST at a manager's engine"))
    engine.role = 'manager'
    await eventually(() => services.sync().inSync)
  })

  it('says what is wrong with the socket, and comes once the engine is there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'no-engine-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const { services } = swarmOn(`unix://${folder}/engine.sock`)
    await eventually(() => services.sync().reason.includes('there is no such socket'))
  })

  it('ends when the leader is lost, though the event stream stays open, and is back soon after its return', async () => {
    const engine = await fakeEngine()
    const id = engine.addService({ name: 'web', replicas: 3 })
    const { services } = await inSync(swarmOn(engine.host))
    const news: boolean[] = []
    services.onSync(({ inSync: isInSync }) => news.push(isInSync))
    engine.role = 'no-leader'
    await eventually(() => !services.sync().inSync)
    expect(services.sync().reason).toContain('The swarm has no leader')
    expect(engine.openStreams()).toBe(1)
    engine.muteEvents(true)
    engine.changeService(id, (spec) => ({ ...spec, Mode: { Replicated: { Replicas: 9 } } }))
    const lists = engine.count('GET /services')
    engine.role = 'manager'
    const returnedAt = performance.now()
    await eventually(() => services.sync().inSync)
    expect(performance.now() - returnedAt).toBeLessThan(1_000)
    expect(engine.count('GET /services')).toBe(lists + 1)
    expect(services.get(id)?.replicas).toBe(9)
    expect(news).toEqual([false, true])
  })

  it('ends when the engine hangs, without any list that would hang too', async () => {
    const engine = await fakeEngine()
    const { services } = await inSync(swarmOn(engine.host))
    engine.forgetCalls()
    engine.role = 'hung'
    await eventually(() => !services.sync().inSync)
    expect(services.sync().reason).toContain('GET /swarm')
    expect(services.sync().reason).toContain('not answered within 150 ms')
    await sleep(100)
    expect(engine.count('GET /services')).toBe(0)
    engine.role = 'manager'
    await eventually(() => services.sync().inSync)
  })

  it('outlives a single leader read that fails', async () => {
    const engine = await fakeEngine()
    const { services } = await inSync(swarmOn(engine.host))
    const news: boolean[] = []
    services.onSync(({ inSync: isInSync }) => news.push(isInSync))
    for (const fault of [{ status: 503 }, { truncate: 'json' }, { reset: 'before' }] as const) {
      engine.inject('GET /swarm', fault)
      await sleep(120)
    }
    expect(news).toEqual([])
  })

  it('ends with the event stream, and what changed while it was cut is seen before it is back', async () => {
    const engine = await fakeEngine()
    const kept = engine.addService({ name: 'web', replicas: 3 })
    const removed = engine.addService({ name: 'old' })
    const streams: boolean[] = []
    const swarm = swarmOn(engine.host, { hooks: { onEventStream: (connected) => streams.push(connected) } })
    const { services } = await inSync(swarm)
    const states: unknown[] = []
    services.onSync(({ inSync: isInSync }) =>
      states.push([isInSync, services.get(kept)?.replicas, services.get(removed)?.name]),
    )
    engine.inject('GET /events', { status: 500, delayMs: 30 }, 2)
    engine.cutEvents()
    await eventually(() => !services.sync().inSync)
    expect(services.sync().reason).toContain('event stream')
    engine.changeService(kept, (spec) => ({ ...spec, Mode: { Replicated: { Replicas: 9 } } }))
    engine.removeService(removed)
    await eventually(() => services.sync().inSync)
    expect(states).toEqual([
      [false, 3, 'old'],
      [true, 9, undefined],
    ])
    expect(streams[0]).toBe(true)
    expect(streams.at(-1)).toBe(true)
    expect(streams).toContain(false)
  })

  it.each([
    { name: 'an error', fault: { status: 500 } },
    { name: 'half a list', fault: { truncate: 'json' } as const },
    { name: 'a list that breaks off', fault: { truncate: 'connection' } as const },
    { name: 'a page of a proxy', fault: { body: '<html>' } },
    { name: 'a list of something else', fault: { body: '[{"Name":"no id"}]' } },
  ])('waits for a list that is whole, and nothing is dropped after $name', async ({ fault }) => {
    const engine = await fakeEngine()
    const id = engine.addService({ name: 'web' })
    const { services } = await inSync(swarmOn(engine.host))
    engine.inject('GET /services', fault, 2)
    engine.cutEvents()
    await eventually(
      () => services.sync().reason.includes('/services') || services.sync().reason.includes('The engine sent'),
    )
    expect(services.get(id)).toBeDefined()
    await eventually(() => services.sync().inSync)
    expect(services.get(id)).toBeDefined()
  })

  it('reads everything again after a line of the event stream that is no event', async () => {
    const engine = await fakeEngine()
    const id = engine.addService({ name: 'web', replicas: 3 })
    const { services } = await inSync(swarmOn(engine.host))
    engine.muteEvents(true)
    engine.changeService(id, (spec) => ({ ...spec, Mode: { Replicated: { Replicas: 9 } } }))
    engine.sendRaw('{"Type":"service","Act\n')
    await eventually(() => services.get(id)?.replicas === 9)
  })

  it('understands events that arrive in pieces', async () => {
    const engine = await fakeEngine()
    const { services } = await inSync(swarmOn(engine.host))
    engine.muteEvents(true)
    const id = engine.addService({ name: 'wéb' })
    const line = JSON.stringify({ Type: 'service', Action: 'create', Actor: { ID: id, Attributes: { name: 'wéb' } } })
    engine.sendRaw(line.slice(0, 30))
    await sleep(20)
    engine.sendRaw(`${line.slice(30)}\r\n\n`)
    await eventually(() => services.get(id)?.name === 'wéb')
    expect(engine.count('GET /services')).toBe(1)
  })
})

describe("the engine's clock", () => {
  it('is reported, and warned of once while it is more than 2 s away', async () => {
    const engine = await fakeEngine()
    const logger = recordingLogger()
    const skews: number[] = []
    await inSync(swarmOn(engine.host, { logger, hooks: { onClockSkew: (skewMs) => skews.push(skewMs) } }))
    const ofClock = () => logger.lines.filter(({ fields }) => 'event' in fields && fields.event === 'clock-skew')
    expect(Math.abs(skews[0] ?? 9_999)).toBeLessThan(1_500)
    expect(ofClock()).toEqual([])
    engine.clockAheadMs = -10_000
    await eventually(() => (skews.at(-1) ?? 0) < -8_000)
    await sleep(150)
    engine.clockAheadMs = 0
    await eventually(() => (skews.at(-1) ?? -9_999) > -1_500)
    expect(ofClock().map(({ level }) => level)).toEqual(['warn', 'info'])
  })
})

describe('closing', () => {
  it('ends the stream, the loops and every call, also while the engine hangs', async () => {
    const engine = await fakeEngine()
    const swarm = await inSync(swarmOn(engine.host, { timing: { ...QUICK, leaderReadTimeoutMs: 60_000 } }))
    engine.role = 'hung'
    await sleep(100)
    const startedAt = performance.now()
    await swarm.close()
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    await eventually(() => engine.openStreams() === 0)
    engine.forgetCalls()
    await sleep(150)
    expect(engine.calls).toEqual([])
  })
})
