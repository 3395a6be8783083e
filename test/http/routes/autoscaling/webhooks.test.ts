/** Cases A1 to A6 and G1 to G6 of the contract's list, from the notification to the count in a Swarm in memory. A5 and A7 are in steps and access. */
import { describe, expect, it } from 'vitest'
import type { ServiceObservation } from '../../../../src/swarm/services.ts'
import { type AlertOver, alert, alertmanager, grafana, STARTED } from '../../../support/builders/notifications.ts'
import { fakeMetrics, server } from '../../../support/use-cases/http.ts'
import { memoryController } from '../../../support/use-cases/memory-controller.ts'

const WEBHOOK = '/v1/webhook/alertmanager'
const GRAFANA = '/v1/webhook/grafana'

const labels = (over: Record<string, string> = {}) => ({
  'autoscaler.enable': 'true',
  'autoscaler.max': '100',
  'autoscaler.cooldown': '0',
  ...over,
})

function start(over: Record<string, string> = {}) {
  const clock = { nowMs: Date.UTC(2026, 0, 31, 12) }
  const { swarm, catalog, scaler, alerts, book } = memoryController(clock)
  const add = (name: string, more: Partial<ServiceObservation> = {}) =>
    swarm.add({ id: `id-${name}`, name, labels: labels(over), ...more })
  add('web')
  const metrics = fakeMetrics()
  const lines: string[] = []
  const app = server({ catalog, scaler, alerts, metrics, now: () => clock.nowMs, lines })
  return {
    ...{ swarm, clock, add, metrics, book, lines, app },
    replicas: (name = 'web') => swarm.service(`id-${name}`)?.replicas,
    async send(payload: unknown, url = WEBHOOK, method: 'POST' | 'PUT' = 'POST') {
      const answer = await app.inject({ method, url, payload: JSON.stringify(payload) })
      return { status: answer.statusCode, headers: answer.headers, body: answer.json() }
    },
  }
}

const firing = (name: string, over: AlertOver = {}) => alert({ fingerprint: name, ...over })
const resolved = (name: string, over: AlertOver = {}) => alert({ fingerprint: name, status: 'resolved', ...over })

