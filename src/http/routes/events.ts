/** `GET /v1/event`: decisions, observations and news of nodes as they happen, as server-sent events. */
import type { FastifyPluginAsync } from 'fastify'
import type { OrreryEvent } from '../../autoscaling/autoscaler.ts'
import { sendEndlessly } from '../endless-response.ts'
import type { RouteDeps } from '../server-deps.ts'
import { wireDecision } from '../wire/decision.ts'
import { wireObservation } from '../wire/observation.ts'
import { needs, textAnswers } from './schemas.ts'

const CONTENT_TYPE = 'text/event-stream; charset=utf-8'

export const eventRoutes: FastifyPluginAsync<{ deps: RouteDeps }> = async (app, { deps }) => {
  const { feed, guard, stopping, heartbeatMs } = deps
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
          return feed.subscribe((event) => send(textOf(event)))
        },
      })
      return reply
    },
  )
}

/** Each event is written out once, with one id, however many listen. */
function eventTexts(): (event: OrreryEvent) => string {
  const texts = new WeakMap<OrreryEvent, string>()
  let lastId = 0
  return (event) => {
    const known = texts.get(event)
    if (known !== undefined) return known
    lastId += 1
    const text = `id: ${lastId}\nevent: ${event.type}\ndata: ${JSON.stringify(wireData(event))}\n\n`
    texts.set(event, text)
    return text
  }
}

function wireData(event: OrreryEvent): object {
  if (event.type === 'decision') return wireDecision(event.data)
  if (event.type === 'nodes') return event.data
  return 'gone' in event.data ? event.data : wireObservation(event.data)
}
