/** Cases S1 to S18, S25 and S26 of the contract's list, from the call to the count in a Swarm in memory. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../../src/autoscaling/decision/decision.ts'
import { loadConfig } from '../../../../src/config/load.ts'
import { Fault, type FaultCode } from '../../../../src/foundation/errors.ts'
import { parseTokenFile } from '../../../../src/http/access/tokens.ts'
import type { ServiceObservation } from '../../../../src/swarm/services.ts'
import {
  aDecision,
  anAutoscaler,
  fakeCatalog,
  fakeScaler,
  recordingScaler,
  T0,
} from '../../../support/use-cases/fake-use-cases.ts'
import { fakeMetrics, server } from '../../../support/use-cases/http.ts'
import { memoryController } from '../../../support/use-cases/memory-controller.ts'

const SCALE = '/v1/scale-service'
const body = (scale: string, more: object = {}) => ({ groupLabels: { service: 'web', scale, ...more } })
const alert = (scale: string, more: object = {}, change: object = {}) => ({
  version: '4',
  status: 'firing',
  groupKey: '{}:{service="web"}',
  receiver: 'docker-scaler',
  alerts: [{ status: 'firing', fingerprint: 'f', startsAt: '2026-01-31T11:59:00Z' }],
  ...body(scale, more),
  ...change,
})
const ok = (message: string) => [200, { status: 'OK', message }]
const nok = (status: number, message: unknown) => [status, { status: 'NOK', message }]

interface Call {
  readonly url?: string
  readonly payload?: string | object
}

/** The service `web` with docker-scaler's labels; any one of them opts in. */
function swarmOf(over: Partial<ServiceObservation> & { df?: Record<string, string> } = {}) {
  const { df = { scaleMin: '1' }, ...service } = over
  const clock = { nowMs: T0 }
  const { swarm, catalog, scaler } = memoryController(clock)
  const labels = Object.fromEntries(Object.entries(df).map(([name, value]) => [`com.df.${name}`, value]))
  swarm.add({ labels, ...service })
  const app = server({ catalog, scaler, now: () => clock.nowMs })
  return {
    clock,
    swarm,
    async send({ url = SCALE, payload }: Call) {
      const answer = await app.inject({ method: 'POST', url, ...(payload !== undefined && { payload }) })
      return [answer.statusCode, answer.json()]
    },
    replicas: () => swarm.service('id-web')?.replicas,
  }
}

