/**
 * The routes of gianarb/orbiter, registered under /v1/orbiter and at the root as it had them.
 * What deviates, and why, is in docs/migrating-from-orbiter.md.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Notification } from '../../../autoscaling/alerts/notification.ts'
import type { AlertResult } from '../../../autoscaling/autoscaler.ts'
import type { Decision } from '../../../autoscaling/decision/decision.ts'
import type { Direction } from '../../../autoscaling/policy/policy.ts'
import { Fault } from '../../../foundation/errors.ts'
import { sendEndlessly } from '../../endless-response.ts'
import { whoAsks } from '../../plugins/access.ts'
import { formOf, parsed, readBodiesAsText } from '../../plugins/json-body.ts'
import { HttpProblem, isTransient } from '../../problem.ts'
import type { Http, RouteGroup } from '../../route-group.ts'
import { wireDecision } from '../../wire/decision.ts'
import { rfc3339 } from '../../wire/parts.ts'
import {
  answerAlerts,
  answerDecision,
  countAlerts,
  countWebhook,
  notificationOf,
  refuseMarks,
} from '../autoscaling/answers.ts'
import type { AutoscalingDeps } from '../autoscaling/deps.ts'
import { needs } from '../schemas.ts'

type Deps = AutoscalingDeps & Http

const NAMESPACE = 'autoswarm'
/** Orbiter labels all of its answers so, the sentences and the empty ones too. */
const JSON_TYPE = 'application/json'

interface Target {
  readonly autoscaler: string
  readonly service: string
  readonly direction?: string
}

export const orbiterRoutes = (deps: AutoscalingDeps): RouteGroup => ({
  tags: [{ name: 'orbiter', description: 'The routes of gianarb/orbiter, for its callers' }],
  register(app, http) {
    for (const prefix of ['/v1/orbiter', '']) {
      app.register(async (scope) => register(scope, { ...deps, ...http }), { prefix })
    }
  },
})

function register(app: FastifyInstance, deps: Deps): void {
  const { catalog, feed, guard, stopping, heartbeatMs, now } = deps
  readBodiesAsText(app)
  const described = (summary: string, role: 'read' | 'scale') => ({ tags: ['orbiter'], summary, ...needs(role) })

  for (const url of ['/handle/:autoscaler/:service', '/handle/:autoscaler/:service/:direction']) {
    app.route<{ Params: Target }>({
      method: ['POST', 'PUT'],
      url,
      schema: described('One step up or down', 'scale'),
      onRequest: [guard('scale'), stopping.refuseNewWork],
      handler: (request, reply) => handle(deps, request, reply),
    })
  }
  app.get(
    '/autoscaler',
    { schema: described('Every autoscaler', 'read'), onRequest: guard('read'), config: { sharedMs: 50 } },
    async () => {
      const services = catalog.list().map(({ observation }) => observation.name)
      return { data: services.sort().map((service) => ({ name: `${NAMESPACE}/${service}` })) }
    },
  )
  app.get(
    '/health',
    { schema: described('Whether scaling is possible', 'read'), onRequest: guard('read') },
    async (_request, reply) => {
      const { inSync, reason } = catalog.sync()
      return reply.code(inSync ? 200 : 500).send({ status: inSync, info: inSync ? {} : { reason } })
    },
  )
  app.get(
    '/events',
    { schema: described('Decisions as they happen, a JSON object a line', 'read'), onRequest: guard('read') },
    async (request, reply) => {
      if (request.method === 'HEAD') return reply.type('application/x-ndjson').send()
      sendEndlessly({
        request,
        reply,
        contentType: 'application/x-ndjson',
        signal: stopping.signal,
        heartbeat: { text: '\n', everyMs: heartbeatMs },
        subscribe: (send) =>
          feed.subscribe(({ type, data }) => {
            if (type !== 'decision') return
            const line = { time: rfc3339(now()), level: 'info', msg: data.reason, fields: wireDecision(data) }
            send(`${JSON.stringify(line)}\n`)
          }),
      })
      return reply
    },
  )
}

