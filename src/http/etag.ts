/** Answers that a caller asks for again and again are not sent twice: ETag and If-None-Match. */
import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'

/** For `response` of the route. */
export const NOT_MODIFIED = {
  304: { description: 'As it was when the ETag in If-None-Match was given.', type: 'null' },
}

/** 304 without a body if the caller has it already. The same content has the same tag on every controller. */
export function sendUnlessKnown(reply: FastifyReply, ifNoneMatch: string | undefined, content: object): FastifyReply {
  const text = JSON.stringify(content)
  const etag = `"${createHash('sha1').update(text).digest('base64url')}"`
  reply.header('etag', etag).header('cache-control', 'no-cache')
  const known = ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  if (known.includes(etag) || known.includes('*')) return reply.code(304).send()
  return reply.type('application/json; charset=utf-8').serializer(String).send(text)
}
