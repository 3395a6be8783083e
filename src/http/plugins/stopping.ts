/** What changes once the controller stops: no new work, no kept-alive connections, no endless streams. */
import type { FastifyInstance } from 'fastify'
import { HttpProblem } from '../problem.ts'
import type { OnRequest } from './access.ts'

export interface Stopping {
  /** Aborted when the stop begins, by the caller's signal or by `app.close()`. */
  readonly signal: AbortSignal
  /** For `onRequest` of routes that would begin something. */
  readonly refuseNewWork: OnRequest
}

export function createStopping(app: FastifyInstance, outer: AbortSignal): Stopping {
  const closing = new AbortController()
  const signal = AbortSignal.any([outer, closing.signal])
  app.addHook('preClose', async () => closing.abort())
  // At the last moment, so that an answer begun before the stop does not keep its connection either.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (signal.aborted) reply.header('connection', 'close')
    done()
  })
  return {
    signal,
    refuseNewWork(_request, _reply, done) {
      if (signal.aborted) done(shuttingDown())
      else done()
    },
  }
}

const shuttingDown = (): HttpProblem =>
  new HttpProblem('shutting-down', 'This controller is stopping; ask again, another one or its successor answers.', {
    retryAfterMs: 2000,
  })
