import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  aDecision,
  anAutoscaler,
  type FakeFeed,
  fakeCatalog,
  fakeFeed,
  fakeScaler,
  T0,
} from '../../support/use-cases/fake-use-cases.ts'
import { listening, server } from '../../support/use-cases/http.ts'

const reader = async (url: string, init: RequestInit = {}) => {
  const abort = new AbortController()
  const response = await fetch(url, { ...init, signal: abort.signal })
  const decoder = new TextDecoder()
  const body = response.body?.getReader()
  let text = ''
  return {
    response,
    close: () => abort.abort(),
    /** What came so far, once it contains `wanted`. */
    async until(wanted: string): Promise<string> {
      while (!text.includes(wanted)) {
        const part = await body?.read()
        if (part === undefined || part.done) throw new Error(`ended without ${wanted}: ${text}`)
        text += decoder.decode(part.value)
      }
      return text
    },
    async end(): Promise<string> {
      for (;;) {
        const part = await body?.read()
        if (part === undefined || part.done) return text
        text += decoder.decode(part.value)
      }
    },
  }
}

const eventually = async (holds: () => boolean) => {
  for (let n = 0; n < 200 && !holds(); n += 1) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(holds()).toBe(true)
}

const open = async (feed: FakeFeed, change: Parameters<typeof server>[0] = {}) => {
  const { url, port } = await listening(server({ feed, ...change }))
  return { events: `${url}/v1/event`, orbiter: `${url}/events`, port }
}

