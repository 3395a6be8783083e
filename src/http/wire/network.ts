/** Networks and what nodes have of them, as `GET /v1/network` shows them. */
import { type Static, Type } from '@sinclair/typebox'
import type { DefinitionIssue } from '../../bootstrap/definition/definition.ts'
import type { AddressView, AllocationView, NetworkConditionType, NetworkView } from '../../bootstrap/network.ts'
import type { AddressCount } from '../../bootstrap/record/address-count.ts'
import { type FreedRange, QUARANTINE_MS } from '../../bootstrap/record/record.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { DefinitionSchema, wireDefinition } from './network-definition.ts'
import { conditionOf, enumeration, integerOrNull, OptionalText, rfc3339, Time, wireCondition } from './parts.ts'

const COUNT = {
  usable: Type.Integer({ description: 'Addresses that containers may have.' }),
  used: integerOrNull('Held by containers; null: only agents know, and none has ever reported.'),
  free: integerOrNull(
    'What containers may still get, tasks on their way counted as if they had theirs; null as `used`.',
  ),
}

export const FaultSchema = Type.Object({
  code: Type.String({ description: 'Stable.' }),
  message: Type.String({ description: 'For a person.' }),
})

const AddressSchema = Type.Object({
  address: OptionalText,
  address6: OptionalText,
  use: enumeration<AddressView['use']>({ task: true, container: true, shim: true, gateway: true, reserved: true }),
  containerId: OptionalText,
  containerName: OptionalText,
  containerState: Type.Optional(Type.String({ description: 'Docker’s word; of a task without a container: Swarm’s.' })),
  taskId: OptionalText,
  taskName: OptionalText,
  serviceName: OptionalText,
})

export const AllocationSchema = Type.Object(
  {
    network: Type.String(),
    nodeId: Type.String(),
    hostname: Type.String(),
    range: Type.String(),
    range6: OptionalText,
    parent: Type.String({ description: 'A link, or `auto`.' }),
    shim: Type.Optional(Type.String({ description: 'The host’s own address on the network.' })),
    shim6: OptionalText,
    ...COUNT,
    ready: Type.Boolean({ description: 'The node carries the label `orrery.network.<name>`.' }),
    asWanted: Type.Unsafe<boolean | null>({
      type: ['boolean', 'null'],
      description: 'null: its agent has never reported.',
    }),
    faults: Type.Array(FaultSchema),
    change: Type.Optional(Type.String({ description: 'A change of range or parent under way.' })),
    addresses: Type.Array(AddressSchema, {
      description: 'Every address that is in use; a task without one waits for it. Empty with `addresses=false`.',
    }),
  },
  { $id: 'Allocation', description: 'One node’s part of one network.' },
)

export const IssueSchema = Type.Object({
  file: Type.String(),
  field: OptionalText,
  value: OptionalText,
  level: enumeration<DefinitionIssue['level']>({ error: true, warning: true }),
  message: Type.String({ description: 'What is wrong and what would be right.' }),
})

const ConditionSchema = conditionOf(
  enumeration<NetworkConditionType>({
    Valid: true,
    DefinitionConflict: true,
    Orphaned: true,
    Removing: true,
    Complete: true,
    AsWanted: true,
    AgentsHeard: true,
    HostNamesUnique: true,
    AddressesLeft: true,
    TasksHeard: true,
    NetworkCreated: true,
    RecordKnown: true,
  }),
)

export const NetworkSchema = Type.Object(
  {
    name: Type.String(),
    definition: DefinitionSchema,
    file: Type.Optional(Type.String({ description: 'The file that defines it now.' })),
    inForce: Type.Boolean({ description: 'It has a record; else it is only defined.' }),
    networkId: Type.Optional(Type.String({ description: 'Of the swarm network, where it is.' })),
    ...COUNT,
    conditions: Type.Array(ConditionSchema),
    issues: Type.Array(IssueSchema),
    nodes: Type.Array(Type.Unsafe<Static<typeof AllocationSchema>>(Type.Ref('Allocation#'))),
    freed: Type.Array(
      Type.Object({
        range: Type.String(),
        range6: OptionalText,
        nodeId: Type.String(),
        hostname: Type.String(),
        freedAt: Time,
        givenAgainFrom: Time,
      }),
      { description: 'Ranges of nodes that left; not given again for 24 h.' },
    ),
    pending: Type.Array(Type.String(), { description: 'What keeping it would do next, a sentence each.' }),
  },
  { $id: 'Network' },
)

type WireAllocation = Static<typeof AllocationSchema>
export type WireNetwork = Static<typeof NetworkSchema>

/** What a caller wants to see; a list of 1000 nodes has 100,000 addresses. */
export interface Shown {
  readonly addresses: boolean
}

export function wireNetwork(view: NetworkView, shown: Shown): WireNetwork {
  const { name, definition, file, isInForce, networkId, conditions, issues, count, allocations, freed, pending } = view
  return {
    name,
    definition: wireDefinition(definition),
    ...withoutUndefined({ file }),
    inForce: isInForce,
    ...withoutUndefined({ networkId }),
    ...wireCount(count),
    conditions: conditions.map(wireCondition),
    issues: issues.map((issue) => ({ ...issue })),
    nodes: allocations.map((allocation) => wireAllocation(allocation, shown)),
    freed: freed.map(wireFreed),
    pending: [...pending],
  }
}

export function wireAllocation(allocation: AllocationView, shown: Shown): WireAllocation {
  // Not spread: the addresses are put together when they are read.
  const { network, nodeId, hostname, range, range6, parent, shim, shim6, count, faults, change } = allocation
  return {
    ...{ network, nodeId, hostname, range, parent },
    ...withoutUndefined({ range6, shim, shim6, change }),
    ...wireCount(count),
    ready: allocation.isReady,
    asWanted: allocation.isAsWanted,
    faults: faults.map((fault) => ({ ...fault })),
    addresses: shown.addresses ? [...allocation.addresses] : [],
  }
}

const wireCount = ({ usable, used, free }: AddressCount) => ({ usable, used, free })

const wireFreed = ({ freedAtMs, ...same }: FreedRange): WireNetwork['freed'][number] => ({
  ...same,
  freedAt: rfc3339(freedAtMs),
  givenAgainFrom: rfc3339(freedAtMs + QUARANTINE_MS),
})