async function handle(
  deps: Deps,
  request: FastifyRequest<{ Params: Target }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { autoscaler, service } = request.params
  const text = typeof request.body === 'string' ? request.body : ''
  const direction = directionOf(request.params.direction, text)
  const whole = parsed(text)
  const notification = notificationOf(whole ?? parsed(firstObject(text)))
  refuseMarks('query', request.query)
  if (whole === undefined && notification === undefined) refuseMarks('body', formOf(text))
  if (notification !== undefined) {
    countWebhook(reply, deps.metrics)
    const results = await alertResults(deps, { autoscaler, service, direction }, notification)
    countAlerts(results, deps.metrics)
    return reply.type(JSON_TYPE).send(answerAlerts(results))
  }
  try {
    const name = nameOf(deps, autoscaler, service)
    const answer = orbiterAnswer(
      await deps.scaler.request(name, { kind: 'step', origin: 'orbiter', direction, caller: whoAsks(request) }),
    )
    return reply.code(answer.status).type(JSON_TYPE).serializer(String).send(answer.text)
  } catch (error) {
    if (error instanceof Fault && error.code === 'unknown-autoscaler') return reply.code(404).type(JSON_TYPE).send()
    throw error
  }
}

/** Throws what is transient; what is not is each alert's result. */
async function alertResults(
  deps: Deps,
  { autoscaler, service, direction }: Target & { readonly direction: Direction },
  notification: Notification,
): Promise<readonly AlertResult[]> {
  try {
    const route = { name: nameOf(deps, autoscaler, service), direction }
    const { results, decision } = await deps.alerts.receiveFor(route, notification)
    return results.length > 0 ? results : [{ fingerprint: '', kind: 'decision', decision }]
  } catch (error) {
    if (!(error instanceof Fault) || isTransient(error.code)) throw error
    const { code, message: detail } = error
    return notification.alerts.map(({ fingerprint }) => ({ fingerprint, kind: 'error', code, detail }))
  }
}

function directionOf(word: string | undefined, body: string): Direction {
  if (word === 'up' || word === 'down') return word
  if (word !== undefined)
    throw new HttpProblem('invalid-value', `The path ends in ${JSON.stringify(word)}; it must end in "up" or "down".`)
  const direction = readOrbiterDirection(body)
  if (direction !== undefined) return direction
  throw new HttpProblem(
    'invalid-value',
    'Neither path nor body names a direction; send {"direction":true} for up, {"direction":false} for down.',
  )
}

/** The autoscaler of a service: Orbiter's names are those of services. Throws Fault `unknown-autoscaler` or `not-in-sync`. */
function nameOf({ catalog }: Deps, namespace: string, service: string): string {
  const found =
    namespace === NAMESPACE ? catalog.list().find(({ observation }) => observation.name === service) : undefined
  if (found !== undefined) return found.name
  const { inSync, reason } = catalog.sync()
  // Not found is not the same as not seen.
  if (!inSync) throw new Fault('not-in-sync', reason, { retryAfterMs: 1000 })
  throw new Fault('unknown-autoscaler', `there is no autoscaler ${namespace}/${service}`)
}

interface OrbiterAnswer {
  readonly status: 200 | 500
  readonly text: string
}

const DONE: OrbiterAnswer = { status: 200, text: '' }
const refused = (text: string): OrbiterAnswer => ({ status: 500, text })

/** Throws HttpProblem `invalid-policy` or `unsupported`. */
function orbiterAnswer(decision: Decision): OrbiterAnswer {
  const { outcome, code, from, reason, retryAtMs, atMs } = decision
  answerDecision(decision)
  // A duplicate was carried out by the first call; a dry run is to be noticed by nobody.
  if (outcome === 'scaled' || outcome === 'dry-run' || code === 'duplicate' || code === 'already-there') return DONE
  if (code === 'cooldown')
    return refused(`Cooldown period for ${(((retryAtMs ?? atMs) - atMs) / 1000).toFixed(6)} seconds`)
  // Orbiter's own words, to the letter; the second as it would have said it.
  if (code === 'at-min') return refused(`I can not scale down because it has only ${from} running.`)
  if (code === 'at-max') return refused(`I can not scale up because it has already ${from} running.`)
  return refused(reason)
}

/**
 * The direction in a body of Orbiter's: `{"direction": true}` is up. As lenient as Go's decoder, except that nothing is no longer "down".
 * `undefined`: the body names no direction. Key in any case, the last one wins; text after the first JSON value is ignored. */
function readOrbiterDirection(body: string): Direction | undefined {
  const value = parsed(firstObject(body))
  if (typeof value !== 'object' || value === null) return undefined
  const [, direction] = Object.entries(value).findLast(([key]) => key.toLowerCase() === 'direction') ?? []
  if (typeof direction !== 'boolean') return undefined
  return direction ? 'up' : 'down'
}

/** Up to the brace that closes the first one. */
function firstObject(text: string): string {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (inString) {
      if (character === '\\') at += 1
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{') depth += 1
    else if (character === '}') {
      depth -= 1
      if (depth <= 0) return text.slice(0, at + 1)
    }
  }
  return text
}
