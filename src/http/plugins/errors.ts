/** Every error leaves as a problem; unexpected ones leave their text in the log. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { asHttpProblem, HttpProblem, PROBLEMS, sendProblem } from '../problem.ts'

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply))
  // Before the body is read: what is wrong with a body for nobody is not the point.
  app.addHook('onRequest', async (request) => {
    if (request.is404) throw unknownRoute(request)
  })
  app.setNotFoundHandler((request, reply) => sendProblem(reply, unknownRoute(request)))
}

const unknownRoute = (request: FastifyRequest): HttpProblem =>
  new HttpProblem('unknown-route', `There is no ${request.method} ${pathOf(request)}; /docs lists what there is.`)

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const answer = asHttpProblem(error, request.id)
  const { status } = PROBLEMS[answer.code]
  if (answer.code === 'internal')
    request.log.error({ event: 'internal-error', err: error }, 'a request failed unexpectedly')
  else if (status >= 500) request.log.warn({ event: 'request-failed', code: answer.code, err: error }, answer.message)
  // A body cut short by closing the connection costs the client our answer: let the rest come, the request timeout bounds it.
  if (answer.code === 'body-too-large') reply.removeHeader('connection')
  return sendProblem(reply, answer)
}

/** Without the query: people put secrets there. */
export const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] ?? '/'
