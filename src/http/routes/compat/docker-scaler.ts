/**
 * The routes of thomasjpfan/docker-scaler, registered at the root and below SERVER_PREFIX as it had them.
 * What deviates, and why, is in docs/migrating-from-docker-scaler.md.
 */
import { Type } from '@sinclair/typebox'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { type Notification, readNotification } from '../../../autoscaling/alerts/notification.ts'
import type { Caller } from '../../../autoscaling/decision/request.ts'
import type { Direction, Step } from '../../../autoscaling/policy/policy.ts'
import { countWebhook } from '../../answer-alerts.ts'
import { whoAsks } from '../../plugins/access.ts'
import { errorAnswer } from '../../plugins/errors.ts'
import { readBodiesAsText } from '../../plugins/json-body.ts'
import { asHttpProblem, replyTo } from '../../problem.ts'
import { receiveAlert } from '../../receive-alert.ts'
import type { RouteDeps } from '../../server-deps.ts'
import { needs } from '../schemas.ts'
import { type DockerScalerAnswer, decisionAnswer, problemAnswer } from './docker-scaler-answer.ts'
import { readDockerScalerRequest } from './docker-scaler-request.ts'
import { parsed } from './orbiter-direction.ts'

const Answer = Type.Object({ status: Type.String({ enum: ['OK', 'NOK'] }), message: Type.String() })

/** Described, not checked: docker-scaler takes whatever it can read. */
const Fields = {
  type: 'object',
  properties: {
    service: { type: 'string', description: 'The Swarm service’s name.' },
    scale: { type: 'string', description: '"up" or "down".' },
    by: { type: 'string', description: 'How far; without it, the step of the policy.' },
  },
}

export const dockerScalerRoutes: FastifyPluginAsync<{ deps: RouteDeps }> = async (app, { deps }) => {
  readBodiesAsText(app)
  app.setErrorHandler(
    errorAnswer((reply, problem) => replyTo(reply, problem).send({ status: 'NOK', message: problem.message })),
  )
  app.get(
    '/v1/ping',
    { schema: { tags: ['docker-scaler'], summary: 'Whether the process is alive' } },
    async (_, reply) => reply.send(),
  )
  app.route({
    method: ['POST', 'PUT'],
    url: '/v1/scale-service',
    schema: {
      tags: ['docker-scaler'],
      summary: 'One step of a service, by query or by the labels of an alert group',
      ...needs('scale'),
      querystring: Fields,
      body: { type: 'object', properties: { groupLabels: Fields } },
      response: { 200: Answer, '4xx': Answer, '5xx': Answer },
    },
    onRequest: [deps.guard('scale'), deps.stopping.refuseNewWork],
    handler: (request, reply) => handle(deps, request, reply),
  })
}

async function handle(deps: RouteDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const body = typeof request.body === 'string' ? parsed(request.body) : undefined
  const notification = readNotification(body)
  if (notification !== undefined) countWebhook(reply, deps.metrics)
  const asked = readDockerScalerRequest(request.query, body)
  const { status, message } =
    'refusal' in asked
      ? { status: 400, message: asked.refusal }
      : await answer(deps, { ...asked, notification, who: whoAsks(request), requestId: request.id })
  return reply.code(status).send({ status: status === 200 ? 'OK' : 'NOK', message })
}

interface Asked {
  readonly service: string
  readonly direction: Direction
  readonly by?: Step
  readonly notification: Notification | undefined
  readonly who: Caller
  readonly requestId: string
}

/** Throws what a retry can mend, and faults of ours. */
async function answer(deps: RouteDeps, asked: Asked): Promise<DockerScalerAnswer> {
  const { service, direction, by, notification, who, requestId } = asked
  const step = { direction, caller: who, ...(by && { by }) }
  const caller = notification === undefined ? 'plain' : 'alert'
  try {
    const autoscaler = deps.catalog.ofService(service)
    const { name } = autoscaler
    const decision =
      notification === undefined
        ? await deps.scaler.request(name, { kind: 'step', origin: 'call', ...step })
        : (await receiveAlert(deps, { name, ...step }, notification)).decision
    return decisionAnswer(decision, autoscaler, caller)
  } catch (error) {
    const refused = problemAnswer(asHttpProblem(error, requestId), caller)
    if (refused === undefined) throw error
    return refused
  }
}
