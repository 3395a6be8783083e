/** Requests as nobody of good will writes them, on real sockets: each is answered or ended, none opens a door, and the next caller is served. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { aDecision, anAutoscaler, fakeCatalog, fakeScaler } from '../support/use-cases/fake-use-cases.ts'
import { listening, server } from '../support/use-cases/http.ts'

const SCALE = 'X-Orrery-Token: a-secret-of-scale\r\n'
const READ = 'X-Orrery-Token: a-secret-to-read\r\n'
const HOST = 'Host: localhost\r\n'
/** A request that is whole is never as late as this, however slow the machine is. */
const ARRIVAL_MS = 3000
/** After an answer, for another that should not come. */
const LINGER_MS = 300

/** Everything that comes back until the connection ends, or until nobody would wait any more. */
const said = (port: number, text: string | Buffer): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    const end = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(end, ARRIVAL_MS * 5)
    socket.on('data', (data) => {
      answer += data.toString('latin1')
    })
    socket.on('error', end)
    socket.on('close', end)
    socket.write(text)
    // Nothing more is asked: what is answered is answered, and then the connection ends.
    socket.on('data', () => setTimeout(() => socket.end(), LINGER_MS))
  })

interface Odd {
  readonly name: string
  /** `UP`: the path of an autoscaler that has this name. */
  readonly sends: string | ((path: string) => string | Buffer)
  /** The first status; 0: the connection ends without a word. */
  readonly is: number
  /** A step was taken. */
  readonly scales?: true
}

const body = (text: string | Buffer, headers = SCALE) => {
  const bytes = Buffer.from(text)
  return (path: string) =>
    Buffer.concat([
      Buffer.from(`POST ${path} HTTP/1.1\r\n${HOST}${headers}Content-Length: ${bytes.length}\r\n\r\n`),
      bytes,
    ])
}
const post = (headers: string, rest = '{}') => `POST UP HTTP/1.1\r\n${HOST}${headers}\r\n${rest}`
const get = (path: string, headers = READ) => `GET ${path} HTTP/1.1\r\n${HOST}${headers}\r\n`