describe('A1 to A6: notifications of Alertmanager', () => {
  it('A1 a firing alert is one step, and the same again is a duplicate with the first one’s counts', async () => {
    const { send, replicas } = start()
    const first = await send(alertmanager())
    expect(first.status).toBe(200)
    expect(first.body.results).toEqual([
      expect.objectContaining({
        fingerprint: '0123456789abcdef',
        autoscaler: 'web',
        outcome: 'scaled',
        from: 3,
        to: 4,
      }),
    ])
    expect(first.body.results[0].reason).toContain('alert HighLoad')
    const again = await send(alertmanager())
    expect(again.body.results[0]).toMatchObject({ outcome: 'held', code: 'duplicate', from: 3, to: 4 })
    expect(replicas()).toBe(4)
  })

  it('A1 both halves of a pair of Alertmanagers are one step, though their own addresses differ', async () => {
    const { send, replicas } = start()
    const both = await Promise.all([
      send(alertmanager()),
      send(alertmanager(undefined, { externalURL: 'http://other' })),
    ])
    expect(both.map(({ body }) => body.results[0].code)).toEqual([undefined, 'duplicate'])
    expect(replicas()).toBe(4)
  })

  it('A1 a repeat after the window is a step again', async () => {
    const { send, clock, replicas } = start()
    await send(alertmanager())
    clock.nowMs += 102_000
    expect((await send(alertmanager())).body.results[0]).toMatchObject({ outcome: 'scaled', from: 4, to: 5 })
    expect(replicas()).toBe(5)
  })

  it.each([1, 59, 61, 90, 99])('A1 both halves of a pair are one step %i s apart, after an outage', async (seconds) => {
    const { send, clock, replicas } = start()
    await send(alertmanager())
    clock.nowMs += seconds * 1000
    const other = alertmanager(undefined, { externalURL: 'http://other' })
    expect((await send(other)).body.results[0]).toMatchObject({ code: 'duplicate', from: 3, to: 4 })
    expect(replicas()).toBe(4)
  })

  it('A1 a caller’s own key is remembered no longer for it', async () => {
    const { app, clock, replicas } = start()
    const up = () =>
      app.inject({ method: 'POST', url: '/v1/autoscaler/web/up', headers: { 'idempotency-key': 'mine' } })
    await up()
    clock.nowMs += 61_000
    await up()
    expect(replicas()).toBe(5)
  })

  const SPELT = ['2026-01-31T11:59:00.123Z', '2026-01-31T19:59:00.123+08:00', '2026-01-31t11:59:00.123000000z']
  it.each(SPELT)('A1 an alert that began at %s began then, however it is spelt', async (startsAt) => {
    const { send, replicas } = start()
    await send(alertmanager([firing('a', { startsAt: SPELT[0]! })]))
    await send(alertmanager([firing('a', { startsAt })]))
    expect(replicas()).toBe(4)
  })

  it('A1 another alert, start, group, receiver or direction is another step', async () => {
    const { send, replicas } = start()
    await send(alertmanager())
    await send(alertmanager([firing('other')]))
    await send(alertmanager([alert({ startsAt: '2026-01-31T12:00:00Z' })]))
    await send(alertmanager(undefined, { groupKey: 'other' }))
    await send(alertmanager(undefined, { receiver: 'other' }))
    expect(replicas()).toBe(8)
    await send(alertmanager([alert({ labels: { scale: 'down' } })]))
    expect(replicas()).toBe(7)
  })

  it.each(['some alerts resolved', 'all alerts resolved'])(
    'A2 a group sent because of "%s" asks for nothing',
    async (reason) => {
      const { send, replicas } = start()
      const group = alertmanager([firing('a'), resolved('b')], { notification_reason: reason })
      const { status, body } = await send(group)
      expect(status).toBe(200)
      expect(body.results).toEqual([
        expect.objectContaining({ fingerprint: 'a', outcome: 'held', code: 'resolved' }),
        expect.objectContaining({ fingerprint: 'b', outcome: 'held', code: 'resolved' }),
      ])
      expect(replicas()).toBe(3)
    },
  )

  it.each([undefined, 'unknown'])(
    'A2 the same is known without a reason (%s), by what fired before',
    async (reason) => {
      const { send, clock, replicas } = start()
      const notify = async (alerts: object[]) => {
        clock.nowMs += 300_000
        return (await send(alertmanager(alerts, { notification_reason: reason }))).body.results[0]
      }
      expect(await notify([firing('a'), firing('b')])).toMatchObject({ outcome: 'scaled' })
      expect(await notify([firing('a'), resolved('b')])).toMatchObject({ outcome: 'held', code: 'resolved' })
      expect(await notify([firing('a'), firing('c'), resolved('d')])).toMatchObject({ outcome: 'scaled' })
      expect(await notify([firing('c'), resolved('a')])).toMatchObject({ outcome: 'held', code: 'resolved' })
      expect(replicas()).toBe(5)
    },
  )

  it('A2 where nothing is remembered it is a step, and a step that failed is not remembered', async () => {
    const { send, swarm, replicas } = start()
    const group = alertmanager([firing('a'), resolved('b')])
    swarm.failNextWrites('unsent')
    expect((await send(group)).status).toBe(503)
    expect((await send(group)).body.results[0]).toMatchObject({ outcome: 'scaled' })
    expect(replicas()).toBe(4)
  })

  it('A2 one receiver that tells two routes is remembered for each', async () => {
    const { send, add, replicas } = start()
    add('api')
    const group = alertmanager([firing('a'), resolved('b')])
    for (const name of ['web', 'api']) await send(group, `/v1/autoscaler/${name}/up`)
    expect([replicas('web'), replicas('api')]).toEqual([4, 4])
  })

  it('A3 an engine that is away is 503 with Retry-After, and the repeat is one step', async () => {
    const { send, swarm, metrics, replicas } = start()
    swarm.setSync({ inSync: false, reason: 'no leader' })
    const away = await send(alertmanager())
    expect([away.status, away.headers['retry-after'], away.body.code]).toEqual([503, '2', 'not-in-sync'])
    swarm.setSync({ inSync: true, reason: '' })
    swarm.failNextWrites('lost-after')
    expect(await send(alertmanager())).toMatchObject({ status: 503, body: { code: 'write-unknown' } })
    expect((await send(alertmanager())).body.results[0]).toMatchObject({ code: 'duplicate', from: 3, to: 4 })
    expect(replicas()).toBe(4)
    expect(metrics.answered).toEqual([503, 503, 200])
  })

  it('A3 an engine that hangs is 503 within a second', async () => {
    const { send, swarm } = start()
    swarm.failNextWrites('hang')
    const startedMs = performance.now()
    try {
      expect(await send(alertmanager())).toMatchObject({ status: 503, body: { code: 'write-unknown' } })
      const tookMs = Math.round(performance.now() - startedMs)
      console.log(`answered after ${tookMs} ms; wanted within 1000`)
      expect(tookMs).toBeLessThan(10_000)
    } finally {
      swarm.thaw()
    }
  })

  it('A4 alerts that were left out are carried out by the labels of their group', async () => {
    const { send, replicas } = start()
    const group = { groupLabels: { service: 'web', scale: 'up', by: '2' }, truncatedAlerts: 7 }
    const bare = { ...alert(), labels: { alertname: 'HighLoad' } }
    expect((await send(alertmanager([bare], group))).body.results[0]).toMatchObject({ outcome: 'scaled', to: 5 })
    const none = await send(alertmanager([], { ...group, status: 'firing', groupKey: 'other' }))
    expect(none.body.results).toEqual([expect.objectContaining({ fingerprint: '', outcome: 'scaled', to: 7 })])
    expect(replicas()).toBe(7)
  })

  it('A6 two conflicts in a row are one step', async () => {
    const { send, swarm, replicas } = start()
    swarm.failNextWrites('conflict', 'conflict')
    expect(await send(alertmanager())).toMatchObject({ status: 200, body: { results: [{ outcome: 'scaled' }] } })
    expect(replicas()).toBe(4)
  })
})

