/** A known path with a method it has not: 405 and what it has, instead of Fastify's 404. */
import type { FastifyInstance, HTTPMethods } from 'fastify'
import { HttpProblem } from '../problem.ts'

/** Call before any route; returns what to call after the last one. */
export function trackMethods(app: FastifyInstance): () => void {
  const methodsOf = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    methodsOf.set(url, methods)
  })
  return () => {
    for (const [url, present] of [...methodsOf]) refuseOthers(app, url, [...present].sort())
  }
}

function refuseOthers(app: FastifyInstance, url: string, present: readonly string[]): void {
  const others = app.supportedMethods.filter((method): method is HTTPMethods => !present.includes(method))
  if (others.length === 0) return
  const allow = present.join(', ')
  app.route({
    url,
    method: others,
    schema: { hide: true },
    onRequest: async ({ method }) => {
      throw new HttpProblem('method-not-allowed', `${method} is not possible here; possible: ${allow}.`, {
        headers: { allow },
      })
    },
    handler: () => undefined,
  })
}
