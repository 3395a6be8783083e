/**
 * The numbers of Kubernetes' own tests of the HorizontalPodAutoscaler, in a form of our own: pkg/controller/podautoscaler of
 * kubernetes/kubernetes, replica_calculator_test.go (00067268967e) and horizontal_test.go (4e62298c1bd1), Apache-2.0.
 *
 * Left out, since the label language cannot say it or Swarm has no such thing: pods metrics with one value a pod and their
 * missing pods (`metricType: podMetric`), object metrics but for their sums, tasks with requests of their own, `selectPolicy`
 * Min and Disabled, readiness other than by age, failed and deleted pods (Swarm's tasks that do not run are not looked at),
 * API errors by their text, and what is stored of outdated events. Where ours departs on purpose, the case says how: the
 * count is the spec's and not that of ready pods, and nothing shrinks while tasks were not measured.
 */
import { describe, expect, it } from 'vitest'
import { type Decimal, ONE } from '../../../../src/autoscaling/load/decimal.ts'
import { NOT_WIDENED, type NotedChange } from '../../../../src/autoscaling/load/history.ts'
import type { Rate } from '../../../../src/autoscaling/load/load-policy.ts'
import { recommend } from '../../../../src/autoscaling/load/recommend.ts'
import { limitRate, stabilize } from '../../../../src/autoscaling/load/stabilize.ts'

const TOLERANCE: Decimal = ONE / 10n
const milli = (value: number): Decimal => BigInt(value) * 1_000_000n

describe('external metrics', () => {
  it.each([
    // GetExternalMetricReplicas: the value is compared as it is.
    { name: 'ScaleUpCMExternal', type: 'value', current: 1, value: 8600, target: 4400, replicas: 2 },
    {
      name: 'ScaleUpCMExternalIgnoresUnreadyPods, by the spec’s 3 and not the one ready pod',
      type: 'value',
      current: 3,
      value: 8600,
      target: 4400,
      replicas: 6,
    },
    { name: 'ScaleDownCMExternal', type: 'value', current: 5, value: 8600, target: 14_334, replicas: 3 },
    { name: 'ToleranceCMExternal', type: 'value', current: 3, value: 8600, target: 8888, replicas: 3 },
    { name: 'ScaleUpCMObject', type: 'value', current: 3, value: 20_000, target: 15_000, replicas: 4 },
    { name: 'ScaleDownCMObject', type: 'value', current: 5, value: 12_000, target: 20_000, replicas: 3 },
    { name: 'ToleranceCMObject', type: 'value', current: 3, value: 20_666, target: 20_000, replicas: 3 },
    // GetExternalPerPodMetricReplicas and GetObjectPerPodMetricReplicas: the value is a sum.
    { name: 'ScaleUpPerPodCMExternal', type: 'per-replica', current: 3, value: 8600, target: 2150, replicas: 4 },
    { name: 'ScaleDownPerPodCMExternal', type: 'per-replica', current: 5, value: 8600, target: 2867, replicas: 3 },
    { name: 'TolerancePerPodCMExternal', type: 'per-replica', current: 3, value: 8600, target: 2900, replicas: 3 },
    { name: 'ScaleUpCMPerPodObject', type: 'per-replica', current: 3, value: 20_000, target: 5000, replicas: 4 },
    { name: 'ScaleDownPerPodCMObject', type: 'per-replica', current: 5, value: 6000, target: 2000, replicas: 3 },
    { name: 'TolerancePerPodCMObject', type: 'per-replica', current: 4, value: 20_166, target: 5000, replicas: 4 },
    // The sums of what podMetric says of each pod, which are the same question.
    { name: 'ScaleUpCM as a sum', type: 'per-replica', current: 3, value: 60_000, target: 15_000, replicas: 4 },
    { name: 'ScaleDownCM as a sum', type: 'per-replica', current: 5, value: 60_000, target: 20_000, replicas: 3 },
    { name: 'ToleranceCM as a sum', type: 'per-replica', current: 3, value: 62_000, target: 20_000, replicas: 3 },
  ] as const)('$name', ({ type, current, value, target, replicas }) => {
    const metric = { kind: 'query', name: 'qps', query: 'qps', target: milli(target), type } as const
    const measurement = { kind: 'value', value: milli(value) } as const
    expect(recommend({ metric, measurement, current, tolerance: TOLERANCE })).toMatchObject({ count: replicas })
  })
})

