/** A Fastify of ours before it has routes: what the controller's own server and the one for agents have in common. */
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
} from 'fastify'
import { answerError } from './plugins/errors.ts'
import { withoutChildren } from './plugins/request-log.ts'

const BODY_LIMIT_BYTES = 1024 * 1024

export const createApp = (
  logger: FastifyBaseLogger,
  routerOptions: NonNullable<FastifyServerOptions['routerOptions']> = {},
): FastifyInstance =>
  fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: withoutChildren,
    bodyLimit: BODY_LIMIT_BYTES,
    // While closing, our own answer (503 with Retry-After) is better than the framework's.
    return503OnClosing: false,
    routerOptions,
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply)
    },
  })