const FRAMES: readonly Odd[] = [
  { name: 'two lengths', sends: post(`${SCALE}Content-Length: 2\r\nContent-Length: 3\r\n`), is: 400 },
  { name: 'one length twice', sends: post(`${SCALE}Content-Length: 2\r\nContent-Length: 2\r\n`), is: 400 },
  { name: 'a list of lengths', sends: post(`${SCALE}Content-Length: 2, 2\r\n`), is: 400 },
  { name: 'a signed length', sends: post(`${SCALE}Content-Length: +2\r\n`), is: 400 },
  { name: 'a length below 0', sends: post(`${SCALE}Content-Length: -1\r\n`), is: 400 },
  { name: 'a length beyond numbers', sends: post(`${SCALE}Content-Length: ${'9'.repeat(30)}\r\n`), is: 400 },
  {
    name: 'a length and chunks',
    sends: post(
      `${SCALE}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n`,
      `0\r\n\r\nPOST UP HTTP/1.1\r\n${HOST}${SCALE}\r\n`,
    ),
    is: 400,
  },
  {
    name: 'chunks that are not',
    sends: post(`${SCALE}Transfer-Encoding: chunked, identity\r\n`, '0\r\n\r\n'),
    is: 400,
  },
  { name: 'chunks by another name', sends: post(`${SCALE}Transfer-Encoding: xchunked\r\n`, '0\r\n\r\n'), is: 400 },
  {
    name: 'a long word after the size of a chunk',
    sends: post(`${SCALE}Transfer-Encoding: chunked\r\n`, `2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`),
    is: 400,
  },
  {
    name: 'a token behind the body',
    sends: post(`${READ}Transfer-Encoding: chunked\r\nTrailer: X-Orrery-Token\r\n`, `2\r\n{}\r\n0\r\n${SCALE}\r\n`),
    is: 403,
  },
  { name: 'lines without a return', sends: `POST UP HTTP/1.1\nHost: localhost\nX-A: b\n\n`, is: 400 },
  { name: 'a header that goes on', sends: `POST UP HTTP/1.1\r\n${HOST}X-A: b\r\n c\r\n${SCALE}\r\n`, is: 400 },
  { name: 'a blank before the colon', sends: post('X-Orrery-Token : a-secret-of-scale\r\n'), is: 400 },
  { name: 'two tokens', sends: post(`${READ}${SCALE}Content-Length: 0\r\n`, ''), is: 401 },
  {
    name: 'two credentials: the first counts',
    sends: post('Authorization: Bearer a-secret-to-read\r\nAuthorization: Bearer a-secret-of-scale\r\n', ''),
    is: 403,
  },
  { name: 'no Host', sends: `POST UP HTTP/1.1\r\n${SCALE}Content-Length: 0\r\n\r\n`, is: 400 },
  {
    name: 'an expectation without a credential',
    sends: post('Expect: 100-continue\r\nContent-Length: 2\r\n', ''),
    is: 100,
  },
  { name: 'an expectation of something else', sends: post(`${SCALE}Expect: 200-ok\r\nContent-Length: 2\r\n`), is: 417 },
  { name: 'a body that stops', sends: post(`${SCALE}Content-Length: 20\r\n`, '{"b'), is: 408 },
  { name: 'HTTP 2 from the start', sends: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', is: 400 },
  { name: 'HTTP 0.9 without a credential', sends: 'GET /v1/autoscaler\r\n\r\n', is: 401 },
  {
    name: 'an upgrade to HTTP 2',
    sends: post('Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n', ''),
    is: 401,
  },
  { name: 'a tunnel', sends: `CONNECT localhost:22 HTTP/1.1\r\n${HOST}\r\n`, is: 0 },
]

const METHODS: readonly Odd[] = [
  ...['GET', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'].map((method) => ({
    ...{ name: method, sends: `${method} UP HTTP/1.1\r\n${HOST}${SCALE}Content-Length: 0\r\n\r\n`, is: 405 },
  })),
  { name: 'PROPFIND', sends: `PROPFIND UP HTTP/1.1\r\n${HOST}${SCALE}\r\n`, is: 404 },
  { name: 'OPTIONS of everything', sends: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, is: 404 },
  {
    name: 'a leave asked for by another page',
    sends: `OPTIONS UP HTTP/1.1\r\n${HOST}Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n`,
    is: 405,
  },
  ...['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'].map((header) => ({
    ...{ name: header, sends: get('UP', `${SCALE}${header}: POST\r\n`), is: 405 },
  })),
  { name: 'a method in the query', sends: get('UP?_method=POST', SCALE), is: 405 },
]

const PATHS: readonly Odd[] = [
  { name: 'a NUL', sends: get('/v1/autoscaler/we%00b'), is: 404 },
  { name: 'a bare NUL', sends: get('/v1/autoscaler/we\0b'), is: 400 },
  { name: 'a slash in a name', sends: get('/v1/autoscaler/a%2Fb'), is: 404 },
  { name: 'an overlong slash', sends: get('/v1/autoscaler/%c0%af'), is: 400 },
  { name: 'a line break in a name', sends: get('/v1/autoscaler/a%0d%0aX-Evil:%201'), is: 404 },
  { name: 'a line break in no route', sends: get('/x/a%0d%0aX-Evil:%201'), is: 404 },
  { name: 'a name of every object', sends: get('/v1/autoscaler/__proto__'), is: 404 },
  { name: 'other letters', sends: 'POST /V1/AUTOSCALER/web/UP HTTP/1.1\r\nHost: localhost\r\n\r\n', is: 404 },
  { name: 'dots', sends: get('/v1/autoscaler/../../healthz'), is: 404 },
  { name: 'a query of objects', sends: get('/v1/autoscaler?__proto__=x&constructor=y'), is: 200 },
  { name: 'a query that repeats', sends: get(`/v1/autoscaler?${'view=summary&'.repeat(1000)}`), is: 400 },
  ...[
    '/ui/../../etc/passwd',
    '/ui/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
    '/ui/..%2f..%2f..%2fetc%2fpasswd',
    '/ui/..%5c..%5cpackage.json',
    '/ui/%252e%252e%252fpackage.json',
    '/ui/app-1.js%00.html',
    '/ui/index.html',
    '/docs/static/..%2f..%2fpackage.json',
    '/docs//evil.example/%2e%2e',
  ].map((path) => ({ name: path, sends: get(path), is: 404 })),
]

