import { describe, expect, it } from 'vitest'
import { isKnownWhole, rememberGroup } from '../../../../src/autoscaling/alerts/alert-groups.ts'
import {
  type AlertState,
  confirm,
  EMPTY_ALERT_STATE,
  end,
  type StandingAlert,
  stand,
  standingKey,
  standingOf,
  suspend,
} from '../../../../src/autoscaling/alerts/alert-state.ts'
import { NOW } from '../../../support/builders/autoscaling.ts'

const standing = (over: Partial<StandingAlert> = {}): StandingAlert => ({
  serviceId: 'service1',
  direction: 'up',
  alertId: '0123456789abcdef',
  source: 'alertmanager',
  name: 'HighLoad',
  startsAt: '2026-01-31T11:59:00Z',
  sinceMs: NOW,
  newsAtMs: NOW,
  replicas: 3,
  suspended: false,
  ...over,
})

const of = (...alerts: StandingAlert[]): AlertState => ({
  ...EMPTY_ALERT_STATE,
  standing: new Map(alerts.map((alert) => [standingKey(alert), alert])),
})

describe('what stands', () => {
  it('changes with the first news, and again only with news that is worth a write', () => {
    const first = stand(EMPTY_ALERT_STATE, standing(), 60_000)
    expect(standingOf(first, 'service1')).toMatchObject({ direction: 'up', alerts: [standing()] })
    expect(stand(first, standing({ newsAtMs: NOW + 59_999 }), 60_000)).toBe(first)
    const later = stand(first, standing({ sinceMs: NOW + 60_000, newsAtMs: NOW + 60_000 }), 60_000)
    expect([...later.standing.values()]).toEqual([standing({ newsAtMs: NOW + 60_000 })])
    for (const over of [{ startsAt: 'later' }, { by: { kind: 'count', count: 2 } as const }]) {
      expect(stand(first, standing(over), 60_000)).not.toBe(first)
    }
  })

  it('is for up where anything stands for up, and for nothing where all is suspended', () => {
    const both = of(standing({ direction: 'down' }), standing({ direction: 'down', alertId: 'b' }), standing())
    expect(standingOf(both, 'service1')).toMatchObject({ direction: 'up', alerts: [{ direction: 'up' }] })
    expect(
      standingOf(
        end(both, ({ direction }) => direction === 'up'),
        'service1',
      )?.alerts,
    ).toHaveLength(2)
    expect(standingOf(suspend(both, 'service1', { atMs: NOW }), 'service1')).toBeUndefined()
    expect(standingOf(both, 'service2')).toBeUndefined()
  })

  it('is suspended until its next news', () => {
    const suspended = suspend(of(standing()), 'service1', { atMs: NOW, replicas: 9 })
    expect(standingOf(suspended, 'service1')).toBeUndefined()
    expect(suspend(suspended, 'service1', { atMs: NOW })).toBe(suspended)
    expect(standingOf(stand(suspended, standing({ replicas: 9 }), 60_000), 'service1')?.alerts).toHaveLength(1)
  })

  it('is not suspended by a count that its last news knew, when that was perhaps long ago', () => {
    const state = of(standing({ replicas: 9 }))
    expect(suspend(state, 'service1', { atMs: NOW, replicas: 9 })).toBe(state)
    expect(suspend(state, 'service2', { atMs: NOW })).toBe(state)
    expect(suspend(state, 'service1', { atMs: NOW - 1 })).toBe(state)
  })

  it('is confirmed without an end of its suspension', () => {
    const state = of(standing({ suspended: true }))
    const at = { nowMs: NOW + 100, newsEveryMs: () => 100 }
    expect([...confirm(state, new Set(state.standing.keys()), at).standing.values()]).toEqual([
      standing({ suspended: true, newsAtMs: NOW + 100 }),
    ])
    expect(confirm(state, new Set(['other']), at)).toBe(state)
    expect(confirm(state, new Set(state.standing.keys()), { ...at, newsEveryMs: () => 101 })).toBe(state)
  })

  it('is at most 50 alerts of one service and direction', () => {
    let state = EMPTY_ALERT_STATE
    for (let n = 0; n < 60; n += 1) state = stand(state, standing({ alertId: `a${n}` }), 1)
    state = stand(state, standing({ direction: 'down' }), 1)
    expect(state.standing.size).toBe(51)
    expect(stand(state, standing({ alertId: 'a0', newsAtMs: NOW + 1 }), 1)).not.toBe(state)
  })

  it('is the same state where nothing changes', () => {
    const state = of(standing())
    expect(end(state, () => false)).toBe(state)
  })
})

describe('a group', () => {
  const remember = (state: AlertState, key: string, firing: string[], nowMs = NOW) =>
    rememberGroup(state, key, { firing, nowMs })
  const [a, b, c] = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc']

  it('is known when all that fires was there before', () => {
    const state = remember(EMPTY_ALERT_STATE, 'g', [a, b])
    expect(isKnownWhole(state.groups.get('g'), [a])).toBe(true)
    expect(isKnownWhole(state.groups.get('g'), [a, b])).toBe(true)
    expect(isKnownWhole(state.groups.get('g'), [a, c])).toBe(false)
    expect(isKnownWhole(state.groups.get('other'), [a])).toBe(false)
  })

  it('is what fired last, and nothing once nothing does', () => {
    const state = remember(remember(EMPTY_ALERT_STATE, 'g', [a, b]), 'g', [b])
    expect(state.groups.get('g')?.firing).toEqual(new Set([b]))
    expect(remember(state, 'g', []).groups.size).toBe(0)
    expect(remember(EMPTY_ALERT_STATE, 'g', [])).toBe(EMPTY_ALERT_STATE)
  })

  it('that says the same again is no change, but for its time each hour', () => {
    const state = remember(EMPTY_ALERT_STATE, 'g', [a, b])
    expect(remember(state, 'g', [b, a], NOW + 3_599_000)).toBe(state)
    expect(remember(state, 'g', [b, a], NOW + 3_600_000)).not.toBe(state)
  })

  it('is one of 200 at most, and of 20000 alerts: the oldest are forgotten', () => {
    let state = EMPTY_ALERT_STATE
    for (let n = 0; n < 210; n += 1) state = remember(state, `g${n}`, [a], NOW + n * 1000)
    expect(state.groups.size).toBe(200)
    expect([state.groups.has('g9'), state.groups.has('g10'), state.groups.has('g209')]).toEqual([false, true, true])
    const many = Array.from({ length: 19_990 }, (_, n) => String(n).padStart(8, '0'))
    expect(remember(state, 'big', many, NOW + 999_000).groups.size).toBe(11)
  })
})
