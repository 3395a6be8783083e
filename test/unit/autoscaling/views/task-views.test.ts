import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createTaskViews } from '../../../../src/autoscaling/views/task-views.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import type { HeardReport, NodeReport } from '../../../../src/swarm/node-report.ts'
import type { Tasks } from '../../../../src/swarm/ports.ts'
import type { SwarmTask } from '../../../../src/swarm/tasks.ts'
import { observation } from '../../../support/builders/autoscaling.ts'

const task = (id: string, change: Partial<SwarmTask> = {}): SwarmTask => ({
  ...{ id, serviceId: 'web', desiredState: 'running', state: 'running', networkIds: [] },
  ...change,
})

/** Two services, and tasks as a test says them. */
function looking() {
  const followers = new Set<() => readonly string[] | undefined>()
  const listeners = new Set<() => void>()
  let shown: readonly SwarmTask[] = []
  let failed: readonly SwarmTask[] = []
  let [inSync, isRead] = [true, true]
  const reports: HeardReport[] = []
  const tasks: Tasks = {
    list: () => shown,
    get: (id) => shown.find((one) => one.id === id),
    failed: () => failed,
    isGone: () => false,
    sync: () => ({ inSync, reason: inSync ? '' : 'The tasks are being read.' }),
    readAtMs: () => undefined,
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    refresh: async () => {},
    follow: (ids) => {
      followers.add(ids)
      return Object.assign(() => void followers.delete(ids), { isRead: () => isRead })
    },
    soon: () => {},
    source: () => ({ kind: 'heard', reason: '' }),
  }
  const services = [observation({ id: 'web', name: 'web' }), observation({ id: 'api', name: 'api' })]
  const views = createTaskViews({
    ...{ tasks, activate: () => {}, now: () => 0, reports: { list: () => reports } },
    services: {
      sync: () => ({ inSync, reason: '' }),
      list: () => services,
      get: (id) => services.find((one) => one.id === id),
    },
    nodes: { get: () => undefined },
  })
  const see = (list: readonly SwarmTask[], ended: readonly SwarmTask[] = []) => {
    shown = list
    failed = ended
    for (const listener of listeners) listener()
  }
  const loseSync = () => {
    inSync = false
  }
  const read = (whether: boolean) => {
    isRead = whether
  }
  return { views, see, loseSync, read, reports, followed: () => [...followers].flatMap((ids) => ids() ?? []) }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the tasks of services', () => {
  it('are not known before those of the services that are looked at were read', () => {
    const { views, see, read } = looking()
    see([task('1')])
    views.look()
    read(false)
    expect(views.running('web')).toBeUndefined()
    expect(() => views.list()).toThrow('The tasks are being read.')
    read(true)
    expect([views.running('web'), views.list().length]).toEqual([1, 1])
  })

  it('are followed while somebody looks and for a minute more, and not before', () => {
    const { views, see, followed } = looking()
    see([task('1')])
    expect({ followed: followed(), running: views.running('web') }).toEqual({ followed: [], running: undefined })
    views.look()
    expect({ followed: followed(), running: views.running('web') }).toEqual({ followed: ['web', 'api'], running: 1 })
    vi.advanceTimersByTime(50_000)
    views.look()
    vi.advanceTimersByTime(50_000)
    expect(followed()).toHaveLength(2)
    vi.advanceTimersByTime(10_000)
    expect({ followed: followed(), running: views.running('web') }).toEqual({ followed: [], running: undefined })
  })

  it('run where both states say so, and none is a count', () => {
    const { views, see } = looking()
    views.look()
    see([task('1'), task('2', { state: 'starting' }), task('3', { desiredState: 'shutdown' })])
    expect([views.running('web'), views.running('api')]).toEqual([1, 0])
  })

  it('are not known while the list cannot be trusted', () => {
    const { views, see, loseSync } = looking()
    views.look()
    see([task('1')])
    loseSync()
    expect(views.running('web')).toBeUndefined()
    expect(() => views.list()).toThrow(Fault)
  })

  it('that failed are shown with those there are, by service and slot, once each', () => {
    const { views, see } = looking()
    const broken = task('old', { slot: 1, state: 'failed', desiredState: 'shutdown', error: 'exit 137' })
    const both = task('1', { slot: 2, state: 'failed' })
    see([both, task('new', { slot: 1, createdAtMs: 5 }), task('2', { serviceId: 'api' })], [broken, both])
    const shown = views.list().map(({ service, task: { id } }) => `${service} ${id}`)
    expect(shown).toEqual(['api 2', 'web new', 'web old', 'web 1'])
    expect(views.list('web').find((one) => one.task.id === 'old')?.task.error).toBe('exit 137')
  })

  it('tell of each service of which another number runs', () => {
    const { views, see } = looking()
    const told: string[][] = []
    views.look()
    views.onChange((ids) => told.push([...ids]))
    see([task('1'), task('2', { serviceId: 'api' })])
    see([task('1'), task('2', { serviceId: 'api' }), task('3', { state: 'starting' })])
    see([task('1')])
    expect(told).toEqual([['web', 'api'], ['api']])
  })

  it('use what the agents of their nodes say, and no other agent', () => {
    const { views, see, reports } = looking()
    for (const [nodeId, cpuPercent] of [
      ['n1', 5],
      ['n2', 900],
    ] as const) {
      const report = { nodeId, containers: [{ taskId: '1', cpuPercent }] } as unknown as NodeReport
      reports.push({ receivedAtMs: 0, report })
    }
    see([task('1', { nodeId: 'n1' }), task('2', { nodeId: 'n2' }), task('3')])
    expect(views.list().map(({ container }) => container?.cpuPercent)).toEqual([5, undefined, undefined])
  })
})
