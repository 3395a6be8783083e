/** `PUT /v1/node/<id>`: an agent's report in, what is wanted of its node out. A thousand agents call it 200 times a second. */
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { NodeReportSchema } from '../../swarm/node-report.ts'
import { WantedStateSchema } from '../../swarm/wanted.ts'
import { compiledBodies } from '../compiled-bodies.ts'
import type { RouteDeps } from '../server-deps.ts'
import { answers, needs } from './schemas.ts'

export const reportRoutes: FastifyPluginAsyncTypebox<{ deps: RouteDeps }> = async (app, { deps }) => {
  const { agents, guard } = deps
  app.setValidatorCompiler(compiledBodies)
  // Faster than any serializer by schema, and nothing that the words gain later is left out.
  app.setSerializerCompiler(() => JSON.stringify)
  app.put(
    '/v1/node/:id',
    {
      schema: {
        tags: ['network'],
        summary: 'An agent’s report in, what is wanted of its node out',
        ...needs('agent'),
        params: Type.Object({ id: Type.String({ description: 'Swarm’s id of the node.' }) }),
        body: NodeReportSchema,
        response: answers(WantedStateSchema, 'What is wanted of this node.'),
      },
      onRequest: guard('agent'),
      config: { isQuiet: true },
    },
    async ({ params: { id }, body }) => agents.report(id, body),
  )
}
