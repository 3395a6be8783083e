import { describe, expect, it } from 'vitest'
import { parseLossless } from '../../../../src/adapters/swarm/engine/engine-json.ts'
import { createServiceCache } from '../../../../src/adapters/swarm/services/service-cache.ts'
import { readService, type ServiceReading } from '../../../../src/adapters/swarm/services/service-mapper.ts'
import type { ServiceChange } from '../../../../src/swarm/services.ts'

interface Wish {
  readonly id?: string
  readonly version: number
  readonly replicas?: number
  readonly image?: string
  readonly previousImage?: string
  readonly labels?: Record<string, string>
  readonly status?: string
}

const reading = ({
  id = 'a',
  version,
  replicas = 3,
  image = 'x',
  previousImage,
  labels = {},
  status,
}: Wish): ServiceReading => {
  const spec = (Image: string) => ({
    Name: `name-${id}`,
    Labels: labels,
    TaskTemplate: { ContainerSpec: { Image } },
    Mode: { Replicated: { Replicas: replicas } },
  })
  const previous = previousImage === undefined ? {} : { PreviousSpec: spec(previousImage) }
  const UpdateStatus = status === undefined ? {} : { UpdateStatus: { State: status } }
  const raw = { ID: id, Version: { Index: version }, Spec: spec(image), ...previous, ...UpdateStatus }
  const read = readService(parseLossless(JSON.stringify(raw)))
  if (read === undefined) throw new Error('not a service')
  return read
}

const cacheOfTest = () => {
  const changes: ServiceChange[] = []
  const clock = { nowMs: 1_000 }
  const cache = createServiceCache({ now: () => clock.nowMs, changed: (change) => changes.push(change) })
  const read = (wish: Wish) => cache.applyRead(cache.ticket(), wish.id ?? 'a', reading(wish))
  const list = (...wishes: Wish[]) => cache.applyList(cache.ticket(), wishes.map(reading))
  const versionOf = (id = 'a') => cache.get(id)?.observation.version
  return { cache, changes, clock, read, list, versionOf }
}

describe('the cache of services', () => {
  it('takes the newer version, whatever the order of arrival', () => {
    const { read, versionOf } = cacheOfTest()
    read({ version: 5 })
    read({ version: 4 })
    expect(versionOf()).toBe(5)
    read({ version: 6 })
    expect(versionOf()).toBe(6)
  })

  it('tells of changes, and not of a version that changed nothing', () => {
    const { read, changes } = cacheOfTest()
    read({ version: 5 })
    read({ version: 6 })
    read({ version: 7, replicas: 4 })
    expect(changes.map(({ before, after }) => [before?.replicas, after?.replicas])).toEqual([
      [undefined, 3],
      [3, 4],
    ])
  })

  it('drops what a full list no longer has', () => {
    const { list, cache, changes } = cacheOfTest()
    list({ id: 'a', version: 1 }, { id: 'b', version: 2 })
    list({ id: 'b', version: 2 })
    expect([...cache.entries()].map(({ id }) => id)).toEqual(['b'])
    expect(changes.at(-1)).toMatchObject({ id: 'a', after: undefined })
  })

  it('keeps a service that appeared while the list was on its way', () => {
    const { cache, read, versionOf } = cacheOfTest()
    const started = cache.ticket()
    read({ id: 'new', version: 9 })
    cache.applyList(started, [])
    expect(versionOf('new')).toBe(9)
  })

  it('does not bring back a service that was removed while the list was on its way', () => {
    const { cache, read, versionOf } = cacheOfTest()
    read({ version: 5 })
    const started = cache.ticket()
    cache.applyRemoved('a')
    cache.applyList(started, [reading({ version: 5 })])
    expect(versionOf()).toBeUndefined()
  })

  it('does not bring back a service that was removed while it was read, not even after the next list', () => {
    const { cache, read, list, versionOf } = cacheOfTest()
    read({ version: 5 })
    const started = cache.ticket()
    cache.applyRemoved('a')
    list()
    cache.applyRead(started, 'a', reading({ version: 5 }))
    expect(versionOf()).toBeUndefined()
  })

  it('does not roll back what changed while the list was on its way', () => {
    const { cache, read, versionOf } = cacheOfTest()
    read({ version: 5 })
    const started = cache.ticket()
    read({ version: 6, replicas: 4 })
    cache.applyList(started, [reading({ version: 5 })])
    expect(versionOf()).toBe(6)
  })

  it('believes a read that the service is gone, unless it appeared since', () => {
    const { cache, read, versionOf } = cacheOfTest()
    const started = cache.ticket()
    read({ version: 5 })
    cache.applyRead(started, 'a', undefined)
    expect(versionOf()).toBe(5)
    cache.applyRead(cache.ticket(), 'a', undefined)
    expect(versionOf()).toBeUndefined()
  })

  it('ignores one list of a deposed leader, and believes two: the swarm was restored from a backup', () => {
    const { list, versionOf } = cacheOfTest()
    list({ version: 50 })
    list({ version: 20 })
    expect(versionOf()).toBe(50)
    list({ version: 21 })
    expect(versionOf()).toBe(21)
  })
})

