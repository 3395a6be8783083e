/**
 * Binds policies to services: reads labels and files whenever either changes, and finds autoscalers by name. Exact names only:
 * `web` never means `web-admin` or an id prefix.
 */
import { Fault } from '../../foundation/errors.ts'
import type { Services } from '../../swarm/ports.ts'
import { type ServiceObservation, STATE_LABEL } from '../../swarm/services.ts'
import { notInSync } from '../../swarm/sync.ts'
import type { PolicyFiles } from '../ports.ts'
import type { PolicyFile, PolicyIssue, PolicyReading } from './policy.ts'
import { readPolicy } from './read-policy.ts'

export interface BoundPolicy {
  readonly observation: ServiceObservation
  readonly reading: PolicyReading
}

export interface Policies {
  /** Every opted-in service. */
  optedIn(): Iterable<BoundPolicy>
  /** Opted in or not; `undefined`: no such service. */
  byId(id: string): BoundPolicy | undefined
  /** By the autoscaler's name. Throws Fault `unknown-autoscaler`, `ambiguous-name`, or `not-in-sync` when it cannot be known. */
  find(name: string): BoundPolicy
  /** By the name of its Swarm service, whatever the autoscaler is named. Throws Fault `unknown-autoscaler` or `not-in-sync`. */
  findByService(name: string): BoundPolicy
  close(): void
}

export function createPolicies({ services, files }: { services: Services; files: PolicyFiles }): Policies {
  const readings = new Map<string, PolicyReading>()
  const idsByName = new Map<string, Set<string>>()
  const idsByService = new Map<string, string>()

  const forget = (id: string) => {
    const name = readings.get(id)?.name
    const ids = name === undefined ? undefined : idsByName.get(name)
    ids?.delete(id)
    if (name !== undefined && ids?.size === 0) idsByName.delete(name)
    readings.delete(id)
  }

  const read = (service: ServiceObservation) => {
    forget(service.id)
    const file = fileFor(service.name, files.list())
    const reading = readPolicy({
      serviceName: service.name,
      labels: service.labels,
      resources: service.resources,
      ...(file && { file }),
    })
    readings.set(service.id, reading)
    idsByService.set(service.name, service.id)
    if (!reading.optedIn) return
    const ids = idsByName.get(reading.name) ?? new Set()
    idsByName.set(reading.name, ids.add(service.id))
  }

  const bind = (observation: ServiceObservation): BoundPolicy | undefined => {
    const reading = readings.get(observation.id)
    if (reading === undefined) return undefined
    const namesakes = reading.optedIn ? idsByName.get(reading.name) : undefined
    if (namesakes === undefined || namesakes.size < 2) return { observation, reading }
    return { observation, reading: invalidate(reading, ambiguous(reading.name, namesakes, services)) }
  }

  const byId = (id: string) => {
    const observation = services.get(id)
    return observation && bind(observation)
  }

  const serviceNamed = (name: string): BoundPolicy | undefined => {
    const id = idsByService.get(name)
    return id === undefined ? undefined : byId(id)
  }

  const notFound = (name: string): Fault => {
    const sync = services.sync()
    if (!sync.inSync) return notInSync(sync)
    const reading = serviceNamed(name)?.reading
    if (reading === undefined) return new Fault('unknown-autoscaler', `no autoscaler is named ${name}`)
    const hint = reading.optedIn
      ? `its autoscaler is named ${reading.name}`
      : 'it has no scaling policy: set the service label autoscaler.enable=true (in a stack: deploy.labels)'
    return new Fault('unknown-autoscaler', `there is a service ${name}, but ${hint}`)
  }

  for (const service of services.list()) read(service)
  const stopServices = services.onChange(({ id, before, after }) => {
    if (before !== undefined && before.name !== after?.name && idsByService.get(before.name) === id) {
      idsByService.delete(before.name)
    }
    if (after === undefined) forget(id)
    else if (!readings.has(id) || before === undefined || !readsAlike(before, after)) read(after)
  })
  const stopFiles = files.onChange(() => {
    for (const service of services.list()) read(service)
  })

  return {
    *optedIn() {
      for (const ids of idsByName.values()) {
        for (const id of ids) {
          const bound = byId(id)
          if (bound !== undefined) yield bound
        }
      }
    },
    byId,
    find(name) {
      const [found, ...more] = [...(idsByName.get(name) ?? [])].map(byId).filter((bound) => bound !== undefined)
      if (found === undefined) throw notFound(name)
      if (more.length === 0) return found
      throw new Fault('ambiguous-name', found.reading.issues[0]?.message ?? `several services are named ${name}`)
    },
    findByService(name) {
      const bound = serviceNamed(name)
      if (bound?.reading.optedIn) return bound
      const isKnown = bound !== undefined || !services.sync().inSync
      throw isKnown ? notFound(name) : new Fault('unknown-autoscaler', `no service is named ${name}`)
    },
    close() {
      stopServices()
      stopFiles()
    },
  }
}

/** Whether two observations of a service say the same to `readPolicy`: most changes are writes of ours. */
function readsAlike(before: ServiceObservation, after: ServiceObservation): boolean {
  if (before.name !== after.name) return false
  const [was, is] = [before.resources, after.resources]
  if (was?.cpuNs !== is?.cpuNs || was?.memoryBytes !== is?.memoryBytes) return false
  const names = Object.keys({ ...before.labels, ...after.labels })
  return names.every((name) => name === STATE_LABEL || before.labels[name] === after.labels[name])
}

function fileFor(serviceName: string, files: readonly PolicyFile[]): PolicyFile | undefined {
  return files.find((file) => file.service === serviceName)
}

function ambiguous(name: string, ids: ReadonlySet<string>, services: Services): PolicyIssue {
  const names = [...ids].map((id) => services.get(id)?.name ?? id).sort()
  const message = `${names.length} services have the autoscaler name ${name}: ${names.join(', ')}; give each its own autoscaler.name`
  return { severity: 'error', field: 'autoscaler.name', value: name, message }
}

function invalidate({ policy: _, ...reading }: PolicyReading, issue: PolicyIssue): PolicyReading {
  return { ...reading, issues: [issue, ...reading.issues] }
}
