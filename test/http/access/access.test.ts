import { describe, expect, it } from 'vitest'
import { parseTokenFile } from '../../../src/http/access/tokens.ts'
import { fakeCatalog, recordingScaler } from '../../support/use-cases/fake-use-cases.ts'
import { server } from '../../support/use-cases/http.ts'

const access = { ...parseTokenFile('read reader-token\nscale scaler-token'), trustedCidrs: [] }
const UP = '/v1/autoscaler/web/up'
const OPEN = ['/healthz', '/readyz', '/metrics', '/openapi.json', '/docs', '/docs/json', '/v1/ping']

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const basic = (token: string) => ({ authorization: `Basic ${Buffer.from(`anybody:${token}`).toString('base64')}` })

const methodNamed = (name: string) =>
  (['PUT', 'POST', 'DELETE'] as const).find((method) => method.toLowerCase() === name) ?? 'GET'

describe('with a token file', () => {
  it('a call without a credential is told how to send one', async () => {
    const answer = await server({ access }).inject({ method: 'POST', url: UP })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toEqual([
      'Bearer realm="orrery"',
      'Basic realm="orrery", charset="UTF-8"',
    ])
    expect(answer.json()).toMatchObject({ code: 'no-credential', status: 401 })
  })

  it('a wrong credential is 401 and a low one 403', async () => {
    const app = server({ access })
    const wrong = await app.inject({ method: 'POST', url: UP, headers: bearer('x') })
    const low = await app.inject({ method: 'POST', url: UP, headers: bearer('reader-token') })
    expect([wrong.statusCode, wrong.json().code]).toEqual([401, 'wrong-credential'])
    expect(wrong.headers['www-authenticate']).toBeDefined()
    expect([low.statusCode, low.json().code]).toEqual([403, 'role-too-low'])
  })

  it('a right one scales, and reads too', async () => {
    const app = server({ access, scaler: recordingScaler().scaler })
    const headers = bearer('scaler-token')
    expect((await app.inject({ method: 'POST', url: UP, headers })).statusCode).toBe(200)
    expect((await app.inject({ url: '/v1/autoscaler', headers })).statusCode).toBe(200)
  })

  const ways = [
    { way: 'Bearer', right: bearer('scaler-token'), wrong: bearer('wrong-token') },
    { way: 'Basic', right: basic('scaler-token'), wrong: basic('wrong-token') },
    { way: 'a header', right: { 'x-orrery-token': 'scaler-token' }, wrong: { 'x-orrery-token': 'wrong-token' } },
  ]
  it.each(ways)('A7 a token by $way scales; a wrong one is 401, and neither is logged', async ({ right, wrong }) => {
    const lines: string[] = []
    const app = server({ access, lines, scaler: recordingScaler().scaler })
    const post = (headers: Record<string, string>) => app.inject({ method: 'POST', url: UP, headers })
    expect((await post(right)).statusCode).toBe(200)
    const refused = await post(wrong)
    expect([refused.statusCode, refused.json().code]).toEqual([401, 'wrong-credential'])
    const logged = lines.map((line) => JSON.parse(line)).find(({ event }) => event === 'wrong-credential')
    expect(logged).toMatchObject({ level: 'warn', path: UP, peer: '127.0.0.1' })
    for (const secret of ['scaler-token', 'wrong-token', ...Object.values(right), ...Object.values(wrong)])
      expect(lines.join('')).not.toContain(secret)
  })

  it('every described route asks for a credential but the open ones, which ask for none', async () => {
    const app = server({ access, catalog: fakeCatalog() })
    await app.ready()
    const { paths = {} } = app.swagger()
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods ?? {}).map((method) => ({ path, method })),
    )
    expect(routes.length).toBeGreaterThan(20)
    for (const { path, method } of routes) {
      const url = path.replaceAll(/\{\w+\}/g, 'web')
      const answer = await app.inject({ method: methodNamed(method), url })
      expect(answer.statusCode, `${method} ${path}`).toBe(OPEN.includes(path) ? 200 : 401)
    }
    for (const url of OPEN) expect((await app.inject({ url })).statusCode, url).toBe(200)
  })

  it('a body is not even read without a credential', async () => {
    const answer = await server({ access }).inject({ method: 'POST', url: UP, payload: 'x'.repeat(5_000_000) })
    expect(answer.statusCode).toBe(401)
  })

  it('repeated wrong credentials of one address are slowed, right ones and other addresses are not', async () => {
    const app = server({ access, scaler: recordingScaler().scaler })
    const attempt = async (token: string, remoteAddress = '192.0.2.1') =>
      app.inject({ method: 'POST', url: UP, headers: bearer(token), remoteAddress })
    const statuses = []
    for (let n = 0; n < 12; n += 1) statuses.push((await attempt(`guess-${n}`)).statusCode)
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
    const slowed = await attempt('one more')
    expect(slowed.json().code).toBe('too-many-attempts')
    expect(Number(slowed.headers['retry-after'])).toBeGreaterThan(0)
    expect((await attempt('scaler-token')).statusCode).toBe(200)
    expect((await attempt('guess', '192.0.2.2')).statusCode).toBe(401)
  })

  it('calls without any credential are never counted', async () => {
    const app = server({ access })
    for (let n = 0; n < 30; n += 1) expect((await app.inject({ method: 'POST', url: UP })).statusCode).toBe(401)
  })
})

