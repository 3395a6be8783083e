/** How the controller itself is: alive, ready, measured, open to everybody; and what it is. */
import { type Static, Type } from '@sinclair/typebox'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import type { Role } from '../access/tokens.ts'
import { whoAsks } from '../plugins/access.ts'
import type { ControllerFacts, Http, RouteGroup, ServerDeps, TypedApp } from '../route-group.ts'
import { enumeration, optionalTime, rfc3339 } from '../wire/parts.ts'
import { answers, needs, textAnswers } from './schemas.ts'

export type WireController = Static<typeof ControllerSchema>
const ControllerSchema = Type.Object({
  id: Type.String({ description: 'Of this process: another one after each start.' }),
  version: Type.String(),
  hostname: Type.String(),
  now: Type.String({ description: 'The controller’s clock. RFC 3339, UTC.' }),
  engine: Type.String({ description: 'Its address.' }),
  dryRun: Type.Boolean(),
  sync: Type.Object({ inSync: Type.Boolean(), reason: Type.String() }),
  access: Type.Object({
    mode: enumeration<'open' | 'token'>({ open: true, token: true }),
    role: enumeration<Role | 'none'>({ none: true, read: true, scale: true, admin: true, agent: true }),
    name: Type.Optional(Type.String({ description: 'Of the caller’s token.' })),
  }),
  ui: enumeration<ControllerFacts['ui']>({ on: true, read: true, off: true }),
  features: Type.Unsafe<Record<string, boolean>>({
    type: 'object',
    additionalProperties: { type: 'boolean' },
    description: 'What is switched on.',
  }),
  conditions: Type.Array(Type.Object({ type: Type.String(), status: Type.Boolean(), reason: Type.String() }), {
    description: 'Of the controller itself; `status` true is the good one.',
  }),
})

const Readiness = Type.Object({
  ready: Type.Boolean(),
  reasons: Type.Array(Type.String(), { description: 'Why not, and what to do about it.' }),
  lastLeaderReadAt: Type.Optional(Type.String({ description: 'When the Swarm was last read through its leader.' })),
})

type ProcessDeps = Pick<ServerDeps, 'sync' | 'metrics' | 'access' | 'controller'>

export const processRoutes = (deps: ProcessDeps): RouteGroup => ({
  tags: [{ name: 'process', description: 'How the controller itself is' }],
  register: (app, http) => register(app, deps, http),
})

function register(app: TypedApp, { sync, metrics, access, controller }: ProcessDeps, http: Http): void {
  const { stopping, guard, roleOf, now } = http
  const metricsText = onceIn(1000, metrics.text)
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
        ...withoutUndefined({ lastLeaderReadAt: optionalTime(lastLeaderReadAtMs) }),
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
    async (_request, reply) => reply.type(metrics.contentType).send(await metricsText()),
  )
  app.get(
    '/v1/controller',
    {
      schema: {
        tags: ['process'],
        summary: 'This controller: its version and clock, what is switched on, and what the caller may do',
        ...needs('read'),
        response: answers(ControllerSchema, 'Of the controller that answers; another one has its own.'),
      },
      onRequest: guard('read'),
    },
    async (request) => {
      const { conditions, features, ...facts } = controller
      const { inSync, reason } = sync()
      const { name } = whoAsks(request)
      const isInSync = {
        type: 'InSync',
        status: inSync,
        reason: inSync ? 'the Swarm is read through its leader' : reason,
      }
      return {
        ...facts,
        now: rfc3339(now()),
        sync: { inSync, reason },
        access: {
          mode: access.tokens === undefined ? ('open' as const) : ('token' as const),
          role: roleOf(request),
          ...withoutUndefined({ name }),
        },
        features: features(),
        conditions: [isInSync, ...conditions()],
      }
    },
  )
}

/** All who ask within that time get what the first got. */
function onceIn<T>(ms: number, make: () => Promise<T>): () => Promise<T> {
  let last: { readonly made: Promise<T>; readonly atMs: number } | undefined
  return () => {
    const nowMs = performance.now()
    if (last === undefined || nowMs - last.atMs >= ms) last = { made: make(), atMs: nowMs }
    return last.made
  }
}
