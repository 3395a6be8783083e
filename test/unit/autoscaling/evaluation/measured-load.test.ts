import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ONE } from '../../../../src/autoscaling/load/decimal.ts'
import type { Measurement } from '../../../../src/autoscaling/load/measurement.ts'
import type { SwarmTask } from '../../../../src/swarm/tasks.ts'
import { memoryController } from '../../../support/use-cases/memory-controller.ts'

const labels = (fields: Readonly<Record<string, string>> = {}) => ({
  'autoscaler.enable': 'true',
  'autoscaler.max': '10',
  'autoscaler.metric.rps.query': 'rps',
  'autoscaler.metric.rps.target': '10',
  'autoscaler.rate.up': '100/15s',
  ...Object.fromEntries(Object.entries(fields).map(([name, text]) => [`autoscaler.${name}`, text])),
})

const START = Date.parse('2026-06-01T12:00:00Z')
const clock = {
  get nowMs() {
    return Date.now()
  },
}

/** Answers by the query; what it does not know is empty. */
function prometheus(values: Record<string, number | Measurement | Promise<Measurement>> = {}) {
  const asked: string[] = []
  const ask = async (query: string): Promise<Measurement> => {
    asked.push(query)
    const value = values[query]
    if (typeof value === 'number') return { kind: 'value', value: BigInt(value) * ONE }
    return (await value) ?? { kind: 'missing', why: 'empty', detail: 'the query finds nothing' }
  }
  const sources = { queries: { ask }, urls: { ask: async (url: string) => await ask(url) } }
  return { values, asked, sources }
}

