import { describe, expect, it, onTestFinished } from 'vitest'
import type { TaskSource } from '../../../../src/swarm/ports.ts'
import { type FakeWatch, startFakeWatch } from '../../../support/fake-engine/fake-watch.ts'
import { eventually, fakeEngine, inSync, recordingLogger, sleep, swarmOn } from '../swarm-fixture.ts'

const QUICK_TASKS = {
  tasksEveryMs: 40,
  tasksApartMs: 10,
  listEveryMs: 100_000,
  watchRetryMs: 30,
  watchTimeoutMs: 3_000,
  // As in earnest: after a leader that was not read for so long all is listed again, as it should be, also on a busy machine.
  ...{ freshForMs: 5_000, leaderReadTimeoutMs: 2_000 },
}
const SOON_LOST = { freshForMs: 400, leaderReadTimeoutMs: 150 }

interface Wish {
  readonly id: string
  readonly version: number
  readonly state?: string
  readonly desiredState?: string
}
const task = ({ id, version, state = 'running', desiredState = 'running' }: Wish) => ({
  ...{ ID: id, Version: { Index: version }, ServiceID: 'web', Slot: 1, NodeID: 'w1', DesiredState: desiredState },
  ...{ Status: { State: state }, Spec: {}, NetworksAttachments: [] },
})

const setUp = async (options: { watch?: boolean; cluster?: string } = {}) => {
  const engine = await fakeEngine()
  const watch = options.watch === false ? undefined : await startFakeWatch(options)
  onTestFinished(async () => await watch?.close())
  engine.addService({ id: 'web', name: 'web' })
  const sources: TaskSource[] = []
  const logger = recordingLogger()
  const start = async (socketPath = watch?.socketPath ?? '/nowhere/control.sock', timing = {}) => {
    const hooks = { onTaskSource: (source: TaskSource) => void sources.push(source) }
    const on = { timing: { ...QUICK_TASKS, ...timing }, controlSocket: socketPath, hooks, logger }
    const swarm = await inSync(swarmOn(engine.host, on))
    swarm.tasks.follow(() => (swarm.services.sync().inSync ? ['web'] : undefined))
    const states = () => Object.fromEntries(swarm.tasks.list().map(({ id, state }) => [id, state]))
    const isHeard = () => swarm.tasks.source().kind === 'heard' && swarm.tasks.sync().inSync
    return { swarm, tasks: swarm.tasks, states, isHeard }
  }
  const list = (...tasks: readonly Wish[]) => ({ body: JSON.stringify(tasks.map(task)) })
  const listAlways = (...tasks: readonly Wish[]) => engine.inject('GET /tasks', list(...tasks), 10_000)
  return { engine, watch: watch as FakeWatch, sources, logger, start, list, listAlways }
}