describe('G1 to G6: notifications of Grafana', () => {
  it('G1 PUT is as POST, on its own route and on that of Alertmanager', async () => {
    const { send, replicas } = start()
    expect((await send(grafana(), GRAFANA, 'PUT')).body.results[0]).toMatchObject({ outcome: 'scaled', to: 4 })
    expect((await send(grafana(), WEBHOOK, 'POST')).body.results[0]).toMatchObject({ code: 'duplicate' })
    expect(replicas()).toBe(4)
  })

  it('G3 the test of a contact point is 200 and scales nothing, whether it names an autoscaler or not', async () => {
    const { send, metrics, replicas } = start()
    const test = { ...alert(), labels: { alertname: 'TestAlert', instance: 'Grafana' } }
    expect(await send(grafana([test]), GRAFANA)).toMatchObject({ status: 200 })
    const [result] = (await send(grafana([test]), GRAFANA)).body.results
    expect(result).toEqual({
      fingerprint: '0123456789abcdef',
      outcome: 'held',
      code: 'no-data',
      reason: expect.any(String),
      at: expect.any(String),
    })
    const named = alert({ labels: { alertname: 'TestAlert' } })
    expect((await send(grafana([named]), GRAFANA)).body.results[0]).toMatchObject({ code: 'no-data', from: 3, to: 3 })
    expect(replicas()).toBe(3)
    expect(metrics.alerts).toEqual(['no-data', 'no-data', 'no-data'])
  })

  it('G4 an alert of a broken query is 200, scales nothing, and does not keep others from their step', async () => {
    const { send, replicas } = start()
    const broken = [
      alert({ labels: { alertname: 'DatasourceNoData' } }),
      alert({ labels: { alertname: 'DatasourceError' } }),
      alert({ annotations: { grafana_state_reason: 'NoData' } }),
      alert({ annotations: { grafana_state_reason: 'Error' } }),
    ]
    for (const one of broken) {
      expect(await send(grafana([one]), GRAFANA)).toMatchObject({
        status: 200,
        body: { results: [{ code: 'no-data' }] },
      })
    }
    expect(replicas()).toBe(3)
    const { body } = await send(grafana([...broken, firing('sound')]), GRAFANA)
    expect(body.results.map(({ code }: { code?: string }) => code)).toEqual([...Array(4).fill('no-data'), undefined])
    expect(replicas()).toBe(4)
  })

  it('G5 null values and missing fields are no matter', async () => {
    const { send } = start()
    const bare = {
      version: '1',
      status: 'firing',
      alerts: [{ status: 'firing', labels: { service: 'web', scale: 'up' }, values: null }],
    }
    expect((await send(bare, GRAFANA)).body.results).toEqual([
      expect.objectContaining({ fingerprint: '', outcome: 'scaled' }),
    ])
  })

  it('G6 what has resolved scales nothing', async () => {
    const { send, replicas } = start()
    for (const body of [grafana([resolved('a')]), grafana([alert()], { status: undefined, state: 'ok' })]) {
      expect(await send(body, GRAFANA)).toMatchObject({ status: 200, body: { results: [{ code: 'resolved' }] } })
    }
    expect(replicas()).toBe(3)
  })
})

