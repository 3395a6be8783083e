import { describe, expect, it } from 'vitest'
import type { Autoscaler, SimulatedLoad } from '../../../../src/autoscaling/autoscaler.ts'
import type { Request } from '../../../../src/autoscaling/decision/request.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import {
  aDecision,
  anAutoscaler,
  fakeCatalog,
  fakeScaler,
  recordingScaler,
  T0,
} from '../../../support/use-cases/fake-use-cases.ts'
import { server } from '../../../support/use-cases/http.ts'

const full: Autoscaler = anAutoscaler('web', {
  reading: {
    ...anAutoscaler().reading,
    unsupported: 'it is a cron job',
    issues: [
      { severity: 'warning', field: 'autoscaler.cooldwon', value: '5s', message: 'did you mean autoscaler.cooldown?' },
    ],
  },
  observation: { ...anAutoscaler().observation, updateState: 'paused' },
  state: {
    writeId: 'w',
    atMs: T0,
    from: 2,
    to: 3,
    direction: 'up',
    cause: 'call',
    lastUpMs: T0,
    lastChangeMs: T0 + 1000,
    keys: [],
    version: 1,
    unknown: {},
  },
  pause: { scope: 'down', sinceMs: T0, untilMs: T0 + 60_000 },
  restore: { replicas: 7, stateLabel: 'secret state', sinceMs: T0 },
  alerts: [
    {
      serviceId: 'id-web',
      direction: 'up',
      alertId: '0123456789abcdef',
      source: 'alertmanager',
      name: 'HighLoad',
      startsAt: '2026-01-31T11:59:00Z',
      by: { kind: 'percent', percent: 25 },
      sinceMs: T0,
      newsAtMs: T0,
      replicas: 3,
      suspended: false,
    },
  ],
  nextAllowedMs: { up: T0 + 5000 },
  lastDecision: aDecision(),
})

const SHOWN = {
  name: 'web',
  service: 'web',
  policy: { min: { value: '1', source: 'default' }, max: { value: '10', source: 'label' } },
  issues: [
    { severity: 'warning', field: 'autoscaler.cooldwon', value: '5s', message: 'did you mean autoscaler.cooldown?' },
  ],
  unsupported: 'it is a cron job',
  bounds: { min: 1, max: 10, source: 'policy' },
  observation: {
    id: 'id-web',
    name: 'web',
    version: 17,
    mode: 'replicated',
    replicas: 3,
    updateState: 'paused',
    firstSeenAt: '2026-01-31T12:00:00.000Z',
  },
  state: {
    at: '2026-01-31T12:00:00.000Z',
    from: 2,
    to: 3,
    direction: 'up',
    cause: 'call',
    lastUp: '2026-01-31T12:00:00.000Z',
    lastChange: '2026-01-31T12:00:01.000Z',
  },
  pause: { direction: 'down', since: '2026-01-31T12:00:00.000Z', until: '2026-01-31T12:01:00.000Z' },
  restore: { replicas: 7, since: '2026-01-31T12:00:00.000Z' },
  alerts: [
    {
      fingerprint: '0123456789abcdef',
      name: 'HighLoad',
      direction: 'up',
      by: '25%',
      source: 'alertmanager',
      startsAt: '2026-01-31T11:59:00Z',
      since: '2026-01-31T12:00:00.000Z',
      lastNews: '2026-01-31T12:00:00.000Z',
      suspended: false,
    },
  ],
  conditions: [{ type: 'Valid', status: true, reason: 'the policy has no errors', since: '2026-01-31T12:00:00.000Z' }],
  nextAllowed: { up: '2026-01-31T12:00:05.000Z' },
  lastDecision: expect.objectContaining({ outcome: 'scaled', at: '2026-01-31T12:00:00.000Z' }),
}

