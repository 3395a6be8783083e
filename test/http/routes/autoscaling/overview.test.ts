import { gunzipSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import type { ServiceRow, TaskView } from '../../../../src/autoscaling/autoscaler.ts'
import type { Decision } from '../../../../src/autoscaling/decision/decision.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import type { Token } from '../../../../src/http/access/tokens.ts'
import { aDecision, anAutoscaler, fakeCatalog, T0 } from '../../../support/use-cases/fake-use-cases.ts'
import { server } from '../../../support/use-cases/http.ts'

const SUMMARY = '/v1/autoscaler?view=summary'

describe('GET /v1/autoscaler?view=summary', () => {
  it('says of each what a list needs, and no label but its stack', async () => {
    const plain = anAutoscaler('web')
    const { observation } = plain
    const web = anAutoscaler('web', {
      observation: { ...observation, labels: { ...observation.labels, 'com.docker.stack.namespace': 'shop' } },
      lastDecision: aDecision({ outcome: 'held', code: 'cooldown', reason: 'it waits' }),
      nextAllowedMs: { up: T0 + 1000 },
    })
    const answer = await server({ catalog: fakeCatalog([web]) }).inject(SUMMARY)
    expect(answer.json()).toEqual({
      autoscalers: [
        {
          ...{ name: 'web', service: 'web', stack: 'shop', replicas: 3, min: 1, max: 10 },
          nextAllowed: { up: '2026-01-31T12:00:01.000Z' },
          ...{ lastOutcome: 'held', lastCode: 'cooldown', lastReason: 'it waits', lastAt: '2026-01-31T12:00:00.000Z' },
        },
      ],
    })
    expect(answer.body).not.toContain('secret')
  })

  it('names the worst that is wrong', async () => {
    const condition = (type: 'Valid' | 'Paused' | 'AtCapacity', status: boolean) =>
      ({ type, status, reason: `${type} it is`, sinceMs: T0 }) as const
    const conditions = [condition('Paused', true), condition('AtCapacity', true), condition('Valid', false)]
    const shown = (kept: typeof conditions) =>
      server({ catalog: fakeCatalog([anAutoscaler('web', { conditions: kept })]) }).inject(SUMMARY)
    const attention = async (kept: typeof conditions) => (await shown(kept)).json().autoscalers[0].attention
    expect(await attention(conditions)).toEqual({ type: 'Valid', reason: 'Valid it is', severity: 'error' })
    expect(await attention(conditions.slice(0, 2))).toMatchObject({ type: 'AtCapacity', severity: 'warning' })
    expect(await attention([condition('Valid', true)])).toBeUndefined()
  })

  it('takes at most 400 bytes an autoscaler', async () => {
    const many = Array.from({ length: 500 }, (_, n) => anAutoscaler(`web-${n}`, { lastDecision: aDecision() }))
    const { body } = await server({ catalog: fakeCatalog(many) }).inject(SUMMARY)
    expect(body.length / 500).toBeLessThan(400)
  })

  it('refuses a view that it has not, with those that it has', async () => {
    const answer = await server().inject('/v1/autoscaler?view=short')
    expect(answer.statusCode).toBe(400)
    expect(answer.json().detail).toContain('"full" or "summary"')
  })
})

describe('an ETag', () => {
  it.each(['/v1/autoscaler', SUMMARY])('of %s spares the body to who has it, until something changes', async (url) => {
    const autoscalers = [anAutoscaler()]
    const app = server({ catalog: fakeCatalog([], { list: () => autoscalers }) })
    const { etag } = (await app.inject(url)).headers
    expect(etag).toMatch(/^"[\w-]{20,}"$/)
    const again = (tag: string) => app.inject({ url, headers: { 'if-none-match': tag } })
    for (const tag of [`${etag}`, `W/${etag}`, `"other", ${etag}`, '*']) {
      expect(await again(tag), tag).toMatchObject({ statusCode: 304, body: '' })
    }
    expect((await again('"other"')).statusCode).toBe(200)
    autoscalers.push(anAutoscaler('api'))
    // Who has it is told of a change as soon as everybody else: not in the ms for which one answer is given to all.
    await vi.waitFor(async () =>
      expect(await again(`${etag}`)).toMatchObject({ statusCode: 200, body: expect.stringContaining('"api"') }),
    )
  })
})

describe('a long list', () => {
  const many = Array.from({ length: 200 }, (_, n) => anAutoscaler(`web-${n}`))
  const app = () => server({ catalog: fakeCatalog(many) })
  const asked = async (from: ReturnType<typeof app>, encoding: string) =>
    await from.inject({ url: SUMMARY, headers: { 'accept-encoding': encoding } })

  it('is compressed for who can read that, to less than a tenth, and is the same', async () => {
    const here = app()
    const plain = await here.inject(SUMMARY)
    // The second is of the answer that is shared.
    for (let time = 0; time < 2; time += 1) {
      const packed = await asked(here, 'gzip, deflate, br')
      expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' })
      expect(packed.rawPayload.length).toBeLessThan(plain.rawPayload.length / 10)
      expect(JSON.parse(gunzipSync(packed.rawPayload).toString())).toEqual(plain.json())
      // A tag says whether the bytes are the same; these are others.
      expect(packed.headers.etag).toBe(`W/${plain.headers.etag}`)
    }
    const known = await here.inject({ url: SUMMARY, headers: { 'if-none-match': `W/${plain.headers.etag}` } })
    expect(known.statusCode).toBe(304)
  })

  it.each(['', 'br', 'identity', 'gzip;q=0', 'gzip;q=0.0, br'])(
    'is sent as it is to who accepts %j',
    async (encoding) => {
      const answer = await asked(app(), encoding)
      expect(answer.headers['content-encoding']).toBeUndefined()
      expect(answer.json().autoscalers).toHaveLength(200)
    },
  )

  it('that is short is not worth it', async () => {
    const answer = await asked(server({ catalog: fakeCatalog([anAutoscaler()]) }), 'gzip')
    expect(answer.headers['content-encoding']).toBeUndefined()
  })
})

describe('GET /v1/decision', () => {
  const decisions: readonly Decision[] = Array.from({ length: 600 }, (_, n) =>
    aDecision({ atMs: T0 - n * 1000, outcome: n % 2 === 0 ? 'scaled' : 'held', autoscaler: `web-${n}` }),
  )
  const app = () => server({ catalog: fakeCatalog([], { allDecisions: () => decisions }) })
  const names = async (query: string) =>
    (await app().inject(`/v1/decision${query}`)).json().decisions.map((one: Decision) => one.autoscaler)

  it('shows those of every autoscaler, newest first, 500 at most', async () => {
    const all = await names('')
    expect(all).toHaveLength(500)
    expect(all.slice(0, 2)).toEqual(['web-0', 'web-1'])
  })

  it.each([
    { query: '?limit=2', shown: ['web-0', 'web-1'] },
    { query: '?limit=2&outcome=held', shown: ['web-1', 'web-3'] },
    { query: '?since=2026-01-31T11:59:58Z', shown: ['web-0', 'web-1', 'web-2'] },
    { query: '?since=2026-02-01T00:00:00Z', shown: [] },
  ])('$query: $shown', async ({ query, shown }) => {
    expect(await names(query)).toEqual(shown)
  })

  it.each([
    { query: '?limit=0', says: 'limit is "0"; it must be a whole number from 1 to 500' },
    { query: '?limit=501', says: 'a whole number from 1 to 500' },
    { query: '?since=yesterday', says: 'since is "yesterday"; it must be a time such as' },
    { query: '?since=2026-13-01T00:00:00Z', says: 'it must be a time such as' },
    { query: '?outcome=done', says: 'outcome is "done"; it must be "scaled" or' },
  ])('$query is refused', async ({ query, says }) => {
    const answer = await app().inject(`/v1/decision${query}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().detail).toContain(says)
  })
})

describe('GET /v1/controller', () => {
  const tokens: readonly Token[] = [
    { role: 'read', secret: 'reads', name: 'wall' },
    { role: 'scale', secret: 'scales' },
    { role: 'agent', secret: 'reports' },
  ]
  const asked = async (
    change: Parameters<typeof server>[0],
    request: { token?: string; remoteAddress?: string } = {},
  ) => {
    const { token, remoteAddress = '127.0.0.1' } = request
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return await server(change).inject({ url: '/v1/controller', headers, remoteAddress })
  }

  it('says what it is, what is switched on, and how it is', async () => {
    const catalog = fakeCatalog([], { sync: () => ({ inSync: false, reason: 'no leader' }) })
    expect((await asked({ catalog })).json()).toEqual({
      ...{ id: 'c1', version: '0.0.0-test', hostname: 'manager1', engine: '/run/docker.sock', dryRun: false },
      ui: 'on',
      now: '2026-01-31T12:00:00.000Z',
      sync: { inSync: false, reason: 'no leader' },
      access: { mode: 'open', role: 'admin' },
      features: { networks: true },
      conditions: [{ type: 'InSync', status: false, reason: 'no leader' }],
    })
  })

  it.each([
    { token: 'reads', access: { mode: 'token', role: 'read', name: 'wall' } },
    { token: 'scales', access: { mode: 'token', role: 'scale' } },
  ])('tells the holder of $token what it may do', async ({ token, access }) => {
    expect((await asked({ access: { tokens, trustedCidrs: [] } }, { token })).json().access).toEqual(access)
  })

  it('tells another machine that it may only read where there is no token file', async () => {
    const { access } = (await asked({}, { remoteAddress: '192.0.2.1' })).json()
    expect(access).toEqual({ mode: 'open', role: 'read' })
  })

  it.each([
    { token: 'wrong', status: 401 },
    { token: 'reports', status: 403 },
  ])('is not for $token', async ({ token, status }) => {
    expect((await asked({ access: { tokens, trustedCidrs: [] } }, { token })).statusCode).toBe(status)
  })
})

describe('GET /v1/autoscaler/<name>/history', () => {
  const history = {
    sinceMs: T0 - 9000,
    points: [
      { atMs: T0 - 5000, replicas: 2, by: 'start' },
      { atMs: T0, replicas: 3, by: 'orrery', cause: 'call' },
    ],
  } as const
  const app = () => server({ catalog: fakeCatalog([anAutoscaler()], { history: () => history }) })
  const last = { at: '2026-01-31T12:00:00.000Z', replicas: 3, by: 'orrery', cause: 'call' }

  it('shows each change and since when anybody looked', async () => {
    expect((await app().inject('/v1/autoscaler/web/history')).json()).toEqual({
      since: '2026-01-31T11:59:51.000Z',
      points: [{ at: '2026-01-31T11:59:55.000Z', replicas: 2, by: 'start' }, last],
    })
  })

  it('leaves out what is older than asked for', async () => {
    const answer = await app().inject('/v1/autoscaler/web/history?since=2026-01-31T12:00:00Z')
    expect(answer.json().points).toEqual([last])
    expect((await app().inject('/v1/autoscaler/web/history?since=now')).statusCode).toBe(400)
  })
})

describe('GET /v1/task', () => {
  const task = {
    ...{ id: 't1', serviceId: 'id-web', slot: 2, nodeId: 'n1', desiredState: 'running', state: 'failed' },
    ...{ error: 'task: non-zero exit (137)', statusAtMs: T0, networkIds: [] },
  } as const
  const container = { id: 'c', name: 'web.2', state: 'running', cpuPercent: 7, memoryBytes: 9 }
  const addresses = [{ network: 'vlan40', address: '172.80.1.5' }]
  const view: TaskView = { task, service: 'web', hostname: 'worker1', container: { ...container, addresses } }
  const shown = {
    ...{ id: 't1', service: 'web', slot: 2, node: { id: 'n1', hostname: 'worker1' }, desiredState: 'running' },
    ...{ state: 'failed', since: '2026-01-31T12:00:00.000Z', error: 'task: non-zero exit (137)' },
    ...{ addresses: ['172.80.1.5'], cpuPercent: 7, memoryBytes: 9 },
  }

  it.each(['/v1/task', '/v1/autoscaler/web/tasks'])('%s gives Swarm’s words, the node and the address', async (url) => {
    const answer = await server({ catalog: fakeCatalog([], { tasks: () => [view] }) }).inject(url)
    expect(answer.json()).toEqual({ tasks: [shown] })
  })

  it('says that it does not know them yet', async () => {
    const tasks = () => {
      throw new Fault('not-in-sync', 'The tasks are being read.', { retryAfterMs: 1000 })
    }
    const answer = await server({ catalog: fakeCatalog([], { tasks }) }).inject('/v1/task')
    expect({ status: answer.statusCode, after: answer.headers['retry-after'] }).toEqual({ status: 503, after: '1' })
  })
})

describe('GET /v1/service', () => {
  const { observation } = anAutoscaler('web')
  const rows: readonly ServiceRow[] = [
    { observation: { ...observation, id: 'id-agent', name: 'agent', mode: 'global' }, reason: 'a global service' },
    { observation: { ...observation, id: 'id-api', name: 'api', replicas: 40 }, reason: 'it has no scaling policy' },
    { observation, autoscaler: 'web' },
  ]

  it('shows each with its autoscaler, or why it has none and what to copy, and no other label', async () => {
    const answer = await server({ catalog: fakeCatalog([], { services: () => rows }) }).inject('/v1/service')
    expect(answer.json().services).toEqual([
      { id: 'id-agent', name: 'agent', mode: 'global', reason: 'a global service' },
      {
        ...{ id: 'id-api', name: 'api', mode: 'replicated', replicas: 40, reason: 'it has no scaling policy' },
        labels: { 'autoscaler.enable': 'true', 'autoscaler.max': '40' },
      },
      { id: 'id-web', name: 'web', mode: 'replicated', replicas: 3, autoscaler: 'web' },
    ])
    expect(answer.body).not.toContain('secret')
  })

  it('is 503 while nothing was read yet', async () => {
    const change = { services: () => [], sync: () => ({ inSync: false, reason: 'no leader' }) }
    expect((await server({ catalog: fakeCatalog([], change) }).inject('/v1/service')).statusCode).toBe(503)
  })
})
