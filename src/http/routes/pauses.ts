/** `pause` and `resume`: stop one direction or both, for a while or until told otherwise. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { NameParams, PauseBody, ResumeBody, readFor } from '../asked.ts'
import { whoAsks } from '../plugins/access.ts'
import type { RouteDeps } from '../server-deps.ts'
import { AutoscalerSchema, wireAutoscaler } from '../wire/autoscaler.ts'
import { answers, needs } from './schemas.ts'

export const pauseRoutes: FastifyPluginAsyncTypebox<{ deps: RouteDeps }> = async (app, { deps }) => {
  const { scaler, guard, stopping } = deps
  const shared = {
    tags: ['autoscaler'],
    ...needs('scale'),
    params: NameParams,
    response: answers(AutoscalerSchema, 'The autoscaler as it is now.'),
  }
  app.route({
    method: ['POST', 'PUT'],
    url: '/v1/autoscaler/:name/pause',
    schema: { ...shared, summary: 'Stop scaling, one way or both', body: PauseBody },
    onRequest: [guard('scale'), stopping.refuseNewWork],
    handler: async (request) => {
      const { params, body } = request
      const { name: token, address } = whoAsks(request)
      const by = token ?? address
      const reason = body.reason?.trim()
      const wish = { scope: body.direction ?? 'both', forMs: readFor(body.for) }
      const words = { ...(reason && { reason }), ...(by !== undefined && { by }) }
      return wireAutoscaler(await scaler.pause(params.name, { ...wish, ...words }))
    },
  })
  app.route({
    method: ['POST', 'PUT'],
    url: '/v1/autoscaler/:name/resume',
    schema: { ...shared, summary: 'End a pause set by call', body: ResumeBody },
    onRequest: [guard('scale'), stopping.refuseNewWork],
    handler: async ({ params: { name }, body }) => wireAutoscaler(await scaler.resume(name, body.direction ?? 'both')),
  })
}
