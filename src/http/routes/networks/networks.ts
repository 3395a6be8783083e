/** Networks and nodes: what is defined and active, who has which range and address, how each node is. All from memory. */
import { Type } from '@sinclair/typebox'
import type { ReportHandler } from '../../../agent/reporting.ts'
import type { NetworkCatalog } from '../../../bootstrap/network.ts'
import { notInSync, type SyncStatus } from '../../../swarm/sync.ts'
import type { EventSource, Http, RouteGroup, TypedApp } from '../../route-group.ts'
import { AllocationSchema, IssueSchema, NetworkSchema, wireNetwork } from '../../wire/network.ts'
import { NodeSchema, wireNode } from '../../wire/node.ts'
import { rfc3339 } from '../../wire/parts.ts'
import { answers, FlagQuery, isSet, NameParams, named, needs } from '../schemas.ts'
import { reportRoutes } from './reports.ts'

export interface NetworkRouteDeps {
  readonly networks: NetworkCatalog
  readonly agents: ReportHandler
  readonly sync: () => SyncStatus
  readonly events: EventSource
}

export const networkRoutes = (deps: NetworkRouteDeps): RouteGroup => ({
  tags: [{ name: 'network', description: 'Networks, their ranges and addresses, and the nodes that have them' }],
  events: deps.events,
  register(app, http) {
    for (const schema of [AllocationSchema, NetworkSchema, NodeSchema]) app.addSchema(schema)
    networkReads(app, deps, http)
    nodeReads(app, deps, http)
    app.register(async (scope) => reportRoutes(scope, deps.agents, { ...http, provenBy: 'token' }))
  },
})

const Networks = Type.Object({
  networks: Type.Array(named(NetworkSchema)),
  fault: Type.Optional(Type.String({ description: 'Why the folder of definitions cannot be read.' })),
  issues: Type.Array(IssueSchema, { description: 'What is wrong with the definitions, of every file.' }),
})
const NetworkQuery = Type.Object({
  addresses: FlagQuery('`false` leaves the addresses out: a list of them can be long.'),
})

const Nodes = Type.Object({
  at: Type.String({ description: 'The controller’s clock. RFC 3339, UTC.' }),
  nodes: Type.Array(named(NodeSchema)),
})
const IdParams = Type.Object({
  id: Type.String({ description: 'Swarm’s id of the node, or its exact host name where only one has it.' }),
})
const NodeQuery = Type.Object({
  addresses: FlagQuery('`false` leaves the addresses of its networks out.'),
  report: FlagQuery('`true` adds the newest report of its agent as it came.'),
})

function networkReads(app: TypedApp, { networks, sync: syncOf }: NetworkRouteDeps, { guard }: Http): void {
  const onRequest = guard('read')
  const shared = { tags: ['network'], ...needs('read'), querystring: NetworkQuery }

  app.get(
    '/v1/network',
    {
      schema: { ...shared, summary: 'Every network, by name', response: answers(Networks, 'Sorted by name.') },
      onRequest,
      config: { sharedMs: 50 },
    },
    async ({ query }) => {
      const views = networks.networks()
      const sync = syncOf()
      // Nothing read yet is not the same as no network.
      if (views.length === 0 && !sync.inSync) throw notInSync(sync)
      const { fault, issues } = networks.issues()
      return {
        networks: views.map((view) => wireNetwork(view, { addresses: isSet(query.addresses, true) })),
        ...(fault !== undefined && { fault }),
        issues: issues.map((issue) => ({ ...issue })),
      }
    },
  )
  app.get(
    '/v1/network/:name',
    {
      schema: {
        ...shared,
        params: NameParams,
        summary: 'One network, with every address',
        response: answers(named(NetworkSchema), 'With every address of every node.'),
      },
      onRequest,
    },
    async ({ params: { name }, query }) =>
      wireNetwork(networks.network(name), { addresses: isSet(query.addresses, true) }),
  )
}

function nodeReads(app: TypedApp, { networks }: NetworkRouteDeps, { guard, now }: Http): void {
  const shared = { tags: ['network'], ...needs('read'), querystring: NodeQuery }
  const shown = ({ addresses, report }: { addresses?: string; report?: string }) => ({
    addresses: isSet(addresses, true),
    report: isSet(report, false),
  })

  app.get(
    '/v1/node',
    {
      schema: { ...shared, summary: 'Every node, by host name', response: answers(Nodes, 'Sorted by host name.') },
      onRequest: guard('read'),
      config: { sharedMs: 50 },
    },
    async ({ query }) => {
      const sync = networks.look()
      const views = networks.nodes()
      // A Swarm has nodes: where none is known they were not read yet.
      if (views.length === 0 && !sync.inSync) throw notInSync(sync)
      return { at: rfc3339(now()), nodes: views.map((view) => wireNode(view, shown(query))) }
    },
  )
  app.get(
    '/v1/node/:id',
    {
      schema: {
        ...shared,
        params: IdParams,
        summary: 'One node: its ranges, addresses and containers, and how its agent is',
        response: answers(named(NodeSchema), 'With what its agent reported last.'),
      },
      onRequest: guard('read'),
    },
    async ({ params: { id }, query }) => {
      networks.look()
      return wireNode(networks.node(id), shown(query))
    },
  )
}
