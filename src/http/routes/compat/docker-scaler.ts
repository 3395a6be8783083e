/**
 * The routes of thomasjpfan/docker-scaler, registered at the root and below SERVER_PREFIX as it had them.
 * What deviates, and why, is in docs/migrating-from-docker-scaler.md.
 */
import { Type } from '@sinclair/typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Notification } from '../../../autoscaling/alerts/notification.ts'
import type { Autoscaler } from '../../../autoscaling/autoscaler.ts'
import type { Decision } from '../../../autoscaling/decision/decision.ts'
import type { Caller as Who } from '../../../autoscaling/decision/request.ts'
import type { Direction, Step } from '../../../autoscaling/policy/policy.ts'
import { parseStep } from '../../../autoscaling/policy/step.ts'
import { MAX_WHOLE_NUMBER } from '../../../foundation/whole-number.ts'
import type { ServiceMode } from '../../../swarm/services.ts'
import { whoAsks } from '../../plugins/access.ts'
import { errorAnswer } from '../../plugins/errors.ts'
import { formOf, parsed, readBodiesAsText } from '../../plugins/json-body.ts'
import { asHttpProblem, type HttpProblem, isTransient, PROBLEMS, replyTo } from '../../problem.ts'
import type { Http, RouteGroup } from '../../route-group.ts'
import { countWebhook, notificationOf, receiveAlert, refuseMarks } from '../autoscaling/answers.ts'
import type { AutoscalingDeps } from '../autoscaling/deps.ts'
import { needs } from '../schemas.ts'

type Deps = AutoscalingDeps & Http

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

/** Below `prefix` too; empty: nowhere else. */
export const dockerScalerRoutes = (deps: AutoscalingDeps, prefix = ''): RouteGroup => ({
  tags: [{ name: 'docker-scaler', description: 'The routes of thomasjpfan/docker-scaler, for its callers' }],
  register(app, http) {
    for (const below of new Set(['', prefix])) {
      app.register(async (scope) => register(scope, { ...deps, ...http }), { prefix: below })
    }
  },
})

function register(app: FastifyInstance, deps: Deps): void {
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

async function handle(deps: Deps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const sent = typeof request.body === 'string' ? request.body : ''
  const body = parsed(sent)
  const notification = notificationOf(body, ['groupLabels'])
  refuseMarks('query', request.query, ['service', 'scale', 'by'])
  if (body === undefined) refuseMarks('body', formOf(sent), ['groupLabels'])
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
  readonly who: Who
  readonly requestId: string
}

/** Throws what a retry can fix, and faults of ours. */
async function answer(deps: Deps, asked: Asked): Promise<DockerScalerAnswer> {
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

/** What docker-scaler reads from query and body, in its order and with its messages. */
type DockerScalerRequest =
  | { readonly service: string; readonly direction: Direction; readonly by?: Step }
  | { readonly refusal: string }

/** The query wins, field by field, wherever it is not empty. `body` is any JSON value. */
function readDockerScalerRequest(query: unknown, body: unknown): DockerScalerRequest {
  const labels = record(record(body).groupLabels)
  const field = (name: string): unknown => first(record(query)[name]) || labels[name]
  const service = text(field('service'))
  const scale = text(field('scale'))
  if (service === '') return { refusal: 'No service name in request' }
  if (scale === '') return { refusal: 'No scale direction in request' }
  if (scale !== 'up' && scale !== 'down') return { refusal: 'Incorrect scale direction in request' }
  const by = readBy(field('by'))
  return { service, direction: scale, ...(by && { by }) }
}

/** `undefined`, so that the policy's step is used, for all that is no step. A text's sign is dropped; per cent is Orrery's own. */
function readBy(written: unknown): Step | undefined {
  const digits = typeof written === 'number' ? String(written) : text(written).replace(/^[+-]/, '')
  if (!/^[0-9]{1,18}$/.test(digits)) return parseStep(digits)
  return parseStep(String(Math.min(Number(digits), MAX_WHOLE_NUMBER)))
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value)

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** What became of a request in its codes and messages; what it never had is said in its form. */
interface DockerScalerAnswer {
  readonly status: number
  readonly message: string
}

/** An alert is told in 4xx what no repeat can mend: Alertmanager would repeat docker-scaler's 500 for ever. */
type Caller = 'plain' | 'alert'

function decisionAnswer(decision: Decision, autoscaler: Autoscaler, caller: Caller): DockerScalerAnswer {
  const { service, outcome, code, reason, from, to } = decision
  const { bounds } = autoscaler
  const ok = (message: string): DockerScalerAnswer => ({ status: 200, message })
  if (outcome === 'invalid-policy') return { status: PROBLEMS['invalid-policy'].status, message: reason }
  if (outcome === 'unsupported') {
    const status = caller === 'plain' ? 500 : PROBLEMS.unsupported.status
    return { status, message: unsupported(service, autoscaler.observation.mode, reason) }
  }
  if (outcome === 'scaled') {
    const range = bounds ? ` (min: ${bounds.min}, max: ${bounds.max ?? 'none'})` : ''
    return ok(`Scaling ${service} from ${from} to ${to} replicas${range}`)
  }
  if (code === 'at-max') {
    return ok(`${service} is already scaled to the maximum number of ${bounds?.max ?? to} replicas`)
  }
  if (code === 'at-min')
    return ok(`${service} is already descaled to the minimum number of ${bounds?.min ?? to} replicas`)
  return ok(`${service} is not scaled: ${reason}`)
}

function unsupported(service: string, mode: ServiceMode, reason: string): string {
  // docker-scaler's own words, to the letter.
  if (mode === 'global') return `${service} is a global service (can not be scaled)`
  if (mode !== 'replicated') return `Unable to recognize service model for: ${service}`
  return `${service} cannot be scaled: ${reason}`
}

/** `undefined`: what a retry can fix, or a fault of ours, which is 5xx for everybody. */
function problemAnswer({ code, message }: HttpProblem, caller: Caller): DockerScalerAnswer | undefined {
  if (isTransient(code) || code === 'internal') return undefined
  const { status } = PROBLEMS[code]
  if (caller === 'alert') return { status: status < 500 ? status : 409, message }
  if (code === 'unknown-autoscaler') {
    return { status: 500, message: `docker inspect failed in ScalerService: ${message}` }
  }
  return { status: code === 'write-rejected' ? 500 : status, message }
}