describe('tasks that are heard', () => {
  it('are known at once and never asked for but once', async () => {
    const { engine, watch, sources, start } = await setUp()
    engine.putTask({ id: 't1', serviceId: 'web', nodeId: 'w1' })
    const { tasks, states, isHeard } = await start()
    await eventually(isHeard)
    expect(states()).toEqual({ t1: 'running' })
    let told = 0
    tasks.onChange(() => {
      told += 1
    })
    watch.stored(task({ id: 't2', version: 100, state: 'pending' }), task({ id: 't3', version: 101 }))
    await eventually(() => states().t2 === 'pending' && states().t3 === 'running')
    expect(told).toBe(1)
    watch.stored(task({ id: 't2', version: 102, state: 'running' }))
    watch.removed('t3')
    await eventually(() => states().t2 === 'running' && !('t3' in states()))
    expect(['t2', 't3', 't9'].map(tasks.isGone)).toEqual([false, true, false])
    await sleep(200)
    expect(engine.count('GET /tasks')).toBe(1)
    expect(Date.now() - (tasks.readAtMs() ?? 0)).toBeLessThan(700)
    expect(sources.map(({ kind }) => kind)).toEqual(['heard'])
  })

  it('are not trusted before all were listed, nor while the Swarm is not read through its leader', async () => {
    const { engine, start, list } = await setUp()
    engine.inject('GET /tasks', { delayMs: 200, ...list({ id: 't1', version: 20 }) })
    const { tasks, isHeard } = await start(undefined, SOON_LOST)
    await sleep(100)
    expect([tasks.sync().inSync, tasks.readAtMs()]).toEqual([false, undefined])
    await eventually(isHeard)
    engine.role = 'no-leader'
    await eventually(() => !tasks.sync().inSync)
    const readAtMs = tasks.readAtMs() ?? 0
    await sleep(100)
    expect(tasks.readAtMs()).toBe(readAtMs)
    engine.role = 'manager'
    await eventually(isHeard)
  })

  it('are asked for while there is no socket, which is said once, and heard when there is one', async () => {
    const { engine, watch, sources, logger, start } = await setUp({ watch: true })
    engine.putTask({ id: 't1', serviceId: 'web', nodeId: 'w1' })
    const late = `${watch.socketPath}.late`
    const { states, tasks, isHeard } = await start(late)
    await eventually(() => states().t1 === 'running')
    engine.putTask({ id: 't2', serviceId: 'web', nodeId: 'w1' })
    await eventually(() => states().t2 === 'running')
    expect(tasks.source()).toMatchObject({ kind: 'asked', reason: expect.stringContaining('there is no such socket') })
    const said = () => logger.lines.filter(({ fields }) => 'event' in fields && fields.event === 'tasks-asked')
    await sleep(100)
    expect(said()).toHaveLength(1)
    const { symlink } = await import('node:fs/promises')
    await symlink(watch.socketPath, late)
    await eventually(isHeard)
    expect(sources.map(({ kind }) => kind)).toEqual(['asked', 'heard'])
    expect(states()).toEqual({ t1: 'running', t2: 'running' })
  })

  it('are asked for where the socket is of another Swarm, and heard by that of their own', async () => {
    const { engine, start, watch } = await setUp({ cluster: 'another' })
    engine.putTask({ id: 't1', serviceId: 'web', nodeId: 'w1' })
    const { states, tasks } = await start()
    await eventually(() => states().t1 === 'running')
    expect(tasks.source().reason).toContain('another Swarm than DOCKER_HOST: set ORRERY_SWARM_SOCKET')
    expect(watch.streams()).toBe(0)
    const own = await startFakeWatch()
    onTestFinished(async () => await own.close())
    const { isHeard } = await start(own.socketPath)
    await eventually(isHeard)
  })

  it('are listed again after a break, and what was missed is not trusted meanwhile', async () => {
    const { engine, watch, start } = await setUp()
    engine.putTask({ id: 't1', serviceId: 'web', nodeId: 'w1' })
    const { tasks, states, isHeard } = await start()
    await eventually(isHeard)
    engine.removeTask('t1')
    engine.putTask({ id: 't2', serviceId: 'web', nodeId: 'w1' })
    engine.inject('GET /tasks', { delayMs: 100 }, 10)
    let wasTrustedAndWrong = false
    watch.cut()
    await eventually(() => tasks.source().kind === 'asked')
    await eventually(() => {
      wasTrustedAndWrong ||= tasks.sync().inSync && 't1' in states() && tasks.source().kind === 'heard'
      return isHeard() && watch.streams() === 2
    })
    expect([states(), wasTrustedAndWrong]).toEqual([{ t2: 'running' }, false])
  })

  it('are not brought back by a manager that tells its whole log again', async () => {
    const { watch, start, listAlways } = await setUp()
    listAlways({ id: 't2', version: 50 })
    const { states, isHeard, tasks } = await start()
    await eventually(isHeard)
    watch.stored(task({ id: 't1', version: 20 }), task({ id: 't2', version: 21, state: 'pending' }))
    await eventually(() => !tasks.sync().inSync || !isHeard())
    expect(states()).toEqual({ t2: 'running' })
    watch.stored(task({ id: 't3', version: 60 }))
    await eventually(() => states().t3 === 'running')
    listAlways({ id: 't2', version: 50 }, { id: 't3', version: 60 })
    await eventually(isHeard)
  })

  it('that a manager tells of its old log are never trusted, neither before the first list of a stream nor after it', async () => {
    const { symlink } = await import('node:fs/promises')
    const { engine, watch, start, list } = await setUp()
    const shown = { delayMs: 0, ...list({ id: 't1', version: 50 }) }
    engine.inject('GET /tasks', shown, 10_000)
    const late = `${watch.socketPath}.late`
    const { states, tasks, isHeard } = await start(late)
    await eventually(() => tasks.source().kind === 'asked' && tasks.sync().inSync && 't1' in states())
    shown.delayMs = 300
    await symlink(watch.socketPath, late)
    await eventually(() => watch.openStreams() === 1)
    watch.stored(task({ id: 'gone', version: 20 }))
    await eventually(() => 'gone' in states())
    expect(tasks.sync().inSync).toBe(false)
    await eventually(isHeard)
    expect(states()).toEqual({ t1: 'running' })
  })

  it('are newer than a list that was begun before', async () => {
    const { engine, watch, start, list, listAlways } = await setUp()
    engine.inject('GET /tasks', {
      ...{ delayMs: 50, before: () => watch.stored(task({ id: 't1', version: 30, state: 'failed' })) },
      ...list({ id: 't1', version: 29 }, { id: 't2', version: 29 }, { id: 't4', version: 28 }),
    })
    listAlways({ id: 't1', version: 30, state: 'failed' })
    const { states, isHeard } = await start()
    await eventually(() => watch.openStreams() === 1)
    watch.stored(task({ id: 't2', version: 31, state: 'shutdown', desiredState: 'shutdown' }))
    watch.removed('t4')
    watch.stored(task({ id: 't3', version: 32 }))
    await eventually(isHeard)
    await eventually(() => states().t1 === 'failed' && states().t3 === 'running')
    expect(states()).toEqual({ t1: 'failed', t3: 'running' })
  })

  it('are the list at the end of a random run', async () => {
    const { watch, start, listAlways } = await setUp()
    const there = new Map<string, Wish>([['t0', { id: 't0', version: 11 }]])
    listAlways(...there.values())
    const { states, isHeard } = await start()
    await eventually(isHeard)
    const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T
    for (let version = 12; version < 512; version += 1) {
      const id = `t${Math.floor(Math.random() * 40)}x${version % 3}`
      const known = there.get(id)
      if (known !== undefined && Math.random() < 0.3) {
        there.delete(id)
        watch.removed(id)
        continue
      }
      const next = { id, version, state: pick(['pending', 'starting', 'running', 'failed']) }
      there.set(id, next)
      watch.stored(task(next))
    }
    const expected = Object.fromEntries([...there.values()].map(({ id, state = 'running' }) => [id, state]))
    const inOrder = (of: Record<string, string>) => JSON.stringify(Object.entries(of).toSorted())
    await eventually(() => inOrder(states()) === inOrder(expected))
  })

  it('end with the controller, also while nothing answers', async () => {
    const { watch, start } = await setUp()
    const { swarm, isHeard } = await start()
    await eventually(isHeard)
    await swarm.close()
    await eventually(() => watch.openStreams() === 0)
  })

  it('and a message that cannot be understood end the stream, and all are listed again', async () => {
    const { watch, start, isListedAgain } = await setUp().then((all) => ({
      ...all,
      isListedAgain: () => all.engine.count('GET /tasks') >= 2,
    }))
    const { isHeard } = await start()
    await eventually(isHeard)
    watch.raw(Buffer.from([0x0a, 0x7f, 0x01]))
    await eventually(() => isListedAgain() && isHeard() && watch.streams() >= 2)
  })
})
