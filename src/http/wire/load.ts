/** The last evaluation of measured load, every stage of it. */
import { type Static, Type } from '@sinclair/typebox'
import type { LoadEvaluation } from '../../autoscaling/autoscaler.ts'
import { MISSING, valueOfMeasurement } from '../../autoscaling/load/measurement.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { rfc3339 } from './parts.ts'

const Metric = Type.Object({
  name: Type.String({ description: '`cpu`, `memory`, or the name in `autoscaler.metric.<name>`.' }),
  value: Type.Optional(
    Type.Number({ description: 'What was measured; per cent for cpu and memory. Absent: nothing.' }),
  ),
  wanted: Type.Optional(Type.Integer({ description: 'The count that it asks for; absent: none.' })),
  missing: Type.Optional(Type.String({ enum: [...MISSING], description: 'Why there is no value.' })),
  failures: Type.Integer({ description: 'Evaluations in a row without a value.' }),
  fallback: Type.Boolean({ description: 'The wanted count is that of `autoscaler.fallback`.' }),
  reason: Type.String(),
})

export const LoadSchema = Type.Object(
  {
    at: Type.String({ description: 'The tick, RFC 3339.' }),
    current: Type.Integer({ description: 'The count that it was judged for.' }),
    metrics: Type.Array(Metric),
    counts: Type.Optional(
      Type.Object(
        { raw: Type.Integer(), window: Type.Integer(), rate: Type.Integer(), bounds: Type.Integer() },
        {
          description: 'The highest wanted count, then what each stage leaves of it; absent: the count is left alone.',
        },
      ),
    ),
    windowDownSeconds: Type.Number({ description: 'Longer than written while the count flaps.' }),
    reason: Type.String(),
  },
  { description: 'The last evaluation of measured load; absent: no metric is followed, or none was evaluated yet.' },
)

export function wireLoad({
  tickMs,
  current,
  metrics,
  counts,
  windowDownMs,
  reason,
}: LoadEvaluation): Static<typeof LoadSchema> {
  return {
    at: rfc3339(tickMs),
    current,
    metrics: metrics.map(({ name, measurement, count, missing, failures, inFallback, reason: why }) => ({
      name,
      ...withoutUndefined({ value: valueOfMeasurement(measurement), wanted: count, missing }),
      failures,
      fallback: inFallback,
      reason: why,
    })),
    ...(counts && {
      counts: { raw: counts.raw, window: counts.afterWindow, rate: counts.afterRate, bounds: counts.afterBounds },
    }),
    windowDownSeconds: windowDownMs / 1000,
    reason,
  }
}
