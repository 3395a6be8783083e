/** The HTTP side put together, in the order in which it is registered. It listens nowhere: see listen.ts. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type FastifyInstance, LogController } from 'fastify'
import { NO_DESK, NO_NETWORKS } from './no-networks.ts'
import { createGuard } from './plugins/access.ts'
import { answerError, answerErrors } from './plugins/errors.ts'
import { createGrafanaGuard } from './plugins/grafana-signature.ts'
import { readBodiesAsJson } from './plugins/json-body.ts'
import { trackMethods } from './plugins/method-not-allowed.ts'
import { describeApi } from './plugins/openapi.ts'
import { createRefuse } from './plugins/refuse.ts'
import { logRequests } from './plugins/request-log.ts'
import { createStopping } from './plugins/stopping.ts'
import { autoscalerRoutes } from './routes/autoscalers.ts'
import { dockerScalerRoutes } from './routes/compat/docker-scaler.ts'
import { orbiterRoutes } from './routes/compat/orbiter.ts'
import { eventRoutes } from './routes/events.ts'
import { networkRoutes } from './routes/networks.ts'
import { nodeRoutes } from './routes/nodes.ts'
import { pauseRoutes } from './routes/pauses.ts'
import { processRoutes } from './routes/process.ts'
import { replicasRoutes } from './routes/replicas.ts'
import { reportRoutes } from './routes/reports.ts'
import { stepRoutes } from './routes/steps.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import type { RouteDeps, ServerDeps } from './server-deps.ts'
import { explainingValidator } from './validate.ts'
import { NetworkSchema, ShareSchema } from './wire/network.ts'
import { NodeSchema } from './wire/node.ts'

const BODY_LIMIT_BYTES = 1024 * 1024
const HEARTBEAT_MS = 15_000
/** Docker's names have at most 63 characters. */
const MAX_PARAM_LENGTH = 200

const ROUTES = [
  processRoutes,
  autoscalerRoutes,
  stepRoutes,
  replicasRoutes,
  pauseRoutes,
  webhookRoutes,
  networkRoutes,
  nodeRoutes,
  reportRoutes,
]

export function buildServer(deps: ServerDeps): FastifyInstance {
  const app: FastifyInstance = fastify({
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    // While closing, our own answer (503 with Retry-After) is better than the framework's.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply)
    },
  })
  const {
    access,
    logger: _,
    version,
    stopping: outer,
    heartbeatMs = HEARTBEAT_MS,
    serverPrefix = '',
    networks = NO_NETWORKS,
    agents = NO_DESK,
    ...useCases
  } = deps
  const refuseOtherMethods = trackMethods(app)
  answerErrors(app)
  app.setValidatorCompiler(explainingValidator)
  const stopping = createStopping(app, outer ?? new AbortController().signal)
  readBodiesAsJson(app)
  logRequests(app)
  describeApi(app, version)
  for (const schema of [ShareSchema, NetworkSchema, NodeSchema]) app.addSchema(schema)

  const refuse = createRefuse(app)
  const guard = createGuard(access, refuse)
  const grafanaGuard = createGrafanaGuard({ signing: access.grafana, guard, refuse, now: deps.now })
  const routeDeps: RouteDeps = { ...useCases, networks, agents, heartbeatMs, stopping, guard, grafanaGuard }
  const api = app.withTypeProvider<TypeBoxTypeProvider>()
  for (const routes of ROUTES) api.register(routes, { deps: routeDeps })
  app.register(eventRoutes, { deps: routeDeps })
  for (const prefix of ['/v1/orbiter', '']) app.register(orbiterRoutes, { prefix, deps: routeDeps })
  for (const prefix of new Set(['', serverPrefix])) app.register(dockerScalerRoutes, { prefix, deps: routeDeps })
  app.after(refuseOtherMethods)
  return app
}
