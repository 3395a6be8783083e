/** Cases O1 to O31 of the contract's list, as far as HTTP shows them; the counts themselves are decided elsewhere. */
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../../src/autoscaling/decision/decision.ts'
import { Fault, type FaultCode } from '../../../../src/foundation/errors.ts'
import {
  aDecision,
  anAutoscaler,
  fakeCatalog,
  fakeScaler,
  recordingScaler,
  T0,
} from '../../../support/use-cases/fake-use-cases.ts'
import { fakeMetrics, server } from '../../../support/use-cases/http.ts'

const HANDLE = '/v1/orbiter/handle/autoswarm/web'
const FIRING = {
  version: '4',
  status: 'firing',
  groupKey: 'g',
  receiver: 'r',
  alerts: [{ status: 'firing', fingerprint: 'f' }],
}
const RESOLVED = { ...FIRING, status: 'resolved' }

interface Call {
  readonly method?: 'GET' | 'PUT' | 'HEAD'
  readonly url?: string
  readonly payload?: string | object
  readonly headers?: Record<string, string>
}

/** Sends and tells the directions that the scaler was asked for. */
async function send(call: Call, answer: Partial<Decision> = {}) {
  const { scaler, requests } = recordingScaler(() => aDecision(answer))
  const response = await server({ scaler }).inject({ method: 'POST', url: `${HANDLE}/up`, ...call })
  const directions = requests.map(({ request }) => ('direction' in request ? request.direction : request.kind))
  return { response, directions, requests }
}

const failing = (code: FaultCode, call: Call = {}) => {
  const scaler = fakeScaler({
    request: async () => {
      throw new Fault(code, 'what is wrong')
    },
  })
  return server({ scaler }).inject({ method: 'POST', url: `${HANDLE}/up`, ...call })
}