describe('routing', () => {
  it('is by each alert’s labels: services, autoscalers and directions in one notification', async () => {
    const { send, add, replicas } = start()
    add('shop_api', { labels: labels({ 'autoscaler.name': 'api' }) })
    add('jobs')
    const { body } = await send(
      alertmanager([
        firing('1'),
        firing('2', { labels: { service: 'shop_api', by: '3' } }),
        firing('3', { labels: { service: '', autoscaler: 'api', by: '50%' } }),
        firing('4', { labels: { service: 'jobs', scale: 'down' } }),
        firing('5', { labels: { scale: 'down', by: '2' } }),
      ]),
    )
    expect(body.results.map(({ autoscaler, to }: Record<string, unknown>) => [autoscaler, to])).toEqual([
      ['web', 4],
      ['api', 6],
      ['api', 6],
      ['jobs', 2],
      ['web', 4],
    ])
    expect([replicas('web'), replicas('shop_api'), replicas('jobs')]).toEqual([4, 6, 2])
  })

  it('finds a service by its name first, then an autoscaler', async () => {
    const { send, add, replicas } = start()
    add('other', { labels: labels({ 'autoscaler.name': 'front' }) })
    add('front', { labels: {} })
    await send(alertmanager([firing('1', { labels: { service: 'front' } })]))
    expect([replicas('other'), replicas('front')]).toEqual([4, 3])
  })

  it('never loses an alert to a bad one beside it, and says what is wrong with each', async () => {
    const { send, add, replicas } = start()
    add('broken', { labels: { 'autoscaler.enable': 'true' } })
    add('everywhere', { mode: 'global', replicas: 0 })
    const { status, body } = await send(
      alertmanager([
        firing('unknown', { labels: { service: 'nobody' } }),
        null,
        firing('no-direction', { labels: { scale: 'sideways' } }),
        firing('bad-by', { labels: { by: 'lots' } }),
        firing('invalid', { labels: { service: 'broken' } }),
        firing('global', { labels: { service: 'everywhere' } }),
        firing('good'),
      ]),
    )
    expect(status).toBe(200)
    const words = body.results.map((one: Record<string, Record<string, string>>) => one.error?.code ?? one.outcome)
    expect(words).toEqual([
      'unknown-autoscaler',
      'malformed',
      'invalid-value',
      'invalid-value',
      'invalid-policy',
      'unsupported',
      'scaled',
    ])
    expect(body.results[0]).toEqual({
      fingerprint: 'unknown',
      error: { code: 'unknown-autoscaler', title: expect.any(String), detail: expect.stringContaining('nobody') },
    })
    expect(replicas()).toBe(4)
  })

  it('is 200 even if every alert is unknown, and for no alert at all', async () => {
    const { send } = start()
    const unknown = alertmanager([firing('1', { labels: { service: 'nobody' } })])
    expect((await send(unknown)).status).toBe(200)
    expect(await send(alertmanager([]))).toMatchObject({ status: 200, body: { results: [] } })
  })

  it('is 503 if any alert can be mended by a retry, and what was done is a duplicate then', async () => {
    const { send, add, swarm, replicas } = start()
    add('api')
    const both = alertmanager([firing('1'), firing('2', { labels: { service: 'api' } })])
    swarm.failNextWrites('unsent')
    const { status, headers, body } = await send(both)
    expect([status, headers['retry-after'], body.code]).toEqual([503, '2', 'engine-unavailable'])
    expect(headers['content-type']).toBe('application/problem+json')
    expect(body.results).toMatchObject([{ error: { code: 'engine-unavailable' } }, { outcome: 'scaled' }])
    const again = await send(both)
    expect(again.status).toBe(200)
    expect(again.body.results).toMatchObject([{ outcome: 'scaled' }, { code: 'duplicate' }])
    expect([replicas('web'), replicas('api')]).toEqual([4, 4])
  })

  it('is 200 for an engine that refuses for good: Alertmanager would repeat a 5xx at once', async () => {
    const { send, swarm } = start()
    swarm.failNextWrites('rejected')
    expect(await send(alertmanager())).toMatchObject({
      status: 200,
      body: { results: [{ error: { code: 'write-rejected' } }] },
    })
    swarm.failNextWrites('rejected')
    expect(await send(alertmanager(), '/v1/autoscaler/web/up')).toMatchObject({
      status: 409,
      body: { status: 409, code: 'write-rejected' },
    })
  })

  it('says once in the log what is wrong with an alert', async () => {
    const { catalog, scaler } = memoryController({ nowMs: 0 })
    const lines: string[] = []
    const app = server({ catalog, scaler, lines })
    for (let n = 0; n < 3; n += 1) {
      await app.inject({ method: 'POST', url: WEBHOOK, payload: alertmanager([firing('1'), firing('2')]) })
    }
    const warnings = lines.filter((line) => line.includes('"event":"alert-refused"'))
    expect(warnings.map((line) => JSON.parse(line).fingerprint)).toEqual(['1', '2'])
  })

  it.each([
    ['an empty body', ''],
    ['null', 'null'],
    ['another JSON', '{"direction":true}'],
    ['a legacy alert of Grafana', '{"ruleId":1,"state":"alerting"}'],
    ['a list', '[]'],
    ['no JSON', 'x'],
  ])('takes %s for no notification: 400, and says what is one', async (_name, payload) => {
    const { app } = start()
    const answer = await app.inject({ method: 'POST', url: WEBHOOK, payload })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ code: 'malformed', detail: expect.stringMatching(/\S/) })
  })

  it('takes POST and PUT alone, redirects nobody, and reads any Content-Type', async () => {
    const { app } = start()
    expect((await app.inject({ url: WEBHOOK })).statusCode).toBe(405)
    const headers = { 'content-type': 'text/plain' }
    const payload = JSON.stringify(alertmanager())
    for (const url of [WEBHOOK, `${WEBHOOK}/`, `/${WEBHOOK}`]) {
      expect((await app.inject({ method: 'POST', url, headers, payload })).statusCode).toBe(200)
    }
  })
})