describe('S1 to S10: scaling', () => {
  it.each(['GET', 'HEAD'] as const)('S1 %s /v1/ping is 200 and empty, open to everybody', async (method) => {
    const access = { ...parseTokenFile('scale s'), trustedCidrs: [] }
    const answer = await server({ access }).inject({ method, url: '/v1/ping', remoteAddress: '192.0.2.1' })
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
  })

  it('S2 the labels of a group name service and direction', async () => {
    const { send, replicas } = swarmOf()
    expect(await send({ payload: body('up') })).toEqual(ok('Scaling web from 3 to 4 replicas (min: 1, max: 5)'))
    expect(replicas()).toBe(4)
  })

  const queries = [
    { query: 'scale=down&by=2', count: 1 },
    { query: 'scale=down&by=-2', count: 1 },
    { query: 'scale=up&by=%2B2', count: 5 },
    { query: 'scale=up&by=x', count: 4 },
    { query: 'scale=up&by=0', count: 4 },
    { query: 'scale=up&by=', count: 4 },
    { query: 'scale=up&by=1.5', count: 4 },
    { query: 'scale=up&by=99999999999', count: 5 },
    { query: 'scale=up&by=50%25', count: 5 },
    { query: 'scale=up&by=1&by=2&scale=down', count: 4 },
  ]
  it.each(queries)('S3 ?service=web&$query makes 3 into $count', async ({ query, count }) => {
    const { send, replicas } = swarmOf()
    const [status] = await send({ url: `${SCALE}?service=web&${query}` })
    expect([status, replicas()]).toEqual([200, count])
  })

  const mixtures = [
    { query: 'service=web&scale=down&by=2', payload: body('up', { service: 'api', by: 1 }), count: 1 },
    { query: 'scale=down', payload: body('up', { by: 2 }), count: 1 },
    { query: 'by=2', payload: body('up', { by: 1 }), count: 5 },
    { query: 'service=&scale=&by=', payload: body('up', { by: 2 }), count: 5 },
    { query: 'by=x', payload: body('up', { by: 2 }), count: 4 },
    { query: 'service=web&scale=up', payload: '{"broken', count: 4 },
    { query: 'service=web&scale=up', payload: '', count: 4 },
  ]
  it.each(mixtures)('S4 the query $query wins over the body $payload', async ({ query, payload, count }) => {
    const { send, replicas } = swarmOf()
    const [status] = await send({ url: `${SCALE}?${query}`, payload })
    expect([status, replicas()]).toEqual([200, count])
  })

  const tutorial = { scaleMin: '1', scaleMax: '7', scaleUpBy: '3', scaleDownBy: '2' }
  it('S5 the labels name bounds and steps', async () => {
    const { send } = swarmOf({ df: tutorial, replicas: 1 })
    expect(await send({ payload: body('up') })).toEqual(ok('Scaling web from 1 to 4 replicas (min: 1, max: 7)'))
    expect(await send({ payload: body('down') })).toEqual(ok('Scaling web from 4 to 2 replicas (min: 1, max: 7)'))
  })

  it('S6 a step that reaches past the maximum ends at it', async () => {
    const { send } = swarmOf({ df: { scaleUpBy: '2' }, replicas: 4 })
    expect(await send({ payload: body('up') })).toEqual(ok('Scaling web from 4 to 5 replicas (min: 1, max: 5)'))
  })

  it('S7 at a bound nothing is written, and the bound is named', async () => {
    const high = swarmOf({ replicas: 5 })
    const full = 'web is already scaled to the maximum number of 5 replicas'
    expect(await high.send({ payload: body('up') })).toEqual(ok(full))
    const low = swarmOf({ replicas: 1 })
    const least = 'web is already descaled to the minimum number of 1 replicas'
    expect(await low.send({ payload: body('down') })).toEqual(ok(least))
    expect([high.swarm.calls.writes, low.swarm.calls.writes]).toEqual([0, 0])
  })

  it('S8 deviates: a count of 0 was set by hand, and is left alone', async () => {
    const { send, replicas } = swarmOf({ replicas: 0 })
    expect(await send({ payload: body('up') })).toEqual(ok(expect.stringMatching(/^web is not scaled: the count is 0/)))
    expect(replicas()).toBe(0)
  })

  it('S9 above the maximum, up comes down to it', async () => {
    const { send } = swarmOf({ df: { scaleMax: '5' }, replicas: 9 })
    expect(await send({ payload: body('up') })).toEqual(ok('Scaling web from 9 to 5 replicas (min: 1, max: 5)'))
  })

  it('S9 deviates: a maximum that nobody wrote takes nothing away', async () => {
    const { send, replicas } = swarmOf({ replicas: 9 })
    expect(await send({ payload: body('up') })).toEqual(ok('web is already scaled to the maximum number of 5 replicas'))
    expect(replicas()).toBe(9)
  })

  it('S9 of a minimum above the maximum the maximum wins', async () => {
    const { send } = swarmOf({ df: { scaleMin: '6', scaleMax: '4' } })
    expect(await send({ payload: body('up') })).toEqual(ok('Scaling web from 3 to 4 replicas (min: 4, max: 4)'))
  })

  it.each(['-1', 'many', '', '1.5'])('S10 bounds of %j are the defaults', async (value) => {
    const { send } = swarmOf({ df: { scaleMin: value, scaleMax: value } })
    expect(await send({ payload: body('up') })).toEqual(ok('Scaling web from 3 to 4 replicas (min: 1, max: 5)'))
  })
})

