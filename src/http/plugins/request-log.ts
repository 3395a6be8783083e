/** One line a request, of chosen fields: no header, no query, no body, since secrets travel in all three. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { mayChange, whoAsks } from './access.ts'
import { pathOf } from './errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Called so often that its lines, refusals too, are only for debugging: its caller logs them. */
    isQuiet?: boolean
  }
}

export function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    audit(request, reply)
    const { statusCode, elapsedTime } = reply
    const isQuiet = statusCode < 400 || request.routeOptions.config.isQuiet === true
    const level = isQuiet ? 'debug' : 'info'
    request.log[level](
      {
        event: 'request',
        method: request.method,
        path: pathOf(request),
        status: statusCode,
        tookMs: Math.round(elapsedTime * 10) / 10,
        peer: request.raw.socket.remoteAddress,
      },
      'answered',
    )
  })
}

/** Who changed something, or was let in to try. */
function audit(request: FastifyRequest, { statusCode: status }: FastifyReply): void {
  const { method } = request
  if (!mayChange(request)) return
  const caller = whoAsks(request)
  const path = pathOf(request)
  request.log.info(
    { event: 'audit', caller, method, path, status },
    `${caller.name ?? caller.address}: ${method} ${path}`,
  )
}
