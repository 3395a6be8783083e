/** `GET /v1/event`: what the capabilities have to tell as it happens, as server-sent events. */
import type { FastifyInstance } from 'fastify'
import { sendEndlessly } from '../endless-response.ts'
import type { EventSource, Http, RouteGroup, WireEvent } from '../route-group.ts'
import { needs, textAnswers } from './schemas.ts'

const CONTENT_TYPE = 'text/event-stream; charset=utf-8'

export const eventRoutes = (sources: readonly EventSource[]): RouteGroup => ({
  register: (app, http) => register(app, sources, http),
})

function register(app: FastifyInstance, sources: readonly EventSource[], { guard, stopping, heartbeatMs }: Http): void {
  const textOf = eventTexts()
  app.get(
    '/v1/event',
    {
      schema: {
        tags: ['autoscaler'],
        summary: 'Decisions, observations and news of nodes as they happen',
        ...needs('read'),
        response: textAnswers(
          'text/event-stream',
          'Events `decision`, `observation` and `nodes`, each with an id; comments keep it alive.',
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
          const ends = sources.map((subscribe) => subscribe((event, wire) => send(textOf(event, wire))))
          return () => {
            for (const end of ends) end()
          }
        },
      })
      return reply
    },
  )
}

/** Each event is written out once, with one id, however many listen. */
function eventTexts(): (event: object, wire: () => WireEvent) => string {
  const texts = new WeakMap<object, string>()
  let lastId = 0
  return (event, wire) => {
    const known = texts.get(event)
    if (known !== undefined) return known
    lastId += 1
    const { type, data } = wire()
    const text = `id: ${lastId}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`
    texts.set(event, text)
    return text
  }
}