describe('resources: levels in thousandths of a request of 1.0 each', () => {
  const rows = [
    { name: 'ScaleUp', current: 3, levels: [300, 500, 700], target: 30, replicas: 5 },
    { name: 'ScaleUpHotCpuLessScale', current: 3, levels: [500, 700], warming: 1, target: 30, replicas: 4 },
    { name: 'ScaleHotCpuNoScale', current: 3, levels: [400], warming: 2, target: 30, replicas: 3 },
    { name: 'ScaleUpIgnoresFailedPods', current: 2, levels: [500, 700], target: 30, replicas: 4 },
    { name: 'ScaleDown', current: 5, levels: [100, 300, 500, 250, 250], target: 50, replicas: 3 },
    {
      name: 'ScaleDownIgnoreHotCpuPods, of the spec’s 5 and not the 3 that count',
      current: 5,
      levels: [100, 300, 500],
      warming: 2,
      target: 50,
      replicas: 3,
    },
    { name: 'MissingMetricsNoChangeEq', current: 2, levels: [1000], unmeasured: 1, target: 100, replicas: 2 },
    { name: 'MissingMetricsNoChangeGt', current: 2, levels: [1900], unmeasured: 1, target: 100, replicas: 2 },
    { name: 'MissingMetricsNoChangeLt', current: 2, levels: [600], unmeasured: 1, target: 100, replicas: 2 },
    {
      name: 'MissingMetrics, which never shrinks here',
      current: 4,
      levels: [400, 95],
      unmeasured: 2,
      target: 100,
      replicas: 4,
    },
    {
      name: 'MissingMetricsHotCpuNoChange',
      current: 3,
      levels: [450],
      warming: 1,
      unmeasured: 1,
      target: 50,
      replicas: 3,
    },
    {
      name: 'MissingMetricsHotCpuScaleUp',
      current: 3,
      levels: [2000],
      warming: 1,
      unmeasured: 1,
      target: 50,
      replicas: 4,
    },
    {
      name: 'DuringRollingUpdateWithMaxSurge, which never shrinks here',
      current: 2,
      levels: [100, 100],
      unmeasured: 1,
      target: 50,
      replicas: 2,
    },
    { name: 'Tolerance', current: 3, levels: [1010, 1030, 1020], target: 100, replicas: 3 },
    {
      name: 'ComputedToleranceAlgImplementation, out of it',
      current: 10,
      levels: Array<number>(10).fill(500),
      target: 56,
      replicas: 9,
    },
    {
      name: 'ComputedToleranceAlgImplementation, in it',
      current: 10,
      levels: Array<number>(10).fill(500),
      target: 55,
      replicas: 10,
    },
  ]
  it.each(rows)('$name', ({ current, levels, warming = 0, unmeasured = 0, target, replicas }) => {
    const used = BigInt(levels.reduce((sum, level) => sum + level, 0))
    const measurement = { kind: 'usage', used, each: 1000n, measured: levels.length, warming, unmeasured } as const
    const metric = { kind: 'cpu', name: 'cpu', target: BigInt(target) * ONE } as const
    expect(recommend({ metric, measurement, current, tolerance: TOLERANCE })).toMatchObject({ count: replicas })
  })
})

const NOW = 1_000_000_000
const history = (
  recommendations: readonly [count: number, minutesAgo: number][],
  changes: readonly NotedChange[] = [],
) => ({
  recommendations: recommendations.map(([count, minutes]) => ({ count, atMs: NOW - minutes * 60_000 })),
  changes,
  failures: new Map<string, number>(),
  widening: NOT_WIDENED,
})

