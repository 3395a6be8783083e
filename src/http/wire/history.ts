/** Every change of the count that this controller saw. */
import { type Static, Type } from '@sinclair/typebox'
import type { CountChange, CountHistory } from '../../autoscaling/autoscaler.ts'
import { enumeration, integerOrNull, rfc3339, Time } from './parts.ts'

export const HistorySchema = Type.Object({
  since: Type.String({ description: 'When this controller began to look. RFC 3339, UTC.' }),
  points: Type.Array(
    Type.Object({
      at: Time,
      replicas: Type.Integer(),
      min: Type.Optional(Type.Integer({ description: 'The bounds at that moment; absent: no policy held.' })),
      max: Type.Optional(integerOrNull('null: no maximum was known.')),
      by: enumeration<CountChange['by']>({ orrery: true, person: true, deploy: true, rollback: true, start: true }),
      cause: Type.Optional(Type.String({ description: 'What a write of ours was for.' })),
    }),
    { description: 'The count from that moment on; `start`: so it was found.' },
  ),
})

export type WireHistory = Static<typeof HistorySchema>

export const wireHistory = ({ sinceMs, points }: CountHistory): WireHistory => ({
  since: rfc3339(sinceMs),
  points: points.map(({ atMs, ...point }) => ({ at: rfc3339(atMs), ...point })),
})
