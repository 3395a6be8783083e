/** Reads: every autoscaler, one, its decisions, and what would be decided. All from memory. */

import { createHash } from 'node:crypto'
import { type Static, Type } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import type { SimulatedLoad } from '../../../autoscaling/autoscaler.ts'
import type { Request } from '../../../autoscaling/decision/request.ts'
import { notInSync } from '../../../swarm/sync.ts'
import { HttpProblem } from '../../problem.ts'
import type { Http, TypedApp } from '../../route-group.ts'
import { AutoscalerSchema, PauseOfAllSchema, wireAutoscaler, wirePauseOfAll } from '../../wire/autoscaler.ts'
import { DecisionSchema, ExplanationSchema, wireDecision, wireExplanation } from '../../wire/decision.ts'
import { HistorySchema, wireHistory } from '../../wire/history.ts'
import { ServiceSchema, SummarySchema, wireService, wireSummary } from '../../wire/summary.ts'
import { TaskSchema, wireTask } from '../../wire/task.ts'
import { WeekSchema, wireWeek } from '../../wire/week.ts'
import { answers, NameParams, needs, oneOf } from '../schemas.ts'
import { ExplainBody, ExplainQuery, numberOf, readBy } from './asked.ts'
import type { AutoscalingDeps } from './deps.ts'

/** In `GET /v1/autoscaler/<name>`; `/decisions` has all that are kept. */
const LAST_DECISIONS = 10

const List = Type.Union([
  Type.Object({ autoscalers: Type.Array(AutoscalerSchema), ...PauseOfAllSchema.properties }),
  Type.Object(
    { autoscalers: Type.Array(SummarySchema), ...PauseOfAllSchema.properties },
    { description: 'With `?view=summary`.' },
  ),
])
const ListQuery = Type.Object({
  view: Type.Optional(oneOf(['full', 'summary'], '`summary`: a few hundred bytes each. Without it, `full`.')),
})
const Decisions = Type.Object({ decisions: Type.Array(DecisionSchema, { description: 'Newest first, at most 50.' }) })
/** More of them are asked for by time. */
const MOST_DECISIONS = 500
const ActivityQuery = Type.Object({
  since: Type.Optional(Type.String({ description: 'No older ones than this time: RFC 3339.' })),
  outcome: Type.Optional(
    oneOf(['scaled', 'unchanged', 'held', 'dry-run', 'invalid-policy', 'unsupported'], 'Only these.'),
  ),
  limit: Type.Optional(
    Type.String({
      pattern: '^([1-9][0-9]?|[1-4][0-9]{2}|500)$',
      expects: 'a whole number from 1 to 500',
      description: 'How many at most; 500 without it.',
    }),
  ),
})
const HistoryQuery = Type.Object({
  since: Type.Optional(Type.String({ description: 'No older changes than this time: RFC 3339.' })),
})
const One = Type.Composite([AutoscalerSchema, Decisions])

