/** Requests that nobody should send, over all routes and roles, the same for the same seed; each on a connection of its own. */
import { connect } from 'node:net'

export interface Fuzzed {
  readonly method: string
  readonly target: string
  readonly role: string
}

export interface FuzzedAnswer extends Fuzzed {
  /** 0: the connection ended without an answer. */
  readonly status: number
  readonly text: string
}

/** mulberry32: small, and good enough to choose. */
export function seeded(seed: number) {
  let state = seed >>> 0
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (most: number) => Math.floor(random() * most)
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T
  return { below, pick, happens: (share: number) => random() < share }
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'BREW']
const NAMES = [
  'web',
  'web ',
  '%77eb',
  'WEB',
  '..',
  '%2e%2e',
  '%00',
  '%',
  '__proto__',
  'vlan40',
  'x'.repeat(300),
  '%F0%9F%98%80',
]
const QUERIES = [
  '',
  '?by=1',
  '?by=-1',
  '?by=99999999999999999999',
  '?by[]=1',
  '?by=25%25',
  '?view=summary',
  '?since=x&since=y',
  '?%',
  '?service=web&scale=up',
  '?reason=%1b%5b2J',
  `?${'a'.repeat(2000)}=1`,
]
const BODIES = [
  '',
  '{}',
  '{"by":1}',
  '{"replicas":3}',
  '{"replicas":1e400}',
  '{"direction":"up"}',
  '{"direction":"up","by":"25%"}',
  '[]',
  'null',
  '"x"',
  '{',
  '\u0000',
  '\ufeff{}',
  '{"__proto__":{"by":1}}',
  '['.repeat(5000),
  `{"reason":"${'r'.repeat(20_000)}"}`,
  '{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"autoscaler":"web","scale":"up"},"fingerprint":"f"}]}',
  '{"version":"4","alerts":[{},{}]}',
  '{"version":"1","alerts":null}',
  '{"v":1,"nodeId":"n","networks":[]}',
  '{"for":"5m","direction":"both"}',
]
const HEADERS = [
  'Content-Type: application/json',
  'Content-Type: text/plain',
  'Content-Type: ;;',
  'Origin: https://evil.example',
  'Sec-Fetch-Site: cross-site',
  'Idempotency-Key: k',
  `Idempotency-Key: ${'k'.repeat(3000)}`,
  'Transfer-Encoding: chunked',
  'Expect: 100-continue',
  'Expect: tea',
  'Upgrade: websocket',
  'Accept: text/event-streamx',
  'Accept-Encoding: gzip;q=x',
  'X-Forwarded-For: 127.0.0.1',
  'If-None-Match: "x"',
  'Range: bytes=0-1',
  'Host: evil.example',
  'Connection: upgrade',
  'Cookie: a=b',
  'X-Odd: \u0001',
]

export function createMutator(options: {
  readonly seed: number
  /** `/v1/autoscaler/{name}/up`, of OpenAPI. */
  readonly routes: readonly { readonly method: string; readonly path: string }[]
  /** By role, the header that shows it. */
  readonly roles: Readonly<Record<string, string>>
}) {
  const { pick, happens, below } = seeded(options.seed)
  const roles = Object.keys(options.roles)
  return (): Fuzzed & { readonly raw: string } => {
    const route = pick(options.routes)
    const role = pick(roles)
    const method = happens(0.8) ? route.method.toUpperCase() : pick(METHODS)
    let path = route.path.replaceAll(/\{[^}]+\}/g, () => (happens(0.6) ? 'web' : pick(NAMES)))
    if (happens(0.05)) path = path.slice(0, below(path.length) + 1)
    if (happens(0.05)) path = path.replaceAll('/', '//')
    const target = `${path}${happens(0.6) ? '' : pick(QUERIES)}`
    const body = method === 'GET' || method === 'HEAD' ? '' : pick(BODIES)
    const bytes = Buffer.byteLength(body)
    const length = happens(0.95) ? bytes : pick([-1, 0, bytes + 5, 1e9])
    const more = Array.from({ length: below(3) }, () => pick(HEADERS))
    const lines = [
      `${method} ${target} HTTP/1.1`,
      'Host: localhost',
      'Connection: close',
      options.roles[role] ?? '',
      `Content-Length: ${length}`,
      ...more,
    ]
    return { method, target, role, raw: `${lines.filter((line) => line !== '').join('\r\n')}\r\n\r\n${body}` }
  }
}

/** The answer to one, as far as it comes within a second: some wait for a body that never comes, and streams have no end. */
export function send(port: number, { raw, ...fuzzed }: Fuzzed & { readonly raw: string }): Promise<FuzzedAnswer> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(raw))
    const end = () => {
      socket.destroy()
      resolve({ ...fuzzed, status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text })
    }
    const timer = setTimeout(end, 1000)
    socket.on('data', (chunk) => {
      if (text.length < 2000) text += chunk.toString('latin1')
      if (text.includes('text/event-stream')) end()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      end()
    })
  })
}