describe('on-resolved=down', () => {
  const start2 = () => start({ 'autoscaler.on-resolved': 'down' })

  it('makes the end of an alert one step down, and the same again a duplicate', async () => {
    const { send, replicas } = start2()
    await send(alertmanager([firing('a')]))
    const end = alertmanager([resolved('a')])
    expect((await send(end)).body.results[0]).toMatchObject({ outcome: 'scaled', from: 4, to: 3 })
    expect((await send(end)).body.results[0]).toMatchObject({ code: 'duplicate', from: 4, to: 3 })
    expect(replicas()).toBe(3)
  })

  const HOUR_MS = 3_600_000
  const ends = () => {
    const controller = start2()
    const { send, clock } = controller
    const end = async (alerts: readonly object[], over: object = {}) => {
      clock.nowMs += HOUR_MS
      return (await send(alertmanager(alerts, over))).body.results[0]
    }
    return { ...controller, end }
  }

  it('is one step down for one firing, however late and from whom its end is told again', async () => {
    const { end, replicas } = ends()
    expect(await end([resolved('a')])).toMatchObject({ outcome: 'scaled', from: 3, to: 2 })
    const again = { code: 'duplicate', from: 3, to: 2 }
    expect(await end([resolved('a')])).toMatchObject(again)
    expect(await end([resolved('a')], { receiver: 'other', groupKey: 'other' })).toMatchObject(again)
    expect(await end([resolved('a', { startsAt: '2026-01-31T19:59:00.123+08:00' })])).toMatchObject(again)
    expect(replicas()).toBe(2)
  })

  it('is one for each firing, and for one that ends together with an earlier one', async () => {
    const { end, replicas } = ends()
    await end([resolved('a')])
    expect(await end([resolved('a'), resolved('b')])).toMatchObject({ outcome: 'scaled', from: 2, to: 1 })
    expect(await end([resolved('b')])).toMatchObject({ code: 'duplicate', from: 2, to: 1 })
    expect(await end([resolved('a', { startsAt: '2026-01-31T12:30:00Z' })])).toMatchObject({ code: 'at-min' })
    expect(replicas()).toBe(1)
  })

  it('is not remembered for good of an alert that does not say when it began, nor when it was held', async () => {
    const { end, send, app, replicas } = ends()
    for (const startsAt of ['', '0001-01-01T00:00:00Z']) await end([resolved('a', { startsAt })])
    expect(replicas()).toBe(1)
    await app.inject({ method: 'PUT', url: '/v1/autoscaler/web/replicas', payload: { replicas: 5 } })
    await app.inject({ method: 'POST', url: '/v1/autoscaler/web/pause' })
    expect(await end([resolved('b')])).toMatchObject({ code: 'paused' })
    await app.inject({ method: 'POST', url: '/v1/autoscaler/web/resume' })
    expect((await send(alertmanager([resolved('b')]))).body.results[0]).toMatchObject({ outcome: 'scaled', to: 4 })
  })

  it('waits until nothing of the service fires in the group, whatever others do', async () => {
    const { send, add, replicas } = start2()
    add('api')
    const api = { labels: { service: 'api' } }
    await send(alertmanager([firing('a'), firing('b'), firing('c', api)]))
    await send(alertmanager([firing('a'), resolved('b'), firing('c', api)]))
    expect([replicas('web'), replicas('api')]).toEqual([4, 4])
    await send(alertmanager([resolved('a'), firing('c', api)]))
    expect([replicas('web'), replicas('api')]).toEqual([3, 4])
  })

  it('works on the routes of a step too, but not for an alert that asks for down', async () => {
    const { send, replicas } = start2()
    expect((await send(alertmanager([resolved('a')]), '/v1/autoscaler/web/up')).body).toMatchObject({ from: 3, to: 2 })
    expect((await send(alertmanager([resolved('a')]), '/v1/autoscaler/web/down')).body).toMatchObject({
      code: 'resolved',
    })
    expect(replicas()).toBe(2)
  })
})

