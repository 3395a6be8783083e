/** `GET /v1/event`: what the capabilities have to tell as it happens, as server-sent events. */
import type { FastifyInstance } from 'fastify'
import { sendEndlessly } from '../endless-response.ts'
import { oneHeader } from '../plugins/access.ts'
import type { ControllerFacts, EventSource, Http, RouteGroup, WireEvent } from '../route-group.ts'
import { rfc3339 } from '../wire/parts.ts'
import { needs, textAnswers } from './schemas.ts'

const CONTENT_TYPE = 'text/event-stream; charset=utf-8'

export const eventRoutes = (sources: readonly EventSource[], controller: Pick<ControllerFacts, 'id'>): RouteGroup => ({
  register: (app, http) => register(app, { sources, controller }, http),
})

interface Deps {
  readonly sources: readonly EventSource[]
  readonly controller: Pick<ControllerFacts, 'id'>
}

function register(
  app: FastifyInstance,
  { sources, controller }: Deps,
  { guard, stopping, heartbeatMs, now, lingerMs }: Http,
): void {
  const journal = createJournal({ sources, controllerId: controller.id, lingerMs, signal: stopping.signal })
  app.get(
    '/v1/event',
    {
      schema: {
        tags: ['autoscaler'],
        summary: 'Decisions, changed rows of the summary, observations and news of nodes as they happen',
        ...needs('read'),
        response: textAnswers(
          'text/event-stream',
          '`hello` or `resync`, then `decision`, `autoscaler`, `condition`, `pause`, `resume`, `alert`, `observation` and `nodes`, each with an id; comments keep it alive.',
        ),
      },
      onRequest: guard('read'),
    },
    async (request, reply) => {
      if (request.method === 'HEAD') return reply.type(CONTENT_TYPE).send()
      sendEndlessly({
        request,
        reply,
        contentType: CONTENT_TYPE,
        signal: stopping.signal,
        heartbeat: { text: ': alive\n\n', everyMs: heartbeatMs },
        subscribe: (send) => {
          send(': connected\n\n')
          const missed = journal.since(oneHeader(request.headers['last-event-id']))
          const data = { controller: controller.id, now: rfc3339(now()) }
          send(`event: ${missed === undefined ? 'resync' : 'hello'}\ndata: ${JSON.stringify(data)}\n\n`)
          for (const text of missed ?? []) send(text)
          return journal.follow(send)
        },
      })
      return reply
    },
  )
}

const KEPT_EVENTS = 1024

interface JournalDeps {
  readonly sources: readonly EventSource[]
  readonly controllerId: string
  /** For how long events are kept when the last reader has left: it may only be looking for its connection. */
  readonly lingerMs: number
  /** Ends it. */
  readonly signal: AbortSignal
}

/**
 * Each event is written out once, with one id, however many read, and the last are kept for readers that come back. While
 * nobody reads, but for a moment, nothing is heard, made or kept.
 */
function createJournal({ sources, controllerId, lingerMs, signal }: JournalDeps) {
  const readers = new Set<(text: string) => void>()
  let kept: string[] = []
  let lastId = 0
  let stop: (() => void) | undefined
  let lingering: NodeJS.Timeout | undefined

  const hear = (_event: object, wire: () => WireEvent) => {
    lastId += 1
    const { type, data } = wire()
    const text = `id: ${controllerId}-${lastId}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`
    kept.push(text)
    if (kept.length > KEPT_EVENTS) kept.shift()
    for (const send of readers) send(text)
  }
  const end = () => {
    clearTimeout(lingering)
    stop?.()
    stop = undefined
    kept = []
    // What comes while nobody reads has no number of its own: who was here before must read again.
    lastId += 1
  }
  signal.addEventListener('abort', end, { once: true })

  return {
    /** What came after that event; `undefined`: that is not known any more. Nothing for who never read before. */
    since(eventId: string | undefined): readonly string[] | undefined {
      if (eventId === undefined) return []
      const [, id, number] = /^(.*)-(\d{1,15})$/.exec(eventId) ?? []
      const missed = lastId - Number(number)
      if (id !== controllerId || stop === undefined || missed < 0 || missed > kept.length) return undefined
      return missed === 0 ? [] : kept.slice(-missed)
    },
    /** Returns the end of it. */
    follow(send: (text: string) => void): () => void {
      clearTimeout(lingering)
      readers.add(send)
      if (stop === undefined && !signal.aborted) {
        const ends = sources.map((subscribe) => subscribe(hear))
        stop = () => {
          for (const endOne of ends) endOne()
        }
      }
      return () => {
        if (!readers.delete(send) || readers.size > 0) return
        if (lingerMs <= 0) end()
        else lingering = setTimeout(end, lingerMs).unref()
      }
    },
  }
}
