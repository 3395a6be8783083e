import { describe, expect, it } from 'vitest'
import { type ReadTask, readTasks } from '../../../../src/adapters/swarm/tasks/read-tasks.ts'

interface Raw {
  readonly id: string
  readonly version?: number
  readonly state?: string
  readonly more?: string
}

/** As Go writes it: id and version first. */
const raw = ({ id, version, state = 'running', more = '' }: Raw) => ({
  ID: id,
  ...(version !== undefined && { Version: { Index: version } }),
  Spec: { ContainerSpec: { Env: [more] } },
  ServiceID: 'web',
  DesiredState: 'running',
  Status: { State: state },
})
const list = (tasks: readonly Raw[]) => Buffer.from(JSON.stringify(tasks.map(raw)))
const byId = (tasks: readonly ReadTask[]) => new Map(tasks.map((one) => [one.task.id, one]))
const NOTHING = new Map<string, ReadTask>()

describe('a list of tasks', () => {
  it('gives the very object of before for a task with the same version, and reads the others', async () => {
    const before = await readTasks(
      list([
        { id: 'a', version: 7 },
        { id: 'b', version: 8 },
      ]),
      NOTHING,
    )
    const after = await readTasks(
      list([
        { id: 'a', version: 7 },
        { id: 'b', version: 9, state: 'failed' },
        { id: 'c', version: 10 },
      ]),
      byId(before),
    )
    expect(after[0]).toBe(before[0])
    expect(after.map(({ task: { id, state } }) => `${id} ${state}`)).toEqual(['a running', 'b failed', 'c running'])
  })

  it('is read as a whole where versions are not in their place, and where an id only begins alike', async () => {
    const unversioned = await readTasks(list([{ id: 'a' }]), NOTHING)
    expect((await readTasks(list([{ id: 'a', state: 'failed' }]), byId(unversioned)))[0]?.task.state).toBe('failed')
    const versioned = await readTasks(list([{ id: 'a', version: 7 }]), NOTHING)
    expect((await readTasks(list([{ id: 'ab', version: 7 }]), byId(versioned)))[0]?.task.id).toBe('ab')
    expect((await readTasks(list([{ id: 'a', version: 70, state: 'failed' }]), byId(versioned)))[0]?.task.state).toBe(
      'failed',
    )
  })

  it('lets everybody else go on while it is long', async () => {
    const tasks = Array.from({ length: 10_000 }, (_, index) => ({
      id: `t${index}`,
      version: 1,
      more: 'x'.repeat(2000),
    }))
    const body = list(tasks)
    let turns = 0
    const turn = () => {
      turns += 1
      next = setImmediate(turn)
    }
    let next = setImmediate(turn)
    expect(await readTasks(body, NOTHING)).toHaveLength(tasks.length)
    clearImmediate(next)
    expect(turns).toBeGreaterThan(1)
  })

  it('throws when it was cut short', async () => {
    const body = list([{ id: 'a', version: 7 }])
    await expect(readTasks(body.subarray(0, body.length - 3), NOTHING)).rejects.toThrow(SyntaxError)
  })
})
