/** The HTTP side put together, in the order in which it is registered. It listens nowhere: see listen.ts. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { createApp } from './app.ts'
import { serveDashboard } from './dashboard/dashboard.ts'
import { createGuard, createRoleOf, refuseForeignHosts } from './plugins/access.ts'
import { answerErrors } from './plugins/errors.ts'
import { createGrafanaGuard } from './plugins/grafana-signature.ts'
import { readBodiesAsJson } from './plugins/json-body.ts'
import { trackMethods } from './plugins/method-not-allowed.ts'
import { describeApi } from './plugins/openapi.ts'
import { createRefuse } from './plugins/refuse.ts'
import { logRequests } from './plugins/request-log.ts'
import { shareAnswers } from './plugins/shared-answers.ts'
import { createStopping } from './plugins/stopping.ts'
import type { Http, ServerDeps } from './route-group.ts'
import { eventRoutes } from './routes/events.ts'
import { processRoutes } from './routes/process.ts'
import { explainingValidator } from './validate.ts'

const HEARTBEAT_MS = 15_000
const LINGER_MS = 60_000
/** Docker's names have at most 63 characters. */
const MAX_PARAM_LENGTH = 200

export function buildServer(deps: ServerDeps): FastifyInstance {
  const paths = { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: MAX_PARAM_LENGTH }
  const app = createApp(deps.logger, paths)
  const { groups, access, now, controller, stopping: outer, heartbeatMs = HEARTBEAT_MS, lingerMs = LINGER_MS } = deps
  const refuseOtherMethods = trackMethods(app)
  refuseForeignHosts(app, access)
  answerErrors(app)
  app.setValidatorCompiler(explainingValidator)
  const stopping = createStopping(app, outer ?? new AbortController().signal)
  readBodiesAsJson(app)
  logRequests(app)
  const events = groups.flatMap((group) => group.events ?? [])
  const all = [processRoutes(deps), ...groups, eventRoutes(events, controller)]
  shareAnswers(app)
  describeApi(app, { version: controller.version, tags: all.flatMap(({ tags = [] }) => tags) })

  const refuse = createRefuse(app)
  const guard = createGuard(access, refuse)
  const grafanaGuard = createGrafanaGuard({ signing: access.grafana, guard, refuse, now })
  const http: Http = { guard, roleOf: createRoleOf(access), grafanaGuard, stopping, heartbeatMs, lingerMs, now }
  const api = app.withTypeProvider<TypeBoxTypeProvider>()
  for (const group of all) {
    api.register(async (scope) => {
      // A scope with schemas of its own would otherwise get a validator of its own too.
      scope.setValidatorCompiler(explainingValidator)
      group.register(scope, http)
    })
  }
  if (deps.dashboardFolder !== undefined) serveDashboard(app, deps.dashboardFolder)
  app.after(refuseOtherMethods)
  return app
}