describe('TestNormalizeDesiredReplicasWithBehavior', () => {
  it.each([
    { name: 'empty recommendations for scaling down', of: [], current: 100, desired: 5, up: 0, down: 0, replicas: 5 },
    {
      name: 'simple scale down stabilization',
      of: [
        [4, 2],
        [5, 1],
      ],
      current: 100,
      desired: 3,
      up: 0,
      down: 180,
      replicas: 5,
    },
    {
      name: 'simple scale up stabilization',
      of: [
        [4, 2],
        [5, 1],
      ],
      current: 1,
      desired: 7,
      up: 300,
      down: 0,
      replicas: 4,
    },
    {
      name: 'no scale down stabilization',
      of: [
        [1, 2],
        [2, 1],
      ],
      current: 100,
      desired: 3,
      up: 300,
      down: 0,
      replicas: 3,
    },
    {
      name: 'no scale up stabilization',
      of: [
        [4, 2],
        [5, 1],
      ],
      current: 1,
      desired: 3,
      up: 0,
      down: 300,
      replicas: 3,
    },
    {
      name: 'no scale down stabilization, old ones',
      of: [
        [10, 10],
        [9, 9],
      ],
      current: 100,
      desired: 3,
      up: 0,
      down: 0,
      replicas: 3,
    },
    {
      name: 'no scale up stabilization, old ones',
      of: [
        [10, 10],
        [9, 9],
      ],
      current: 1,
      desired: 100,
      up: 0,
      down: 0,
      replicas: 100,
    },
    {
      name: 'scale down stabilization, obsolete ones',
      of: [
        [10, 10],
        [4, 1],
        [5, 2],
        [9, 9],
      ],
      current: 100,
      desired: 3,
      up: 0,
      down: 180,
      replicas: 5,
    },
    {
      name: 'scale up stabilization, obsolete ones',
      of: [
        [10, 100],
        [6, 1],
        [5, 2],
        [9, 3],
      ],
      current: 1,
      desired: 100,
      up: 300,
      down: 0,
      replicas: 5,
    },
  ] satisfies {
    name: string
    of: [number, number][]
    current: number
    desired: number
    up: number
    down: number
    replicas: number
  }[])('$name', ({ of, current, desired, up, down, replicas }) => {
    const windows = { windowUpMs: up * 1000, windowDownMs: down * 1000, history: history(of), nowMs: NOW }
    expect(stabilize(desired, current, windows)).toBe(replicas)
  })
})

