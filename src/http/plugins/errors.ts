/** Every error leaves as a problem; unexpected ones leave their text in the log. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { asHttpProblem, HttpProblem, PROBLEMS, sendProblem } from '../problem.ts'

export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler(answerError)
  // Before the body is read: what is wrong with a body for nobody is not the point.
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.is404) done(unknownRoute(request))
    else done()
  })
  app.setNotFoundHandler((request, reply) => sendProblem(reply, unknownRoute(request)))
}

export const unknownRoute = (request: FastifyRequest): HttpProblem =>
  new HttpProblem('unknown-route', `There is no ${request.method} ${pathOf(request)}; /docs lists what there is.`)

/** `send` is how the routes of another contract say what went wrong; status and headers are its own affair too. */
export const errorAnswer =
  (send: (reply: FastifyReply, answer: HttpProblem) => FastifyReply) =>
  (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const answer = asHttpProblem(error, request.id)
    const { status } = PROBLEMS[answer.code]
    if (answer.code === 'internal')
      request.log.error({ event: 'internal-error', reqId: request.id, err: error }, 'a request failed unexpectedly')
    else if (status >= 500)
      request.log[request.routeOptions.config.isQuiet ? 'debug' : 'warn'](
        { event: 'request-failed', reqId: request.id, code: answer.code, err: error },
        answer.message,
      )
    // A body cut short by closing the connection costs the client our answer: let the rest come, the request timeout bounds it.
    if (answer.code === 'body-too-large') reply.removeHeader('connection')
    return send(reply, answer)
  }

export const answerError = errorAnswer(sendProblem)

/** What a line of the log or an answer says of a path that nobody knows; it can have 14 KB. */
const SHOWN_PATH = 200

/** Without the query: people put secrets there. */
export function pathOf({ url }: FastifyRequest): string {
  const [path = '/'] = url.split('?', 1)
  return path.length > SHOWN_PATH ? `${path.slice(0, SHOWN_PATH)}…` : path
}