describe('S11 to S14: refusals', () => {
  const NO_SERVICE = 'No service name in request'
  const NO_SCALE = 'No scale direction in request'
  const WRONG_SCALE = 'Incorrect scale direction in request'
  const refused: { name: string; call: Call; message: string }[] = [
    { name: 'no service', call: { payload: { groupLabels: { scale: 'up' } } }, message: NO_SERVICE },
    { name: 'no labels', call: { payload: {} }, message: NO_SERVICE },
    { name: 'nothing at all', call: {}, message: NO_SERVICE },
    { name: 'a service that is a number', call: { payload: body('up', { service: 3 }) }, message: NO_SERVICE },
    { name: 'no direction', call: { payload: { groupLabels: { service: 'web' } } }, message: NO_SCALE },
    { name: 'no direction in the query', call: { url: `${SCALE}?service=web` }, message: NO_SCALE },
    { name: 'the direction boo', call: { payload: body('boo') }, message: WRONG_SCALE },
    { name: 'the direction UP', call: { payload: body('UP') }, message: WRONG_SCALE },
    { name: 'the direction true', call: { payload: body('true') }, message: WRONG_SCALE },
    { name: 'an alert without a direction', call: { payload: alert('') }, message: NO_SCALE },
  ]
  it.each(refused)('S11 $name is 400 and scales nothing', async ({ call, message }) => {
    const { send, swarm } = swarmOf()
    expect(await send(call)).toEqual(nok(400, message))
    expect(swarm.calls.writes).toBe(0)
  })

  const broken = ['{"groupLabels":', 'web', `${JSON.stringify(body('up'))} trailing`, '[]', 'null', '"up"', '1']
  it.each(broken)('S12 the body %j without a query is 400', async (payload) => {
    expect(await swarmOf().send({ payload })).toEqual(nok(400, NO_SERVICE))
  })

  const inspectFailed = expect.stringMatching(/^docker inspect failed in ScalerService: /)
  it.each(['nobody', 'we', 'web2', 'id-web', 'WEB'])(
    'S13 the unknown service %s is 500, and 404 for an alert',
    async (service) => {
      const { send, swarm } = swarmOf()
      expect(await send({ payload: body('up', { service }) })).toEqual(nok(500, inspectFailed))
      expect(await send({ payload: alert('up', { service }) })).toEqual(nok(404, `no service is named ${service}`))
      expect(swarm.calls.writes).toBe(0)
    },
  )

  it('S14 a global service is 500, and 409 for an alert', async () => {
    const { send } = swarmOf({ mode: 'global', replicas: 0 })
    const message = 'web is a global service (can not be scaled)'
    expect(await send({ payload: body('up') })).toEqual(nok(500, message))
    expect(await send({ payload: alert('up') })).toEqual(nok(409, message))
  })

  it('S14 a job is as little scaled', async () => {
    const { send } = swarmOf({ mode: 'replicated-job', replicas: 0 })
    const message = 'Unable to recognize service model for: web'
    expect(await send({ payload: body('up') })).toEqual(nok(500, message))
    expect(await send({ payload: alert('up') })).toEqual(nok(409, message))
  })

  it('S14 a service of swarm-cronjob says so', async () => {
    const { send } = swarmOf({ labels: { 'com.df.scaleMax': '5', 'swarm.cronjob.enable': 'true' } })
    expect(await send({ payload: body('up') })).toEqual(
      nok(500, expect.stringMatching(/^web cannot be scaled: .*cronjob/)),
    )
  })
})