describe('what stands', () => {
  const start2 = () => start({ 'autoscaler.on-firing': 'repeat' })

  it('is shown with its autoscaler, and ended by DELETE', async () => {
    const { app, send } = start2()
    await send(alertmanager([alert({ labels: { by: '2' } })]))
    const shown = (await app.inject('/v1/autoscaler/web')).json()
    expect(shown.alerts).toEqual([
      {
        fingerprint: '0123456789abcdef',
        name: 'HighLoad',
        direction: 'up',
        by: '2',
        source: 'alertmanager',
        startsAt: STARTED,
        since: '2026-01-31T12:00:00.000Z',
        lastNews: '2026-01-31T12:00:00.000Z',
        suspended: false,
      },
    ])
    expect(shown.conditions).toContainEqual(expect.objectContaining({ type: 'AlertStanding', status: true }))
    const ended = await app.inject({ method: 'DELETE', url: '/v1/autoscaler/web/alerts' })
    expect([ended.statusCode, ended.json().alerts]).toEqual([200, []])
    expect((await app.inject({ method: 'DELETE', url: '/v1/autoscaler/nobody/alerts' })).statusCode).toBe(404)
  })

  it('begins on the routes of a step as well', async () => {
    const { app, send } = start2()
    await send(alertmanager(), '/v1/autoscaler/web/down?by=2')
    const { alerts, observation } = (await app.inject('/v1/autoscaler/web')).json()
    expect([alerts, observation.replicas]).toEqual([[expect.objectContaining({ direction: 'down', by: '2' })], 1])
  })
})
