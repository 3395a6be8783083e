/**
 * 10000 random and mutated notifications: no crash, no 5xx, and no write that the rules do not allow.
 * What may be written is judged from the body alone, by a reading of its own that is as simple as it can be.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { alert, alertmanager, grafana } from '../../../support/builders/notifications.ts'
import { server } from '../../../support/use-cases/http.ts'
import { memoryController } from '../../../support/use-cases/memory-controller.ts'

const SERVICES = ['web', 'api', 'paused', 'invalid', 'unlabelled'] as const
const MIN = 2
const MAX = 30

const labels = (over: Record<string, string> = {}) => ({
  'autoscaler.enable': 'true',
  'autoscaler.min': String(MIN),
  'autoscaler.max': String(MAX),
  'autoscaler.cooldown': '0',
  ...over,
})

function start() {
  const clock = { nowMs: Date.UTC(2026, 0, 31, 12) }
  const { swarm, catalog, scaler, alerts, book } = memoryController(clock)
  const add = (name: string, own: Record<string, string>) =>
    swarm.add({ id: `id-${name}`, name, replicas: 10, labels: own })
  add('web', labels())
  add('api', labels({ 'autoscaler.on-firing': 'repeat', 'autoscaler.on-resolved': 'down' }))
  add('paused', labels({ 'autoscaler.paused': 'true' }))
  add('invalid', labels({ 'autoscaler.max': 'many' }))
  add('unlabelled', {})
  const app = server({ catalog, scaler, alerts, now: () => clock.nowMs })
  const counts = () => new Map(SERVICES.map((name) => [name, swarm.service(`id-${name}`)?.replicas ?? 0]))
  return { app, clock, counts, book }
}

const odd = fc.oneof(
  fc.constantFrom(null, '', 0, -1, 1e308, true, [], {}, 'x'.repeat(500), '\u0000', '__proto__', '💥'),
  fc.jsonValue({ maxDepth: 2 }),
)
const text = (...likely: string[]) => fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...likely) }, odd)
const labelSet = fc.record(
  {
    service: text(...SERVICES, 'nobody'),
    autoscaler: text(...SERVICES),
    scale: text('up', 'down', 'UP'),
    by: text('1', '3', '50%', '0', 'x'),
    alertname: text('HighLoad', 'TestAlert', 'DatasourceNoData', 'DatasourceError'),
  },
  { requiredKeys: [] },
)
const anAlert = fc.record(
  {
    status: text('firing', 'firing', 'resolved'),
    labels: fc.oneof({ weight: 8, arbitrary: labelSet }, odd),
    annotations: fc.oneof(fc.constant({}), fc.record({ grafana_state_reason: text('NoData', 'Error') }), odd),
    startsAt: text('2026-01-31T11:59:00Z', '2026-01-31T12:00:00Z'),
    endsAt: odd,
    fingerprint: text('a', 'b', 'c', '0123456789abcdef'),
    values: fc.constantFrom(null, { A: 1 }),
  },
  { requiredKeys: [] },
)
const made = fc.record(
  {
    version: fc.constantFrom('4', '1'),
    alerts: fc.array(fc.oneof({ weight: 8, arbitrary: anAlert }, odd), { maxLength: 6 }),
    status: text('firing', 'firing', 'resolved'),
    state: text('alerting', 'ok'),
    groupKey: text('{}:{service="web"}', '{}:{}', 'orrery-a-1769860800'),
    receiver: text('orrery', 'other'),
    notification_reason: text('first notification', 'some alerts resolved', 'repeat interval elapsed', 'unknown'),
    groupLabels: fc.oneof(labelSet, odd),
    commonLabels: fc.oneof(labelSet, odd),
    truncatedAlerts: fc.oneof(fc.constantFrom(0, 3, 2 ** 53), odd),
  },
  { requiredKeys: ['version', 'alerts'] },
)
/** A sound notification in which one thing somewhere is replaced, or which is cut off. */
const mutated = fc
  .record({
    sound: fc.constantFrom<object>(
      alertmanager(),
      alertmanager([alert(), alert({ status: 'resolved', fingerprint: 'b' })]),
      alertmanager([
        alert({ labels: { service: 'api', by: '3' } }),
        alert({ labels: { service: 'web', scale: 'down' } }),
      ]),
      grafana([alert({ labels: { service: 'paused' } }), alert()]),
    ),
    at: fc.nat(),
    by: odd,
    cut: fc.option(fc.nat({ max: 2000 }), { freq: 10 }),
  })
  .map(({ sound, at, by, cut }) => {
    const body = JSON.stringify(replaced(sound, at, by))
    return cut === null ? body : body.slice(0, cut)
  })

