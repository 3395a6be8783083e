/**
 * Bodies: empty is valid and anything else is JSON, whatever Content-Type says, since `curl -d ''` says form-urlencoded
 * and alerting tools say what they like.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RequestPayload } from 'fastify'
import { HttpProblem } from '../problem.ts'
import { createReadBody, type ReadBody } from './body-budget.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readBody: ReadBody
  }
}

const bodyOf = (request: FastifyRequest, payload: RequestPayload): Promise<string> => {
  const { headers, routeOptions, server } = request
  const limitBytes = routeOptions.bodyLimit ?? server.initialConfig.bodyLimit ?? 0
  return server.readBody({ payload, headers, limitBytes }).then((bytes) => bytes.toString('utf8'))
}

export function readBodiesAsJson(app: FastifyInstance): void {
  app.decorate('readBody', createReadBody())
  app.addHook('onRequest', forgetContentType)
  app.removeAllContentTypeParsers()
  const parseSafely = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: RequestPayload) => {
    const text = await bodyOf(request, payload)
    if (text.trim() === '') return undefined
    return await new Promise((resolve, reject) => {
      parseSafely(request, text, (error, body) => {
        if (error) reject(new HttpProblem('malformed', whatIsWrong(text)))
        else resolve(body)
      })
    })
  })
}

/** Bodies as text, for routes that read them in their own way; in a plugin of its own. */
export function readBodiesAsText(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', bodyOf)
}

/** Without the header, Fastify can neither choose a parser by it nor answer 415 to a malformed one. */
function forgetContentType({ raw }: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  delete raw.headers['content-type']
  done()
}

function whatIsWrong(text: string): string {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''))
    return 'The body has a key "__proto__" or "constructor" with "prototype", which is refused.'
  } catch (error) {
    return `The body is not JSON: ${error instanceof Error ? error.message : 'it cannot be read'}.`
  }
}

/** The JSON value of a whole body; `undefined`: it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}
