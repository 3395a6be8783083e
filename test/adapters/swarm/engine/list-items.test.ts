import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../../src/adapters/swarm/engine/engine-errors.ts'
import { createSplitter } from '../../../../src/adapters/swarm/engine/json-splitter.ts'
import { type Changed, listChanged } from '../../../../src/adapters/swarm/engine/list-items.ts'
import { type ReadTask, readTask } from '../../../../src/adapters/swarm/tasks/task-mapper.ts'

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
const body = (tasks: readonly Raw[]) => Buffer.from(JSON.stringify(tasks.map(raw)))

/** Answers with these bodies, one a call. */
const list = (bodies: readonly Buffer[], known: readonly ReadTask[] = []) => {
  const left = [...bodies]
  let calls = 0
  const engine = {
    async list(_call: unknown, take: (item: Buffer) => void) {
      calls += 1
      const splitter = createSplitter(take)
      splitter.push(left.shift() ?? Buffer.from('[]'))
      splitter.end()
    },
  }
  const read = listChanged<ReadTask>({
    ...{ engine, call: { path: '/tasks', timeoutMs: 1000 }, known: known.length },
    hasVersion: (id, version) => known.some((one) => one.id === id && one.version === version),
    read: (text) => readTask(JSON.parse(text)),
  })
  return { read, calls: () => calls }
}
const isNew = (one: Changed<ReadTask>): one is ReadTask => !('unchanged' in one)
const readAll = async (tasks: readonly Raw[], known: readonly ReadTask[] = []) => await list([body(tasks)], known).read
const states = (listed: readonly Changed<ReadTask>[]) =>
  listed.map((one) => `${one.id} ${isNew(one) ? one.task.state : 'as known'}`)

describe('a list of tasks', () => {
  const both = [
    { id: 'a', version: 7 },
    { id: 'b', version: 8 },
  ]

  it('names a task with the same version, and reads the others', async () => {
    const before = (await readAll(both)).filter(isNew)
    const after = await readAll(
      [both[0] ?? raw({ id: '' }), { id: 'b', version: 9, state: 'failed' }, { id: 'c', version: 10 }] as Raw[],
      before,
    )
    expect(states(after)).toEqual(['a as known', 'b failed', 'c running'])
  })

  it('is read as a whole where versions are not in their place, and where an id only begins alike', async () => {
    const unversioned = (await readAll([{ id: 'a' }])).filter(isNew)
    expect(states(await readAll([{ id: 'a', state: 'failed' }], unversioned))).toEqual(['a failed'])
    const versioned = (await readAll([{ id: 'a', version: 7 }])).filter(isNew)
    expect(states(await readAll([{ id: 'ab', version: 7 }], versioned))).toEqual(['ab running'])
    expect(states(await readAll([{ id: 'a', version: 70, state: 'failed' }], versioned))).toEqual(['a failed'])
  })

  it('that shows nothing of what is known is asked for again before it is believed', async () => {
    const before = (await readAll(both)).filter(isNew)
    const glitch = list([Buffer.from('[]'), body(both)], before)
    expect(states(await glitch.read)).toEqual(['a as known', 'b as known'])
    const gone = list([Buffer.from('null\n'), Buffer.from('[]')], before)
    expect([await gone.read, gone.calls()]).toEqual([[], 2])
    const nothingKnown = list([Buffer.from('[]')])
    expect([await nothingKnown.read, nothingKnown.calls()]).toEqual([[], 1])
  })

  it('throws when it was cut short', async () => {
    const whole = body([{ id: 'a', version: 7 }])
    await expect(list([whole.subarray(0, whole.length - 3)]).read).rejects.toThrow(SyntaxError)
    await expect(list([Buffer.from('[{"ID":]')]).read).rejects.toThrow()
    expect(EngineError).toBeDefined()
  })
})
