/**
 * Bodies: empty is valid and anything else is JSON, whatever Content-Type says, since `curl -d ''` says form-urlencoded
 * and alerting tools say what they like.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HttpProblem } from '../problem.ts'

export function readBodiesAsJson(app: FastifyInstance): void {
  app.addHook('onRequest', forgetContentType)
  app.removeAllContentTypeParsers()
  const parseSafely = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<string>('*', { parseAs: 'string' }, (request, text, done) => {
    if (text.trim() === '') return done(null, undefined)
    return parseSafely(request, text, (error, body) => {
      if (error) done(new HttpProblem('malformed', whatIsWrong(text)))
      else done(null, body)
    })
  })
}

/** Bodies as text, for routes that read them in their own way; in a plugin of its own. */
export function readBodiesAsText(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('*', { parseAs: 'string' }, (_request, text, done) => done(null, text))
}

/** Without the header, Fastify can neither choose a parser by it nor answer 415 to a malformed one. */
async function forgetContentType({ raw }: FastifyRequest): Promise<void> {
  delete raw.headers['content-type']
}

function whatIsWrong(text: string): string {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''))
    return 'The body has a key "__proto__" or "constructor" with "prototype", which is refused.'
  } catch (error) {
    return `The body is not JSON: ${error instanceof Error ? error.message : 'it can not be read'}.`
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
