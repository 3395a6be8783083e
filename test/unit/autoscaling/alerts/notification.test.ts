import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { meaningOf } from '../../../../src/autoscaling/alerts/alert-meaning.ts'
import { readNotification } from '../../../../src/autoscaling/alerts/notification.ts'
import { alert, alertmanager, grafana } from '../../../support/builders/notifications.ts'

const statuses = (body: unknown) => readNotification(body)?.alerts.map(({ status }) => status)

describe('a notification', () => {
  it('of Alertmanager and of Grafana is known by its shape', () => {
    expect(readNotification(alertmanager())).toMatchObject({ sender: 'alertmanager', receiver: 'orrery', truncated: 0 })
    expect(readNotification(grafana())).toMatchObject({ sender: 'grafana' })
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'alerts'],
    ['a list', [alertmanager()]],
    ['a version that is a number', { version: 4, alerts: [] }],
    ['another version', { version: '2', alerts: [] }],
    ['no alerts', { version: '4' }],
    ['alerts that are no list', { version: '4', alerts: { 0: alert() } }],
    ['a legacy alert of Grafana', { ruleId: 1, ruleName: 'High load', state: 'alerting', evalMatches: [] }],
    ['a template of somebody’s own', { status: 'firing', labels: { service: 'web' } }],
  ])('is not %s', (_name, body) => {
    expect(readNotification(body)).toBeUndefined()
  })

  it('needs no more than its version and its list', () => {
    const read = readNotification({ version: '4', alerts: [{ status: 'firing' }] })
    expect(read).toMatchObject({ groupKey: '', receiver: '', truncated: 0, alerts: [{ status: 'firing' }] })
    expect(read).not.toHaveProperty('reason')
  })

  it('G5 may have null and nonsense wherever it likes', () => {
    const odd = { ...alert(), values: null, annotations: null, startsAt: 5, fingerprint: {}, endsAt: [] }
    const body = grafana([odd], { groupLabels: null, commonLabels: 7, truncatedAlerts: 'x', receiver: null, orgId: {} })
    expect(readNotification(body)).toMatchObject({ alerts: [{ status: 'firing', fingerprint: '', startsAt: '' }] })
  })

  it('fires with those of its alerts that do', () => {
    const body = alertmanager([alert(), alert({ status: 'resolved' }), null, 7, {}, { status: 'FIRING' }])
    expect(statuses(body)).toEqual(['firing', 'resolved', ...Array(4).fill('unreadable')])
  })

  it('G6 fires with none when it says of itself that it is over', () => {
    expect(statuses(alertmanager([alert()], { status: 'resolved' }))).toEqual(['resolved'])
    expect(statuses(grafana([alert()], { status: undefined, state: 'ok' }))).toEqual(['resolved'])
  })

  it('is an alert itself when all of its alerts were left out', () => {
    const left = { status: 'firing', truncatedAlerts: 3, groupLabels: { service: 'web', scale: 'up' } }
    expect(statuses(alertmanager([], left))).toEqual(['firing'])
    expect(statuses(alertmanager([], { ...left, status: 'resolved' }))).toEqual([])
    expect(statuses(alertmanager([], { ...left, truncatedAlerts: 0 }))).toEqual([])
  })

  it('tells alerts without fingerprint apart by their labels, in any order', () => {
    const identity = (labels: Record<string, string>) =>
      readNotification(alertmanager([{ status: 'firing', labels }]))?.alerts[0]?.identity
    expect(identity({ a: '1', b: '2' })).toBe(identity({ b: '2', a: '1' }))
    expect(identity({ a: '1' })).not.toBe(identity({ a: '2' }))
  })
})

const UP = { kind: 'wish', target: { label: 'service', name: 'web' }, direction: 'up', firing: true }

function meaning(body: unknown) {
  const notification = readNotification(body)
  const first = notification?.alerts[0]
  if (notification === undefined || first === undefined) throw new Error('no alert')
  return meaningOf(first, notification)
}

/** Of one alert with these labels and no others. */
const labelled = (labels: Record<string, string>, over: object = {}) =>
  meaning(alertmanager([{ status: 'firing', labels }], over))

