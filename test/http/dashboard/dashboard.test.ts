import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeCatalog } from '../../support/use-cases/fake-use-cases.ts'
import { server } from '../../support/use-cases/http.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-dashboard-'))
  const page = '<html data-root="%ROOT%"><script src="%BASE%main-ABC.js"></script></html>'
  writeFileSync(join(folder, 'index.html'), page)
  writeFileSync(join(folder, 'main-ABC.js'), 'start()')
  writeFileSync(join(folder, 'main-ABC.js.gz'), gzipSync('start()'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('GET /ui', () => {
  it.each([
    { url: '/ui', page: '<html data-root="./"><script src="ui/main-ABC.js"></script></html>' },
    { url: '/ui/', page: '<html data-root="../"><script src="main-ABC.js"></script></html>' },
  ])('names its files so that they are found from $url, and lets nothing else run', async ({ url, page }) => {
    const { statusCode, body, headers } = await server({ dashboardFolder: folder }).inject(url)
    expect({ statusCode, body }).toEqual({ statusCode: 200, body: page })
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache' })
  })

  it('serves what is built, compressed and for ever, and nothing else', async () => {
    const app = server({ dashboardFolder: folder })
    const script = await app.inject({ url: '/ui/main-ABC.js', headers: { 'accept-encoding': 'gzip' } })
    expect(script.headers).toMatchObject({
      'content-encoding': 'gzip',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    })
    for (const url of ['/ui/index.html', '/ui/main-OLD.js', '/ui/..%2f..%2fetc/passwd']) {
      expect((await app.inject(url)).statusCode, url).toBe(404)
    }
  })

  it('needs no credential, as its data does', async () => {
    const tokens = [{ role: 'read', secret: 'r' }] as const
    const app = server({ dashboardFolder: folder, access: { tokens, trustedCidrs: [] } })
    expect((await app.inject('/ui')).statusCode).toBe(200)
    expect((await app.inject('/v1/controller')).statusCode).toBe(401)
  })

  it('is not there where it is switched off', async () => {
    expect((await server().inject('/ui')).statusCode).toBe(404)
  })
})

describe('where pages only read', () => {
  const tokens = [{ role: 'scale', secret: 's' }] as const
  const app = () => server({ catalog: fakeCatalog(), access: { tokens, trustedCidrs: [], pagesOnlyRead: true } })
  const up = { method: 'POST', url: '/v1/autoscaler/web/up' } as const
  const authorization = 'Bearer s'

  it.each([
    { what: 'an Origin, our own too', headers: { origin: 'http://localhost:80' } },
    { what: 'what browsers say of a page', headers: { 'sec-fetch-site': 'same-origin' } },
    { what: 'the word of the dashboard', headers: { 'x-requested-with': 'orrery-ui' } },
  ])('$what changes nothing, whatever its token', async ({ headers }) => {
    const answer = await app().inject({ ...up, headers: { authorization, ...headers } })
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toMatchObject({ code: 'writes-closed', detail: expect.stringContaining('ORRERY_UI') })
  })

  it('a page may look, and ask what would be', async () => {
    const headers = { authorization, origin: 'http://localhost:80', 'x-requested-with': 'orrery-ui' }
    const explain = await app().inject({ method: 'POST', url: '/v1/autoscaler/web/explain', headers })
    expect(explain.json().code).not.toBe('writes-closed')
    expect((await app().inject({ url: '/v1/controller', headers })).json().access.role).toBe('read')
  })

  it('a program may do what its token allows', async () => {
    const answer = await app().inject({ ...up, headers: { authorization } })
    expect(answer.json().code).not.toBe('writes-closed')
  })
})
