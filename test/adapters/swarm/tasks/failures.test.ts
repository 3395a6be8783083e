import { describe, expect, it } from 'vitest'
import { createFailures } from '../../../../src/adapters/swarm/tasks/failures.ts'
import type { SwarmTask } from '../../../../src/swarm/tasks.ts'

const task = (id: string, change: Partial<SwarmTask> = {}): SwarmTask => ({
  ...{ id, serviceId: 'web', desiredState: 'shutdown', state: 'failed', networkIds: [] },
  ...change,
})
const idsOf = (found: readonly SwarmTask[]) => found.map(({ id }) => id)

describe('tasks that failed', () => {
  it('are kept, the newest last, and what ended well is not', () => {
    const failures = createFailures()
    failures.note(task('late', { statusAtMs: 9 }))
    failures.note(task('early', { statusAtMs: 3, state: 'rejected' }))
    failures.note(task('done', { state: 'complete' }))
    failures.note(task('stopped', { state: 'shutdown' }))
    failures.note(task('late', { statusAtMs: 9, error: 'exit 1' }))
    expect(idsOf(failures.all())).toEqual(['early', 'late'])
    expect(failures.all()[1]?.error).toBe('exit 1')
  })

  it('are few of each service, and of few services', () => {
    const failures = createFailures()
    for (let n = 0; n < 9; n += 1) failures.note(task(`t${n}`, { statusAtMs: n }))
    expect(idsOf(failures.all())).toEqual(['t4', 't5', 't6', 't7', 't8'])
    for (let n = 0; n < 600; n += 1) failures.note(task(`o${n}`, { serviceId: `s${n}`, statusAtMs: 100 + n }))
    expect(failures.all()).toHaveLength(500)
    expect(failures.all().some(({ serviceId }) => serviceId === 'web')).toBe(false)
  })
})