describe('an alert', () => {
  it('says by its labels what it is for', () => {
    expect(meaning(alertmanager())).toEqual(UP)
    expect(labelled({ autoscaler: 'shop', scale: 'down', by: '25%' })).toEqual({
      ...UP,
      target: { label: 'autoscaler', name: 'shop' },
      direction: 'down',
      by: { kind: 'percent', percent: 25 },
    })
  })

  it('is for its autoscaler rather than its service', () => {
    expect(labelled({ service: 'a', autoscaler: 'b', scale: 'up' })).toMatchObject({ target: { name: 'b' } })
  })

  it('S15 has the labels of its group, then the common ones, where it has none itself', () => {
    const group = { groupLabels: { service: 'web' }, commonLabels: { service: 'no', scale: 'up', by: '2' } }
    expect(labelled({}, group)).toEqual({ ...UP, by: { kind: 'count', count: 2 } })
    expect(labelled({ service: 'own' }, group)).toMatchObject({ target: { name: 'own' } })
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['names nothing', { scale: 'up' }, /no label autoscaler or service/],
    ['names nothing but an empty text', { service: '', scale: 'up' }, /no label autoscaler or service/],
    ['has no direction', { service: 'web' }, /no label scale; write "up" or "down"/],
    ['has a direction in capitals', { service: 'web', scale: 'UP' }, /scale is "UP"/],
    ['has a by of 0', { service: 'web', scale: 'up', by: '0' }, /by is "0"/],
    ['has a negative by', { service: 'web', scale: 'up', by: '-2' }, /by is "-2"/],
    ['has a by of words', { service: 'web', scale: 'up', by: 'x'.repeat(1000) }, /by is "x{60}…"/],
  ])('that %s asks for nothing, and says why', (_name, labels, detail) => {
    expect(labelled(labels)).toMatchObject({
      kind: 'problem',
      code: 'invalid-value',
      detail: expect.stringMatching(detail),
    })
  })

  it('that is none is malformed', () => {
    expect(meaning(alertmanager([null]))).toMatchObject({ kind: 'problem', code: 'malformed' })
  })
})

describe('what was not measured', () => {
  const noData: [string, unknown][] = [
    ['G3 a test of the contact point', grafana([alert({ labels: { alertname: 'TestAlert', instance: 'Grafana' } })])],
    ['G3 a test with labels of one’s own', grafana([alert()], { groupKey: 'orrery-0123456789abcdef-1769860800' })],
    ['G4 DatasourceNoData', grafana([alert({ labels: { alertname: 'DatasourceNoData', rulename: 'HighLoad' } })])],
    ['G4 DatasourceError', grafana([alert({ labels: { alertname: 'DatasourceError' } })])],
    ['G4 in the form of Alertmanager', alertmanager([alert({ labels: { alertname: 'DatasourceError' } })])],
    ...['NoData', 'Error', 'MissingSeries', 'Paused', 'Error, KeepLast'].map((state): [string, unknown] => [
      `G4 grafana_state_reason ${state}`,
      grafana([alert({ annotations: { grafana_state_reason: state } })]),
    ]),
  ]
  it.each(noData)('%s asks for nothing', (_name, body) => {
    expect(meaning(body)).toEqual({ ...UP, noData: expect.stringMatching(/\S/) })
  })

  it('asks for nothing also where it names no autoscaler, as Grafana’s own test', () => {
    const labels = { alertname: 'TestAlert', instance: 'Grafana' }
    expect(meaning(grafana([{ status: 'firing', labels }]))).toEqual({ kind: 'no-data', reason: expect.any(String) })
  })

  it.each([
    ['an alert of Prometheus named TestAlert', alertmanager([alert({ labels: { alertname: 'TestAlert' } })])],
    ['an empty state reason', grafana([alert({ annotations: { grafana_state_reason: '' } })])],
    ['a group whose key only looks like a test’s', grafana([alert()], { groupKey: 'x-0123456789abcdef-12a' })],
    [
      'an alert without fingerprint in a group with dashes',
      grafana([alert({ fingerprint: '' })], { groupKey: 'a--1' }),
    ],
  ])('is not %s', (_name, body) => {
    expect(meaning(body)).toEqual(UP)
  })
})

it('any JSON at all is read without a throw', () => {
  const word = fc.constantFrom('version', 'alerts', 'status', 'labels', 'annotations', 'groupKey', 'service', 'scale')
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('4', '1', 'firing', 'up'))
  const some = fc.dictionary(word, value, { noNullPrototype: true })
  const body = fc.record({ version: fc.constantFrom('4', '1'), alerts: fc.array(fc.oneof(some, value)) })
  fc.assert(
    fc.property(fc.oneof(body, some, value), (raw) => {
      const notification = readNotification(raw)
      for (const one of notification?.alerts ?? []) {
        if (notification !== undefined) expect(meaningOf(one, notification).kind).toMatch(/^(wish|no-data|problem)$/)
      }
    }),
    { numRuns: 2000 },
  )
})
