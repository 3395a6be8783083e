import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type CallRecord,
  connectEngine,
  type EngineCall,
} from '../../../../src/adapters/swarm/engine/engine-connection.ts'
import { writeLossless } from '../../../../src/adapters/swarm/engine/engine-json.ts'
import { fakeEngine } from '../swarm-fixture.ts'

const get = (path: string, rest: Partial<EngineCall> = {}): EngineCall => ({
  method: 'GET',
  path,
  endpoint: path,
  timeoutMs: 500,
  ...rest,
})

const connect = (options: Parameters<typeof connectEngine>[0], onCall?: (call: CallRecord) => void) => {
  const engine = connectEngine(options, onCall)
  onTestFinished(() => engine.close())
  return engine
}

describe('the connection to an engine', () => {
  it.each(['unix', 'tcp'] as const)('works over %s, on paths without a version', async (listen) => {
    const fake = await fakeEngine({ listen })
    const engine = connect({ host: fake.host })
    await engine.read(get('/swarm'))
    expect(fake.calls.map(({ path }) => path)).toEqual(['/swarm'])
  })

  it('puts a version into the path when one was asked for', async () => {
    const fake = await fakeEngine()
    const engine = connect({ host: fake.host, apiVersion: '1.43' })
    await expect(engine.read(get('/swarm'))).rejects.toMatchObject({ status: 404 })
    expect(fake.calls.map(({ path }) => path)).toEqual(['/v1.43/swarm'])
  })

  it('goes where it was told, whatever DOCKER_HOST the process has', async () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1')
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    const fake = await fakeEngine()
    await connect({ host: fake.host }).read(get('/swarm'))
    expect(fake.calls).toHaveLength(1)
  })

  it('sends a body as it is and nothing of it in the URL', async () => {
    const fake = await fakeEngine()
    const body = '{"Name":"x","Env":["SECRET=1"],"Big":18446744073709551615}'
    const call = get('/configs/create', { method: 'POST', query: { version: '7', q: 'a b&c' }, body })
    await connect({ host: fake.host })
      .call(call)
      .catch(() => undefined)
    expect(fake.calls[0]).toMatchObject({ path: '/configs/create', query: { version: '7', q: 'a b&c' }, body })
    expect(fake.calls[0]?.headers).toMatchObject({ 'content-type': 'application/json' })
  })

  it('brings integers above 2^53 as they are', async () => {
    const fake = await fakeEngine()
    fake.inject('GET /swarm', { body: '{"Big":18446744073709551615,"Ratio":0.10}' })
    expect(writeLossless(await connect({ host: fake.host }).read(get('/swarm')))).toBe(
      '{"Big":18446744073709551615,"Ratio":0.10}',
    )
  })

  it("tells the engine's clock", async () => {
    const fake = await fakeEngine()
    fake.clockAheadMs = 60_000
    const { engineTimeMs } = await connect({ host: fake.host }).call(get('/swarm'))
    expect(Math.abs((engineTimeMs ?? 0) - Date.now() - 60_000)).toBeLessThan(2_000)
  })

  it('reports every call once, also the failed ones', async () => {
    const fake = await fakeEngine()
    const records: CallRecord[] = []
    const engine = connect({ host: fake.host }, (record) => records.push(record))
    await engine.call(get('/swarm'))
    fake.inject('GET /swarm', { status: 503 })
    await engine.call(get('/swarm')).catch(() => undefined)
    fake.inject('GET /swarm', { hang: 'before' })
    await engine.call(get('/swarm', { timeoutMs: 50 })).catch(() => undefined)
    expect(records.map(({ outcome }) => outcome)).toEqual([200, 503, 'error'])
    expect(records[2]?.tookMs).toBeGreaterThan(40)
  })

  it('uses one socket for calls in a row', async () => {
    const fake = await fakeEngine()
    const engine = connect({ host: fake.host })
    for (let i = 0; i < 3; i += 1) await engine.call(get('/swarm'))
    expect(fake.connections()).toBe(1)
  })
})

