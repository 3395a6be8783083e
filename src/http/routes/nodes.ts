/** `GET /v1/node`: what is known of every node, by Swarm and by its agent. All from memory. */
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { notInSync } from '../../autoscaling/policy/not-in-sync.ts'
import { FlagQuery, isSet } from '../asked.ts'
import type { RouteDeps } from '../server-deps.ts'
import { NodeSchema, wireNode } from '../wire/node.ts'
import { rfc3339 } from '../wire/time.ts'
import { answers, named, needs } from './schemas.ts'

const List = Type.Object({
  at: Type.String({ description: 'The controller’s clock. RFC 3339, UTC.' }),
  nodes: Type.Array(named(NodeSchema)),
})
const IdParams = Type.Object({
  id: Type.String({ description: 'Swarm’s id of the node, or its exact host name where only one has it.' }),
})
const Query = Type.Object({
  addresses: FlagQuery('`false` leaves the addresses of its networks out.'),
  report: FlagQuery('`true` adds the newest report of its agent as it came.'),
})

export const nodeRoutes: FastifyPluginAsyncTypebox<{ deps: RouteDeps }> = async (app, { deps }) => {
  const { networks, catalog, guard, now } = deps
  const shared = { tags: ['network'], ...needs('read'), querystring: Query }
  const shown = ({ addresses, report }: { addresses?: string; report?: string }) => ({
    addresses: isSet(addresses, true),
    report: isSet(report, false),
  })

  app.get(
    '/v1/node',
    {
      schema: { ...shared, summary: 'Every node, by host name', response: answers(List, 'Sorted by host name.') },
      onRequest: guard('read'),
    },
    async ({ query }) => {
      const views = networks.nodes()
      const sync = catalog.sync()
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
    async ({ params: { id }, query }) => wireNode(networks.node(id), shown(query)),
  )
}
