/**
 * One line a request, of chosen fields: no header, no query, no body, since secrets travel in all three. Of one address that
 * is refused again and again the first lines are written, and then one a minute that counts.
 */
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { mayChange, whoAsks } from './access.ts'
import { pathOf } from './errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Called so often that its lines, refusals too, are only for debugging: its caller logs them. */
    isQuiet?: boolean
  }
}

/**
 * For `childLoggerFactory`: the logger as it is. A child for each request is made before anything is known to be worth a line,
 * and whoever waits for an answer waits for that too; lines name the request themselves (`reqId`).
 */
export const withoutChildren = (logger: FastifyBaseLogger): FastifyBaseLogger => logger

/** Lines of one address in a minute. */
const LINES = 20
const MINUTE_MS = 60_000
/** Addresses that are counted; beyond them all others are one. */
const MOST_PEERS = 1000
const OTHERS = 'others'

export function logRequests(app: FastifyInstance, everyMs = MINUTE_MS): void {
  const refusals = new Map<string, number>()
  const sumUp = () => {
    for (const [peer, count] of refusals) {
      const left = count - LINES
      if (left > 0) app.log.info({ event: 'requests-refused', peer, count: left }, `${left} more refusals`)
    }
    refusals.clear()
  }
  const timer = setInterval(sumUp, everyMs).unref()
  app.addHook('onClose', async () => {
    clearInterval(timer)
    sumUp()
  })

  /** Whether it has a line of its own. */
  const isCounted = (peer: string): boolean => {
    const known = refusals.has(peer) || refusals.size < MOST_PEERS ? peer : OTHERS
    const count = (refusals.get(known) ?? 0) + 1
    refusals.set(known, count)
    return count <= LINES
  }

  app.addHook('onResponse', (request, reply, done) => {
    audit(request, reply)
    const { statusCode, elapsedTime } = reply
    const peer = request.raw.socket.remoteAddress ?? ''
    const isQuiet = statusCode < 400 || request.routeOptions.config.isQuiet === true
    const level = isQuiet || (statusCode < 500 && !isCounted(peer)) ? 'debug' : 'info'
    request.log[level](
      {
        event: 'request',
        reqId: request.id,
        method: request.method,
        path: pathOf(request),
        status: statusCode,
        tookMs: Math.round(elapsedTime * 10) / 10,
        peer,
      },
      'answered',
    )
    done()
  })
}

/** Who changed something, or was let in to try. */
function audit(request: FastifyRequest, { statusCode: status }: FastifyReply): void {
  const { method } = request
  if (!mayChange(request)) return
  const caller = whoAsks(request)
  const path = pathOf(request)
  request.log.info(
    { event: 'audit', reqId: request.id, caller, method, path, status },
    `${caller.name ?? caller.address}: ${method} ${path}`,
  )
}