describe('when something was first seen', () => {
  it('is kept while count and labels stay, though the version and the update status move on', () => {
    const { cache, clock, read } = cacheOfTest()
    read({ version: 1 })
    clock.nowMs = 2_000
    read({ version: 2, status: 'updating' })
    expect(cache.get('a')?.observation.firstSeenAtMs).toBe(1_000)
    read({ version: 3, replicas: 4 })
    expect(cache.get('a')?.observation.firstSeenAtMs).toBe(2_000)
    clock.nowMs = 3_000
    read({ version: 4, replicas: 4, labels: { a: 'b' } })
    expect(cache.get('a')?.observation.firstSeenAtMs).toBe(3_000)
  })

  it('of a changed template is kept while that template stays, and is no more when it equals the one of before', () => {
    const { cache, clock, read } = cacheOfTest()
    const seenAt = () => cache.get('a')?.observation.templateChangeSeenAtMs
    read({ version: 1, image: 'y', previousImage: 'x' })
    expect(seenAt()).toBe(1_000)
    clock.nowMs = 2_000
    read({ version: 2, image: 'y', previousImage: 'x', status: 'updating' })
    expect(seenAt()).toBe(1_000)
    read({ version: 3, image: 'z', previousImage: 'y' })
    expect(seenAt()).toBe(2_000)
    read({ version: 4, image: 'z', previousImage: 'z' })
    expect(cache.get('a')?.observation).not.toHaveProperty('templateChangeSeenAtMs')
  })
})

describe('a write of ours that was committed', () => {
  const write = { id: 'a', version: 5, replicas: 8, stateLabel: 'mine' }

  const written = () => {
    const test = cacheOfTest()
    test.read({ version: 5, labels: { l: 'v' }, image: 'y', previousImage: 'x', status: 'completed' })
    test.cache.applyWrite(write)
    return test
  }

  it('shows at once, as Swarm will show it', () => {
    const { cache, changes } = written()
    expect(cache.get('a')?.observation).toEqual({
      id: 'a',
      name: 'name-a',
      version: 5,
      mode: 'replicated',
      replicas: 8,
      labels: { l: 'v', 'autoscaler.state': 'mine' },
      previous: { replicas: 3, stateLabel: undefined, sameTemplate: true, sameButCount: true },
      firstSeenAtMs: 1_000,
      stateSeenAtMs: 1_000,
    })
    expect(changes.at(-1)).toMatchObject({ before: { replicas: 3 }, after: { replicas: 8 } })
  })

  it('is not undone by a read that overlapped it', () => {
    const { cache, read } = written()
    read({ version: 5, labels: { l: 'v' } })
    expect(cache.get('a')).toMatchObject({ versionIsStale: true, observation: { replicas: 8 } })
  })

  it('gets its version with the next read', () => {
    const { cache, read } = written()
    read({ version: 6, replicas: 8, labels: { l: 'v', 'autoscaler.state': 'mine' } })
    expect(cache.get('a')).toMatchObject({ versionIsStale: false, observation: { version: 6, replicas: 8 } })
  })

  it('changes nothing where a list already brought it, or more', () => {
    const { cache, read } = cacheOfTest()
    read({ version: 6, replicas: 9 })
    cache.applyWrite(write)
    expect(cache.get('a')).toMatchObject({ versionIsStale: false, observation: { version: 6, replicas: 9 } })
  })

  it('changes nothing where the service was removed meanwhile', () => {
    const { cache } = cacheOfTest()
    cache.applyWrite(write)
    expect(cache.get('a')).toBeUndefined()
  })
})
