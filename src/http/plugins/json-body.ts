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
  return server.readBody({ payload, headers, limitBytes }).then((bytes) => {
    const encoding = headers['content-encoding']?.trim() ?? ''
    if (bytes.length === 0 || /^(identity)?$/i.test(encoding)) return bytes.toString('utf8')
    throw new HttpProblem(
      'malformed',
      `The body is encoded (Content-Encoding: ${encoding.slice(0, 20)}); send it as it is.`,
    )
  })
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
  // Taken away, it would leave the others in an object that is slow to read from.
  if (raw.headers['content-type'] !== undefined) raw.headers['content-type'] = undefined
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

/** What is in a body that is not JSON: the fields of a form, and the text itself. */
export function formOf(text: string): readonly unknown[] {
  return [text, ...(/^[^\s={}]+=/.test(text) ? [Object.fromEntries(new URLSearchParams(text))] : [])]
}