function replaced(value: unknown, at: number, by: unknown): unknown {
  const places: { holder: object; key: string }[] = []
  const copy: unknown = JSON.parse(JSON.stringify(value))
  const visit = (holder: unknown) => {
    if (typeof holder !== 'object' || holder === null) return
    for (const key of Object.keys(holder)) {
      places.push({ holder, key })
      visit(Reflect.get(holder, key))
    }
  }
  visit(copy)
  const place = places[at % places.length]
  if (place !== undefined) Reflect.set(place.holder, place.key, by)
  return copy
}

const body = fc.oneof(
  made.map((one) => JSON.stringify(one)),
  mutated,
)
const url = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('/v1/webhook/alertmanager', '/v1/webhook/grafana') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '/v1/autoscaler/web/up',
      '/v1/autoscaler/api/down',
      '/handle/autoswarm/web/up',
      '/v1/scale-service',
    ),
  },
)

type Json = Record<string, unknown>
const record = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})

/** The services for which anything in the body may move the count: it fires with a label that names one, or resolved for `api`. */
function mayMove(raw: string): ReadonlySet<string> {
  const parsed = record(safely(raw))
  const alerts = Array.isArray(parsed.alerts) ? parsed.alerts.map(record) : []
  const named = (one: Json): string[] =>
    [one.labels, parsed.groupLabels, parsed.commonLabels].flatMap((set) =>
      [record(set).service, record(set).autoscaler].flatMap((name) =>
        typeof name === 'string' || typeof name === 'number' ? [String(name)] : [],
      ),
    )
  const over = parsed.status === 'resolved'
  const firing = over ? [] : alerts.filter((one) => one.status === 'firing')
  if (parsed.status === 'firing' && alerts.length === 0) firing.push({})
  const resolved = alerts.filter((one) => one.status === 'resolved' || over).flatMap(named)
  return new Set([...firing.flatMap(named), ...resolved.filter((name) => name === 'api')])
}

function isNotification(raw: string): boolean {
  const { version, alerts } = record(safely(raw))
  return (version === '4' || version === '1') && Array.isArray(alerts)
}

function safely(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}

it('10000 notifications: no crash, no 5xx, and only what fires is scaled, inside the bounds', {
  timeout: 120_000,
}, async () => {
  const { app, clock, counts, book } = start()
  let moves = 0
  await fc.assert(
    fc.asyncProperty(url, body, fc.nat({ max: 90_000 }), async (path, payload, passMs) => {
      clock.nowMs += passMs
      const before = counts()
      const stood = book.current().standing.size > 0
      const answer = await app.inject({ method: 'POST', url: path, payload })
      // A body that is not a notification is a plain call there, and a refusal 500 as it was with Orbiter.
      if (isNotification(payload) || !path.startsWith('/handle')) {
        expect(answer.statusCode, answer.body).toBeLessThan(500)
      }
      const isWebhook = path.startsWith('/v1/webhook')
      const allowed = mayMove(payload)
      for (const [name, count] of counts()) {
        if (count === before.get(name)) continue
        moves += 1
        expect(['web', 'api']).toContain(name)
        if (isWebhook && !(stood && name === 'api')) expect([...allowed], `${name} moved by ${payload}`).toContain(name)
        expect(count).toBeGreaterThanOrEqual(MIN)
        expect(count).toBeLessThanOrEqual(MAX)
      }
      if (isWebhook && answer.statusCode === 200) {
        expect(answer.json().results).toHaveLength(resultCount(payload))
      }
      for (const { serviceId } of book.current().standing.values()) expect(serviceId).toBe('id-api')
    }),
    { numRuns: 10_000 },
  )
  expect(moves).toBeGreaterThan(200)
})

/** One result for each alert; a group whose alerts were all left out is one. */
function resultCount(raw: string): number {
  const { alerts, truncatedAlerts, status, state } = record(safely(raw))
  const count = Array.isArray(alerts) ? alerts.length : 0
  const fires = status === 'firing' && (state === 'alerting' || state === '' || typeof state !== 'string')
  const isLeftOut = typeof truncatedAlerts === 'number' && truncatedAlerts > 0 && fires
  return count === 0 && isLeftOut ? 1 : count
}
