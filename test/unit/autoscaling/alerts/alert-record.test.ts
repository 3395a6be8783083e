import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeAlertState, encodeAlertState } from '../../../../src/autoscaling/alerts/alert-record.ts'
import { end, type StandingAlert, standingKey } from '../../../../src/autoscaling/alerts/alert-state.ts'
import { standing } from '../../../support/builders/autoscaling.ts'

const word = fc.stringMatching(/^[A-Za-z0-9_-]{1,30}$/)
const step = fc.oneof(
  fc.record({ kind: fc.constant('count' as const), count: fc.integer({ min: 1, max: 1000 }) }),
  fc.record({ kind: fc.constant('percent' as const), percent: fc.integer({ min: 1, max: 10_000 }) }),
)
const anyStanding: fc.Arbitrary<StandingAlert> = fc
  .record({
    serviceId: word,
    direction: fc.constantFrom('up' as const, 'down' as const),
    alertId: word,
    source: fc.constantFrom('alertmanager' as const, 'grafana' as const),
    name: fc.string(),
    startsAt: fc.string(),
    by: fc.option(step),
    sinceMs: fc.nat(),
    newsAtMs: fc.nat(),
    replicas: fc.nat(),
    suspended: fc.boolean(),
  })
  .map(({ by, ...alert }) => ({ ...alert, ...(by && { by }) }))
const group = fc.record({
  atSeconds: fc.nat({ max: 2 ** 31 - 1 }),
  firing: fc.array(fc.stringMatching(/^[A-Za-z0-9_-]{8}$/), { maxLength: 20 }).map((hashes) => new Set(hashes)),
})

describe('the labels of orrery-alerts', () => {
  it('carry what stands and what was heard of groups through a write and a read', () => {
    fc.assert(
      fc.property(fc.array(anyStanding), fc.array(fc.tuple(word, group)), (alerts, groups) => {
        const byKey = new Map(alerts.map((alert) => [standingKey(alert), alert]))
        const state = { standing: byKey, groups: new Map(groups) }
        expect(decodeAlertState(encodeAlertState(state, {}))).toEqual(state)
      }),
    )
  })

  it('never throw, whatever is in them, and keep what they cannot read', () => {
    const name = fc.oneof(
      fc.string(),
      fc.string().map((key) => `stand.${key}`),
      word.map((id) => `stand.${id}.up.${id}`),
      word.map((id) => `group.${id}`),
    )
    fc.assert(
      fc.property(fc.dictionary(name, fc.oneof(fc.string(), fc.json(), fc.constant('abc:'))), (labels) => {
        const state = decodeAlertState(labels)
        expect(Object.entries(encodeAlertState(state, labels)).sort()).toEqual(Object.entries(labels).sort())
      }),
    )
  })

  it('lose what has ended, and no more', () => {
    const labels = {
      ...encodeAlertState(standing(), {}),
      ...encodeAlertState(standing({ alertId: 'b' }), {}),
      'later.x': 'of a newer version',
    }
    const next = end(decodeAlertState(labels), ({ alertId }) => alertId === 'b')
    expect(Object.keys(encodeAlertState(next, labels)).sort()).toEqual(['later.x', 'stand.id-web.up.a'])
  })
})