describe('reading', () => {
  it('shows everything there is to know of every autoscaler', async () => {
    const answer = await server({ catalog: fakeCatalog([full]) }).inject('/v1/autoscaler')
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ autoscalers: [SHOWN] })
  })

  it('leaves out what an autoscaler has not', async () => {
    const { autoscalers } = (await server().inject('/v1/autoscaler')).json()
    expect(Object.keys(autoscalers[0]).toSorted()).toEqual(
      [
        'alerts',
        'bounds',
        'conditions',
        'issues',
        'name',
        'nextAllowed',
        'observation',
        'policy',
        'service',
      ].toSorted(),
    )
  })

  it('shows one with its last ten decisions, and all of them on their own route', async () => {
    const decisions = Array.from({ length: 50 }, (_, n) => aDecision({ from: 50 - n }))
    const app = server({ catalog: fakeCatalog([full], { decisions: () => decisions }) })
    const one = (await app.inject('/v1/autoscaler/web')).json()
    const all = (await app.inject('/v1/autoscaler/web/decisions')).json()
    expect(one).toMatchObject(SHOWN)
    expect(one.decisions.map((decision: { from: number }) => decision.from)).toEqual([
      50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
    ])
    expect(all.decisions).toHaveLength(50)
  })

  it('never shows service labels: people keep passwords in them', async () => {
    const app = server({ catalog: fakeCatalog([full], { decisions: () => [] }) })
    const shown = [await app.inject('/v1/autoscaler'), await app.inject('/v1/autoscaler/web')]
      .map(({ body }) => body)
      .join()
    expect(shown).not.toContain('label-secret')
    expect(shown).not.toContain('secret state')
  })

  it.each([
    '/v1/autoscaler/nobody',
    '/v1/autoscaler/we',
    '/v1/autoscaler/web-admin',
    '/v1/autoscaler/%2e%2e',
    '/v1/autoscaler/id-web',
  ])('%s is 404', async (url) => {
    const answer = await server().inject(url)
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toMatchObject({ status: 404, code: expect.stringMatching(/^unknown-/) })
  })

  it('a name longer than any is refused as that', async () => {
    const answer = await server().inject(`/v1/autoscaler/${'x'.repeat(300)}`)
    expect(answer.statusCode).toBe(414)
    expect(answer.json().code).toBe('uri-too-long')
  })

  it('answers HEAD like GET without the body', async () => {
    const answer = await server().inject({ method: 'HEAD', url: '/v1/autoscaler' })
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
  })

  it('lists 500 autoscalers in a tenth of a second', async () => {
    const many = Array.from({ length: 500 }, (_, n) => ({ ...full, name: `web-${n}` }))
    const app = server({ catalog: fakeCatalog(many) })
    await app.inject('/v1/autoscaler')
    const startedAt = performance.now()
    const answer = await app.inject('/v1/autoscaler')
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(answer.json().autoscalers).toHaveLength(500)
  })
})

describe('PUT replicas', () => {
  const url = '/v1/autoscaler/web/replicas'

  it.each([0, 1, 5, 1_000_000_000])('asks for the count %i', async (replicas) => {
    const { scaler, requests } = recordingScaler()
    const headers = { 'idempotency-key': 'k' }
    const answer = await server({ scaler }).inject({
      method: 'PUT',
      url,
      payload: { replicas, reason: 'sale' },
      headers,
    })
    expect(answer.statusCode, answer.body).toBe(200)
    const key = { hash: expect.stringMatching(/^.{11}$/), wish: expect.stringMatching(/^..$/) }
    expect(requests).toEqual([{ name: 'web', request: { kind: 'set', origin: 'call', replicas, note: 'sale', key } }])
  })

  it('hands on the count that the caller saw, and answers 409 where it is another one by now', async () => {
    const { scaler, requests } = recordingScaler()
    const payload = { replicas: 5, expect: 4 }
    expect((await server({ scaler }).inject({ method: 'PUT', url, payload })).statusCode).toBe(200)
    expect(requests).toMatchObject([{ request: { kind: 'set', replicas: 5, expected: 4 } }])
    const refuses = fakeScaler({ request: () => Promise.reject(new Fault('count-changed', 'The count is 3 now')) })
    const answer = await server({ scaler: refuses }).inject({ method: 'PUT', url, payload })
    expect(answer.statusCode).toBe(409)
    expect(answer.json()).toMatchObject({ code: 'count-changed', detail: 'The count is 3 now' })
  })

  it.each([
    {},
    { replicas: -1 },
    { replicas: 1.5 },
    { replicas: '5' },
    { replicas: null },
    { replicas: 1e10 },
    { Replicas: 5 },
    [5],
  ])('refuses %j', async (payload) => {
    const answer = await server().inject({ method: 'PUT', url, payload })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().detail).toMatch(/replicas|JSON object/)
  })

  it('without a body says what is missing', async () => {
    const answer = await server().inject({ method: 'PUT', url })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().detail).toBe('Body field replicas is missing; it must be a whole number from 0 to 1000000000.')
  })
})