const BODIES: readonly Odd[] = [
  {
    name: 'a bomb of gzip',
    sends: body(gzipSync(Buffer.alloc(50_000_000)), `${SCALE}Content-Encoding: gzip\r\n`),
    is: 400,
  },
  { name: 'a field twice', sends: body('{"by":1,"by":"x"}'), is: 400 },
  { name: 'a field of every object', sends: body('{"__proto__":{"by":"99%"}}'), is: 400 },
  { name: 'the same, written otherwise', sends: body('{"\\u005f_proto__":{"by":"99%"}}'), is: 400 },
  { name: 'UTF-16', sends: body(Buffer.from('\uFEFF{"by":1}', 'utf16le')), is: 400 },
  { name: 'a number beyond numbers', sends: body('{"by":1e999}'), is: 400 },
  {
    name: 'another page’s form',
    sends: body('by=20', 'Origin: https://evil.example\r\nAuthorization: Basic eDphLXNlY3JldC1vZi1zY2FsZQ==\r\n'),
    is: 403,
  },
  {
    name: 'bytes that are no text in a reason',
    sends: body(Buffer.from('{"reason":"\xff\xfe"}', 'latin1')),
    is: 200,
    scales: true,
  },
]

const groups = { 'a frame': FRAMES, 'a method': METHODS, 'a path': PATHS, 'a body': BODIES }

describe.each(Object.entries(groups))('%s that is odd', (_, odd) => {
  it('is answered as it deserves, and the next caller is served', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-ui-'))
    onTestFinished(async () => await rm(folder, { recursive: true }))
    await Promise.all(['index.html', 'app-1.js'].map(async (file) => await writeFile(join(folder, file), '')))
    const scaled: string[] = []
    const scaler = fakeScaler({
      async request(name) {
        scaled.push(name)
        return aDecision()
      },
    })
    const tokens = [
      { role: 'scale' as const, secret: 'a-secret-of-scale' },
      { role: 'read' as const, secret: 'a-secret-to-read' },
    ]
    const access = { trustedCidrs: [], tokens }
    const catalog = fakeCatalog([anAutoscaler()])
    const app = server({ scaler, catalog, dashboardFolder: folder, access })
    const { port, url } = await listening(app, { arrivalTimeoutMs: ARRIVAL_MS })
    const answers = await Promise.all(
      odd.map(async ({ name, sends }, index) => {
        const path = `/v1/autoscaler/odd-${index}/up`
        const answer = await said(port, typeof sends === 'string' ? sends.replaceAll('UP', path) : sends(path))
        const [head = ''] = answer.split('\r\n\r\n')
        expect(head, name).not.toMatch(/^(x-evil|location|access-control-allow)/im)
        expect(answer, name).not.toMatch(/root:x:|"devDependencies"/)
        return [name, Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0)]
      }),
    )
    expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(odd.map(({ name, is }) => [name, is])))
    expect(scaled).toEqual(odd.flatMap(({ scales }, index) => (scales ? [`odd-${index}`] : [])))
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})

it('without tokens, no second name of this machine and none in the path opens what its Host does not', async () => {
  const app = server({ catalog: fakeCatalog([anAutoscaler()]) })
  const { port } = await listening(app)
  const status = async (text: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(await said(port, text))?.[1])
  const close = 'Connection: close\r\n\r\n'
  expect({
    'its own': await status(`GET /v1/autoscaler HTTP/1.1\r\nHost: localhost\r\n${close}`),
    'its own in the path': await status(`GET http://localhost/v1/autoscaler HTTP/1.1\r\nHost: localhost\r\n${close}`),
    'two of them': await status(`GET /v1/autoscaler HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n${close}`),
    'another in the path': await status(
      `GET http://evil.example/v1/autoscaler HTTP/1.1\r\nHost: localhost\r\n${close}`,
    ),
  }).toEqual({ 'its own': 200, 'its own in the path': 200, 'two of them': 400, 'another in the path': 403 })
})
