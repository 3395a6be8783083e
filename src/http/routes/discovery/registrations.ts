/** What is in Consul, what should be, and the difference; and a resync by call. */
import { Type } from '@sinclair/typebox'
import type { Registrations } from '../../../discovery/registrations.ts'
import type { EventSource, RouteGroup } from '../../route-group.ts'
import {
  RegistrationSchema,
  RegistrationsSchema,
  ResyncSchema,
  wireRegistrations,
  wireSync,
} from '../../wire/registration.ts'
import { answers, needs } from '../schemas.ts'

export interface RegistrationRouteDeps {
  readonly registrations: Pick<Registrations, 'view' | 'resync'>
  readonly events: EventSource
}

const Query = Type.Object({
  service: Type.Optional(Type.String({ description: 'Only entries of this Swarm service.' })),
})

export const registrationRoutes = ({ registrations, events }: RegistrationRouteDeps): RouteGroup => ({
  tags: [{ name: 'registration', description: 'Every container in Consul, with its own address' }],
  events,
  register(app, { guard, stopping }) {
    app.addSchema(RegistrationSchema)
    app.get(
      '/v1/registration',
      {
        schema: {
          tags: ['registration'],
          summary: 'What is in Consul, what should be, and the difference',
          ...needs('read'),
          querystring: Query,
          response: answers(RegistrationsSchema, 'Sorted by id.'),
        },
        onRequest: guard('read'),
        config: { sharedMs: 50 },
      },
      async ({ query: { service } }) => {
        const view = await registrations.view()
        if (service === undefined) return wireRegistrations(view)
        const isOf = (one: { readonly service: string }) => one.service === service
        const [own, issues] = [view.registrations.filter(isOf), view.issues.filter(isOf)]
        return wireRegistrations({ ...view, registrations: own, issues })
      },
    )
    app.post(
      '/v1/registration/resync',
      {
        schema: {
          tags: ['registration'],
          summary: 'Read Consul again and synchronize it now',
          ...needs('admin'),
          response: answers(ResyncSchema, '`resynced` false: another controller writes; the reason says so.'),
        },
        onRequest: [guard('admin'), stopping.refuseNewWork],
      },
      async () => {
        const sync = await registrations.resync()
        if (sync !== undefined) return { resynced: true, sync: wireSync(sync) }
        const { mode } = await registrations.view()
        const another = 'another controller writes to Consul: call that one'
        return { resynced: false, reason: mode === 'agent' ? 'the agents write, and look every 2 s' : another }
      },
    )
  },
})
