/**
 * Answers that are the same for every caller are made once for all who ask at about the same time: what takes long to write
 * out must not be had as often as somebody likes, by whatever method, with whatever else in the query, or for who has it
 * already (304). After whatever may have changed something it is made again. Long ones are compressed, once too, for who
 * can read that: other answers are short, or not asked for by browsers.
 */
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For how many ms an answer may be given again; for at least five times as long as it took to make. */
    sharedMs?: number
  }
}

/** What never changes while the process lives. */
const FOR_EVER = new Set(['/openapi.json', '/docs/json', '/docs/yaml'])
/** Values in queries differ. */
const MOST = 32
const REST = 5
const LEAST_COMPRESSED_BYTES = 4096
const isLong = (payload: unknown): payload is Buffer =>
  Buffer.isBuffer(payload) && payload.length >= LEAST_COMPRESSED_BYTES
/** Not where it says `gzip;q=0`. */
const TAKES_GZIP = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/
const compress = promisify<Buffer, { level: number }, Buffer>(gzip)
const HEADERS = ['content-type', 'etag', 'cache-control']

interface Kept {
  readonly body: Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly untilMs: number
}

export function shareAnswers(app: FastifyInstance): void {
  const kept = new Map<string, Kept>()
  /** By the answer that it is of, which is kept as long as it is shared. */
  const compressed = new WeakMap<Buffer, Promise<Buffer>>()
  const begun = new WeakMap<FastifyRequest, number>()

  app.addHook('onRoute', (route) => {
    if (FOR_EVER.has(route.url)) route.config = { ...route.config, sharedMs: Number.POSITIVE_INFINITY }
  })
  const keyOf = (request: FastifyRequest): string | undefined => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
    const { url, config } = request.routeOptions
    return config.sharedMs === undefined ? undefined : `${url}${readQuery(request)}`
  }

  // After the guards of the route, which are asked on request.
  app.addHook('preHandler', (request, reply, done) => {
    const key = keyOf(request)
    if (key === undefined) return done()
    const known = kept.get(key)
    if (known !== undefined && performance.now() < known.untilMs) {
      reply.headers(known.headers).send(known.body)
      return
    }
    begun.set(request, performance.now())
    done()
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    const startedMs = begun.get(request)
    const key = keyOf(request)
    if (startedMs === undefined || key === undefined || reply.statusCode !== 200) return done()
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return done()
    const body = typeof payload === 'string' ? Buffer.from(payload) : payload
    const nowMs = performance.now()
    const shareMs = Math.max(request.routeOptions.config.sharedMs ?? 0, (nowMs - startedMs) * REST)
    if (kept.size >= MOST) kept.clear()
    const headers = HEADERS.flatMap((name) => {
      const value = reply.getHeader(name)
      return value === undefined ? [] : [[name, String(value)] as const]
    })
    kept.set(key, { body, headers: Object.fromEntries(headers), untilMs: nowMs + shareMs })
    done(null, body)
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    if (keyOf(request) === undefined || reply.statusCode !== 200) return done(null, payload)
    if (hasIt(request, reply)) {
      reply.code(304).removeHeader('content-type').removeHeader('content-length')
      // What makes an answer to HEAD of it takes a text alone.
      return done(null, request.method === 'HEAD' ? '' : null)
    }
    if (!isLong(payload)) return done(null, payload)
    reply.header('vary', 'accept-encoding')
    if (!TAKES_GZIP.test(String(request.headers['accept-encoding'] ?? ''))) return done(null, payload)
    const known = compressed.get(payload) ?? compress(payload, { level: constants.Z_BEST_SPEED })
    compressed.set(payload, known)
    known.then((packed) => {
      const etag = reply.getHeader('etag')
      // The same content in other bytes.
      if (typeof etag === 'string' && !etag.startsWith('W/')) reply.header('etag', `W/${etag}`)
      reply.header('content-encoding', 'gzip').removeHeader('content-length')
      done(null, packed)
    }, done)
  })
  app.addHook('onResponse', ({ method }, _reply, done) => {
    if (method !== 'GET' && method !== 'HEAD') {
      for (const [key, { untilMs }] of kept) if (untilMs !== Number.POSITIVE_INFINITY) kept.delete(key)
    }
    done()
  })
}

/** Of the query what the route reads, in its order: anybody can think of more. */
function readQuery({ query, routeOptions }: FastifyRequest): string {
  const { properties } = Object(routeOptions.schema?.querystring)
  if (typeof properties !== 'object' || properties === null || typeof query !== 'object' || query === null) return ''
  const read = Object.keys(properties).map((name) => [
    name,
    Object.hasOwn(query, name) ? Reflect.get(query, name) : null,
  ])
  return JSON.stringify(read)
}

/** Whether the ETag of the answer is one of those that the caller names, in a weak comparison. */
function hasIt({ headers }: FastifyRequest, reply: FastifyReply): boolean {
  const etag = reply.getHeader('etag')
  const known = headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return typeof etag === 'string' && (known.includes(etag) || known.includes('*'))
}
