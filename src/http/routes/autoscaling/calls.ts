/** What callers ask of one autoscaler: a step, a count, a pause; and the pause of everything. A step may also be the notification of a monitoring tool. */
import type { FastifyRequest } from 'fastify'
import type { Direction } from '../../../autoscaling/policy/policy.ts'
import { formatStep } from '../../../autoscaling/policy/step.ts'
import { whoAsks } from '../../plugins/access.ts'
import type { Http, TypedApp } from '../../route-group.ts'
import { AutoscalerSchema, PauseOfAllSchema, wireAutoscaler, wirePauseOfAll } from '../../wire/autoscaler.ts'
import { DecisionSchema } from '../../wire/decision.ts'
import { answers, NameParams, needs } from '../schemas.ts'
import { answerDecision, countWebhook, notificationOf, receiveAlert, refuseMarks } from './answers.ts'
import {
  IdempotencyHeader,
  NoQuery,
  PauseBody,
  PauseQuery,
  ReplicasBody,
  Resume,
  readIdempotencyKey,
  readPause,
  readReason,
  readStep,
  stepBody,
  stepQuery,
} from './asked.ts'
import type { AutoscalingDeps } from './deps.ts'

type Deps = Pick<AutoscalingDeps, 'catalog' | 'scaler' | 'alerts' | 'metrics'> & Http

const DIRECTIONS: readonly Direction[] = ['up', 'down']

export function callRoutes(app: TypedApp, deps: Deps): void {
  stepRoutes(app, deps)
  replicasRoute(app, deps)
  pauseRoutes(app, deps)
  pauseOfAllRoutes(app, deps)
}

function stepRoutes(app: TypedApp, deps: Deps): void {
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
        querystring: stepQuery(direction),
        headers: IdempotencyHeader,
        body: stepBody(direction),
        response: answers(DecisionSchema, 'What was decided; 200 for every policy outcome.'),
      },
      onRequest: [guard('scale'), stopping.refuseNewWork],
      handler: async (request, reply) => {
        const { name } = request.params
        const { by, note } = readStep(request.query, request.body)
        refuseMarks('query', request.query)
        const notification = notificationOf(request.body)
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

/** A count, inside the bounds, now. */
function replicasRoute(app: TypedApp, deps: Deps): void {
  app.put(
    '/v1/autoscaler/:name/replicas',
    {
      schema: {
        tags: ['autoscaler'],
        summary: 'Set the count, clamped to the bounds; skips cooldown, works at 0',
        ...needs('scale'),
        params: NameParams,
        querystring: NoQuery,
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
      const key = readIdempotencyKey(headers['idempotency-key'], { autoscaler: name, wish: `set:${replicas}` })
      const note = readReason(reason)
      const wish = {
        ...{ replicas, caller: whoAsks(request) },
        ...(expect !== undefined && { expected: expect }),
        ...(key && { key }),
        ...(note && { note }),
      }
      return answerDecision(await deps.scaler.request(name, { kind: 'set', origin: 'call', ...wish }))
    },
  )
}

/** Stop one direction or both, for a while or until told otherwise. */
function pauseRoutes(app: TypedApp, { scaler, guard, stopping }: Deps): void {
  const shared = {
    tags: ['autoscaler'],
    ...needs('scale'),
    params: NameParams,
    response: answers(AutoscalerSchema, 'The autoscaler as it is now.'),
  }
  app.route({
    method: ['POST', 'PUT'],
    url: '/v1/autoscaler/:name/pause',
    schema: { ...shared, summary: 'Stop scaling, one way or both', querystring: PauseQuery, body: PauseBody },
    onRequest: [guard('scale'), stopping.refuseNewWork],
    handler: async (request) => {
      const { params, query, body } = request
      return wireAutoscaler(await scaler.pause(params.name, { ...readPause(query, body), ...pauser(request) }))
    },
  })
  app.route({
    method: ['POST', 'PUT'],
    url: '/v1/autoscaler/:name/resume',
    schema: { ...shared, summary: 'End a pause set by call', querystring: Resume, body: Resume },
    onRequest: [guard('scale'), stopping.refuseNewWork],
    handler: async ({ params: { name }, query, body }) => {
      const { direction = 'both' } = { ...body, ...query }
      return wireAutoscaler(await scaler.resume(name, direction))
    },
  })
}

const pauser = (request: FastifyRequest): { readonly by?: string } => {
  const { name, address } = whoAsks(request)
  const by = name ?? address
  return by === undefined ? {} : { by }
}

/** Every autoscaler, those to come too. */
function pauseOfAllRoutes(app: TypedApp, { scaler, guard, stopping }: Deps): void {
  const shared = { tags: ['autoscaler'], response: answers(PauseOfAllSchema, 'The pause of everything as it is now.') }
  const onRequest = [guard('scale'), stopping.refuseNewWork]
  app.get(
    '/v1/pause',
    { schema: { ...shared, ...needs('read'), summary: 'Whether everything is paused' }, onRequest: guard('read') },
    async () => wirePauseOfAll(scaler.pausedAll()),
  )
  app.route({
    method: ['POST', 'PUT'],
    url: '/v1/pause',
    schema: { ...shared, ...needs('scale'), summary: 'Stop all scaling', querystring: PauseQuery, body: PauseBody },
    onRequest,
    handler: async (request) =>
      wirePauseOfAll(await scaler.pauseAll({ ...readPause(request.query, request.body), ...pauser(request) })),
  })
  app.route({
    method: ['POST', 'PUT'],
    url: '/v1/resume',
    schema: { ...shared, ...needs('scale'), summary: 'End the pause of everything', querystring: Resume, body: Resume },
    onRequest,
    handler: async ({ query, body }) => {
      const { direction = 'both' } = { ...body, ...query }
      return wirePauseOfAll(await scaler.resumeAll(direction))
    },
  })
}
