import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { get as httpsGet } from 'node:https'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen } from '../../src/http/listen.ts'
import { aDecision, fakeFeed, fakeScaler, recordingScaler } from '../support/use-cases/fake-use-cases.ts'
import { listening, server } from '../support/use-cases/http.ts'

/** Sends `text` on a bare socket; resolves with everything that came back when the other side ends it. */
const exchange = (port: number, text: string, then?: (write: (more: string) => void) => void) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(text)
      then?.((more) => socket.writable && socket.write(more))
    })
    let answer = ''
    socket.on('data', (data) => {
      answer += data.toString()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })

describe('a client on a real socket', () => {
  it('that sends its headers slowly is cut off', async () => {
    const { port } = await listening(server(), { arrivalTimeoutMs: 300 })
    let timer: NodeJS.Timeout | undefined
    const answer = await exchange(port, 'GET /healthz HTTP/1.1\r\n', (write) => {
      timer = setInterval(() => write('X-Slow: 1\r\n'), 100)
    }).finally(() => clearInterval(timer))
    expect(answer).toContain('HTTP/1.1 408 Request Timeout')
    expect(answer).toContain('"code":"request-timeout"')
  })

  it('that sends its body slowly is cut off', async () => {
    const { port } = await listening(server(), { arrivalTimeoutMs: 300 })
    const answer = await exchange(
      port,
      'POST /v1/autoscaler/web/up HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{',
    )
    expect(answer).toContain('HTTP/1.1 408')
  })

  it('that sends no HTTP gets a problem', async () => {
    const { port } = await listening(server())
    const answer = await exchange(port, 'hello\r\n\r\n')
    expect(answer).toContain('HTTP/1.1 400 Bad Request')
    expect(answer).toContain('"code":"malformed"')
  })

  it('that sends far too many headers gets 431', async () => {
    const { port } = await listening(server())
    const answer = await exchange(port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(answer).toContain('"code":"headers-too-large"')
  })

  const FIVE_MB = 'x'.repeat(5_000_000)
  it.each([
    { name: 'a length', body: () => FIVE_MB },
    { name: 'chunks', body: () => new Blob([FIVE_MB]).stream() },
  ])('that sends 5 MB with $name reads a 413, and the server lives on', async ({ body }) => {
    const { url } = await listening(server())
    const init: RequestInit = { method: 'POST', body: body(), duplex: 'half' }
    const answer = await fetch(`${url}/v1/autoscaler/web/up`, init)
    expect(answer.status).toBe(413)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toMatchObject({ code: 'body-too-large', status: 413 })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })

  it('may leave while its answer is on the way', async () => {
    let answerNow = () => {}
    const waiting = new Promise<void>((resolve) => {
      answerNow = resolve
    })
    const scaler = fakeScaler({
      request: async () => {
        await waiting
        return aDecision()
      },
    })
    const { url } = await listening(server({ scaler }))
    const abort = new AbortController()
    const gone = fetch(`${url}/v1/autoscaler/web/up`, { method: 'POST', signal: abort.signal }).catch(() => 'gone')
    await new Promise((resolve) => setTimeout(resolve, 50))
    abort.abort()
    answerNow()
    expect(await gone).toBe('gone')
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})

describe('listening', () => {
  it('works on several addresses at once, IPv4 and IPv6 on one port', async () => {
    const first = await listening(server())
    await first.close(0)
    const addresses = [
      { host: '127.0.0.1', port: first.port },
      { host: '::', port: first.port },
      { host: '127.0.0.1', port: 0 },
    ]
    const open = await listening(server(), { addresses })
    const urls = [`http://127.0.0.1:${first.port}`, `http://[::1]:${first.port}`, open.urls[2]]
    for (const url of urls) expect((await fetch(`${url}/healthz`)).status, url).toBe(200)
  })

  it('works on every address when no host is named', async () => {
    const { port } = await listening(server(), { addresses: [{ port: 0 }] })
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  })

  it('counts a local caller as local, whichever way it came', async () => {
    const { port } = await listening(server({ scaler: recordingScaler().scaler }), {
      addresses: [{ host: '::', port: 0 }],
    })
    for (const host of ['127.0.0.1', '[::1]']) {
      const answer = await fetch(`http://${host}:${port}/v1/autoscaler/web/up`, { method: 'POST' })
      expect(answer.status, host).toBe(200)
    }
  })

  it('fails as a whole when one address is taken, and names it', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => blocker.once('listening', resolve))
    onTestFinished(() => void blocker.close())
    const address = blocker.address()
    const taken = typeof address === 'object' && address ? address.port : 0
    const app = server()
    const addresses = [
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: taken },
    ]
    await expect(listen({ app, addresses })).rejects.toThrow(`cannot listen on 127.0.0.1:${taken}: listen EADDRINUSE`)
  })
})

