/** Registrations as JSON. */
import { type Static, Type } from '@sinclair/typebox'
import type { Registration, RegistrationView } from '../../discovery/registrations.ts'
import { conditionOf, rfc3339, Time, wireCondition } from './parts.ts'

const Texts = Type.Record(Type.String(), Type.String())
export const RegistrationSchema = Type.Object(
  {
    id: Type.String(),
    state: Type.String({
      description:
        '`registered`, `missing`, `differs`, `extra` (on its way out), `kept` (its task is not known well enough).',
    }),
    reason: Type.Optional(Type.String({ description: 'Why it is not `registered`, and what is there instead.' })),
    name: Type.String({ description: 'In Consul, and in its DNS.' }),
    service: Type.String({ description: 'The Swarm service.' }),
    task: Type.String(),
    node: Type.String({ description: 'In Consul.' }),
    address: Type.String(),
    port: Type.Integer(),
    tags: Type.Array(Type.String()),
    meta: Texts,
    preview: Type.Optional(
      Type.Unknown({ description: 'What is written to Consul of it. Absent where it is only there.' }),
    ),
  },
  { $id: 'Registration' },
)
const SyncSchema = Type.Object({
  at: Time,
  tookMs: Type.Number(),
  transactions: Type.Integer(),
  writes: Type.Integer(),
  full: Type.Boolean({ description: 'The whole catalog was read for it.' }),
})
export const RegistrationsSchema = Type.Object({
  mode: Type.String({ description: '`catalog` or `agent`.' }),
  role: Type.String({ description: 'Of this controller: `writer` or `standby`; `agents` where they write.' }),
  consul: Type.String(),
  lastSync: Type.Optional(SyncSchema),
  counts: Type.Object({
    desired: Type.Integer(),
    registered: Type.Integer(),
    missing: Type.Integer(),
    differs: Type.Integer(),
    extra: Type.Integer(),
    kept: Type.Integer(),
  }),
  conditions: Type.Array(conditionOf(Type.String())),
  registrations: Type.Array(Type.Unsafe<Static<typeof RegistrationSchema>>(Type.Ref('Registration#'))),
  issues: Type.Array(
    Type.Object({
      service: Type.String(),
      key: Type.String(),
      value: Type.String(),
      message: Type.String({ description: 'What is wrong, and what would be right.' }),
      effect: Type.String({ description: '`refused`: not in Consul for it; `left-out`: only this key is.' }),
    }),
  ),
})
export const ResyncSchema = Type.Object({
  resynced: Type.Boolean(),
  reason: Type.Optional(Type.String()),
  sync: Type.Optional(SyncSchema),
})

export type WireRegistrations = Static<typeof RegistrationsSchema>

export const wireSync = ({
  atMs,
  tookMs,
  transactions,
  writes,
  isFull,
}: NonNullable<RegistrationView['lastSync']>) => ({
  at: rfc3339(atMs),
  tookMs: Math.round(tookMs * 10) / 10,
  transactions,
  writes,
  full: isFull,
})

export function wireRegistrations(view: RegistrationView): WireRegistrations {
  const { mode, role, consul, lastSync, conditions, registrations, issues } = view
  const count = (state: Registration['state']) => registrations.filter((one) => one.state === state).length
  const counts = { registered: count('registered'), missing: count('missing'), differs: count('differs') }
  return {
    ...{ mode, role, consul },
    ...(lastSync !== undefined && { lastSync: wireSync(lastSync) }),
    counts: {
      desired: counts.registered + counts.missing + counts.differs,
      ...counts,
      extra: count('extra'),
      kept: count('kept'),
    },
    conditions: conditions.map(wireCondition),
    registrations: registrations.map(wireRegistration),
    issues: issues.map((issue) => ({ ...issue })),
  }
}

function wireRegistration(registration: Registration): Static<typeof RegistrationSchema> {
  const { id, state, reason, name, service, taskId: task, node, address, port, tags, meta, desired } = registration
  return {
    ...{ id, state, name, service, task, node, address, port },
    ...(reason !== undefined && { reason }),
    tags: [...tags],
    meta: { ...meta },
    ...(desired !== undefined && { preview: previewOf(desired, node) }),
  }
}

/** As `/v1/catalog/register` and `/v1/agent/service/register` name it. */
const previewOf = (
  { id, name, address, port, tags, meta, checks }: NonNullable<Registration['desired']>,
  node: string,
) => ({
  Node: node,
  NodeMeta: { 'external-node': 'true' },
  Service: { ID: id, Service: name, Address: address, Port: port, Tags: tags, Meta: meta },
  Check: { CheckID: `service:${id}`, ServiceID: id, Status: 'passing' },
  AgentChecks: checks,
})