describe('O1 to O9: scaling', () => {
  it('O1 up is 200 with an empty body that calls itself JSON', async () => {
    const { response, directions, requests } = await send({})
    expect([response.statusCode, response.body, response.headers['content-type']]).toEqual([
      200,
      '',
      'application/json',
    ])
    expect(directions).toEqual(['up'])
    expect(requests[0]).toEqual({ name: 'web', request: { kind: 'step', origin: 'orbiter', direction: 'up' } })
  })

  it('O2 down is the same downwards', async () => {
    const { response, directions } = await send({ url: `${HANDLE}/down` })
    expect([response.statusCode, response.body, directions]).toEqual([200, '', ['down']])
  })

  it('O3 the root path is as good', async () => {
    const { response, directions } = await send({ url: '/handle/autoswarm/web/up' })
    expect([response.statusCode, response.body, directions]).toEqual([200, '', ['up']])
  })

  const bodies = [
    { body: '{"direction":true}', is: 'up' },
    { body: '{"direction":false}', is: 'down' },
    { body: '{"Direction":true}', is: 'up' },
    { body: '{"DIRECTION":false,"direction":true}', is: 'up' },
    { body: '{"service_id":1,"direction":true}', is: 'up' },
    { body: '{"direction":true} trailing', is: 'up' },
    { body: '{"direction":true}{"direction":false}', is: 'up' },
    { body: '{"note":"a } in a \\"text\\"","direction":true}}', is: 'up' },
    { body: ' \n{"nested":{"direction":false},"direction":true}', is: 'up' },
  ]
  it.each(bodies)('O4 the body $body is $is', async ({ body, is }) => {
    const { response, directions } = await send({ url: HANDLE, payload: body })
    expect([response.statusCode, directions]).toEqual([200, [is]])
  })

  it('O5, O6 no call names a step: the labels do', async () => {
    const { requests } = await send({ payload: { direction: false, by: 5 } })
    expect(requests[0]?.request).not.toHaveProperty('by')
  })

  it('O7 an alert that fires goes up, whatever its body does not say', async () => {
    const { response, requests } = await send({ payload: FIRING })
    expect(response.statusCode).toBe(200)
    expect(requests[0]?.request).toMatchObject({ origin: 'alert', direction: 'up', key: { hash: expect.any(String) } })
    expect(response.json()).toEqual({ results: [expect.objectContaining({ outcome: 'scaled', service: 'web' })] })
  })

  it.each([{}, { 'content-type': 'text/plain' }, { 'content-type': 'nonsense' }])(
    'O8 works with the headers %j',
    async (headers) => {
      const { response, directions } = await send({ url: HANDLE, payload: '{"direction":true}', headers })
      expect([response.statusCode, directions]).toEqual([200, ['up']])
    },
  )

  it.each(['autoswarm/nobody', 'infra_scale/web', 'autoswarm/we', 'autoswarm/id-web'])(
    'O9 %s is 404 with an empty body',
    async (target) => {
      for (const prefix of ['', '/v1/orbiter']) {
        const { response, directions } = await send({ url: `${prefix}/handle/${target}/up` })
        expect([response.statusCode, response.body, response.headers['content-type']]).toEqual([
          404,
          '',
          'application/json',
        ])
        expect(directions).toEqual([])
      }
    },
  )

  it('O9 is found by the name of the service, not by that of the autoscaler', async () => {
    const named = anAutoscaler('web', { observation: { ...anAutoscaler().observation, name: 'shop_web' } })
    const { scaler, requests } = recordingScaler()
    const app = server({ scaler, catalog: fakeCatalog([named]) })
    expect((await app.inject({ method: 'POST', url: '/handle/autoswarm/shop_web/up' })).statusCode).toBe(200)
    expect((await app.inject({ method: 'POST', url: '/handle/autoswarm/web/up' })).statusCode).toBe(404)
    expect(requests.map(({ name }) => name)).toEqual(['web'])
  })

  it('O9 is not answered while the Swarm cannot be read: not seen is not the same as not there', async () => {
    const catalog = fakeCatalog([], { sync: () => ({ inSync: false, reason: 'no leader' }) })
    const answer = await server({ catalog }).inject({ method: 'POST', url: `${HANDLE}/up` })
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'not-in-sync'])
  })
})

describe('O10 to O12: reading', () => {
  it.each(['/v1/orbiter/autoscaler', '/autoscaler'])('O10 %s lists services, sorted, as JSON', async (url) => {
    const app = server({ catalog: fakeCatalog([anAutoscaler('web'), anAutoscaler('api')]) })
    const answer = await app.inject(url)
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
    expect(answer.json()).toEqual({ data: [{ name: 'autoswarm/api' }, { name: 'autoswarm/web' }] })
  })

  it('O10 nothing is an empty list', async () => {
    const answer = await server({ catalog: fakeCatalog([]) }).inject('/autoscaler')
    expect(answer.body).toBe('{"data":[]}')
  })

  it.each(['/health', '/v1/orbiter/health'])('O11 %s is well, and says so when it is not', async (url) => {
    const well = await server().inject(url)
    expect([well.statusCode, well.body]).toEqual([200, '{"status":true,"info":{}}'])
    const catalog = fakeCatalog([], { sync: () => ({ inSync: false, reason: 'no leader' }) })
    const ill = await server({ catalog }).inject(url)
    expect([ill.statusCode, ill.json()]).toEqual([500, { status: false, info: { reason: 'no leader' } }])
  })
})

