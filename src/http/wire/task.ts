/** Tasks with Swarm's own words. */
import { type Static, Type } from '@sinclair/typebox'
import type { TaskView } from '../../autoscaling/autoscaler.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { optionalTime } from './parts.ts'

export const TaskSchema = Type.Object({
  id: Type.String(),
  service: Type.String(),
  slot: Type.Optional(Type.Integer({ description: 'Of a replicated service.' })),
  node: Type.Optional(
    Type.Object({ id: Type.String(), hostname: Type.Optional(Type.String()) }, { description: 'Absent: none yet.' }),
  ),
  desiredState: Type.String({ description: 'Swarm’s word.' }),
  state: Type.String({ description: 'Swarm’s word.' }),
  since: Type.Optional(
    Type.String({ description: 'When the state was reported, by the clock of its node. RFC 3339, UTC.' }),
  ),
  message: Type.Optional(Type.String({ description: 'What it does, in Swarm’s words.' })),
  error: Type.Optional(Type.String({ description: 'Why it failed or waits, in Swarm’s words.' })),
  addresses: Type.Optional(Type.Array(Type.String(), { description: 'On its networks, as its agent reports them.' })),
  cpuPercent: Type.Optional(Type.Number({ description: 'Of one CPU, as its agent reports it.' })),
  memoryBytes: Type.Optional(Type.Number()),
})

export function wireTask({ task, service, hostname, container }: TaskView): Static<typeof TaskSchema> {
  const { id, slot, nodeId, desiredState, state, statusAtMs, message, error } = task
  const addresses = container?.addresses.flatMap(({ address, address6 }) => address ?? address6 ?? [])
  return {
    ...{ id, service, desiredState, state },
    ...(nodeId !== undefined && { node: { id: nodeId, ...withoutUndefined({ hostname }) } }),
    ...withoutUndefined({ slot, since: optionalTime(statusAtMs), message, error }),
    ...(addresses !== undefined && addresses.length > 0 && { addresses }),
    ...withoutUndefined({ cpuPercent: container?.cpuPercent, memoryBytes: container?.memoryBytes }),
  }
}