describe('TestConvertDesiredReplicasWithRules: rates and what has changed already', () => {
  const pods = (count: number, seconds: number): Rate => ({
    amount: { kind: 'count', count },
    periodMs: seconds * 1000,
  })
  const percent = (value: number, seconds: number): Rate => ({
    amount: { kind: 'percent', percent: value },
    periodMs: seconds * 1000,
  })
  /** generateEventsUniformDistribution: evenly over the period, the last a fraction of it ago. */
  const events = (sizes: readonly number[], seconds: number, sign: 1 | -1): NotedChange[] =>
    sizes.map((size, index) => ({
      atMs: NOW - (seconds * 1000 * (sizes.length - 0.5 - index)) / sizes.length,
      ...{ from: 0, to: size * sign, byLoad: true },
    }))
  const up = events([1, 5, 9], 120, 1)
  const down = events([1, 5, 9], 120, -1)

  it.each([
    { name: 'scaleUp with pod policy', rates: [pods(10_000, 60)], current: 10, desired: 50, replicas: 50 },
    { name: 'scaleUp with pod policy limitation', rates: [pods(30, 60)], current: 10, desired: 50, replicas: 40 },
    {
      name: 'scaleUp with percent policy limitation',
      rates: [percent(200, 60)],
      current: 10,
      desired: 50,
      replicas: 30,
    },
    {
      name: 'scaleDown with percent policy larger than pod policy',
      rates: [pods(20, 60), percent(1, 60)],
      current: 100,
      desired: 2,
      replicas: 80,
    },
    {
      name: 'scaleDown with pod policy larger than percent policy',
      rates: [pods(2, 60), percent(1, 60)],
      current: 100,
      desired: 2,
      replicas: 98,
    },
    { name: 'scaleDown with large pod policy', rates: [pods(100, 60)], current: 10, desired: 0, replicas: 0 },
    { name: 'scaleDown with large percent policy', rates: [percent(100, 60)], current: 10, desired: 2, replicas: 2 },
    { name: 'scaleDown with pod policy limitation', rates: [pods(5, 60)], current: 10, desired: 2, replicas: 5 },
    {
      name: 'scaleDown with percent policy limitation',
      rates: [percent(50, 60)],
      current: 10,
      desired: 5,
      replicas: 5,
    },
    {
      name: 'scaleUp with large pod policy and events, before its max of 200',
      changes: up,
      rates: [pods(300, 60)],
      current: 100,
      desired: 500,
      replicas: 391,
    },
    {
      name: 'scaleUp with a lot of recent scale up events',
      changes: up,
      rates: [pods(5, 120)],
      current: 100,
      desired: 500,
      replicas: 100,
    },
    {
      name: 'scaleUp with pod policy and previous scale up events',
      changes: up,
      rates: [pods(150, 120)],
      current: 100,
      desired: 500,
      replicas: 235,
    },
    {
      name: 'scaleUp with percent policy and previous scale up events',
      changes: up,
      rates: [percent(200, 120)],
      current: 100,
      desired: 500,
      replicas: 255,
    },
    {
      name: 'scaleDown with large pod policy and previous events',
      changes: down,
      rates: [pods(115, 120)],
      current: 100,
      desired: 0,
      replicas: 0,
    },
    {
      name: 'scaleDown with pod policy limitation and previous events',
      changes: down,
      rates: [pods(5, 120)],
      current: 100,
      desired: 2,
      replicas: 100,
    },
    {
      name: 'scaleDown with percent policy limitation and previous events',
      changes: events([2, 4, 6], 120, -1),
      rates: [percent(50, 120)],
      current: 100,
      desired: 0,
      replicas: 56,
    },
    {
      name: 'scaleDown with previous events preventing further scale down',
      changes: events([10, 10, 10], 120, -1),
      rates: [percent(10, 120)],
      current: 100,
      desired: 0,
      replicas: 100,
    },
    {
      name: 'scaleDown with previous events still allowing more scale down',
      changes: events([10, 10, 10], 120, -1),
      rates: [percent(1000, 120)],
      current: 10,
      desired: 5,
      replicas: 5,
    },
    {
      name: 'up, outdated events',
      changes: events([8, 12, 9, 11], 120, 1),
      rates: [pods(1000, 60)],
      current: 100,
      desired: 200,
      replicas: 200,
    },
    {
      name: 'up, two policies, all events count',
      changes: events([8, 12, 9, 11], 120, 1),
      rates: [pods(1000, 120), percent(100, 60)],
      current: 100,
      desired: 200,
      replicas: 200,
    },
    {
      name: 'up, two policies, some events count',
      changes: events([8, 12, 9, 11], 120, 1),
      rates: [pods(1000, 30), percent(100, 60)],
      current: 100,
      desired: 200,
      replicas: 200,
    },
    {
      name: 'down, outdated events',
      changes: events([8, 12, 9, 11], 120, -1),
      rates: [pods(1000, 60)],
      current: 100,
      desired: 5,
      replicas: 5,
    },
    {
      name: 'down, two policies, all events count',
      changes: events([8, 12, 9, 11], 120, -1),
      rates: [pods(1000, 120), percent(100, 60)],
      current: 100,
      desired: 5,
      replicas: 5,
    },
    {
      name: 'down, two policies, some events count',
      changes: events([8, 12, 9, 11], 120, -1),
      rates: [pods(1000, 30), percent(100, 60)],
      current: 100,
      desired: 5,
      replicas: 5,
    },
  ] satisfies {
    name: string
    changes?: NotedChange[]
    rates: Rate[]
    current: number
    desired: number
    replicas: number
  }[])(
    '$name',
    ({
      changes = [],
      rates,
      current,
      desired,
      replicas,
    }: {
      changes?: NotedChange[]
      rates: Rate[]
      current: number
      desired: number
      replicas: number
    }) => {
      const given = { rateUp: rates, rateDown: rates, history: history([], changes), nowMs: NOW }
      expect(limitRate(desired, current, given)).toBe(replicas)
    },
  )
})
