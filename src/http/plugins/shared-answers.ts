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
  app.addHook('preHandler', async (request, reply) => {
    const key = keyOf(request)
    if (key === undefined) return
    const known = kept.get(key)
    // Whoever may have it already is answered by the route, which takes the ETag into account.
    const asksForNews = request.headers['if-none-match'] !== undefined
    if (known !== undefined && performance.now() < known.untilMs && !asksForNews) {
      return reply.headers(known.headers).send(known.body)
    }
    begun.set(request, performance.now())
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const startedMs = begun.get(request)
    const key = keyOf(request)
    if (startedMs === undefined || key === undefined || reply.statusCode !== 200) return payload
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload
    const body = typeof payload === 'string' ? Buffer.from(payload) : payload
    const nowMs = performance.now()
    const shareMs = Math.max(request.routeOptions.config.sharedMs ?? 0, (nowMs - startedMs) * REST)
    if (kept.size >= MOST) kept.clear()
    const headers = HEADERS.flatMap((name) => {
      const value = reply.getHeader(name)
      return value === undefined ? [] : [[name, String(value)] as const]
    })
    kept.set(key, { body, headers: Object.fromEntries(headers), untilMs: nowMs + shareMs })
    return body
  })
  app.addHook('onResponse', async ({ method }) => {
    if (method === 'GET' || method === 'HEAD') return
    for (const [key, { untilMs }] of kept) if (untilMs !== Number.POSITIVE_INFINITY) kept.delete(key)
  })
}
