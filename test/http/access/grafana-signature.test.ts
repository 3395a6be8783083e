/** Case G2 of the senders' list: Grafana's HMAC, on a small app that shows what reaches a handler, and on the route. */
import { createHmac } from 'node:crypto'
import { request as send } from 'node:http'
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLogger } from '../../../src/adapters/logging/logger.ts'
import { createSignatureCheck, type GrafanaSigning } from '../../../src/http/access/grafana-signature.ts'
import { parseTokenFile } from '../../../src/http/access/tokens.ts'
import { createGuard } from '../../../src/http/plugins/access.ts'
import { answerErrors } from '../../../src/http/plugins/errors.ts'
import { createGrafanaGuard } from '../../../src/http/plugins/grafana-signature.ts'
import { readBodiesAsJson } from '../../../src/http/plugins/json-body.ts'
import { createRefuse } from '../../../src/http/plugins/refuse.ts'
import { logRequests } from '../../../src/http/plugins/request-log.ts'
import { recordingScaler, T0 } from '../../support/use-cases/fake-use-cases.ts'
import { server } from '../../support/use-cases/http.ts'

const SECRET = 'hush-grafana-secret'
const BODY = '{"version":"1","status":"firing","alerts":[]}'
const SECONDS = T0 / 1000
const TIMED: GrafanaSigning = { secret: SECRET, timestampHeader: 'X-Grafana-Alerting-Timestamp' }

const hmac = (text: string | Buffer, secret = SECRET) => createHmac('sha256', secret).update(text).digest('hex')
const signed = (signature: string) => ({ 'x-grafana-alerting-signature': signature })
const timed = (seconds: number | string, body = BODY) => ({
  ...signed(hmac(`${seconds}:${body}`)),
  'x-grafana-alerting-timestamp': `${seconds}`,
})

/** Answers with the body as it was parsed. */
function echo(signing: GrafanaSigning | undefined, lines: string[] = []): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = createLogger({
    level: 'trace',
    destination: { write: (line) => lines.push(line) },
  })
  const app: FastifyInstance = fastify({ loggerInstance, bodyLimit: 1024 })
  onTestFinished(async () => app.close())
  answerErrors(app)
  readBodiesAsJson(app)
  logRequests(app)
  const refuse = createRefuse(app)
  const guard = createGuard({ ...parseTokenFile('scale scaler-token'), trustedCidrs: [] }, refuse)
  const { onRequest, preParsing } = createGrafanaGuard({ signing, guard, refuse, now: () => T0 })
  const handler = async ({ body }: { body: unknown }) => ({ body })
  app.register(async (scope) => {
    scope.route({ method: ['POST', 'PUT'], url: '/hook', onRequest, preParsing, handler })
  })
  return app
}

const post = (
  app: FastifyInstance,
  headers: Record<string, string>,
  payload: string | Buffer = BODY,
  remoteAddress = '127.0.0.1',
) => app.inject({ method: 'POST', url: '/hook', headers, payload, remoteAddress })

