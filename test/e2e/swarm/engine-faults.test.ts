/** The built controller against an engine that answers wrongly on demand: each caller gets a clear answer and nothing is lost. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FakeEngine, type Fault, startFakeEngine } from '../../support/fake-engine/fake-engine.ts'
import { type Controller, endControllers, startController } from '../support/controller.ts'
import { eventually, policyLabels } from '../support/services.ts'

const UPDATE = 'POST /services/{id}/update'

let engine: FakeEngine
let controller: Controller
let id: string
let count = 0
let name: string

beforeAll(async () => {
  engine = await startFakeEngine()
  controller = await startController({ socketPath: engine.host.replace('unix://', '') })
})
beforeEach(async () => {
  engine.role = 'manager' // whatever an earlier try has left
  count += 1
  name = `web-${count}`
  id = engine.addService({ name, replicas: 3, labels: policyLabels() })
  await eventually('it is seen', async () => (await controller.get(name)).status === 200)
})
afterAll(async () => {
  endControllers()
  await engine?.close()
})

const outOfSequence: Fault = { status: 500, message: 'rpc error: code = Unknown desc = update out of sequence' }

describe('an up', () => {
  it('A6: that meets two version conflicts is 200 and one step', async () => {
    engine.inject(UPDATE, outOfSequence, 2)
    const { status, body } = await controller.up(name)
    expect([status, body.outcome, body.from, body.to]).toEqual([200, 'scaled', 3, 4])
    expect(engine.replicas(id)).toBe(4)
  })

  it('that meets five version conflicts is 503 conflicts-exhausted, and changes nothing', async () => {
    engine.inject(UPDATE, outOfSequence, 5)
    const { status, body, headers } = await controller.up(name)
    expect([status, body]).toEqual([503, expect.objectContaining({ code: 'conflicts-exhausted' })])
    expect(headers['retry-after']).toBeDefined()
    expect(engine.replicas(id)).toBe(3)
  })

  it('on a service that is removed between read and write is 404', async () => {
    engine.inject(UPDATE, { before: () => engine.removeService(id) })
    expect((await controller.up(name)).status).toBe(404)
  })

  const unknowns: { name: string; fault: Fault; inForce: boolean }[] = [
    { name: 'the engine answers 500', fault: { status: 500, message: 'something broke' }, inForce: false },
    { name: 'the engine answers 503', fault: { status: 503, message: 'away' }, inForce: false },
    { name: 'the answer is cut off before the write', fault: { reset: 'before' }, inForce: false },
    { name: 'the answer is cut off after the write', fault: { reset: 'after' }, inForce: true },
    { name: 'the engine never answers, and never writes', fault: { hang: 'before' }, inForce: false },
    { name: 'the engine never answers, having written', fault: { hang: 'after' }, inForce: true },
  ]

  it.each(unknowns)('when $name is 503, and repeated with its key one step', async ({ fault, inForce }) => {
    engine.inject(UPDATE, fault)
    const headers = { 'idempotency-key': `key-${name}` }
    const first = await controller.up(name, { headers })
    expect([first.status, first.body]).toEqual([503, expect.objectContaining({ code: 'write-unknown' })])
    expect(engine.replicas(id)).toBe(inForce ? 4 : 3)
    const again = await eventually(
      'the answer',
      async () => {
        const answer = await controller.up(name, { headers })
        return answer.status === 200 ? answer : undefined
      },
      { everyMs: 250 },
    )
    expect([again.body.from, again.body.to]).toEqual([3, 4])
    expect(engine.replicas(id)).toBe(4)
  })

  it('that the engine refuses for good is not called retryable', async () => {
    engine.inject(UPDATE, { status: 400, message: 'invalid spec' })
    const { status, body, headers } = await controller.up(name)
    expect([status, body]).toEqual([502, expect.objectContaining({ code: 'write-rejected' })])
    expect(headers['retry-after']).toBeUndefined()
  })

  it('while the engine is slow is answered when it is done', async () => {
    engine.inject(UPDATE, { delayMs: 1000 })
    const { status, tookMs } = await controller.up(name)
    expect(status).toBe(200)
    expect(tookMs).toBeGreaterThan(900)
  })
})

describe('reads that go wrong', () => {
  it('a list that is cut off or truncated is read again, and nothing is forgotten meanwhile', async () => {
    engine.inject('GET /services', { truncate: 'json' })
    engine.inject('GET /services', { truncate: 'connection' })
    engine.cutEvents()
    const { body } = await eventually('it is read again', async () => {
      const answer = await controller.up(name)
      expect([200, 503]).toContain(answer.status)
      return answer.status === 200 ? answer : undefined
    })
    expect(body).toMatchObject({ outcome: 'scaled', from: 3, to: 4 })
  })

  it('without a leader every decision is 503 within a second, and well again after its return', async () => {
    engine.role = 'no-leader'
    await eventually('not ready', async () => (await controller.call('GET', '/readyz')).status === 503)
    const { status, body, tookMs } = await controller.up(name)
    expect([status, body]).toEqual([503, expect.objectContaining({ code: 'not-in-sync' })])
    expect(tookMs).toBeLessThan(1000)
    engine.role = 'manager'
    await controller.ready(10_000)
    expect((await controller.up(name)).status).toBe(200)
  })
})