describe('S15 to S18, S25, S26: alerts, opting in, addresses', () => {
  it.each(['2', '-2', '50%'])('S15 the label by=%j is honoured, though it is a text', async (by) => {
    const { send, replicas } = swarmOf()
    expect(await send({ payload: alert('up', { by }) })).toEqual(
      ok('Scaling web from 3 to 5 replicas (min: 1, max: 5)'),
    )
    expect(replicas()).toBe(5)
  })

  it('S16 an alert that has resolved is 200 and scales nothing', async () => {
    const { send, swarm } = swarmOf()
    const resolved = alert('up', {}, { status: 'resolved', alerts: [{ status: 'resolved', fingerprint: 'f' }] })
    expect(await send({ payload: resolved })).toEqual(ok(expect.stringMatching(/^web is not scaled: .*resolved/)))
    expect(swarm.calls.writes).toBe(0)
  })

  it('S17 is reversed: only a service with a policy is scaled, and is told how to get one', async () => {
    const { send, swarm } = swarmOf({ df: {} })
    const message = expect.stringMatching(/^docker inspect failed in ScalerService: .*no scaling policy/)
    expect(await send({ payload: body('up') })).toEqual(nok(500, message))
    expect(swarm.calls.writes).toBe(0)
  })

  it.each(['/scaler', '/a/b'])('S18 with SERVER_PREFIX=%s the routes are at both places', async (prefix) => {
    const { scaler, requests } = recordingScaler()
    const app = server({ scaler, serverPrefix: loadConfig({ SERVER_PREFIX: prefix }).serverPrefix })
    for (const place of ['', prefix]) {
      expect((await app.inject(`${place}/v1/ping`)).statusCode).toBe(200)
      const answer = await app.inject({ method: 'POST', url: `${place}${SCALE}`, payload: body('up') })
      expect(answer.json().message).toBe('Scaling web from 3 to 4 replicas (min: 1, max: 10)')
      expect((await app.inject(`${place}${SCALE}`)).statusCode).toBe(405)
    }
    expect(requests).toHaveLength(2)
    expect((await app.inject('/elsewhere/v1/ping')).statusCode).toBe(404)
  })

  it('S18 without it they are at one', async () => {
    const app = server({ serverPrefix: loadConfig({}).serverPrefix })
    expect((await app.inject('/v1/ping')).statusCode).toBe(200)
    expect((await app.inject('/scaler/v1/ping')).statusCode).toBe(404)
  })

  it('S25 the port 8080 is one variable away', () => {
    expect(loadConfig({ ORRERY_LISTEN: ':8080' }).listen).toEqual([{ port: 8080 }])
  })

  it('S26 one alert three times within the window is one step, after it one more', async () => {
    const { send, clock, replicas } = swarmOf({ replicas: 1 })
    const messages = []
    for (let n = 0; n < 3; n += 1) messages.push((await send({ payload: alert('up') }))[1].message)
    expect(messages).toEqual([
      'Scaling web from 1 to 2 replicas (min: 1, max: 5)',
      ...Array(2).fill(expect.stringMatching(/^web is not scaled: .*already changed the count from 1 to 2/)),
    ])
    expect(replicas()).toBe(2)
    clock.nowMs += 102_000
    await send({ payload: alert('up') })
    expect(replicas()).toBe(3)
  })

  it('S26 a plain call is one step each time, as ever', async () => {
    const { send, replicas } = swarmOf({ replicas: 1 })
    for (let n = 0; n < 3; n += 1) await send({ payload: body('up') })
    expect(replicas()).toBe(4)
  })
})