describe('the event stream', () => {
  it('sends its headers at once, then decisions, observations and news of nodes with ids', async () => {
    const feed = fakeFeed()
    const { events } = await open(feed)
    const stream = await reader(events)
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    await stream.until(': connected')
    feed.publish({ type: 'decision', data: aDecision() })
    feed.publish({ type: 'observation', data: anAutoscaler().observation })
    feed.publish({ type: 'observation', data: { id: 'id-web', gone: true } })
    const news = { network: 'vlan40', node: { id: 'abc', hostname: 'worker1' }, text: 'label worker1 ready' }
    feed.publishNews(news)
    const blocks = (await stream.until('worker1 ready')).split('\n\n').slice(2, 6)
    const parsed = blocks.map((block) => {
      const [, id, event, data] = /^id: c1-(\d+)\nevent: (\w+)\ndata: (.*)$/.exec(block) ?? []
      return { id, event, data: JSON.parse(data ?? '') }
    })
    expect(parsed).toEqual([
      {
        id: '1',
        event: 'decision',
        data: expect.objectContaining({ outcome: 'scaled', at: '2026-01-31T12:00:00.000Z' }),
      },
      { id: '2', event: 'observation', data: expect.not.objectContaining({ labels: expect.anything() }) },
      { id: '3', event: 'observation', data: { id: 'id-web', gone: true } },
      { id: '4', event: 'nodes', data: news },
    ])
    stream.close()
  })

  it('gives every reader everything under the same ids', async () => {
    const feed = fakeFeed()
    const { events } = await open(feed)
    const streams = await Promise.all([reader(events), reader(events)])
    await Promise.all(streams.map((stream) => stream.until(': connected')))
    feed.publish({ type: 'decision', data: aDecision() })
    const [first, second] = await Promise.all(streams.map((stream) => stream.until('event: decision\ndata:')))
    expect(first).toBe(second)
    for (const stream of streams) stream.close()
  })

  it('gives who comes back what it missed, also when it was the only reader', async () => {
    const feed = fakeFeed()
    const { events } = await open(feed)
    const first = await reader(events)
    await first.until('event: hello')
    feed.publish({ type: 'decision', data: aDecision({ reason: 'heard' }) })
    const heard = await first.until('"reason":"heard"')
    const [, lastId = ''] = /id: (c1-\d+)/.exec(heard) ?? []
    first.close()
    await new Promise((resolve) => setTimeout(resolve, 50))
    for (const reason of ['missed', 'missed too']) feed.publish({ type: 'decision', data: aDecision({ reason }) })
    const back = await reader(events, { headers: { 'last-event-id': lastId } })
    const text = await back.until('"reason":"missed too"')
    expect(text).toContain('event: hello')
    expect(text).toContain('"reason":"missed"')
    expect(text).not.toContain('"reason":"heard"')
    back.close()
  })

  it.each([
    { what: 'more than is kept', between: 1100, id: (last: number) => `c1-${last}` },
    { what: 'what another controller told', between: 1, id: (last: number) => `c2-${last}` },
    { what: 'what is yet to come', between: 1, id: (last: number) => `c1-${last + 7}` },
    { what: 'nothing that can be read', between: 1, id: () => 'yesterday' },
  ])('tells who missed $what to read again', async ({ between, id }) => {
    const feed = fakeFeed()
    const { events } = await open(feed)
    const stays = await reader(events)
    await stays.until('event: hello')
    feed.publish({ type: 'decision', data: aDecision() })
    const [, last = ''] = /id: c1-(\d+)/.exec(await stays.until('event: decision\ndata:')) ?? []
    for (let n = 0; n < between; n += 1) feed.publish({ type: 'observation', data: { id: `id-${n}`, gone: true } })
    const back = await reader(events, { headers: { 'last-event-id': id(Number(last)) } })
    expect(await back.until('T12:00:00.000Z"}')).toContain('event: resync\n')
    for (const stream of [stays, back]) stream.close()
  })

  it('says hello, and tells who was here before to read again', async () => {
    const { events } = await open(fakeFeed())
    const [fresh, back] = await Promise.all([reader(events), reader(events, { headers: { 'last-event-id': 'c0-7' } })])
    expect(await fresh.until('T12:00:00.000Z"}')).toContain('event: hello\ndata: {"controller":"c1","now":"2026-01-31')
    expect(await back.until('T12:00:00.000Z"}')).toContain('event: resync\n')
    for (const stream of [fresh, back]) stream.close()
  })

  it('tells each row of the summary that changed, once for all that changed it, and nothing while nobody listens', async () => {
    let replicas = 3
    let asked = 0
    const heard = new Set<(service?: string) => void>()
    const one = () => ({ ...anAutoscaler('web'), running: replicas })
    const catalog = fakeCatalog([], {
      list: () => [one()],
      ofService: () => {
        asked += 1
        return one()
      },
      onChange: (listener) => {
        heard.add(listener)
        return () => heard.delete(listener)
      },
    })
    const { events } = await open(fakeFeed(), { catalog, lingerMs: 0 })
    expect(heard.size).toBe(0)
    const streams = await Promise.all([reader(events), reader(events)])
    await Promise.all(streams.map((stream) => stream.until('event: hello')))
    expect(heard.size).toBe(1)
    for (replicas = 4; replicas < 9; replicas += 1) for (const tell of heard) tell('web')
    const texts = await Promise.all(streams.map((stream) => stream.until('"running":9')))
    expect(texts.map((text) => text.split('event: autoscaler').length - 1)).toEqual([1, 1])
    expect(asked).toBe(1)
    for (const stream of streams) stream.close()
    await eventually(() => heard.size === 0)
  })

  it('tells conditions that turn, pauses and alerts, once, and nothing of how it was before anybody listened', async () => {
    const heard = new Set<(service?: string) => void>()
    const condition = { type: 'InBounds', reason: '3 is above max', sinceMs: T0 } as const
    const alert = { alertId: 'f1', name: 'Hot', direction: 'up' }
    let one = anAutoscaler('web', { conditions: [{ ...condition, status: true }] })
    const catalog = fakeCatalog([], {
      ...{ list: () => [one], ofService: () => one },
      onChange: (listener) => {
        heard.add(listener)
        return () => heard.delete(listener)
      },
    })
    const { events } = await open(fakeFeed(), { catalog })
    const stream = await reader(events)
    await stream.until('event: hello')
    const become = (change: object) => {
      one = { ...one, ...change }
      for (const tell of heard) tell('web')
    }
    become({
      conditions: [{ ...condition, status: false }],
      pause: { scope: 'both', sinceMs: T0, by: 'ole', reason: 'moving' },
      alerts: [alert],
    })
    await stream.until('event: alert')
    become({ pause: undefined, alerts: [] })
    const text = await stream.until('"state":"ended"')
    const told = [...text.matchAll(/event: (condition|pause|resume|alert)\ndata: (.*)/g)].map(
      ([, type, data = '']) => ({
        ...{ type, data: JSON.parse(data) },
      }),
    )
    expect(told).toEqual([
      {
        type: 'condition',
        data: {
          ...{ autoscaler: 'web', type: 'InBounds', status: false, reason: '3 is above max' },
          since: '2026-01-31T12:00:00.000Z',
        },
      },
      {
        type: 'pause',
        data: expect.objectContaining({ autoscaler: 'web', direction: 'both', by: 'ole', reason: 'moving' }),
      },
      {
        type: 'alert',
        data: { autoscaler: 'web', fingerprint: 'f1', alert: 'Hot', direction: 'up', state: 'standing' },
      },
      { type: 'resume', data: { autoscaler: 'web' } },
      { type: 'alert', data: { autoscaler: 'web', fingerprint: 'f1', alert: 'Hot', direction: 'up', state: 'ended' } },
    ])
    stream.close()
  })

  it('tells that everything is paused and resumed, and cuts nobody off when a thousand rows change with it', async () => {
    const COUNT = 1000
    let pause: { scope: 'both'; sinceMs: number; untilMs: number; by: string } | undefined
    const heard = new Set<(service?: string) => void>()
    const condition = { type: 'Paused', sinceMs: T0 } as const
    const reason = () => (pause ? 'everything is paused via API until somebody says otherwise' : 'not paused')
    const list = () =>
      Array.from({ length: COUNT }, (_, n) =>
        anAutoscaler(`web-${n}`, { conditions: [{ ...condition, status: pause !== undefined, reason: reason() }] }),
      )
    const catalog = fakeCatalog([], {
      list,
      onChange: (listener) => {
        heard.add(listener)
        return () => heard.delete(listener)
      },
    })
    const lines: string[] = []
    const { events } = await open(fakeFeed(), { catalog, scaler: fakeScaler({ pausedAll: () => pause }), lines })
    const stream = await reader(events)
    await stream.until('event: hello')
    const become = (next: typeof pause) => {
      pause = next
      for (const tell of heard) tell()
    }
    become({ scope: 'both', sinceMs: T0, untilMs: T0 + 60_000, by: 'ole' })
    const during = await stream.until('"autoscaler":"web-999"')
    expect(during).toContain(
      'event: pause\ndata: {"everything":true,"direction":"both","since":"2026-01-31T12:00:00.000Z","until":"2026-01-31T12:01:00.000Z","by":"ole"}',
    )
    become(undefined)
    const text = await stream.until(
      `"type":"Paused","status":false,"reason":"not paused","since":"2026-01-31T12:00:00.000Z"}`,
    )
    expect(text).toContain('event: resume\ndata: {"everything":true}')
    expect(text.split('event: condition\n').length - 1).toBeGreaterThan(COUNT)
    expect(lines.filter((line) => line.includes('slow-reader'))).toEqual([])
    stream.close()
  })

  it('says that it lives while nothing happens', async () => {
    const { events } = await open(fakeFeed(), { heartbeatMs: 20 })
    const stream = await reader(events)
    await stream.until(': alive\n\n: alive\n\n')
    stream.close()
  })

  it('stops listening a while after its last reader has left', async () => {
    const feed = fakeFeed()
    const { events } = await open(feed, { lingerMs: 100 })
    const stream = await reader(events)
    await stream.until(': connected')
    expect(feed.listeners()).toBe(1)
    stream.close()
    await eventually(() => feed.listeners() === 0)
  })

  it('ends when the controller stops', async () => {
    const feed = fakeFeed()
    const stop = new AbortController()
    const { events, orbiter } = await open(feed, { stopping: stop.signal })
    const streams = await Promise.all([reader(events), reader(orbiter)])
    stop.abort()
    await Promise.all(streams.map((stream) => stream.end()))
    await eventually(() => feed.listeners() === 0)
  })

  it('cuts off a reader that is too slow, and nobody else', async () => {
    const feed = fakeFeed()
    const lines: string[] = []
    const { events, port } = await open(feed, { lines })
    const good = await reader(events)
    const slow = connect(port, '127.0.0.1')
    slow.pause()
    slow.write('GET /v1/event HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await good.until(': connected')
    // Both are there once it was answered.
    await new Promise((resolve) => slow.once('readable', resolve))
    const wanted = good.until('the last one')
    const isCutOff = () => lines.some((line) => line.includes('slow-reader'))
    for (let n = 0; !isCutOff() && n < 20_000; n += 1) {
      feed.publish({ type: 'decision', data: aDecision({ reason: 'x'.repeat(40_000) }) })
      // The good reader needs its turn, too.
      await new Promise((resolve) => setTimeout(resolve, n % 8 === 0 ? 1 : 0))
    }
    expect(isCutOff()).toBe(true)
    feed.publish({ type: 'decision', data: aDecision({ reason: 'the last one' }) })
    await wanted
    slow.destroy()
    good.close()
  })

  it('has 256 readers at most: one more, and who has listened longest is cut off', async () => {
    const feed = fakeFeed()
    const { port } = await open(feed)
    const closed: number[] = []
    const listen = async (n: number) => {
      const socket = connect(port, '127.0.0.1')
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => undefined).on('close', () => closed.push(n))
      socket.write('GET /v1/event HTTP/1.1\r\nHost: localhost\r\n\r\n')
      await once(socket, 'data')
    }
    for (let n = 0; n < 259; n += 1) await listen(n)
    await eventually(() => closed.length === 3)
    expect(closed).toEqual([0, 1, 2])
  })

  it('answers HEAD without staying', async () => {
    const answer = await server().inject({ method: 'HEAD', url: '/v1/event' })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toContain('text/event-stream')
  })
})

describe("Orbiter's event stream", () => {
  it('O12 sends headers at once and every decision as a line of time, level, msg and fields to every listener', async () => {
    const feed = fakeFeed()
    const { orbiter } = await open(feed)
    const streams = await Promise.all([reader(orbiter), reader(orbiter)])
    feed.publish({ type: 'observation', data: { id: 'id-web', gone: true } })
    feed.publish({ type: 'decision', data: aDecision() })
    for (const stream of streams) {
      const line = JSON.parse((await stream.until('\n')).trim())
      expect(line).toMatchObject({
        time: '2026-01-31T12:00:00.000Z',
        level: 'info',
        msg: 'one step up',
        fields: { service: 'web' },
      })
      stream.close()
    }
  })
})