describe('an engine that misbehaves', () => {
  it('and never answers is given up in time', async () => {
    const fake = await fakeEngine()
    fake.inject('GET /swarm', { hang: 'before' })
    await expect(connect({ host: fake.host }).call(get('/swarm', { timeoutMs: 60 }))).rejects.toMatchObject({
      failure: 'unanswered',
      message: expect.stringContaining('was not answered within 60 ms'),
    })
  })

  it('and stalls in the middle of a body is given up in time', async () => {
    const fake = await fakeEngine()
    fake.inject('GET /swarm', { truncate: 'connection', delayMs: 40 })
    await expect(connect({ host: fake.host }).call(get('/swarm', { timeoutMs: 50 }))).rejects.toMatchObject({
      failure: 'unanswered',
    })
  })

  it('and sends half of a JSON text is not believed', async () => {
    const fake = await fakeEngine()
    fake.inject('GET /swarm', { truncate: 'json' })
    await expect(connect({ host: fake.host }).read(get('/swarm'))).rejects.toMatchObject({ failure: 'malformed' })
  })

  it('and breaks off in the middle of a body is not believed', async () => {
    const fake = await fakeEngine()
    fake.inject('GET /swarm', { truncate: 'connection' }, 2)
    await expect(connect({ host: fake.host }).read(get('/swarm'))).rejects.toMatchObject({ failure: 'unanswered' })
  })

  it('and answers a page of a proxy is quoted, not parsed', async () => {
    const fake = await fakeEngine()
    fake.inject('GET /swarm', { status: 502, body: '<h1>Bad gateway</h1>' })
    await expect(connect({ host: fake.host }).read(get('/swarm'))).rejects.toMatchObject({
      failure: 'status',
      status: 502,
      detail: '<h1>Bad gateway</h1>',
    })
  })

  it('and points elsewhere is told so, and nobody is asked there', async () => {
    const asked: string[] = []
    const server = createServer(({ method, url }, response) => {
      asked.push(`${method} ${url}`)
      response.writeHead(307, { location: '/elsewhere' }).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const engine = connect({ host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` })
    const call = get('/services/x/update', { method: 'POST', body: '{}' })
    await expect(engine.call(call)).rejects.toMatchObject({ failure: 'status', status: 307 })
    expect(asked).toEqual(['POST /services/x/update'])
  })

  it('and resets a read is asked once more', async () => {
    const fake = await fakeEngine()
    fake.inject('GET /swarm', { reset: 'before' })
    await connect({ host: fake.host }).read(get('/swarm'))
    expect(fake.count('GET /swarm')).toBe(2)
  })

  it('and resets a write is not asked again: it may be in force', async () => {
    const fake = await fakeEngine()
    fake.inject('POST /configs/create', { reset: 'after' })
    const call = get('/configs/create', { method: 'POST', body: '{"Name":"x","Data":"LQ=="}' })
    await expect(connect({ host: fake.host }).call(call)).rejects.toMatchObject({ failure: 'unanswered' })
    expect(fake.count('POST /configs/create')).toBe(1)
    expect(fake.config('x')).toBeDefined()
  })

  it('and is not there has seen nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'no-engine-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    await expect(connect({ host: `unix://${folder}/none.sock` }).call(get('/swarm'))).rejects.toMatchObject({
      failure: 'unsent',
      detail: 'ENOENT',
    })
  })
})

describe('closing', () => {
  it('ends what is under way and refuses what comes after', async () => {
    const fake = await fakeEngine()
    fake.inject('GET /swarm', { hang: 'before' })
    const engine = connect({ host: fake.host })
    const underWay = engine.call(get('/swarm', { timeoutMs: 10_000 }))
    setTimeout(() => engine.close(), 30)
    await expect(underWay).rejects.toMatchObject({ failure: 'unanswered' })
    await expect(engine.call(get('/swarm'))).rejects.toMatchObject({ failure: 'unsent' })
  })
})

describe('an address that cannot be right', () => {
  it.each(['', 'somewhere', 'ssh://root@host', 'unix://', 'unix://relative', 'tcp://', 'tcp://host:1/prefix', 'fd://'])(
    '"%s" is refused at once',
    (host) => {
      expect(() => connectEngine({ host })).toThrow(`DOCKER_HOST "${host}"`)
    },
  )

  it('is one with a certificate folder that is not there', () => {
    expect(() => connectEngine({ host: 'tcp://127.0.0.1:2376', certPath: '/nowhere' })).toThrow('ca.pem')
  })
})

describe('an address in short', () => {
  it.each([
    { host: 'tcp://manager', shown: 'http://manager:2375' },
    { host: 'tcp://manager', tlsVerify: true, shown: 'https://manager:2376' },
    { host: 'https://manager', shown: 'https://manager:443' },
    { host: 'http://manager:8080', shown: 'http://manager:8080' },
  ])('$host means $shown', ({ shown, ...options }) => {
    expect(connect(options).address).toBe(shown)
  })
})