describe('what docker-scaler never had', () => {
  const respond = (answer: Partial<Decision>, payload: object = body('up')) =>
    server({ scaler: recordingScaler(() => aDecision(answer)).scaler }).inject({ method: 'POST', url: SCALE, payload })

  const held: Partial<Decision>[] = [
    { outcome: 'held', code: 'cooldown' },
    { outcome: 'held', code: 'rollout' },
    { outcome: 'held', code: 'paused' },
    { outcome: 'held', code: 'maintenance' },
    { outcome: 'held', code: 'unknown-write' },
    { outcome: 'unchanged', code: 'at-capacity' },
    { outcome: 'unchanged', code: 'already-there' },
    { outcome: 'dry-run' },
  ]
  it.each(held)('$outcome $code is 200 with its reason, for plain callers and alerts', async (answer) => {
    for (const payload of [body('up'), alert('up')]) {
      const { statusCode, json } = await respond({ ...answer, reason: 'the reason why' }, payload)
      expect([statusCode, json()]).toEqual(ok('web is not scaled: the reason why'))
    }
  })

  it('an invalid policy is 422 with its first error', async () => {
    for (const payload of [body('up'), alert('up')]) {
      const { statusCode, json } = await respond({ outcome: 'invalid-policy', reason: 'min is above max' }, payload)
      expect([statusCode, json()]).toEqual(nok(422, 'min is above max'))
    }
  })

  const failing = (code: FaultCode, payload: object) => {
    const request = async () => {
      throw new Fault(code, 'what is wrong')
    }
    return server({ scaler: fakeScaler({ request }) }).inject({ method: 'POST', url: SCALE, payload })
  }

  it.each(['engine-unavailable', 'conflicts-exhausted', 'write-unknown', 'shutting-down'] as const)(
    '%s is 503 with Retry-After for everybody',
    async (code) => {
      for (const payload of [body('up'), alert('up')]) {
        const answer = await failing(code, payload)
        expect([answer.statusCode, answer.json()]).toEqual(nok(503, 'what is wrong'))
        expect(answer.headers['retry-after']).toBe('1')
      }
    },
  )

  it('what the engine refuses for good is 500 as ever, and 409 for an alert, which would come again', async () => {
    expect((await failing('write-rejected', body('up'))).statusCode).toBe(500)
    expect((await failing('write-rejected', alert('up'))).statusCode).toBe(409)
  })

  it('a name that two services claim is 409', async () => {
    expect((await failing('ambiguous-name', body('up'))).statusCode).toBe(409)
  })

  it('nothing is said to be missing while the Swarm cannot be read', async () => {
    const { send, swarm } = swarmOf()
    swarm.remove('id-web')
    swarm.setSync({ inSync: false, reason: 'no leader' })
    expect((await send({ payload: body('up') }))[0]).toBe(503)
  })

  it('a credential is asked for in the form of these routes', async () => {
    const access = { ...parseTokenFile('read r\nscale s'), trustedCidrs: [] }
    const app = server({ access, scaler: recordingScaler().scaler })
    const post = (token: string) =>
      app.inject({ method: 'POST', url: SCALE, payload: body('up'), headers: { authorization: `Bearer ${token}` } })
    const wrong = await post('x')
    expect([wrong.statusCode, wrong.json()]).toEqual(nok(401, expect.any(String)))
    expect(wrong.headers['www-authenticate']).toBeDefined()
    expect((await post('r')).statusCode).toBe(403)
    expect((await post('s')).statusCode).toBe(200)
  })

  it('a body above 1 MiB is 413', async () => {
    const answer = await server().inject({ method: 'POST', url: SCALE, payload: ' '.repeat(2_000_000) })
    expect([answer.statusCode, answer.json()]).toEqual(nok(413, expect.any(String)))
  })

  it('a service is found by its own name, whatever its autoscaler is named', async () => {
    const named = anAutoscaler('shop', { observation: { ...anAutoscaler().observation, name: 'web' } })
    const { scaler, requests } = recordingScaler()
    const app = server({ scaler, catalog: fakeCatalog([named]) })
    await app.inject({ method: 'PUT', url: SCALE, payload: body('up') })
    expect(requests).toEqual([{ name: 'shop', request: { kind: 'step', origin: 'call', direction: 'up' } }])
  })

  it('an alert is counted by the status of its answer, a plain call is not', async () => {
    const metrics = fakeMetrics()
    const app = server({ metrics, scaler: recordingScaler().scaler })
    for (const payload of [alert('up'), body('up'), alert('up', { service: 'nobody' })])
      await app.inject({ method: 'POST', url: SCALE, payload })
    expect(metrics.answered).toEqual([200, 404])
  })

  it('odd bodies and queries are answered in its form, and never with a fault of ours', {
    timeout: 60_000,
  }, async () => {
    const app = server({ scaler: recordingScaler().scaler })
    const odd = fc.oneof(
      fc.constantFrom('web', 'up', 'down', '2', '', '4', null, 1, -1, 1e308),
      fc.jsonValue({ maxDepth: 2 }),
    )
    const labels = fc.record({ service: odd, scale: odd, by: odd }, { requiredKeys: [] })
    const group = fc.record({ groupLabels: fc.oneof(labels, odd), version: odd, alerts: odd }, { requiredKeys: [] })
    const payload = fc.oneof(
      group.map((value) => JSON.stringify(value)),
      fc.string(),
      fc.json(),
    )
    const text = fc.string({ unit: fc.constantFrom(...'servicalbyupdown=&%[]+25') })
    await fc.assert(
      fc.asyncProperty(payload, text, async (body, query) => {
        const answer = await app.inject({ method: 'POST', url: `${SCALE}?${query}`, payload: body })
        const { status, message } = answer.json()
        expect([status, typeof message]).toEqual([answer.statusCode === 200 ? 'OK' : 'NOK', 'string'])
        if (answer.statusCode >= 500) expect(message).toMatch(/^docker inspect failed in ScalerService/)
      }),
      { numRuns: 500 },
    )
  })
})