describe('O13 to O15: refusals', () => {
  it('O13 down at the floor is 500 and names the count', async () => {
    const { response } = await send({ url: `${HANDLE}/down` }, { outcome: 'unchanged', code: 'at-min', from: 1, to: 1 })
    expect([response.statusCode, response.body]).toEqual([500, 'I can not scale down because it has only 1 running.'])
    expect(response.headers['content-type']).toBe('application/json')
  })

  it('O14 a second call inside the cooldown is 500 and says for how long', async () => {
    const { response } = await send({}, { outcome: 'held', code: 'cooldown', to: 3, retryAtMs: T0 + 12_345 })
    expect([response.statusCode, response.body]).toEqual([500, 'Cooldown period for 12.345000 seconds'])
  })

  const refusals: { name: string; answer: Partial<Decision>; is: [number, string] }[] = [
    {
      name: 'a maximum, which Orbiter had none of',
      answer: { outcome: 'unchanged', code: 'at-max' },
      is: [500, 'I can not scale up because it has already 3 running.'],
    },
    {
      name: 'full networks',
      answer: { outcome: 'unchanged', code: 'at-capacity', reason: 'no addresses' },
      is: [500, 'no addresses'],
    },
    {
      name: 'a rollout',
      answer: { outcome: 'held', code: 'rollout', reason: 'an update runs' },
      is: [500, 'an update runs'],
    },
    { name: 'a pause', answer: { outcome: 'held', code: 'paused', reason: 'paused' }, is: [500, 'paused'] },
    {
      name: 'maintenance',
      answer: { outcome: 'held', code: 'maintenance', reason: 'at 0 by hand' },
      is: [500, 'at 0 by hand'],
    },
    {
      name: 'a write in doubt',
      answer: { outcome: 'held', code: 'unknown-write', reason: 'in doubt' },
      is: [500, 'in doubt'],
    },
    { name: 'a duplicate', answer: { outcome: 'held', code: 'duplicate' }, is: [200, ''] },
    { name: 'the count that is there', answer: { outcome: 'unchanged', code: 'already-there' }, is: [200, ''] },
    { name: 'a dry run', answer: { outcome: 'dry-run' }, is: [200, ''] },
  ]
  it.each(refusals)('O13, O14 $name is $is', async ({ answer, is }) => {
    const { response } = await send({}, answer)
    expect([response.statusCode, response.body]).toEqual(is)
  })

  const alerts: { name: string; answer: Partial<Decision> }[] = [
    { name: 'at the floor', answer: { outcome: 'unchanged', code: 'at-min' } },
    { name: 'in a cooldown', answer: { outcome: 'held', code: 'cooldown' } },
    { name: 'in a rollout', answer: { outcome: 'held', code: 'rollout' } },
    { name: 'of a global service', answer: { outcome: 'unsupported' } },
    { name: 'with a bad policy', answer: { outcome: 'invalid-policy' } },
  ]
  it.each(alerts)('O13, O14 an alert $name is 200, for Alertmanager would repeat a 500 at once', async ({ answer }) => {
    const { response } = await send({ payload: FIRING }, answer)
    expect(response.statusCode).toBe(200)
    expect(response.json().results).toEqual([expect.objectContaining(answer)])
  })

  it('an alert that has resolved is 200 and changes nothing', async () => {
    const { response, directions } = await send({ payload: RESOLVED })
    expect([response.statusCode, directions]).toEqual([200, []])
    expect(response.json().results[0]).toMatchObject({ outcome: 'held', code: 'resolved' })
  })

  it('an alert for an unknown service is 200 and says so, as on the webhook routes', async () => {
    const { response } = await send({ url: '/handle/autoswarm/nobody/up', payload: FIRING })
    expect(response.statusCode).toBe(200)
    expect(response.json().results[0]).toMatchObject({ error: { code: 'unknown-autoscaler' } })
  })

  it('an alert is counted by the status of its answer', async () => {
    const metrics = fakeMetrics()
    await server({ metrics, scaler: recordingScaler().scaler }).inject({
      method: 'POST',
      url: `${HANDLE}/up`,
      payload: FIRING,
    })
    expect(metrics.answered).toEqual([200])
  })

  it.each(['engine-unavailable', 'conflicts-exhausted', 'write-unknown', 'shutting-down'] as const)(
    '%s is 503 with Retry-After for everybody',
    async (code) => {
      for (const call of [{}, { payload: FIRING }]) {
        const answer = await failing(code, call)
        expect(answer.statusCode).toBe(503)
        expect(answer.headers['retry-after']).toBe('1')
      }
    },
  )
})

