/** `PUT replicas`: a count, inside the bounds, now. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { answerDecision } from '../answer-decision.ts'
import { NameParams, ReplicasBody } from '../asked.ts'
import { readIdempotencyKey } from '../idempotency-key.ts'
import type { RouteDeps } from '../server-deps.ts'
import { DecisionSchema } from '../wire/decision.ts'
import { answers, IdempotencyHeader, needs } from './schemas.ts'

export const replicasRoutes: FastifyPluginAsyncTypebox<{ deps: RouteDeps }> = async (app, { deps }) => {
  app.put(
    '/v1/autoscaler/:name/replicas',
    {
      schema: {
        tags: ['autoscaler'],
        summary: 'Set the count, clamped to the bounds; skips cooldown, works at 0',
        ...needs('scale'),
        params: NameParams,
        headers: IdempotencyHeader,
        body: ReplicasBody,
        response: answers(DecisionSchema, 'What was decided; 200 for every policy outcome.'),
      },
      onRequest: [deps.guard('scale'), deps.stopping.refuseNewWork],
    },
    async ({ params: { name }, body: { replicas, reason }, headers }) => {
      const key = readIdempotencyKey(headers['idempotency-key'], { autoscaler: name, wish: `set:${replicas}` })
      const note = reason?.trim()
      const request = { kind: 'set', origin: 'call', replicas, ...(key && { key }), ...(note && { note }) } as const
      return answerDecision(await deps.scaler.request(name, request))
    },
  )
}