describe('G2: with a secret', () => {
  it('a valid signature is taken, by POST and PUT, and the body arrives', async () => {
    const app = echo({ secret: SECRET })
    for (const method of ['POST', 'PUT'] as const) {
      const answer = await app.inject({ method, url: '/hook', headers: signed(hmac(BODY)), payload: BODY })
      expect([answer.statusCode, answer.json()]).toEqual([200, { body: JSON.parse(BODY) }])
    }
  })

  const exact = [
    { name: 'whitespace around', body: ` \r\n\t${BODY}\n\n` },
    { name: 'whitespace inside', body: '{ "version" :\t"1" , "alerts":[ ] }' },
    { name: 'characters of several bytes', body: '{"title":"é 日本 🚀"}' },
    { name: 'escapes', body: '{"title":"\\u00e9"}' },
  ]
  it.each(exact)('the signature is over the raw bytes: $name', async ({ body }) => {
    const app = echo({ secret: SECRET })
    const answer = await post(app, signed(hmac(body)), body)
    expect([answer.statusCode, answer.json()]).toEqual([200, { body: JSON.parse(body) }])
    const reformatted = JSON.stringify(JSON.parse(body), null, 1)
    expect((await post(app, signed(hmac(body)), reformatted)).statusCode).toBe(401)
  })

  it('bytes that are no text are signed as they are', async () => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xc0]), Buffer.from('"}')])
    const app = echo({ secret: SECRET })
    expect((await post(app, signed(hmac(body)), body)).statusCode).toBe(200)
    expect((await post(app, signed(hmac(body.toString('utf8'))), body)).statusCode).toBe(401)
  })

  it('a body that comes in pieces is put together', async () => {
    const app = echo({ secret: SECRET })
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const status = await new Promise((resolve, reject) => {
      const request = send(`${address}/hook`, { method: 'POST', headers: signed(hmac(BODY)) }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      request.on('error', reject)
      request.write(BODY.slice(0, 7))
      setTimeout(() => request.end(BODY.slice(7)), 20)
    })
    expect(status).toBe(200)
  })

  const invalid = [
    { name: 'another secret', signature: hmac(BODY, 'other') },
    { name: 'another body', signature: hmac(`${BODY} `) },
    { name: 'upper case', signature: hmac(BODY).toUpperCase() },
    { name: 'a scheme in front', signature: `sha256=${hmac(BODY)}` },
    { name: 'half of it', signature: hmac(BODY).slice(0, 32) },
    { name: 'nothing', signature: '' },
    { name: 'two of them', signature: `${hmac(BODY)}, ${hmac(BODY)}` },
    { name: 'the signature of a time and the body', signature: hmac(`${SECONDS}:${BODY}`) },
  ]
  it.each(invalid)('an invalid signature is 401: $name', async ({ signature }) => {
    const answer = await post(echo({ secret: SECRET }), signed(signature))
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'wrong-credential'])
    expect(answer.headers['www-authenticate']).toMatch(/^HMAC-SHA256 /)
  })

  it('nothing else opens the route: no token, no Basic, not this machine', async () => {
    const app = echo({ secret: SECRET })
    const basic = `Basic ${Buffer.from('x:scaler-token').toString('base64')}`
    for (const headers of [{}, { authorization: 'Bearer scaler-token' }, { authorization: basic }]) {
      const answer = await post(app, headers)
      expect([answer.statusCode, answer.json().code]).toEqual([401, 'no-credential'])
    }
    expect((await app.inject({ method: 'POST', url: '/hook' })).statusCode).toBe(401)
  })

  it('an empty body is not the way around it', async () => {
    const app = echo({ secret: SECRET })
    const noBody = await app.inject({ method: 'POST', url: '/hook', headers: signed(hmac(BODY)) })
    expect(noBody.statusCode).toBe(401)
    expect((await app.inject({ method: 'POST', url: '/hook', headers: signed(hmac('')) })).statusCode).toBe(200)
  })

  it('what is not signed is not parsed, and what is signed may still be no JSON', async () => {
    const app = echo({ secret: SECRET })
    expect((await post(app, signed(hmac('x')), '{"broken')).statusCode).toBe(401)
    expect((await post(app, signed(hmac('{"broken')), '{"broken')).statusCode).toBe(400)
  })

  it('a body above the limit is 413, and the connection answers on', async () => {
    const app = echo({ secret: SECRET })
    const large = 'x'.repeat(2000)
    const answer = await post(app, signed(hmac(large)), large)
    expect([answer.statusCode, answer.json().code]).toEqual([413, 'body-too-large'])
    expect((await post(app, signed(hmac(BODY)))).statusCode).toBe(200)
  })
})

describe('G2: with a timestamp header', () => {
  it.each([0, 1, -1, 299, 300, -300])('a signature that is %i s old is taken', async (age) => {
    const answer = await post(echo(TIMED), timed(SECONDS - age))
    expect([answer.statusCode, answer.json()]).toEqual([200, { body: JSON.parse(BODY) }])
  })

  it.each([301, 3600, -301, SECONDS])('a stale one, %i s old, is 401', async (age) => {
    const answer = await post(echo(TIMED), timed(SECONDS - age))
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'wrong-credential'])
    expect(answer.json().detail).toMatch(/clocks/)
  })

  const wrong: { name: string; headers: Record<string, string> }[] = [
    { name: 'no time at all', headers: signed(hmac(`${SECONDS}:${BODY}`)) },
    { name: 'no time, and a body that is signed alone', headers: signed(hmac(BODY)) },
    {
      name: 'another time than the signed one',
      headers: { ...timed(SECONDS), ...signed(hmac(`${SECONDS - 1}:${BODY}`)) },
    },
    { name: 'a body that is signed alone', headers: { ...timed(SECONDS), ...signed(hmac(BODY)) } },
    { name: 'milliseconds', headers: timed(T0) },
    { name: 'no number', headers: timed('now') },
    { name: 'a fraction', headers: timed(`${SECONDS}.0`) },
    { name: 'a sign', headers: timed(`+${SECONDS}`) },
  ]
  it.each(wrong)('$name is 401', async ({ headers }) => {
    expect((await post(echo(TIMED), headers)).statusCode).toBe(401)
  })
})

