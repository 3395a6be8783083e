/** Reads: every autoscaler, one, its decisions, and what would be decided. All from memory. */
import { type Static, Type } from '@sinclair/typebox'
import type { Request } from '../../../autoscaling/decision/request.ts'
import { notInSync } from '../../../autoscaling/policy/not-in-sync.ts'
import { HttpProblem } from '../../problem.ts'
import type { Http, TypedApp } from '../../route-group.ts'
import { AutoscalerSchema, wireAutoscaler } from '../../wire/autoscaler.ts'
import { DecisionSchema, ExplanationSchema, wireDecision, wireExplanation } from '../../wire/decision.ts'
import { answers, NameParams, needs } from '../schemas.ts'
import { ExplainBody, readBy } from './asked.ts'
import type { AutoscalingDeps } from './deps.ts'

/** In `GET /v1/autoscaler/<name>`; `/decisions` has all that are kept. */
const LAST_DECISIONS = 10

const List = Type.Object({ autoscalers: Type.Array(AutoscalerSchema) })
const Decisions = Type.Object({ decisions: Type.Array(DecisionSchema, { description: 'Newest first, at most 50.' }) })
const One = Type.Composite([AutoscalerSchema, Decisions])

export function readRoutes(app: TypedApp, deps: Pick<AutoscalingDeps, 'catalog' | 'scaler'> & Http): void {
  const { catalog, scaler, guard } = deps
  const onRequest = guard('read')
  const shared = { tags: ['autoscaler'], ...needs('read') }
  const ofOne = { ...shared, params: NameParams }

  app.get(
    '/v1/autoscaler',
    {
      schema: { ...shared, summary: 'Every autoscaler, by name', response: answers(List, 'Sorted by name.') },
      onRequest,
    },
    async () => {
      const autoscalers = catalog.list().map(wireAutoscaler)
      const sync = catalog.sync()
      // Nothing read yet is not the same as no autoscaler.
      if (autoscalers.length === 0 && !sync.inSync) throw notInSync(sync)
      return { autoscalers }
    },
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
  app.post(
    '/v1/autoscaler/:name/explain',
    {
      schema: {
        ...ofOne,
        summary: 'What would be decided, stage by stage; writes nothing',
        body: ExplainBody,
        response: answers(ExplanationSchema, 'The decision, and each stage on the way to it.'),
      },
      onRequest,
    },
    async ({ params: { name }, body }) => {
      const { decision, stages } = scaler.explain(name, wouldBe(body))
      return wireExplanation(decision, stages)
    },
  )
}

function wouldBe({ direction, by: written, replicas }: Static<typeof ExplainBody>): Request {
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
