/** `PUT replicas`: a count, inside the bounds, now. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { answerDecision } from '../answer-decision.ts'
import { NameParams, ReplicasBody } from '../asked.ts'
import { readIdempotencyKey } from '../idempotency-key.ts'
import { whoAsks } from '../plugins/access.ts'
import { HttpProblem } from '../problem.ts'
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
    async (request) => {
      const { params, body, headers } = request
      const { name } = params
      const { replicas, reason, expect } = body
      requireExpected(deps.catalog.get(name).observation.replicas, expect)
      const key = readIdempotencyKey(headers['idempotency-key'], { autoscaler: name, wish: `set:${replicas}` })
      const note = reason?.trim()
      const wish = { replicas, caller: whoAsks(request), ...(key && { key }), ...(note && { note }) }
      return answerDecision(await deps.scaler.request(name, { kind: 'set', origin: 'call', ...wish }))
    },
  )
}

/** Of two people who look at 3, one at 5 must not undo what the other just did. Throws HttpProblem `count-changed`. */
function requireExpected(count: number, expected: number | undefined): void {
  if (expected === undefined || expected === count) return
  throw new HttpProblem('count-changed', `The count is ${count} now, not ${expected}; nothing was changed. Look again.`)
}
