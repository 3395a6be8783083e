/** From a name to the one service it means. Exact names only: `web` never means `web-admin` or an id prefix. */
import { Fault } from '../../foundation/errors.ts'
import type { Services } from '../../swarm/ports.ts'
import type { ServiceObservation } from '../../swarm/services.ts'
import { notInSync } from './not-in-sync.ts'
import type { BoundPolicy, Policies } from './policies.ts'

/** Throws Fault `unknown-autoscaler`, `ambiguous-name`, or `not-in-sync` when it can not be known. */
export function findAutoscaler(name: string, deps: { services: Services; policies: Policies }): BoundPolicy {
  const [found, ...more] = deps.policies.byName(name)
  if (found === undefined) throw notFound(name, deps)
  if (more.length === 0) return found
  throw new Fault('ambiguous-name', found.reading.issues[0]?.message ?? `several services are named ${name}`)
}

/** By the name of the Swarm service, whatever its autoscaler is named. Throws Fault `unknown-autoscaler` or `not-in-sync`. */
export function findByService(name: string, deps: { services: Services; policies: Policies }): BoundPolicy {
  const service = serviceNamed(name, deps.services)
  const bound = service && deps.policies.byId(service.id)
  if (bound?.reading.optedIn) return bound
  const isKnown = service !== undefined || !deps.services.sync().inSync
  throw isKnown ? notFound(name, deps) : new Fault('unknown-autoscaler', `no service is named ${name}`)
}

function serviceNamed(name: string, services: Services): ServiceObservation | undefined {
  for (const service of services.list()) if (service.name === name) return service
  return undefined
}

function notFound(name: string, { services, policies }: { services: Services; policies: Policies }): Fault {
  const sync = services.sync()
  if (!sync.inSync) return notInSync(sync)
  const service = serviceNamed(name, services)
  if (service === undefined) return new Fault('unknown-autoscaler', `no autoscaler is named ${name}`)
  const reading = policies.byId(service.id)?.reading
  const hint = reading?.optedIn
    ? `its autoscaler is named ${reading.name}`
    : 'it has no scaling policy: set the service label autoscaler.enable=true (in a stack: deploy.labels)'
  return new Fault('unknown-autoscaler', `there is a service ${name}, but ${hint}`)
}