describe('pause and resume', () => {
  const calls: { name: string; method?: 'PUT'; url: string; payload?: object; is: unknown[] }[] = [
    { name: 'both ways until resumed', url: 'pause', is: ['pause', 'web', { scope: 'both', by: '127.0.0.1' }] },
    { name: 'by PUT', method: 'PUT', url: 'pause', is: ['pause', 'web', { scope: 'both', by: '127.0.0.1' }] },
    {
      name: 'one way',
      url: 'pause',
      payload: { direction: 'up' },
      is: ['pause', 'web', { scope: 'up', by: '127.0.0.1' }],
    },
    {
      name: 'for a while',
      url: 'pause',
      payload: { for: '5m' },
      is: ['pause', 'web', { scope: 'both', forMs: 300_000, by: '127.0.0.1' }],
    },
    {
      name: 'for seconds',
      url: 'pause',
      payload: { for: 90 },
      is: ['pause', 'web', { scope: 'both', forMs: 90_000, by: '127.0.0.1' }],
    },
    {
      name: 'with a reason',
      url: 'pause',
      payload: { reason: ' the database moves ' },
      is: ['pause', 'web', { scope: 'both', reason: 'the database moves', by: '127.0.0.1' }],
    },
    {
      name: 'asked for in the query',
      url: 'pause?for=2h&direction=down&reason=a%20test',
      is: ['pause', 'web', { scope: 'down', forMs: 7_200_000, reason: 'a test', by: '127.0.0.1' }],
    },
    {
      name: 'of which query and body say something each, and the query wins',
      url: 'pause?direction=down',
      payload: { for: '2h', direction: 'up' },
      is: ['pause', 'web', { scope: 'down', forMs: 7_200_000, by: '127.0.0.1' }],
    },
    {
      name: 'with a reason without end',
      url: 'pause',
      payload: { reason: 'x'.repeat(2000) },
      is: ['pause', 'web', { scope: 'both', reason: `${'x'.repeat(499)}…`, by: '127.0.0.1' }],
    },
    { name: 'ended', url: 'resume', is: ['resume', 'web', 'both'] },
    { name: 'ended one way in the query', url: 'resume?direction=up', is: ['resume', 'web', 'up'] },
    {
      name: 'ended one way by PUT',
      method: 'PUT',
      url: 'resume',
      payload: { direction: 'down' },
      is: ['resume', 'web', 'down'],
    },
  ]
  it.each(calls)('a pause $name', async ({ method, url, payload, is }) => {
    const called: unknown[] = []
    const scaler = fakeScaler({
      pause: async (...given) => {
        called.push('pause', ...given)
        return full
      },
      resume: async (...given) => {
        called.push('resume', ...given)
        return full
      },
    })
    const answer = await server({ scaler }).inject({
      method: method ?? 'POST',
      url: `/v1/autoscaler/web/${url}`,
      ...(payload && { payload }),
    })
    expect(answer.statusCode, answer.body).toBe(200)
    expect(called).toEqual(is)
    expect(answer.json()).toEqual(SHOWN)
  })

  it.each([
    { direction: 'sideways' },
    { direction: true },
    { for: '0s' },
    { for: 'soon' },
    { for: 0 },
    { for: -5 },
    { for: '9999999999h' },
  ])('a pause %j is refused', async (payload) => {
    const answer = await server().inject({ method: 'POST', url: '/v1/autoscaler/web/pause', payload })
    expect(answer.statusCode).toBe(400)
  })
})

