/** An observation as others may see it: labels stay out, since people keep passwords in them. */
import { type Static, Type } from '@sinclair/typebox'
import type { ServiceMode, ServiceObservation, UpdateState } from '../../swarm/services.ts'
import { enumeration } from './enumeration.ts'
import { rfc3339 } from './time.ts'

export const ObservationSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  version: Type.Integer(),
  mode: enumeration<ServiceMode>({
    replicated: true,
    global: true,
    'replicated-job': true,
    'global-job': true,
    unknown: true,
  }),
  replicas: Type.Integer({ description: 'From the spec, never a count of tasks.' }),
  updateState: Type.Optional(
    enumeration<UpdateState>({
      updating: true,
      paused: true,
      completed: true,
      rollback_started: true,
      rollback_paused: true,
      rollback_completed: true,
    }),
  ),
  firstSeenAt: Type.String({ description: 'When this controller first saw this count with this spec.' }),
})

export function wireObservation(observation: ServiceObservation): Static<typeof ObservationSchema> {
  const { id, name, version, mode, replicas, updateState, firstSeenAtMs } = observation
  return {
    id,
    name,
    version,
    mode,
    replicas,
    ...(updateState !== undefined && { updateState }),
    firstSeenAt: rfc3339(firstSeenAtMs),
  }
}
