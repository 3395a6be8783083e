import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createAlertmanager } from '../../../src/adapters/alertmanager/alertmanager.ts'
import { endlessly, listen } from '../servers.ts'

const UPTIME = '2026-01-31T11:00:00.000Z'
/** As Alertmanager 0.25 answers, shortened. */
const ALERTS = [
  { fingerprint: 'aaaaaaaaaaaaaaaa', status: { state: 'active', silencedBy: [], inhibitedBy: [] }, labels: { a: 'b' } },
  { fingerprint: 'bbbbbbbbbbbbbbbb', status: { state: 'unprocessed', silencedBy: [], inhibitedBy: [] } },
  { fingerprint: 'cccccccccccccccc', status: { state: 'suppressed', silencedBy: ['x'], inhibitedBy: [] } },
  { fingerprint: 7 },
  null,
]

async function answering(paths: Record<string, unknown>) {
  const asked: IncomingMessage[] = []
  const host = await listen((request, response) => {
    asked.push(request)
    const body = paths[request.url?.split('?')[0] ?? '']
    response.statusCode = body === undefined ? 404 : 200
    response.end(JSON.stringify(body ?? 'not here'))
  })
  return { host, asked }
}

const ask = (url: string, signal = new AbortController().signal) => createAlertmanager({ url, signal }).ask()

describe('Alertmanager', () => {
  it('is asked what fires and since when it runs; what is silenced or inhibited does not count', async () => {
    const { host, asked } = await answering({ '/api/v2/alerts': ALERTS, '/api/v2/status': { uptime: UPTIME } })
    expect(await ask(`http://${host}`)).toEqual({
      fingerprints: new Set(['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb']),
      startedAtMs: Date.parse(UPTIME),
    })
    expect(asked.map(({ url }) => url)).toEqual(['/api/v2/alerts?silenced=false&inhibited=false', '/api/v2/status'])
  })

  it('may be below a path and behind Basic', async () => {
    const { host, asked } = await answering({ '/alerts/api/v2/alerts': [], '/alerts/api/v2/status': {} })
    expect(await ask(`http://me:p%40ss@${host}/alerts/`)).toEqual({ fingerprints: new Set() })
    expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
  })

  it('need not say since when it runs', async () => {
    const { host } = await answering({ '/api/v2/alerts': [] })
    expect(await ask(`http://${host}`)).toEqual({ fingerprints: new Set() })
  })

  it.each([
    ['an error', { '/api/v2/status': {} }, /answers 404 to GET/],
    ['something else', { '/api/v2/alerts': { status: 'success' } }, /not answer with a list/],
  ])('that answers with %s was not asked', async (_name, paths, message) => {
    const { host } = await answering(paths)
    await expect(ask(`http://${host}`)).rejects.toThrow(message)
  })

  it('that redirects, is not there or is no Alertmanager was not asked', async () => {
    const redirecting = await listen((_, response) => response.writeHead(302, { location: '/login' }).end())
    const page = await listen((_, response) => response.end('<html>'))
    await expect(ask(`http://${redirecting}`)).rejects.toThrow(/302/)
    await expect(ask(`http://${page}`)).rejects.toThrow()
    await expect(ask('http://127.0.0.1:1')).rejects.toThrow()
  })

  it('that answers without end, or breaks off, was not asked, and its answer is not kept', async () => {
    const endless = await listen((_, response) => endlessly(response))
    const before = process.memoryUsage.rss()
    await expect(ask(`http://${endless}`)).rejects.toThrow('it is longer than 16777216 bytes')
    expect(process.memoryUsage.rss() - before).toBeLessThan(256 * 1024 * 1024)
    const broken = await listen((_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('[')
      setTimeout(() => response.destroy(), 20)
    })
    await expect(ask(`http://${broken}`)).rejects.toThrow()
  })

  it('is asked no longer when the controller stops', async () => {
    const host = await listen(() => {})
    const stopping = new AbortController()
    const answer = ask(`http://${host}`, stopping.signal)
    setTimeout(() => stopping.abort(), 20)
    await expect(answer).rejects.toThrow(/abort/i)
  })
})