describe('the pause of everything', () => {
  const pause = { scope: 'both', sinceMs: T0, untilMs: T0 + 600_000, by: 'ole', reason: 'moving' } as const
  const shown = {
    ...{ direction: 'both', since: '2026-01-31T12:00:00.000Z', until: '2026-01-31T12:10:00.000Z' },
    ...{ by: 'ole', reason: 'moving' },
  }
  const tokens = [
    { role: 'scale', secret: 'a-token-that-may-scale', name: 'ole' },
    { role: 'read', secret: 'a-token-that-looks' },
  ] as const

  const calls: { method: 'POST' | 'PUT'; url: string; payload?: object; is: unknown[] }[] = [
    { method: 'POST', url: '/v1/pause', is: ['pause', { scope: 'both', by: 'ole' }] },
    {
      method: 'PUT',
      url: '/v1/pause?for=2h&direction=down',
      is: ['pause', { scope: 'down', forMs: 7_200_000, by: 'ole' }],
    },
    {
      ...{ method: 'POST', url: '/v1/pause', payload: { for: '10m', reason: 'moving' } },
      is: ['pause', { scope: 'both', forMs: 600_000, reason: 'moving', by: 'ole' }],
    },
    { method: 'POST', url: '/v1/resume', is: ['resume', 'both'] },
    { method: 'PUT', url: '/v1/resume', payload: { direction: 'up' }, is: ['resume', 'up'] },
  ]
  it.each(calls)(
    '$method $url is carried out and named in the log with who did it',
    async ({ method, url, is, ...more }) => {
      const [called, lines]: [unknown[], string[]] = [[], []]
      const scaler = fakeScaler({
        pauseAll: async (wish) => {
          called.push('pause', wish)
          return pause
        },
        resumeAll: async (scope) => {
          called.push('resume', scope)
          return undefined
        },
      })
      const headers = { authorization: 'Bearer a-token-that-may-scale' }
      const app = server({ scaler, lines, access: { tokens: [...tokens], trustedCidrs: [] } })
      const answer = await app.inject({ method, url, headers, ...more })
      expect(answer.statusCode, answer.body).toBe(200)
      expect(called).toEqual(is)
      expect(answer.json()).toEqual(is[0] === 'pause' ? { pause: shown } : {})
      const audits = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'audit')
      expect(audits).toMatchObject([{ caller: { name: 'ole' }, path: url.split('?')[0], status: 200 }])
    },
  )

  it('needs the role scale to begin and to end, and read to be seen', async () => {
    const app = server({
      scaler: fakeScaler({ pausedAll: () => pause }),
      access: { tokens: [...tokens], trustedCidrs: [] },
    })
    const status = async (method: 'GET' | 'POST', url: string, token?: string) =>
      (await app.inject({ method, url, headers: token === undefined ? {} : { 'x-orrery-token': token } })).statusCode
    expect(await status('POST', '/v1/pause', 'a-token-that-looks')).toBe(403)
    expect(await status('POST', '/v1/resume', 'a-token-that-looks')).toBe(403)
    expect(await status('GET', '/v1/pause', 'a-token-that-looks')).toBe(200)
    expect(await status('GET', '/v1/pause')).toBe(401)
  })

  it.each([
    { url: '/v1/pause', payload: { for: 'soon' }, says: 'for is "soon"' },
    { url: '/v1/pause', payload: { direction: 'left' }, says: 'direction' },
    { url: '/v1/pause', payload: { until: '2h' }, says: '"until" is not known here; known are reason' },
    { url: '/v1/resume', payload: { for: '2h' }, says: '"for" is not known here; known are direction' },
  ])('$url refuses $payload, and says what is right', async ({ url, payload, says }) => {
    const answer = await server().inject({ method: 'POST', url, payload })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().detail).toContain(says)
  })

  it('stands beside the list in both views, with another ETag, and is absent while nothing is paused', async () => {
    const [active, none] = [pause, undefined].map((now) => server({ scaler: fakeScaler({ pausedAll: () => now }) }))
    const tags = new Set<unknown>()
    for (const url of ['/v1/autoscaler', '/v1/autoscaler?view=summary']) {
      const before = await none?.inject(url)
      expect(before?.json()).not.toHaveProperty('pause')
      const after = await active?.inject({ url, headers: { 'if-none-match': String(before?.headers.etag) } })
      expect(after?.json().pause).toEqual(shown)
      tags.add(before?.headers.etag).add(after?.headers.etag)
    }
    expect(tags.size).toBe(4)
    expect((await active?.inject('/v1/pause'))?.json()).toEqual({ pause: shown })
    expect((await none?.inject('/v1/pause'))?.json()).toEqual({})
  })
})

