/** Notifications of Alertmanager and Grafana, each alert routed by its own labels; and the end of what stands. */
import { Type } from '@sinclair/typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Notification } from '../../../autoscaling/alerts/notification.ts'
import { whoAsks } from '../../plugins/access.ts'
import { HttpProblem } from '../../problem.ts'
import type { Http, TypedApp } from '../../route-group.ts'
import { AutoscalerSchema, wireAutoscaler } from '../../wire/autoscaler.ts'
import { AlertResultsSchema } from '../../wire/decision.ts'
import { answers, NameParams, needs } from '../schemas.ts'
import { answerAlerts, countAlerts, countWebhook, NOTIFICATION_EXPECTS, notificationOf } from './answers.ts'
import type { AutoscalingDeps } from './deps.ts'

/** Described, not checked: what is missing or odd in an alert is that alert's result. */
const Body = Type.Unsafe<unknown>({
  type: 'object',
  description: 'The notification as its sender makes it, without a template of your own.',
  properties: {
    version: { type: 'string', enum: ['4', '1'], description: 'Of Alertmanager, of Grafana.' },
    groupKey: { type: 'string' },
    receiver: { type: 'string' },
    alerts: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          status: { type: 'string', enum: ['firing', 'resolved'] },
          labels: {
            type: 'object',
            description: '`autoscaler` or `service`; `scale` is `up` or `down`; `by` if it is not the policy’s step.',
          },
          startsAt: { type: 'string' },
          fingerprint: { type: 'string' },
        },
      },
    },
  },
})

export function webhookRoutes(app: TypedApp, deps: Pick<AutoscalingDeps, 'alerts' | 'metrics'> & Http): void {
  const { alerts, metrics, guard, grafanaGuard, stopping } = deps
  const described = (summary: string) => ({
    tags: ['webhook'],
    summary,
    ...needs('scale'),
    body: Body,
    response: answers(AlertResultsSchema, 'What came of each alert; also if nothing scales.'),
  })
  const receive = async (request: FastifyRequest, reply: FastifyReply) => {
    countWebhook(reply, metrics)
    const results = await alerts.receive(notificationIn(request.body), whoAsks(request))
    countAlerts(results, metrics)
    return answerAlerts(results)
  }
  app.route({
    method: ['POST', 'PUT'],
    url: '/v1/webhook/alertmanager',
    schema: described('A notification of Alertmanager'),
    onRequest: [guard('scale'), stopping.refuseNewWork],
    handler: receive,
  })
  app.route({
    method: ['POST', 'PUT'],
    url: '/v1/webhook/grafana',
    schema: described('A notification of Grafana'),
    onRequest: [grafanaGuard.onRequest, stopping.refuseNewWork],
    preParsing: grafanaGuard.preParsing,
    handler: receive,
  })
  app.delete(
    '/v1/autoscaler/:name/alerts',
    {
      schema: {
        tags: ['autoscaler'],
        summary: 'End the alerts that stand, until they are notified again',
        ...needs('scale'),
        params: NameParams,
        response: answers(AutoscalerSchema, 'The autoscaler as it is now.'),
      },
      onRequest: [guard('scale'), stopping.refuseNewWork],
    },
    async ({ params: { name } }) => wireAutoscaler(await alerts.end(name)),
  )
}

/** Throws HttpProblem `malformed`. */
function notificationIn(body: unknown): Notification {
  const notification = notificationOf(body)
  if (notification !== undefined) return notification
  throw new HttpProblem('malformed', `The body is not a notification: ${NOTIFICATION_EXPECTS}`)
}