export function readRoutes(app: TypedApp, deps: Pick<AutoscalingDeps, 'catalog' | 'scaler'> & Http): void {
  const { catalog, scaler, guard } = deps
  const onRequest = guard('read')
  const shared = { tags: ['autoscaler'], ...needs('read') }
  const ofOne = { ...shared, params: NameParams }

  app.get(
    '/v1/autoscaler',
    {
      schema: {
        ...shared,
        querystring: ListQuery,
        summary: 'Every autoscaler, by name',
        response: { ...answers(List, 'Sorted by name, with an ETag.'), ...NOT_MODIFIED },
      },
      onRequest,
      config: { sharedMs: 50 },
    },
    async ({ query }, reply) => {
      catalog.look()
      const autoscalers = catalog.list()
      const sync = catalog.sync()
      // Nothing read yet is not the same as no autoscaler.
      if (autoscalers.length === 0 && !sync.inSync) throw notInSync(sync)
      const rows = query.view === 'summary' ? autoscalers.map(wireSummary) : autoscalers.map(wireAutoscaler)
      return sendTagged(reply, { autoscalers: rows, ...wirePauseOfAll(scaler.pausedAll()) })
    },
  )
  app.get(
    '/v1/decision',
    {
      schema: {
        ...shared,
        querystring: ActivityQuery,
        summary: 'The last decisions of every autoscaler, newest first',
        response: answers(Decisions, 'What this controller decided: at most 50 of each service are kept.'),
      },
      onRequest,
      config: { sharedMs: 50 },
    },
    async ({ query: { outcome, since, limit } }) => {
      const sinceMs = since === undefined ? Number.NEGATIVE_INFINITY : readTime(since)
      const found = catalog
        .allDecisions()
        .filter((decision) => decision.atMs >= sinceMs && (outcome === undefined || decision.outcome === outcome))
      return { decisions: found.slice(0, limit === undefined ? MOST_DECISIONS : Number(limit)).map(wireDecision) }
    },
  )
  app.get(
    '/v1/service',
    {
      schema: {
        ...shared,
        summary: 'Every service, those without a policy too, with why not and the labels to copy',
        response: answers(Type.Object({ services: Type.Array(ServiceSchema) }), 'Sorted by name.'),
      },
      onRequest,
      config: { sharedMs: 50 },
    },
    async () => {
      catalog.look()
      const services = catalog.services().map(wireService)
      const sync = catalog.sync()
      if (services.length === 0 && !sync.inSync) throw notInSync(sync)
      return { services }
    },
  )
  const Tasks = Type.Object({ tasks: Type.Array(TaskSchema) })
  app.get(
    '/v1/task',
    {
      schema: {
        ...shared,
        summary: 'Every task that is not history, and the last that failed, with Swarm’s own words',
        response: answers(Tasks, 'By service and slot.'),
      },
      onRequest,
      config: { sharedMs: 50 },
    },
    async () => ({ tasks: catalog.tasks().map(wireTask) }),
  )
  app.get(
    '/v1/autoscaler/:name/tasks',
    {
      schema: {
        ...ofOne,
        summary: 'Its tasks, and the last that failed, with Swarm’s own words',
        response: answers(Tasks, 'By slot.'),
      },
      onRequest,
    },
    async ({ params: { name } }) => ({ tasks: catalog.tasks(name).map(wireTask) }),
  )
  app.get(
    '/v1/autoscaler/:name',
    {
      schema: {
        ...ofOne,
        summary: 'One autoscaler and its last decisions',
        response: answers(One, 'With its last ten decisions.'),
      },
      onRequest,
    },
    async ({ params: { name } }) => ({
      ...wireAutoscaler(catalog.get(name)),
      decisions: catalog.decisions(name).slice(0, LAST_DECISIONS).map(wireDecision),
    }),
  )
  app.get(
    '/v1/autoscaler/:name/decisions',
    {
      schema: {
        ...ofOne,
        summary: 'The last 50 decisions, newest first',
        response: answers(Decisions, 'What is kept in memory.'),
      },
      onRequest,
    },
    async ({ params: { name } }) => ({ decisions: catalog.decisions(name).map(wireDecision) }),
  )
  app.get(
    '/v1/autoscaler/:name/history',
    {
      schema: {
        ...ofOne,
        querystring: HistoryQuery,
        summary: 'Every change of the count that this controller saw, whoever made it, oldest first',
        response: answers(HistorySchema, 'At most 256, from the start of the controller on.'),
      },
      onRequest,
    },
    async ({ params: { name }, query: { since } }) => {
      const sinceMs = since === undefined ? Number.NEGATIVE_INFINITY : readTime(since)
      const history = catalog.history(name)
      return wireHistory({ ...history, points: history.points.filter(({ atMs }) => atMs >= sinceMs) })
    },
  )
  app.get(
    '/v1/autoscaler/:name/schedule',
    {
      schema: {
        ...ofOne,
        summary: 'The week that begins with today: its windows, and the bounds that come of them',
        response: answers(WeekSchema, 'Without windows, one stretch.'),
      },
      onRequest,
    },
    async ({ params: { name } }) => {
      const week = catalog.week(name)
      if (week !== undefined) return wireWeek(week)
      const wrong = catalog.get(name).reading.issues.find(({ severity }) => severity === 'error')
      throw new HttpProblem(
        'invalid-policy',
        `The policy of ${name} has errors, so no bounds hold${wrong === undefined ? '' : `: ${wrong.field}: ${wrong.message}`}.`,
      )
    },
  )
  app.post(
    '/v1/autoscaler/:name/explain',
    {
      schema: {
        ...ofOne,
        summary: 'What would be decided, stage by stage; writes nothing',
        querystring: ExplainQuery,
        body: ExplainBody,
        response: answers(ExplanationSchema, 'The decision, and each stage on the way to it.'),
      },
      onRequest,
    },
    async ({ params: { name }, query, body }) => {
      const { replicas: text, ...asked } = query
      const replicas = numberOf(text) ?? body.replicas
      const { decision, stages } = scaler.explain(name, wouldBe({ ...body, ...asked, replicas }))
      return wireExplanation(decision, stages)
    },
  )
}

type Asked = Omit<Static<typeof ExplainBody>, 'replicas'> & { readonly replicas: number | undefined }

function wouldBe({ direction, by: written, replicas, metrics }: Asked): Request | SimulatedLoad {
  if (metrics !== undefined) {
    if (direction === undefined && written === undefined && replicas === undefined) {
      return { kind: 'load', values: new Map(Object.entries(metrics).map(([name, value]) => [name, `${value}`])) }
    }
    throw new HttpProblem(
      'invalid-value',
      'The body gives metrics and asks for a step or replicas; send {"metrics":{…}} alone.',
    )
  }
  if (replicas === undefined) {
    const by = readBy(written)
    return { kind: 'step', origin: 'call', direction: direction ?? 'up', ...(by && { by }) }
  }
  if (direction === undefined && written === undefined) return { kind: 'set', origin: 'call', replicas }
  throw new HttpProblem(
    'invalid-value',
    'The body asks for replicas and for a step; send {"replicas":n} or {"direction","by"}.',
  )
}

/** Ms since the epoch. Throws HttpProblem `invalid-value`. */
function readTime(since: string): number {
  const timeMs = /^\d{4}-\d\d-\d\dT/.test(since) ? Date.parse(since) : Number.NaN
  if (Number.isFinite(timeMs)) return timeMs
  throw new HttpProblem(
    'invalid-value',
    `Query parameter since is ${JSON.stringify(since)}; it must be a time such as "2026-01-31T12:00:00Z".`,
  )
}

/** For `response` of the route. */
const NOT_MODIFIED = {
  304: { description: 'As it was when the ETag in If-None-Match was given.', type: 'null' },
}

/** The same content has the same tag on every controller. */
function sendTagged(reply: FastifyReply, content: object): FastifyReply {
  const text = JSON.stringify(content)
  const etag = `"${createHash('sha1').update(text).digest('base64url')}"`
  reply.header('etag', etag).header('cache-control', 'no-cache')
  return reply.type('application/json; charset=utf-8').serializer(String).send(text)
}
