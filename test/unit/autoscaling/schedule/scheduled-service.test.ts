import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryController } from '../../../support/use-cases/memory-controller.ts'

const labels = (fields: Readonly<Record<string, string>>) => ({
  'autoscaler.enable': 'true',
  'autoscaler.cooldown': '0s',
  ...Object.fromEntries(Object.entries(fields).map(([name, text]) => [`autoscaler.${name}`, text])),
})

const office = labels({
  ...{ min: '2', max: '10', 'schedule.office.min': '6', 'schedule.office.max': '8' },
  ...{ 'schedule.office.from': '0 8 * * *', 'schedule.office.to': '0 18 * * *' },
})

const night = labels({
  ...{ min: '1', max: '4', 'schedule.night.min': '0', 'schedule.night.max': '0' },
  ...{ 'schedule.night.from': '0 22 * * *', 'schedule.night.for': '8h' },
})

describe('a service with a schedule', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  const at = async (time: string) => {
    vi.setSystemTime(Date.parse(time))
    await vi.advanceTimersByTimeAsync(1100)
  }
  const clock = {
    get nowMs() {
      return Date.now()
    },
  }
  const start = (replicas: number, written: Readonly<Record<string, string>>) => {
    const controller = memoryController(clock)
    controller.swarm.add({ replicas, labels: written })
    return { ...controller, count: () => controller.swarm.service('id-web')?.replicas }
  }

  it('follows its window: up to the window’s min, and down to the plain max when it closes', async () => {
    vi.setSystemTime(Date.parse('2026-06-01T07:00Z'))
    const { count, scaler, catalog } = start(3, office)
    await at('2026-06-01T07:59:58Z')
    expect(count()).toBe(3)
    await at('2026-06-01T08:00Z')
    expect(count()).toBe(6)
    const { bounds, lastDecision } = catalog.get('web')
    expect(bounds).toMatchObject({
      min: 6,
      max: 8,
      source: 'schedule.office',
      untilMs: Date.parse('2026-06-01T18:00Z'),
    })
    expect(lastDecision).toMatchObject({
      outcome: 'scaled',
      from: 3,
      to: 6,
      reason: expect.stringContaining('schedule.office'),
    })
    // Inside the window calls go on, between its bounds.
    await scaler.request('web', { kind: 'set', origin: 'call', replicas: 20 })
    expect(count()).toBe(8)
    await at('2026-06-01T18:00Z')
    expect(count(), 'inside the plain bounds nothing is to be done').toBe(8)
    await scaler.request('web', { kind: 'set', origin: 'call', replicas: 1 })
    expect(count()).toBe(2)
  })

  it('is right at 08:05 when no controller was there at 08:00', async () => {
    vi.setSystemTime(Date.parse('2026-06-01T08:05Z'))
    const { count } = start(3, office)
    await at('2026-06-01T08:05:02Z')
    // The count is not ours, so somebody may be at work on it: for ten seconds.
    await at('2026-06-01T08:05:13Z')
    expect(count()).toBe(6)
  })

  it('sleeps at 0 by its window and wakes when that closes', async () => {
    vi.setSystemTime(Date.parse('2026-06-01T21:00Z'))
    const { count, scaler } = start(2, night)
    await scaler.request('web', { kind: 'set', origin: 'call', replicas: 3 })
    await at('2026-06-01T22:00Z')
    expect(count()).toBe(0)
    await at('2026-06-02T03:00Z')
    expect(count()).toBe(0)
    await at('2026-06-02T06:00Z')
    expect(count()).toBe(1)
  })

  it('stays at the 0 that a person set, whatever the window', async () => {
    vi.setSystemTime(Date.parse('2026-06-01T12:00Z'))
    const { count, swarm } = start(2, night)
    swarm.change('id-web', { replicas: 0 })
    await at('2026-06-01T22:30Z')
    await at('2026-06-02T06:30Z')
    await at('2026-06-02T07:00Z')
    expect(count()).toBe(0)
  })
})