describe('a wrong signature', () => {
  it('slows only its own address, and never a right one', async () => {
    const app = echo({ secret: SECRET })
    const statuses = []
    for (let n = 0; n < 12; n += 1)
      statuses.push((await post(app, signed(hmac(BODY, `${n}`)), BODY, '192.0.2.1')).statusCode)
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
    expect((await post(app, signed(hmac(BODY)), BODY, '192.0.2.1')).statusCode).toBe(200)
    expect((await post(app, signed(hmac('')), BODY, '192.0.2.2')).statusCode).toBe(401)
  })

  it('is logged with its address, without secret, signature or body', async () => {
    const lines: string[] = []
    const app = echo({ secret: SECRET }, lines)
    const signature = hmac(BODY, 'guess')
    await post(app, { ...signed(signature), authorization: 'Bearer scaler-token' }, BODY, '192.0.2.1')
    app.log.error({ req: { headers: signed(signature) } }, 'carelessly')
    const logged = lines.map((line) => JSON.parse(line)).find(({ event }) => event === 'wrong-credential')
    expect(logged).toMatchObject({ level: 'warn', path: '/hook', peer: '192.0.2.1' })
    for (const secret of [SECRET, signature, hmac(BODY), 'scaler-token', 'firing']) {
      expect(lines.join('')).not.toContain(secret)
    }
  })
})

describe('G2: on /v1/webhook/grafana itself', () => {
  const payload = JSON.stringify({
    version: '1',
    status: 'firing',
    groupKey: 'g',
    alerts: [{ status: 'firing', fingerprint: 'f', labels: { service: 'web', scale: 'up' }, values: null }],
  })
  const tokens = parseTokenFile('scale scaler-token').tokens
  const scaling = (grafana: GrafanaSigning) => {
    const { scaler, requests } = recordingScaler()
    return { requests, app: server({ scaler, access: { tokens, trustedCidrs: [], grafana } }) }
  }

  it.each([`${payload}\n`, ` ${payload}`, payload])('a signed notification is one step', async (body) => {
    const { app, requests } = scaling(TIMED)
    const headers = timed(SECONDS - 10, body)
    const answer = await app.inject({ method: 'POST', url: '/v1/webhook/grafana', headers, payload: body })
    expect([answer.statusCode, answer.json().results]).toEqual([200, [expect.objectContaining({ outcome: 'scaled' })]])
    expect(requests).toHaveLength(1)
  })

  const refused: { name: string; headers: Record<string, string> }[] = [
    { name: 'a token and no signature', headers: { authorization: 'Bearer scaler-token' } },
    { name: 'another secret', headers: { ...timed(SECONDS, payload), ...signed(hmac(`${SECONDS}:${payload}`, 'x')) } },
    { name: 'a stale time', headers: timed(SECONDS - 301, payload) },
    { name: 'a body with other whitespace', headers: timed(SECONDS, `${payload} `) },
  ]
  it.each(refused)('$name is 401 and scales nothing, from this machine too', async ({ headers }) => {
    const { app, requests } = scaling(TIMED)
    for (const method of ['POST', 'PUT'] as const) {
      expect((await app.inject({ method, url: '/v1/webhook/grafana', headers, payload })).statusCode).toBe(401)
    }
    expect(requests).toEqual([])
  })

  it('other routes are opened by tokens as before, and by no signature', async () => {
    const { app } = scaling({ secret: SECRET })
    const url = '/v1/webhook/alertmanager'
    const headers = { authorization: 'Bearer scaler-token' }
    expect((await app.inject({ method: 'POST', url, headers, payload })).statusCode).toBe(200)
    expect((await app.inject({ method: 'POST', url, headers: signed(hmac(payload)), payload })).statusCode).toBe(401)
  })
})

it('without a secret the route asks for the role scale, as any other', async () => {
  const app = echo(undefined)
  expect((await post(app, signed(hmac(BODY)))).statusCode).toBe(401)
  expect((await post(app, { authorization: 'Bearer scaler-token' })).statusCode).toBe(200)
})

it('the digest is HMAC-SHA256, as a published example has it', () => {
  const check = createSignatureCheck({ secret: 'key' })
  const signature = 'f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8'
  const inParts = check.begin({ signature, timestamp: undefined })
  for (const part of ['The quick brown fox ', 'jumps over', ' the lazy dog']) inParts.add(Buffer.from(part))
  expect(inParts.refuse()).toBeUndefined()
})