describe('without a token file', () => {
  it('reads are open and writes from elsewhere closed, with both remedies named', async () => {
    const app = server()
    const remoteAddress = '192.0.2.1'
    expect((await app.inject({ url: '/v1/autoscaler', remoteAddress })).statusCode).toBe(200)
    const write = await app.inject({ method: 'POST', url: UP, remoteAddress })
    expect(write.statusCode).toBe(403)
    expect(write.json()).toMatchObject({
      code: 'writes-closed',
      detail: expect.stringMatching(/TOKEN_FILE.*TRUSTED_CIDRS/),
    })
  })

  it('nothing that a client says of its address counts', async () => {
    const headers = { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1', 'x-real-ip': '::1' }
    const write = await server().inject({ method: 'POST', url: UP, remoteAddress: '192.0.2.1', headers })
    expect(write.statusCode).toBe(403)
  })

  it('explaining is a read', async () => {
    const answer = await server().inject({
      method: 'POST',
      url: '/v1/autoscaler/none/explain',
      remoteAddress: '192.0.2.1',
    })
    expect(answer.statusCode).not.toBe(403)
  })
})

it('no credential ever reaches the log', async () => {
  const lines: string[] = []
  const secrets = ['scaler-token', 'wrong-guess-token', 'query-token', 'body-token', 'cookie-token']
  const app = server({ access, lines, scaler: recordingScaler().scaler })
  for (const headers of [
    bearer('scaler-token'),
    bearer('wrong-guess-token'),
    basic('wrong-guess-token'),
    { 'x-orrery-token': 'wrong-guess-token' },
    { cookie: 'cookie-token' },
  ]) {
    await app.inject({ method: 'POST', url: `${UP}?token=query-token`, headers, payload: '{"token":"body-token"}' })
    await app.inject({ method: 'POST', url: `/nowhere?token=query-token`, headers, payload: '{"token":"body-token' })
  }
  app.log.error({ authorization: 'Bearer scaler-token', req: { headers: bearer('scaler-token') } }, 'carelessly')
  app.log.error({ req: { headers: { 'x-orrery-token': 'scaler-token' } } }, 'carelessly')
  app.log.error({ err: Object.assign(new Error('x'), { config: { headers: bearer('scaler-token') } }) }, 'carelessly')
  const log = lines.join('')
  expect(lines.length).toBeGreaterThan(8)
  for (const secret of [...secrets, basic('wrong-guess-token').authorization]) expect(log).not.toContain(secret)
})
