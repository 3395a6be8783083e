/** What came of each alert of a notification: a decision, or why there is none. */
import { type Static, Type } from '@sinclair/typebox'
import type { AlertResult } from '../../autoscaling/autoscaler.ts'
import { PROBLEMS } from '../problem.ts'
import { DecisionSchema, wireDecision } from './decision.ts'
import { rfc3339 } from './time.ts'

const AlertError = Type.Object({
  code: Type.String({ description: 'As of a problem.' }),
  title: Type.String(),
  detail: Type.String({ description: 'What is wrong and what would be right.' }),
})

export const AlertResultSchema = Type.Composite([
  Type.Object({ fingerprint: Type.String({ description: 'As sent; empty without one.' }) }),
  Type.Partial(DecisionSchema),
  Type.Object({ error: Type.Optional(AlertError) }),
])

export const AlertResultsSchema = Type.Object({
  results: Type.Array(AlertResultSchema, {
    description: 'One for each alert, in order: a decision, which several alerts of one service share, or an error.',
  }),
})
export type WireAlertResult = Static<typeof AlertResultSchema>

export function wireAlertResult(result: AlertResult): WireAlertResult {
  const { fingerprint } = result
  switch (result.kind) {
    case 'decision':
      return { fingerprint, ...wireDecision(result.decision) }
    case 'no-data':
      return { fingerprint, outcome: 'held', code: 'no-data', reason: result.reason, at: rfc3339(result.atMs) }
    case 'error': {
      const { code, detail } = result
      return { fingerprint, error: { code, title: PROBLEMS[code].title, detail } }
    }
    default:
      return result satisfies never
  }
}
