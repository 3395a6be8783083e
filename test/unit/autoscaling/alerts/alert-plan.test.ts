import { describe, expect, it } from 'vitest'
import { type AlertWish, type PlanContext, planFor } from '../../../../src/autoscaling/alerts/alert-plan.ts'
import type { Alert } from '../../../../src/autoscaling/alerts/notification.ts'
import { policy } from '../../../support/builders/autoscaling.ts'

const anAlert = (name: string): Alert => ({
  status: 'firing',
  fingerprint: name,
  identity: name,
  startsAt: '',
  labels: new Map([['alertname', name]]),
  annotations: new Map(),
})

const wish = (name: string, over: Partial<AlertWish> = {}): AlertWish => ({
  alert: anAlert(name),
  direction: 'up',
  firing: true,
  ...over,
})
const resolved = (name: string, over: Partial<AlertWish> = {}) => wish(name, { firing: false, ...over })

const context = (over: Partial<PlanContext> = {}): PlanContext => ({
  replicas: 10,
  policy: policy(),
  resent: false,
  truncated: false,
  othersStand: false,
  ...over,
})
const downOnResolved = (over: Partial<PlanContext> = {}) => context({ policy: policy({ onResolved: 'down' }), ...over })

const count = (n: number) => ({ kind: 'count' as const, count: n })
const percent = (n: number) => ({ kind: 'percent' as const, percent: n })
const NOTHING = { kind: 'held', code: 'resolved' }

interface Story {
  readonly name: string
  readonly wishes: readonly AlertWish[]
  readonly given?: PlanContext
  readonly main: object
}

const stories: Story[] = [
  { name: 'one alert that fires is one step', wishes: [wish('a')], main: { kind: 'step', direction: 'up' } },
  {
    name: 'many are one step, in the name of all',
    wishes: [wish('a'), wish('b'), wish('c')],
    main: { kind: 'step', alerts: [anAlert('a'), anAlert('b'), anAlert('c')] },
  },
  {
    name: 'up wins over down, in the name of those for up',
    wishes: [wish('a', { direction: 'down', by: count(9) }), wish('b', { by: count(2) })],
    main: { kind: 'step', direction: 'up', by: count(2), alerts: [anAlert('b')] },
  },
  {
    name: 'the largest by counts, worked out on the count',
    wishes: [wish('a', { by: count(4) }), wish('b', { by: percent(50) }), wish('c')],
    main: { kind: 'step', by: percent(50) },
  },
  {
    name: 'an alert without by counts as the step of the policy',
    wishes: [wish('a', { by: count(2) }), wish('b')],
    given: context({ policy: policy({ stepUp: count(3) }) }),
    main: { kind: 'step', by: undefined },
  },
  { name: 'nothing at all asks for nothing', wishes: [], main: NOTHING },
  {
    name: 'a group that is sent again asks for nothing',
    wishes: [wish('a')],
    given: context({ resent: true }),
    main: NOTHING,
  },
  { name: 'what has resolved asks for nothing', wishes: [resolved('a')], main: NOTHING },
  {
    name: 'what has resolved asks for nothing of an invalid policy',
    wishes: [resolved('a')],
    given: context({ policy: undefined }),
    main: NOTHING,
  },
  {
    name: 'what was not measured asks for nothing',
    wishes: [wish('a', { noData: 'no data' })],
    main: { kind: 'held', code: 'no-data', reason: 'no data' },
  },
  {
    name: 'what was not measured does not keep another alert from its step',
    wishes: [wish('a', { noData: 'no data' }), wish('b')],
    main: { kind: 'step', alerts: [anAlert('b')] },
  },
  {
    name: 'on-resolved=down: what has resolved is a step down',
    wishes: [resolved('a', { by: count(5) })],
    given: downOnResolved(),
    main: { kind: 'step', because: 'resolved', direction: 'down', by: undefined },
  },
  {
    name: 'on-resolved=down: not while another alert fires',
    wishes: [resolved('a'), wish('b')],
    given: downOnResolved(),
    main: { kind: 'step', because: 'firing', direction: 'up', alerts: [anAlert('b')] },
  },
  {
    name: 'on-resolved=down: not while another alert fires in a group that is sent again',
    wishes: [resolved('a'), wish('b')],
    given: downOnResolved({ resent: true }),
    main: NOTHING,
  },
  {
    name: 'on-resolved=down: not while another alert stands',
    wishes: [resolved('a')],
    given: downOnResolved({ othersStand: true }),
    main: NOTHING,
  },
  {
    name: 'on-resolved=down: not while alerts of the group are missing',
    wishes: [resolved('a')],
    given: downOnResolved({ truncated: true }),
    main: NOTHING,
  },
  {
    name: 'on-resolved=down: not for an alert that asked for less',
    wishes: [resolved('a', { direction: 'down' })],
    given: downOnResolved(),
    main: NOTHING,
  },
  {
    name: 'on-resolved=down: not for one that resolved because its rule was paused',
    wishes: [resolved('a', { noData: 'paused' })],
    given: downOnResolved(),
    main: { kind: 'held', code: 'no-data' },
  },
]

describe('the alerts of a notification for one service', () => {
  it.each(stories)('$name', ({ wishes, given = context(), main }) => {
    expect({ by: undefined, ...planFor(wishes, given).main }).toMatchObject(main)
  })

  it('have each their answer', () => {
    const { main, each } = planFor([wish('a'), resolved('b'), wish('c', { noData: 'no data' }), wish('d')], context())
    expect(each).toEqual([main, expect.objectContaining(NOTHING), expect.objectContaining({ code: 'no-data' }), main])
    expect(each[0]).toBe(main)
  })
})
