/** How the controller itself is: alive, ready, measured. Open to everybody. */
import { Type } from '@sinclair/typebox'
import type { Http, RouteGroup, ServerDeps, TypedApp } from '../route-group.ts'
import { rfc3339 } from '../wire/time.ts'
import { textAnswers } from './schemas.ts'

const Readiness = Type.Object({
  ready: Type.Boolean(),
  reasons: Type.Array(Type.String(), { description: 'Why not, and what to do about it.' }),
  lastLeaderReadAt: Type.Optional(Type.String({ description: 'When the Swarm was last read through its leader.' })),
})

type ProcessDeps = Pick<ServerDeps, 'sync' | 'metrics'>

export const processRoutes = (deps: ProcessDeps): RouteGroup => ({
  tags: [{ name: 'process', description: 'How the controller itself is' }],
  register: (app, http) => register(app, deps, http),
})

function register(app: TypedApp, { sync, metrics }: ProcessDeps, { stopping }: Http): void {
  app.get(
    '/healthz',
    {
      schema: {
        tags: ['process'],
        summary: 'Whether the process is alive, and nothing more',
        response: { 200: Type.Object({ status: Type.Literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  )
  app.get(
    '/readyz',
    {
      schema: {
        tags: ['process'],
        summary: 'Whether it can decide: the Swarm was read through its leader and the cache is in sync',
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      const { inSync, reason, lastLeaderReadAtMs } = sync()
      const reasons = [...(inSync ? [] : [reason]), ...(stopping.signal.aborted ? ['this controller is stopping'] : [])]
      const ready = reasons.length === 0
      if (!ready) reply.header('retry-after', 1)
      return reply.code(ready ? 200 : 503).send({
        ready,
        reasons,
        ...(lastLeaderReadAtMs !== undefined && { lastLeaderReadAt: rfc3339(lastLeaderReadAtMs) }),
      })
    },
  )
  app.get(
    '/metrics',
    {
      schema: {
        tags: ['process'],
        summary: 'Figures for Prometheus',
        response: textAnswers('text/plain', 'docs/metrics.md'),
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  )
}