describe('stopping', () => {
  it('lets accepted requests finish, refuses new work meanwhile, and then takes no connections', async () => {
    let answerNow = () => {}
    const waiting = new Promise<void>((resolve) => {
      answerNow = resolve
    })
    const scaler = fakeScaler({
      request: async () => {
        await waiting
        return aDecision()
      },
    })
    const stop = new AbortController()
    const { url, close } = await listening(server({ scaler, stopping: stop.signal }))
    const up = () => fetch(`${url}/v1/autoscaler/web/up`, { method: 'POST' })
    const accepted = up()
    await new Promise((resolve) => setTimeout(resolve, 50))
    stop.abort()
    expect((await up()).status).toBe(503)
    const closed = close(5000)
    await expect(up()).rejects.toThrow()
    answerNow()
    expect((await accepted).status).toBe(200)
    await closed
  })

  it('waits no longer than its grace', async () => {
    const scaler = fakeScaler({ request: () => new Promise(() => {}) })
    const { url, close } = await listening(server({ scaler }))
    const hanging = fetch(`${url}/v1/autoscaler/web/up`, { method: 'POST' }).catch(() => 'cut off')
    await new Promise((resolve) => setTimeout(resolve, 50))
    const startedAt = performance.now()
    await close(200)
    expect(performance.now() - startedAt).toBeLessThan(2000)
    expect(await hanging).toBe('cut off')
  })

  it('ends event streams by itself when nobody gave the signal', async () => {
    const feed = fakeFeed()
    const { url, close } = await listening(server({ feed }))
    const stream = await fetch(`${url}/v1/event`)
    await close(60_000)
    expect(await stream.text()).toMatch(/^: connected\n\n/)
  })
})

describe('TLS', () => {
  const certificate = () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-tls-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject],
      { stdio: 'pipe' },
    )
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  }
  const statusOf = (url: string, options: object) =>
    new Promise<number | string>((resolve) => {
      httpsGet(`${url}/healthz`, { ...options, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })

  it('is spoken with a certificate, and the client needs none', async () => {
    const pair = certificate()
    const { url } = await listening(server(), { tls: pair })
    expect(url).toMatch(/^https:/)
    expect(await statusOf(url, { ca: pair.cert })).toBe(200)
  })

  it('ends connections that never begin a handshake, say half of it or say something else, and those that left meanwhile', async () => {
    const { port } = await listening(server(), { tls: certificate(), arrivalTimeoutMs: 500 })
    const ways = [
      (_socket: Socket) => {},
      (socket: Socket) => void socket.end(),
      (socket: Socket) => void socket.write(Buffer.from('1603010200010001fc0303', 'hex')),
      (socket: Socket) => void socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    ]
    const closed = Array.from({ length: 40 }, (_, index) => {
      // Half open: what closes it is the server, never this end by itself.
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () =>
        ways[index % ways.length]?.(socket),
      )
      socket.on('error', () => {})
      socket.resume().on('end', () => socket.end())
      onTestFinished(() => void socket.destroy())
      return new Promise((resolve) => socket.once('close', resolve))
    })
    await Promise.all(closed)
  })

  it('asks clients for a certificate when authorities are named', async () => {
    const pair = certificate()
    const client = certificate()
    const stranger = certificate()
    const { url } = await listening(server(), { tls: { ...pair, ca: client.cert } })
    expect(await statusOf(url, { ca: pair.cert, ...client })).toBe(200)
    expect(await statusOf(url, { ca: pair.cert })).toMatch(/ERR_SSL|ECONNRESET|EPIPE/)
    expect(await statusOf(url, { ca: pair.cert, ...stranger })).toMatch(/ERR_SSL|ECONNRESET|EPIPE/)
  })
})
