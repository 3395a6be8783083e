import { describe, expect, it } from 'vitest'
import type { Registration, RegistrationView } from '../../../../src/discovery/registrations.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import type { RegistrationRouteDeps } from '../../../../src/http/routes/discovery/registrations.ts'
import { T0 } from '../../../support/use-cases/fake-use-cases.ts'
import { server } from '../../../support/use-cases/http.ts'

const registration = (change: Partial<Registration> = {}): Registration => ({
  ...{ id: 'orrery:web.1.t1:80', state: 'registered', name: 'web', service: 'shop_web', taskId: 't1' },
  ...{ node: 'swarm-host1', address: '172.80.1.1', port: 80, tags: ['front'], meta: { 'managed-by': 'orrery' } },
  ...change,
})
const view = (change: Partial<RegistrationView> = {}): RegistrationView => ({
  ...{ mode: 'catalog', role: 'writer', consul: 'http://consul:8500', registrations: [], issues: [] },
  conditions: [{ type: 'ConsulReachable', status: true, reason: 'Consul answers', sinceMs: T0 }],
  ...change,
})
const serving = (change: Partial<RegistrationRouteDeps['registrations']>) =>
  server({
    registrations: { view: async () => view(), resync: async () => undefined, ...change },
    access: { trustedCidrs: ['127.0.0.0/8'] },
  })

describe('GET /v1/registration', () => {
  it('shows what is desired and what is there side by side, with counts', async () => {
    const registrations = [
      registration(),
      registration({ id: 'orrery:web.2.t2:80', state: 'missing' }),
      registration({ id: 'orrery:db.1.t3:5432', state: 'extra', service: 'db' }),
    ]
    const lastSync = { atMs: T0, tookMs: 4.123, transactions: 1, writes: 2, isFull: false }
    const answer = await serving({ view: async () => view({ registrations, lastSync }) }).inject('/v1/registration')
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({
      ...{ mode: 'catalog', role: 'writer', consul: 'http://consul:8500' },
      counts: { desired: 2, registered: 1, missing: 1, differs: 0, extra: 1, kept: 0 },
      lastSync: { at: new Date(T0).toISOString(), tookMs: 4.1, transactions: 1, writes: 2, full: false },
      conditions: [{ type: 'ConsulReachable', status: true }],
    })
  })

  it('shows only entries and issues of one Swarm service when asked for it', async () => {
    const issue = { key: 'SERVICE_ID', value: 'x', message: 'is refused', effect: 'left-out' } as const
    const shown = view({
      registrations: [registration(), registration({ id: 'orrery:db.1.t3:5432', service: 'db' })],
      issues: [
        { service: 'shop_web', ...issue },
        { service: 'db', ...issue },
      ],
    })
    const answer = await serving({ view: async () => shown }).inject('/v1/registration?service=db')
    expect(answer.json()).toMatchObject({
      registrations: [{ id: 'orrery:db.1.t3:5432' }],
      issues: [{ service: 'db' }],
    })
  })

  it.each([
    { code: 'consul-unavailable', status: 503 },
    { code: 'not-in-sync', status: 503 },
    { code: 'consul-refused', status: 502 },
  ] as const)('is $status when $code', async ({ code, status }) => {
    const app = serving({
      async view() {
        throw new Fault(code, 'because', { retryAfterMs: 2000 })
      },
    })
    const answer = await app.inject('/v1/registration')
    expect(answer.statusCode).toBe(status)
    expect(answer.json()).toMatchObject({ code, detail: 'because' })
  })
})

describe('POST /v1/registration/resync', () => {
  it('answers with what came of it', async () => {
    const resync = async () => ({ atMs: T0, tookMs: 12, transactions: 0, writes: 0, isFull: true })
    const answer = await serving({ resync }).inject({ method: 'POST', url: '/v1/registration/resync' })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({ resynced: true, sync: { writes: 0, full: true } })
  })

  it('says so where another controller writes', async () => {
    const answer = await serving({}).inject({ method: 'POST', url: '/v1/registration/resync' })
    expect(answer.json()).toMatchObject({ resynced: false, reason: expect.stringContaining('another controller') })
  })

  it('needs the role admin', async () => {
    const app = server({
      registrations: { view: async () => view(), resync: async () => undefined },
      access: { trustedCidrs: [], tokens: [{ role: 'scale', secret: 'a-token-of-the-role-scale' }] },
    })
    const headers = { authorization: 'Bearer a-token-of-the-role-scale' }
    const answer = await app.inject({ method: 'POST', url: '/v1/registration/resync', headers })
    expect(answer.statusCode).toBe(403)
  })
})