describe('O16 to O22: deviations in what is accepted', () => {
  it.each(['GET', 'HEAD'] as const)('O16 %s never scales: 405 with Allow', async (method) => {
    const { response, directions } = await send({ method })
    expect([response.statusCode, response.headers.allow, directions]).toEqual([405, 'POST, PUT', []])
  })

  it('O16 PUT is accepted', async () => {
    const { response, directions } = await send({ method: 'PUT' })
    expect([response.statusCode, directions]).toEqual([200, ['up']])
  })

  it('O17 a trailing slash is accepted', async () => {
    const { directions } = await send({ url: `${HANDLE}/up/` })
    expect(directions).toEqual(['up'])
  })

  it('O18 doubled slashes are served, not redirected', async () => {
    const { response, directions } = await send({ url: '//handle//autoswarm/web/up' })
    expect([response.statusCode, directions]).toEqual([200, ['up']])
  })

  it.each(['UP', 'sideways', 'true', 'downn', '%20up'])(
    'O19 the direction %s is 400 and scales nothing',
    async (word) => {
      const { response, directions } = await send({ url: `${HANDLE}/${word}` })
      expect([response.statusCode, directions]).toEqual([400, []])
    },
  )

  it.each([
    '',
    ' ',
    '{}',
    '[]',
    'null',
    '1',
    '"true"',
    '"up"',
    '{"direction":',
    '{"direction":"up"}',
    '{"direction":null}',
    '{"direction":1}',
    'up',
    '[{"direction":true}]',
  ])('O20 the body %j without a direction in the path is 400 and scales nothing', async (payload) => {
    const { response, directions } = await send({ url: HANDLE, payload })
    expect([response.statusCode, directions]).toEqual([400, []])
  })

  it('O20 an alert without a direction in the path is 400', async () => {
    const { response, directions } = await send({ url: HANDLE, payload: FIRING })
    expect([response.statusCode, directions]).toEqual([400, []])
  })

  it('O21, O22, O23 what is managed is what the catalog says now', async () => {
    const catalog: ReturnType<typeof anAutoscaler>[] = []
    const app = server({ catalog: fakeCatalog([], { list: () => catalog }), scaler: recordingScaler().scaler })
    const status = async () => (await app.inject({ method: 'POST', url: `${HANDLE}/up` })).statusCode
    expect(await status()).toBe(404)
    catalog.push(anAutoscaler())
    expect(await status()).toBe(200)
    catalog.pop()
    expect(await status()).toBe(404)
  })
})

describe('O24 to O31: deviations in what is answered', () => {
  it('O24 a global service is 409 with a reason, and the connection lives', async () => {
    const { response } = await send({}, { outcome: 'unsupported', reason: 'it is a global service' })
    expect(response.statusCode).toBe(409)
    expect(response.json()).toMatchObject({ code: 'unsupported', detail: 'it is a global service' })
  })

  it('a bad policy is 422 with a reason', async () => {
    const { response } = await send({}, { outcome: 'invalid-policy', reason: 'min is above max' })
    expect([response.statusCode, response.json().detail]).toEqual([422, 'min is above max'])
  })

  it('O26 concurrent ups are all 200', async () => {
    const { scaler, requests } = recordingScaler()
    const app = server({ scaler })
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => app.inject({ method: 'POST', url: `${HANDLE}/up` })),
    )
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(20).fill(200))
    expect(requests).toHaveLength(20)
  })

  it('O30 what the command `orbiter autoscaler ls` reads is there at the root', async () => {
    expect((await server().inject('/autoscaler')).json()).toEqual({ data: [{ name: 'autoswarm/web' }] })
  })
})
