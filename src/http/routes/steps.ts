/** `up` and `down`: one step, asked for by a person, a program, or the notification of a monitoring tool. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { readNotification } from '../../autoscaling/alerts/notification.ts'
import type { Direction } from '../../autoscaling/policy/policy.ts'
import { formatStep } from '../../autoscaling/policy/step.ts'
import { countWebhook } from '../answer-alerts.ts'
import { answerDecision } from '../answer-decision.ts'
import { NameParams, readStep, StepQuery, stepBody } from '../asked.ts'
import { readIdempotencyKey } from '../idempotency-key.ts'
import { whoAsks } from '../plugins/access.ts'
import { receiveAlert } from '../receive-alert.ts'
import type { RouteDeps } from '../server-deps.ts'
import { DecisionSchema } from '../wire/decision.ts'
import { answers, IdempotencyHeader, needs } from './schemas.ts'

const DIRECTIONS: readonly Direction[] = ['up', 'down']

export const stepRoutes: FastifyPluginAsyncTypebox<{ deps: RouteDeps }> = async (app, { deps }) => {
  const { scaler, guard, stopping } = deps
  for (const direction of DIRECTIONS) {
    app.route({
      method: ['POST', 'PUT'],
      url: `/v1/autoscaler/:name/${direction}`,
      schema: {
        tags: ['autoscaler'],
        summary: `One step ${direction}`,
        ...needs('scale'),
        params: NameParams,
        querystring: StepQuery,
        headers: IdempotencyHeader,
        body: stepBody(direction),
        response: answers(DecisionSchema, 'What was decided; 200 for every policy outcome.'),
      },
      onRequest: [guard('scale'), stopping.refuseNewWork],
      handler: async (request, reply) => {
        const { name } = request.params
        const { by, note } = readStep(request.query, request.body)
        const notification = readNotification(request.body)
        const wish = `${direction}:${by ? formatStep(by) : ''}`
        const key = readIdempotencyKey(request.headers['idempotency-key'], { autoscaler: name, wish })
        const caller = whoAsks(request)
        const step = { direction, caller, ...(by && { by }), ...(note && { note }), ...(key && { key }) }
        if (notification === undefined) {
          return answerDecision(await scaler.request(name, { kind: 'step', origin: 'call', ...step }))
        }
        countWebhook(reply, deps.metrics)
        const { decision } = await receiveAlert(deps, { name, ...step }, notification)
        return answerDecision(decision)
      },
    })
  }
}
