import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { fakeCatalog, recordingScaler } from '../../../support/use-cases/fake-use-cases.ts'
import { fakeMetrics, server } from '../../../support/use-cases/http.ts'

const UP = '/v1/autoscaler/web/up'

const alertmanager = (change: object = {}) => ({
  receiver: 'orrery',
  status: 'firing',
  alerts: [
    {
      status: 'firing',
      labels: { alertname: 'HighLoad', service: 'web' },
      annotations: {},
      startsAt: '2026-01-31T11:59:00Z',
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: '',
      fingerprint: '0123456789abcdef',
    },
  ],
  groupLabels: {},
  commonLabels: {},
  commonAnnotations: {},
  externalURL: 'http://alertmanager:9093',
  version: '4',
  groupKey: '{}:{service="web"}',
  truncatedAlerts: 0,
  ...change,
})
const grafana = (change: object = {}) => ({
  ...alertmanager(),
  version: '1',
  orgId: 1,
  title: '[FIRING:1]',
  state: 'alerting',
  message: 'x',
  ...change,
})

describe('a notification on the route of a step', () => {
  const senders = [
    { sender: 'Alertmanager', payload: alertmanager() },
    { sender: 'Grafana', payload: grafana() },
    {
      sender: 'Grafana without optional fields',
      payload: { version: '1', status: 'firing', alerts: [{ status: 'firing' }] },
    },
    { sender: 'a group without a status', payload: { version: '4', alerts: [{ status: 'firing' }] } },
  ]
  it.each(senders)('from $sender that fires is one step, asked for by an alert', async ({ payload }) => {
    const { scaler, requests } = recordingScaler()
    const answer = await server({ scaler }).inject({ method: 'PUT', url: `${UP}?by=2&reason=load`, payload })
    expect(answer.statusCode, answer.body).toBe(200)
    expect(requests[0]?.request).toMatchObject({
      kind: 'step',
      origin: 'alert',
      direction: 'up',
      by: { kind: 'count', count: 2 },
      note: 'load',
    })
  })

  const resolved = [
    { name: 'from Alertmanager', payload: alertmanager({ status: 'resolved' }) },
    { name: 'from Grafana', payload: grafana({ status: 'resolved', state: 'ok' }) },
    { name: 'without any firing alert', payload: { version: '4', alerts: [] } },
    { name: 'of garbage', payload: { version: '4', alerts: [null, 1, 'x', {}] } },
  ]
  it.each(resolved)('$name that has resolved is held, and the scaler hears nothing of it', async ({ payload }) => {
    const answer = await server().inject({ method: 'POST', url: UP, payload })
    expect(answer.statusCode, answer.body).toBe(200)
    expect(answer.json()).toMatchObject({
      outcome: 'held',
      code: 'resolved',
      autoscaler: 'web',
      service: 'web',
      from: 3,
      to: 3,
      wanted: 3,
    })
  })

  it('for an unknown autoscaler is 404, resolved or not', async () => {
    const answer = await server({ catalog: fakeCatalog([]) }).inject({
      method: 'POST',
      url: UP,
      payload: alertmanager({ status: 'resolved' }),
    })
    expect(answer.statusCode).toBe(404)
  })

  const keyOf = async (payload: object, url = UP) => {
    const { scaler, requests } = recordingScaler()
    await server({ scaler }).inject({ method: 'POST', url, payload })
    const request = requests[0]?.request
    return request?.kind === 'step' ? request.key?.hash : undefined
  }

  it('delivered twice has one key; another alert, start, group or direction has another', async () => {
    const [alert] = alertmanager().alerts
    const other = { ...alert, fingerprint: 'f' }
    const first = await keyOf(alertmanager())
    expect(first).toMatch(/^.{11}$/)
    expect(await keyOf(alertmanager({ externalURL: 'http://the-other-one:9093' }))).toBe(first)
    expect(await keyOf(alertmanager({ alerts: [other, alert] }))).toBe(
      await keyOf(alertmanager({ alerts: [alert, other] })),
    )
    const others = [
      await keyOf(alertmanager({ alerts: [alert, other] })),
      await keyOf(alertmanager({ alerts: [{ ...alert, startsAt: '2026-01-31T12:30:00Z' }] })),
      await keyOf(alertmanager({ groupKey: 'another' })),
      await keyOf(alertmanager(), '/v1/autoscaler/web/down'),
    ]
    expect(new Set([first, ...others]).size).toBe(5)
  })

  it('is counted by the status of its answer; a plain step is not', async () => {
    const metrics = fakeMetrics()
    const app = server({ metrics, scaler: recordingScaler().scaler })
    await app.inject({ method: 'POST', url: UP, payload: alertmanager() })
    await app.inject({ method: 'POST', url: '/v1/autoscaler/nobody/up', payload: alertmanager({ status: 'resolved' }) })
    await app.inject({ method: 'POST', url: UP })
    expect(metrics.answered).toEqual([200, 404])
  })

  const ALMOST: readonly object[] = [
    { state: 'ok', ruleName: 'r' },
    { version: 4, status: 'resolved', alerts: [{ status: 'resolved', labels: {}, fingerprint: 'a' }] },
    { version: 4, alerts: [] },
    { version: '4' },
    { version: '2', alerts: [] },
    { status: 'resolved' },
    { Status: 'OK' },
    { alerts: [{ status: 'firing' }] },
    { ruleId: 1, ruleName: 'High load', state: 'alerting', evalMatches: [] },
    { status: 'firing', labels: { service: 'web' } },
    { incident: { state: 'closed' }, version: '1.2' },
    { heartbeat: { status: 1 }, msg: 'up' },
    { NewStateValue: 'OK' },
    { groupLabels: { service: 'web', scale: 'up' }, status: 'resolved' },
    { by: 2, reason: 'x', startsAt: '2026-01-31T11:59:00Z' },
    { version: '3', status: 'resolved', alerts: [alertmanager().alerts[0]] },
    { version: '1', status: 'resolved', alert: [{ labels: {} }] },
    { version: '1', alerts: { 0: { status: 'firing' } } },
    // Wrapped by whatever sent it on: a queue, a function, a template with a text of its own.
    { body: { state: 'ok', ruleName: 'r' } },
    { body: alertmanager({ status: 'resolved' }) },
    { body: JSON.stringify(alertmanager({ status: 'resolved' })) },
    { Type: 'Notification', Message: JSON.stringify({ AlarmName: 'a', NewStateValue: 'OK' }) },
    { records: [[{ value: JSON.stringify({ body: JSON.stringify({ status: 'resolved' }) }) }]] },
    { title: '[OK] High load', message: 'it is well' },
    { text: '✅ Resolved: High load' },
    { msg: 'RECOVERY web is up' },
    { result: 'ok' },
    { title: '[FIRING:1] High load' },
    { data: { essentials: { monitorCondition: 'Resolved' } } },
    { SERVICESTATE: 'OK' },
    { attachments: [{ title: 'High load' }] },
  ]
  const ROUTES = [
    '/v1/autoscaler/web/up',
    '/v1/autoscaler/web/down',
    '/v1/orbiter/handle/autoswarm/web/up',
    '/handle/autoswarm/web/down',
    '/v1/scale-service?service=web&scale=up',
  ]
  it.each(ALMOST)('is not what almost looks like one: %j is 400 on every route, and no plain call', async (payload) => {
    const { scaler, requests } = recordingScaler()
    const app = server({ scaler })
    for (const url of ROUTES) {
      const answer = await app.inject({ method: 'POST', url, payload })
      expect([url, answer.statusCode], answer.body).toEqual([url, 400])
      expect(answer.body).toContain('notification')
    }
    expect(requests).toEqual([])
  })

  const over = JSON.stringify(alertmanager({ status: 'resolved' }))
  const TEXTS: readonly string[] = [
    '{"state":"ok"} and more',
    '{"direction":true}{"state":"ok"}',
    'alert: {"status" : "resolved"}',
    '[{"labels":{},"status":"resolved"}]',
    `[${over}]`,
    `[[${over}]]`,
    JSON.stringify(over),
    JSON.stringify('{"state":"ok"}'),
    '"resolved"',
    'resolved',
    '[RESOLVED] High load',
    'payload=%7B%22state%22%3A%22ok%22%7D',
    'state=ok&ruleName=r',
    'Name=web&StatusCode=200&Status=Up',
    `${'['.repeat(9000)}{"status":"resolved"}${']'.repeat(9000)}`,
    `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    JSON.stringify({ list: Array(20_000).fill('a') }),
  ]
  const TYPES = ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'nonsense'].flatMap((type) => [
    { 'content-type': type },
  ])
  it.each(TEXTS)(
    'is not what almost looks like one in a text, a list or a form, whatever Content-Type says: %.60s',
    async (payload) => {
      const { scaler, requests } = recordingScaler()
      const app = server({ scaler })
      for (const [at, url] of ROUTES.entries()) {
        for (const headers of at === 0 ? [{}, ...TYPES] : [{}]) {
          const answer = await app.inject({ method: 'POST', url, payload, headers })
          expect([url, headers, answer.statusCode], answer.body).toEqual([url, headers, 400])
        }
      }
      expect(requests).toEqual([])
    },
  )

  it('is not what almost looks like one in the query', async () => {
    const { scaler, requests } = recordingScaler()
    const app = server({ scaler })
    for (const url of ROUTES) {
      for (const query of ['state=ok', 'status=resolved', 'payload=%7B%22state%22%3A%22ok%22%7D']) {
        const answer = await app.inject({ method: 'POST', url: `${url}${url.includes('?') ? '&' : '?'}${query}` })
        expect([url, query, answer.statusCode], answer.body).toEqual([url, query, 400])
      }
    }
    expect(requests).toEqual([])
  })

  it('is not read in another encoding, where nobody can tell what it says', async () => {
    const { scaler, requests } = recordingScaler()
    const app = server({ scaler })
    const payload = gzipSync(JSON.stringify(alertmanager({ status: 'resolved' })))
    for (const url of ROUTES) {
      const answer = await app.inject({ method: 'POST', url, payload, headers: { 'content-encoding': 'gzip' } })
      expect([url, answer.statusCode], answer.body).toEqual([url, 400])
      expect(answer.body).toContain('Content-Encoding: gzip')
    }
    expect(requests).toEqual([])
  })

  it('that says it is over never steps, in whatever words', async () => {
    const { scaler, requests } = recordingScaler()
    const app = server({ scaler })
    for (const over of [
      { status: 'RESOLVED' },
      { status: 'ok' },
      { status: undefined, state: 'OK' },
      { status: 'paused' },
      { status: 'firing', state: 'ok' },
      { status: ' Resolved ', state: 'alerting' },
      { alerts: [], truncatedAlerts: 3, status: 'firing', state: 'ok' },
    ]) {
      for (const url of ROUTES) {
        const answer = await app.inject({ method: 'POST', url, payload: alertmanager(over) })
        expect([url, answer.statusCode], answer.body).toEqual([url, 200])
      }
    }
    expect(requests).toEqual([])
  })

  it('leaves bodies of a caller’s own alone', async () => {
    const { scaler, requests } = recordingScaler()
    const app = server({ scaler })
    const plain = [
      {},
      { by: 2 },
      { user: 'anna', ticket: 7 },
      { reason: 'resolved {"status":"ok"}', by: '25%' },
      { note: 'okay for anna', priority: 'normal', more: { of: ['mine'] } },
    ]
    for (const payload of plain) {
      expect((await app.inject({ method: 'POST', url: UP, payload })).statusCode).toBe(200)
    }
    for (const payload of ['hello', 'a=1', '7', '{"service_id":1,"direction":true} {"more":1}']) {
      expect((await app.inject({ method: 'POST', url: ROUTES[2]!, payload })).statusCode).toBe(200)
    }
    const named = { groupLabels: { service: 'web', scale: 'up', alertname: 'x' } }
    expect((await app.inject({ method: 'POST', url: '/v1/scale-service', payload: named })).statusCode).toBe(200)
    expect(requests).toHaveLength(10)
  })
})
