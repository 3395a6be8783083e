/**
 * Answers that are the same for every caller are made once for all who ask at about the same time: what takes long to write
 * out must not be had as often as somebody likes. After whatever may have changed something it is made again.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For how many ms an answer may be given again; for at least five times as long as it took to make. */
    sharedMs?: number
  }
}

/** What never changes while the process lives. */
const FOR_EVER = new Set(['/openapi.json', '/docs/json', '/docs/yaml'])
/** Queries differ, and anybody can think of more of them. */
const MOST = 32
const REST = 5
const HEADERS = ['content-type', 'etag', 'cache-control']

interface Kept {
  readonly body: Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly untilMs: number
}

export function shareAnswers(app: FastifyInstance): void {
  const kept = new Map<string, Kept>()
  const begun = new WeakMap<FastifyRequest, number>()

  app.addHook('onRoute', (route) => {
    if (FOR_EVER.has(route.url)) route.config = { ...route.config, sharedMs: Number.POSITIVE_INFINITY }
  })
  const keyOf = ({ url, method, routeOptions }: FastifyRequest): string | undefined => {
    const { sharedMs } = routeOptions.config
    if (sharedMs === undefined || method !== 'GET') return undefined
    return sharedMs === Number.POSITIVE_INFINITY ? routeOptions.url : url
  }

  // After the guards of the route, which are asked on request.
  app.addHook('preHandler', (request, reply, done) => {
    const key = keyOf(request)
    if (key === undefined) return done()
    const known = kept.get(key)
    // Whoever may have it already is answered by the route, which takes the ETag into account.
    const asksForNews = request.headers['if-none-match'] !== undefined
    if (known !== undefined && performance.now() < known.untilMs && !asksForNews) {
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
  app.addHook('onResponse', ({ method }, _reply, done) => {
    if (method !== 'GET' && method !== 'HEAD') {
      for (const [key, { untilMs }] of kept) if (untilMs !== Number.POSITIVE_INFINITY) kept.delete(key)
    }
    done()
  })
}