describe('measured load', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.setSystemTime(START - 1000)
  })
  afterEach(() => vi.useRealTimers())

  const pass = async (seconds: number) => await vi.advanceTimersByTimeAsync(seconds * 1000)

  const start = (values: Record<string, number>, written = labels(), replicas = 2) => {
    const source = prometheus(values)
    const controller = memoryController(clock, { load: source })
    controller.swarm.add({ replicas, labels: written })
    return { ...controller, ...source, count: () => controller.swarm.service('id-web')?.replicas }
  }

  it('grows at the next tick, and shrinks when the window is over and not before', async () => {
    const { values, count, catalog } = start({ rps: 55 })
    await pass(3)
    expect(count()).toBe(6)
    expect(catalog.get('web').lastDecision).toMatchObject({
      outcome: 'scaled',
      reason: expect.stringContaining('measured load: rps 55 against 10 per replica: 6'),
    })
    values.rps = 5
    await pass(290)
    expect(count()).toBe(6)
    await pass(30)
    expect(count()).toBe(1)
  })

  it('begins in the middle of a tick without being late, and tells when it is', async () => {
    vi.setSystemTime(START + 7000)
    const { load } = start({ rps: 20 })
    await pass(1)
    expect(load.lastTick()).toMatchObject({ atMs: START, lateMs: 0 })
    vi.setSystemTime(START + 17_500)
    await pass(1)
    expect(load.lastTick()).toMatchObject({ atMs: START + 15_000, lateMs: 3500 })
  })

  it.each([2, 0.1])(
    'goes on when this machine’s clock is set back by %d hours: up at the next tick, down after the window',
    async (hours) => {
      const { values, count } = start({ rps: 55 })
      await pass(3)
      expect(count()).toBe(6)
      vi.setSystemTime(Date.now() - hours * 3_600_000)
      values.rps = 75
      await pass(31)
      expect(count()).toBe(8)
      values.rps = 5
      await pass(331)
      expect(count()).toBe(1)
    },
  )

  it('never shrinks early because the controller was started again', async () => {
    const first = start({ rps: 55 })
    await pass(3)
    first.values.rps = 5
    await pass(200)
    await first.stop()
    const { swarm } = memoryController(clock, { swarm: first.swarm, load: first })
    await pass(285)
    expect(swarm.service('id-web')?.replicas).toBe(6)
    await pass(40)
    expect(swarm.service('id-web')?.replicas).toBe(1)
  })

  it('is that of one controller where there are two', async () => {
    const one = start({ rps: 1000 }, labels({ max: '100', 'rate.up': '4/15s' }))
    memoryController(clock, { swarm: one.swarm, load: one })
    const counts: (number | undefined)[] = []
    for (let second = 0; second < 60; second += 1) {
      await pass(1)
      if (counts.at(-1) !== one.count()) counts.push(one.count())
    }
    // The second one finds the service there when it starts, and so takes the tick of 11:59:45.
    expect(counts).toEqual([6, 10, 14, 18, 22])
    expect(one.swarm.calls.writes).toBeLessThanOrEqual(8)
  })

  it('asks each question once a tick, however many services ask it', async () => {
    const { swarm, asked } = start({ rps: 20 })
    for (const name of ['a', 'b', 'c']) swarm.add({ id: `id-${name}`, name, replicas: 2, labels: labels() })
    await pass(1)
    asked.length = 0
    await pass(45)
    expect(asked).toEqual(['rps', 'rps', 'rps'])
  })

  it('of one service is held up by no source of another', async () => {
    let answer = (_: Measurement) => {}
    const slow = new Promise<Measurement>((resolve) => {
      answer = resolve
    })
    const source = prometheus({ rps: 55, slow })
    const { swarm } = memoryController(clock, { load: source })
    swarm.add({ replicas: 2, labels: labels() })
    swarm.add({
      id: 'id-slow',
      name: 'slow',
      replicas: 2,
      labels: { ...labels(), 'autoscaler.metric.rps.query': 'slow' },
    })
    await pass(3)
    expect(swarm.service('id-web')?.replicas).toBe(6)
    source.values.rps = 75
    await pass(15)
    expect(swarm.service('id-web')?.replicas).toBe(8)
    answer({ kind: 'missing', why: 'slow', detail: 'at last' })
  })

  it('sleeps at 0 and wakes by an activation metric', async () => {
    const { values, count } = start({ rps: 0 }, labels({ min: '0', 'window.down': '30s' }))
    await pass(60)
    expect(count()).toBe(0)
    await pass(60)
    expect(count()).toBe(0)
    values.rps = 1
    await pass(16)
    expect(count()).toBe(1)
  })

  it.each(['nan', 'empty', 'several', 'infinite', 'old', 'slow', 'refused', 'error'] as const)(
    'without a value (%s) holds, and grows by the metric that has one',
    async (why) => {
      const source = prometheus({ rps: { kind: 'missing', why, detail: 'why not' }, other: 5 })
      const { swarm, catalog } = memoryController(clock, { load: source })
      const both = { 'metric.other.query': 'other', 'metric.other.target': '10', 'window.down': '0s' }
      swarm.add({ replicas: 4, labels: labels(both) })
      await pass(120)
      expect(swarm.service('id-web')?.replicas).toBe(4)
      expect(catalog.get('web').load?.metrics).toContainEqual(expect.objectContaining({ name: 'rps', missing: why }))
      source.values.other = 75
      await pass(16)
      expect(swarm.service('id-web')?.replicas).toBe(8)
    },
  )

  it('without a value falls back after so many evaluations, and no sooner', async () => {
    const fallback = { 'fallback.after': '3', 'fallback.mode': 'at-least', 'fallback.replicas': '5' }
    const { count } = start({}, labels(fallback))
    await pass(28)
    expect(count()).toBe(2)
    await pass(4)
    expect(count()).toBe(5)
  })

  describe('with tasks in trouble', () => {
    const task = (id: string, over: Partial<SwarmTask> = {}): SwarmTask => ({
      ...{ id, serviceId: 'id-web', desiredState: 'running', state: 'running', networkIds: [] },
      ...over,
    })
    const startWith = (first: readonly SwarmTask[], written = labels()) => {
      const source = prometheus({ rps: 20 })
      let listed = first
      const listeners = new Set<() => void>()
      const tasks = {
        list: () => listed,
        readAtMs: () => 0,
        onChange: (listener: () => void) => {
          listeners.add(listener)
          return () => listeners.delete(listener)
        },
      }
      const controller = memoryController(clock, { load: { ...source, tasks } })
      controller.swarm.add({ replicas: 2, labels: written })
      return {
        ...controller,
        ...source,
        count: () => controller.swarm.service('id-web')?.replicas,
        now(next: readonly SwarmTask[]) {
          listed = next
          for (const listener of listeners) listener()
        },
      }
    }
    const NO_NODE = 'no suitable node (scheduling constraints not satisfied on 2 nodes)'
    const waits = task('b', { state: 'pending', error: NO_NODE })

    it('that wait for a node, its growth waits with Swarm’s own words; a call is carried out', async () => {
      const { values, count, scaler, catalog } = startWith([task('a'), waits])
      await pass(32)
      values.rps = 80
      await pass(31)
      expect(count()).toBe(2)
      expect(catalog.get('web').lastDecision).toMatchObject({
        code: 'unschedulable',
        reason: expect.stringContaining(NO_NODE),
      })
      expect(catalog.get('web').conditions).toContainEqual(
        expect.objectContaining({ type: 'Unschedulable', status: true, reason: expect.stringContaining(NO_NODE) }),
      )
      await scaler.request('web', { kind: 'set', origin: 'call', replicas: 3 })
      expect(count()).toBe(3)
    })

    it('grows once they are placed', async () => {
      const { values, count, now } = startWith([task('a'), waits])
      await pass(32)
      values.rps = 80
      await pass(16)
      now([task('a'), task('b')])
      await pass(16)
      expect(count()).toBe(8)
    })

    it('grows all the same with autoscaler.unschedulable=off, and shrinks in any case', async () => {
      const { values, count } = startWith([task('a'), waits], labels({ unschedulable: 'off', 'window.down': '0s' }))
      await pass(32)
      values.rps = 80
      await pass(16)
      expect(count()).toBe(8)
      values.rps = 10
      await pass(31)
      expect(count()).toBe(1)
    })

    it('that fail again and again, it waits until five minutes have passed without another', async () => {
      const { values, count, now, catalog } = startWith([task('a'), task('b')])
      await pass(2)
      const failed = ['c', 'd', 'e'].map((id) =>
        task(id, { state: 'failed', desiredState: 'shutdown', error: 'task: non-zero exit (1)' }),
      )
      now([task('a'), task('b'), ...failed])
      values.rps = 80
      await pass(31)
      expect(count()).toBe(2)
      expect(catalog.get('web').lastDecision?.reason).toContain(
        '3 tasks failed within 5 minutes: task: non-zero exit (1)',
      )
      await pass(300)
      expect(count()).toBe(8)
    })

    it('that had failed before the controller was there, it does not wait', async () => {
      const failed = ['c', 'd', 'e'].map((id) => task(id, { state: 'failed', desiredState: 'shutdown' }))
      const { values, count } = startWith([task('a'), task('b'), ...failed])
      await pass(2)
      values.rps = 80
      await pass(16)
      expect(count()).toBe(8)
    })
  })
})
