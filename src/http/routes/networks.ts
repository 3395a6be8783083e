/** `GET /v1/network`: what is defined and in force, who has which range, and who has which address. All from memory. */
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { notInSync } from '../../autoscaling/policy/not-in-sync.ts'
import { FlagQuery, isSet, NameParams } from '../asked.ts'
import type { RouteDeps } from '../server-deps.ts'
import { IssueSchema, NetworkSchema, wireNetwork } from '../wire/network.ts'
import { answers, named, needs } from './schemas.ts'

const List = Type.Object({
  networks: Type.Array(named(NetworkSchema)),
  fault: Type.Optional(Type.String({ description: 'Why the folder of definitions can not be read.' })),
  issues: Type.Array(IssueSchema, { description: 'What is wrong with the definitions, of every file.' }),
})
const Query = Type.Object({
  addresses: FlagQuery('`false` leaves the addresses out: a list of them can be long.'),
})

export const networkRoutes: FastifyPluginAsyncTypebox<{ deps: RouteDeps }> = async (app, { deps }) => {
  const { networks, catalog, guard } = deps
  const onRequest = guard('read')
  const shared = { tags: ['network'], ...needs('read'), querystring: Query }

  app.get(
    '/v1/network',
    {
      schema: { ...shared, summary: 'Every network, by name', response: answers(List, 'Sorted by name.') },
      onRequest,
    },
    async ({ query }) => {
      const views = networks.networks()
      const sync = catalog.sync()
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