describe('a field that a call does not know', () => {
  it.each([
    { method: 'POST', url: 'pause?until=2h', says: 'Query parameter "until" is not known here; known are reason' },
    { method: 'POST', url: 'pause', payload: { duration: '2h' }, says: 'Body field "duration" is not known here' },
    { method: 'POST', url: 'pause?FOR=2h', says: 'Query parameter "FOR" is not known; it is written for' },
    { method: 'POST', url: 'resume?scope=up', says: '"scope" is not known here; known are direction' },
    {
      method: 'PUT',
      url: 'replicas?replicas=5',
      payload: { replicas: 4 },
      says: '"replicas" is not known here; send it',
    },
    { method: 'PUT', url: 'replicas', payload: { replicas: 4, expected: 3 }, says: '"expected" is not known here' },
    { method: 'POST', url: 'explain?step=2', says: '"step" is not known here' },
    { method: 'POST', url: 'up?direction=down', says: 'direction is "down"; it must be "up", as the path says' },
  ] as const)('$method $url is refused by name', async ({ method, url, says, ...more }) => {
    const answer = await server().inject({ method, url: `/v1/autoscaler/web/${url}`, ...more })
    expect(answer.statusCode).toBe(400)
    expect(answer.json().detail).toContain(says)
  })
})

describe('explain', () => {
  const explained = (payload?: object) => {
    const asked: (Request | SimulatedLoad)[] = []
    const scaler = fakeScaler({
      explain: (_name, request) => {
        asked.push(request)
        const stages = [{ stage: 'cooldown', result: 'stop' as const, detail: 'waits 20 s' }]
        return { decision: aDecision({ outcome: 'held', code: 'cooldown' }), stages }
      },
    })
    const app = server({ scaler })
    const answer = app.inject({ method: 'POST', url: '/v1/autoscaler/web/explain', ...(payload && { payload }) })
    return answer.then((response) => ({ response, asked }))
  }

  it('shows the decision that would be taken and each stage', async () => {
    const { response, asked } = await explained()
    expect(asked).toEqual([{ kind: 'step', origin: 'call', direction: 'up' }])
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({
      outcome: 'held',
      code: 'cooldown',
      at: '2026-01-31T12:00:00.000Z',
      stages: [{ stage: 'cooldown', result: 'stop', detail: 'waits 20 s' }],
    })
  })

  it.each([
    {
      payload: { direction: 'down', by: '10%' },
      is: { kind: 'step', origin: 'call', direction: 'down', by: { kind: 'percent', percent: 10 } },
    },
    { payload: { by: 2 }, is: { kind: 'step', origin: 'call', direction: 'up', by: { kind: 'count', count: 2 } } },
    { payload: { replicas: 0 }, is: { kind: 'set', origin: 'call', replicas: 0 } },
  ])('of $payload', async ({ payload, is }) => {
    const { response, asked } = await explained(payload)
    expect(response.statusCode).toBe(200)
    expect(asked).toEqual([is])
  })

  it('refuses a count and a step at once', async () => {
    const { response } = await explained({ replicas: 3, by: 1 })
    expect(response.statusCode).toBe(400)
  })
})
