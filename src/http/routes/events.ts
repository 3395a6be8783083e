/** `GET /v1/event`: what the capabilities have to tell as it happens, as server-sent events. */
import type { FastifyInstance } from 'fastify'
import { sendEndlessly } from '../endless-response.ts'
import type { ControllerFacts, EventSource, Http, RouteGroup, WireEvent } from '../route-group.ts'
import { rfc3339 } from '../wire/time.ts'
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
  { guard, stopping, heartbeatMs, now }: Http,
): void {
  const textOf = eventTexts(controller.id)
  app.get(
    '/v1/event',
    {
      schema: {
        tags: ['autoscaler'],
        summary: 'Decisions, changed rows of the summary, observations and news of nodes as they happen',
        ...needs('read'),
        response: textAnswers(
          'text/event-stream',
          '`hello` or `resync`, then `decision`, `autoscaler`, `observation` and `nodes`, each with an id; comments keep it alive.',
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
          // What came meanwhile is not kept: whoever was here before reads again.
          const type = request.headers['last-event-id'] === undefined ? 'hello' : 'resync'
          const data = { controller: controller.id, now: rfc3339(now()) }
          send(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
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
function eventTexts(controllerId: string): (event: object, wire: () => WireEvent) => string {
  const texts = new WeakMap<object, string>()
  let lastId = 0
  return (event, wire) => {
    const known = texts.get(event)
    if (known !== undefined) return known
    lastId += 1
    const { type, data } = wire()
    const text = `id: ${controllerId}-${lastId}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`
    texts.set(event, text)
    return text
  }
}
