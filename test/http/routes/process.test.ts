import { describe, expect, it } from 'vitest'
import { fakeCatalog, recordingScaler, T0 } from '../../support/use-cases/fake-use-cases.ts'
import { server } from '../../support/use-cases/http.ts'

describe('the process', () => {
  it('is alive whatever the Swarm is', async () => {
    const catalog = fakeCatalog([], { sync: () => ({ inSync: false, reason: 'no leader' }) })
    const answer = await server({ catalog }).inject('/healthz')
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'ok' }])
  })

  it('is ready when in sync', async () => {
    const answer = await server().inject('/readyz')
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ ready: true, reasons: [], lastLeaderReadAt: new Date(T0).toISOString() })
  })

  it('is not ready when not in sync, and says why and when to ask again', async () => {
    const catalog = fakeCatalog([], { sync: () => ({ inSync: false, reason: 'this is a worker; give it a manager' }) })
    const answer = await server({ catalog }).inject('/readyz')
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toBe('1')
    expect(answer.json()).toEqual({ ready: false, reasons: ['this is a worker; give it a manager'] })
  })

  it('shows its metrics as Prometheus wants them', async () => {
    const answer = await server().inject('/metrics')
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(answer.body).toContain('orrery_in_sync 1')
  })

  it.each(['/docs', '/docs/'])(
    '%s names what it needs relative to itself, so that it works below a path',
    async (url) => {
      const app = server()
      const page = await app.inject(url)
      expect(page.statusCode).toBe(200)
      const named = [...page.body.matchAll(/(?:href|src)="([^"]+)"/g)].map((match) => match[1] ?? '')
      expect(named.length).toBeGreaterThan(4)
      for (const one of named) {
        const { pathname } = new URL(one, `http://proxy/below/orrery${url}`)
        expect(pathname).toMatch(/^\/below\/orrery\/docs\/static\//)
        expect((await app.inject(pathname.replace('/below/orrery', ''))).statusCode, one).toBe(200)
      }
      const { servers } = (await app.inject('/docs/json')).json()
      expect(new URL(servers[0].url, 'http://proxy/below/orrery/docs/json').pathname).toBe('/below/orrery/')
    },
  )

  it.each(['/docs', '/docs/', '/docs/static', '/docs/static/', '/docs/static/index.html'])(
    '%s never redirects',
    async (url) => {
      expect((await server().inject(url)).headers.location).toBeUndefined()
    },
  )

  it('describes itself as OpenAPI 3.1, and has a page to read it', async () => {
    const app = server()
    expect((await app.inject('/openapi.json')).json()).toMatchObject({
      openapi: '3.1.0',
      info: { version: '0.0.0-test' },
    })
    const page = await app.inject('/docs')
    expect(page.statusCode).toBe(200)
    expect(page.headers['content-type']).toContain('text/html')
    expect(page.headers['content-security-policy']).not.toContain('upgrade-insecure-requests')
  })
})

describe('a path or method that is not there', () => {
  it('is 404 with a problem, and without the query', async () => {
    const answer = await server().inject('/v2/nothing?token=abc')
    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.json()).toMatchObject({ code: 'unknown-route', type: 'urn:orrery:problem:unknown-route' })
    expect(answer.body).not.toContain('abc')
  })

  it('is 404 whatever its body is', async () => {
    for (const payload of ['{"by":', 'x'.repeat(5_000_000)]) {
      expect((await server().inject({ method: 'POST', url: '/v1/nothing', payload })).statusCode).toBe(404)
    }
  })

  const others = [
    { method: 'GET', url: '/v1/autoscaler/web/up', allow: 'POST, PUT' },
    { method: 'DELETE', url: '/v1/autoscaler/web/up', allow: 'POST, PUT' },
    { method: 'OPTIONS', url: '/v1/autoscaler/web/up', allow: 'POST, PUT' },
    { method: 'POST', url: '/v1/autoscaler/web/replicas', allow: 'PUT' },
    { method: 'POST', url: '/v1/autoscaler', allow: 'GET, HEAD' },
    { method: 'PUT', url: '/healthz/', allow: 'GET, HEAD' },
    { method: 'PATCH', url: '/v1/event', allow: 'GET, HEAD' },
    { method: 'GET', url: '/v1/autoscaler/web/explain', allow: 'POST' },
  ] as const
  it.each(others)('$method $url is 405 and names $allow', async ({ method, url, allow }) => {
    const answer = await server().inject({ method, url })
    expect(answer.statusCode).toBe(405)
    expect(answer.headers.allow).toBe(allow)
    expect(answer.json()).toMatchObject({ code: 'method-not-allowed', status: 405 })
  })

  it('a path that cannot be decoded is 400', async () => {
    const answer = await server().inject('/v1/autoscaler/%zz')
    expect(answer.statusCode).toBe(400)
    expect(answer.json().code).toBe('malformed')
  })
})

describe('while stopping', () => {
  const SCALING = ['up', 'down', 'pause', 'resume'].map((verb) => ({
    method: 'POST' as const,
    url: `/v1/autoscaler/web/${verb}`,
  }))
  const writes = [
    ...SCALING,
    { method: 'PUT' as const, url: '/v1/autoscaler/web/replicas' },
    { method: 'POST' as const, url: '/handle/autoswarm/web/up' },
  ]
  it.each(writes)('$method $url is refused: 503, Retry-After, Connection: close', async (request) => {
    const answer = await server({ stopping: AbortSignal.abort() }).inject(request)
    expect(answer.statusCode).toBe(503)
    expect(answer.json().code).toBe('shutting-down')
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(answer.headers.connection).toBe('close')
  })

  it('reads go on, but it is no longer ready', async () => {
    const app = server({ stopping: AbortSignal.abort() })
    expect((await app.inject('/v1/autoscaler')).statusCode).toBe(200)
    const ready = await app.inject('/readyz')
    expect([ready.statusCode, ready.json().reasons]).toEqual([503, ['this controller is stopping']])
  })

  it('begins when the signal comes, not before', async () => {
    const stop = new AbortController()
    const app = server({ stopping: stop.signal, scaler: recordingScaler().scaler })
    const up = async () => (await app.inject({ method: 'POST', url: '/v1/autoscaler/web/up' })).statusCode
    expect(await up()).toBe(200)
    stop.abort()
    expect(await up()).toBe(503)
  })
})
