/**
 * Binds policies to services: reads labels and files whenever either changes, and finds autoscalers by name. Exact names only:
 * `web` never means `web-admin` or an id prefix.
 */
import { Fault } from '../../foundation/errors.ts'
import { createOnceLog } from '../../foundation/log-once.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { Services } from '../../swarm/ports.ts'
import { type ServiceObservation, STATE_LABEL } from '../../swarm/services.ts'
import { notInSync } from '../../swarm/sync.ts'
import type { PolicyFiles } from '../ports.ts'
import { mayHavePolicy, whyNotOptedIn } from './opt-in.ts'
import type { PolicyFile, PolicyIssue, PolicyReading } from './policy.ts'
import { readPolicy } from './read-policy.ts'

export interface BoundPolicy {
  readonly observation: ServiceObservation
  readonly reading: PolicyReading
}

export interface Policies {
  /** Every opted-in service. */
  optedIn(): Iterable<BoundPolicy>
  /** Every service that is not, though its labels say something that has no effect. */
  unheeded(): Iterable<BoundPolicy>
  /** Opted in or not; `undefined`: no such service. */
  byId(id: string): BoundPolicy | undefined
  /** By the autoscaler's name. Throws Fault `unknown-autoscaler`, `ambiguous-name`, or `not-in-sync` when it cannot be known. */
  find(name: string): BoundPolicy
  /** By the name of its Swarm service, whatever the autoscaler is named. Throws Fault `unknown-autoscaler` or `not-in-sync`. */
  findByService(name: string): BoundPolicy
  close(): void
}

export interface PoliciesDeps {
  readonly services: Services
  readonly files: PolicyFiles
  readonly logger: Pick<Logger, 'warn' | 'info'>
}

/** One for the many that nobody wants to scale. */
const NOTHING: PolicyReading = { optedIn: false, name: '', fields: {}, issues: [] }

export function createPolicies({ services, files, logger }: PoliciesDeps): Policies {
  const readings = new Map<string, PolicyReading>()
  const idsByName = new Map<string, Set<string>>()
  const idsByService = new Map<string, string>()
  const unheeded = new Set<string>()
  const issueLogs = new Map<string, ReturnType<typeof createIssueLog>>()

  const forget = (id: string) => {
    const name = readings.get(id)?.name
    const ids = name === undefined ? undefined : idsByName.get(name)
    ids?.delete(id)
    if (name !== undefined && ids?.size === 0) idsByName.delete(name)
    readings.delete(id)
    unheeded.delete(id)
  }

  const read = (service: ServiceObservation) => {
    forget(service.id)
    const file = fileFor(service.name, files.list())
    const { name: serviceName, labels, resources } = service
    const isNone = file === undefined && !mayHavePolicy(labels)
    const reading = isNone ? NOTHING : readPolicy({ serviceName, labels, resources, ...(file && { file }) })
    readings.set(service.id, reading)
    idsByService.set(service.name, service.id)
    if (!reading.optedIn) {
      if (reading.issues.length > 0) unheeded.add(service.id)
      return
    }
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
    const why = whyNotOptedIn(reading)
    const hint = reading.optedIn
      ? `its autoscaler is named ${reading.name}`
      : `it has no scaling policy: ${why ?? 'set the service label autoscaler.enable=true (in a stack: deploy.labels)'}`
    return new Fault('unknown-autoscaler', `there is a service ${name}, but ${hint}`)
  }

  /** Of the service, and of those that have or had its name too. */
  const readAndTell = (service: ServiceObservation) => {
    const namesBefore = namesakesOf(service.id)
    read(service)
    for (const id of new Set([service.id, ...namesBefore, ...namesakesOf(service.id)])) {
      const bound = byId(id)
      const begun = issueLogs.get(id)
      // Most services never have anything to tell.
      if (begun === undefined && !bound?.reading.issues.length) continue
      const issueLog = begun ?? createIssueLog(logger)
      issueLogs.set(id, issueLog)
      issueLog(bound)
    }
  }

  const namesakesOf = (id: string): readonly string[] => {
    const reading = readings.get(id)
    return reading?.optedIn ? [...(idsByName.get(reading.name) ?? [])] : []
  }

  for (const service of services.list()) readAndTell(service)
  const stopServices = services.onChange(({ id, before, after }) => {
    if (before !== undefined && before.name !== after?.name && idsByService.get(before.name) === id) {
      idsByService.delete(before.name)
    }
    if (after === undefined) {
      forget(id)
      issueLogs.delete(id)
    } else if (!readings.has(id) || before === undefined || !readsAlike(before, after)) readAndTell(after)
  })
  const stopFiles = files.onChange(() => {
    for (const service of services.list()) readAndTell(service)
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
    *unheeded() {
      for (const id of unheeded) {
        const bound = byId(id)
        if (bound !== undefined) yield bound
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

/** Says once what is wrong with the policy of one service, and when it is right again. */
function createIssueLog(logger: PoliciesDeps['logger']) {
  let service = ''
  const log = createOnceLog<PolicyIssue>({
    keyOf: ({ field, value, message }) => JSON.stringify([field, value, message]),
    begun: ({ severity, field, value, message }) =>
      logger.warn(
        { event: 'policy-issue', service, severity, field, ...(value !== undefined && { value }) },
        `${service}: ${field}: ${message}`,
      ),
    over: ({ field }) =>
      logger.info({ event: 'policy-issue-over', service, field }, `${service}: ${field} is corrected`),
  })
  return (bound: BoundPolicy | undefined) => {
    service = bound?.observation.name ?? service
    log(bound?.reading.issues ?? [])
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
