import { describe, expect, it } from 'vitest'
import { createInspections } from '../../../../src/adapters/swarm/engine/object-reads.ts'

const inspectionsOfTest = (atOnce = 2) => {
  const started: string[] = []
  const open = new Map<string, { done: () => void; fail: (error: Error) => void }>()
  const read = (id: string) => {
    started.push(id)
    return new Promise<void>((resolve, reject) => open.set(id, { done: resolve, fail: reject }))
  }
  const inspections = createInspections({ read, atOnce })
  const end = async (id: string, error?: Error) => {
    if (error === undefined) open.get(id)?.done()
    else open.get(id)?.fail(error)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { inspections, started, end }
}

describe('reads of single services', () => {
  it('are one under way and one waiting, however often they are asked for', async () => {
    const { inspections, started, end } = inspectionsOfTest()
    const first = inspections.request('a')
    const waiting = [inspections.request('a'), inspections.request('a')]
    expect(started).toEqual(['a'])
    await end('a')
    await first
    expect(started).toEqual(['a', 'a'])
    await end('a')
    await Promise.all(waiting)
    expect(started).toEqual(['a', 'a'])
    expect(inspections.underWay('a')).toBeUndefined()
  })

  it('are few at once, in the order they were asked for, and one that is slow does not hold up the others', async () => {
    const { inspections, started, end } = inspectionsOfTest(2)
    for (const id of ['a', 'a', 'b', 'c', 'd']) void inspections.request(id)
    expect(started).toEqual(['a', 'b'])
    await end('b')
    await end('c')
    expect(started).toEqual(['a', 'b', 'c', 'd'])
    await end('a')
    expect(started.at(-1)).toBe('a')
  })

  it('that fail tell those who waited for them alone', async () => {
    const { inspections, end } = inspectionsOfTest()
    const first = inspections.request('a')
    const second = inspections.request('a')
    const underWay = inspections.underWay('a')
    await Promise.all([expect(first).rejects.toThrow('away'), end('a', new Error('away'))])
    await expect(underWay).resolves.toBeUndefined()
    await end('a')
    await expect(second).resolves.toBeUndefined()
  })
})
