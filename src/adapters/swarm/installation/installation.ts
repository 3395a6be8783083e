/** What Orrery has in a Swarm, listed and taken away one thing at a time: for `orrery uninstall`. */
import { parentLabel, RECORD_PREFIX, rangeLabel, readyLabel } from '../../../bootstrap/record/record.ts'
import { messageOf } from '../../../foundation/errors.ts'
import { withoutUndefined } from '../../../foundation/without-undefined.ts'
import { STATE_LABEL } from '../../../swarm/services.ts'
import type { WriteResult } from '../../../swarm/write-result.ts'
import type { EngineOptions } from '../engine/engine-address.ts'
import { type CallRecord, connectEngine, type EngineCall } from '../engine/engine-connection.ts'
import { EngineError, orUnavailable, writeResult } from '../engine/engine-errors.ts'
import { at, integerAt, isObject, type JsonObject, labelsAt, textAt, writeLossless } from '../engine/engine-json.ts'
import { TIMING } from '../engine/timing.ts'
import { hasEnded } from '../tasks/task-mapper.ts'

/** On services, configs and secrets that are Orrery's own: the stack files and make-tokens.sh set it. */
export const ROLE_LABEL = 'orrery.role'

export interface Part {
  readonly id: string
  readonly name: string
}

/** Something that is not ours, with labels of ours on it. */
export interface Labelled extends Part {
  readonly kind: 'service' | 'node'
  readonly labels: readonly string[]
  /**
   * A service: an update or a rollback runs or is paused, and any other update would resume or end it. A node: the network
   * of the label is still there, and Swarm evicts its tasks from a node without the label.
   */
  readonly isInUse: boolean
  readonly version: number
  /** As it was read, without loss. */
  readonly spec: JsonObject
}

export interface Installed {
  /** The Swarm's id. */
  readonly cluster: string
  readonly hostnames: readonly string[]
  /** CONSUL_HTTP_ADDR of the controllers, where they have one. */
  readonly consul?: string
  /** Controllers and agents. */
  readonly services: readonly Part[]
  readonly configs: readonly Part[]
  readonly secrets: readonly Part[]
  readonly labelled: readonly Labelled[]
  /** By name, on every node where a task of ours ran. */
  readonly volumes: readonly string[]
  /** `<host name> <label>`: labels that the operator set for us. */
  readonly operatorLabels: readonly string[]
  /** Names of the networks that there are, ours or not. */
  readonly networks: ReadonlySet<string>
  /** Names of the services on a network, by its name. */
  readonly users: ReadonlyMap<string, readonly string[]>
}

export interface Installation {
  /** Throws Fault `engine-unavailable`. */
  look(): Promise<Installed>
  /** How many tasks of these services have not ended. Throws Fault `engine-unavailable`. */
  running(serviceIds: readonly string[]): Promise<number>
  /** One that is gone already counts as removed. Never throws. */
  remove(kind: 'service' | 'config' | 'secret', id: string): Promise<WriteResult>
  /** On the version that was looked at; nothing else of the spec changes. Never throws. */
  unlabel(labelled: Labelled): Promise<WriteResult>
  close(): void
}

const SETTLED: ReadonlySet<string> = new Set(['completed', 'rollback_completed'])
const OUR_CONFIGS: ReadonlySet<string> = new Set(['orrery-state', 'orrery-alerts'])

/** Throws Error for connection options that cannot be right; connects to nothing yet. */
export function connectInstallation(options: EngineOptions, onCall?: (record: CallRecord) => void): Installation {
  const engine = connectEngine(options, onCall)
  const { listTimeoutMs, writeTimeoutMs: timeoutMs } = TIMING

  const read = (path: string): Promise<unknown> =>
    orUnavailable(engine.read({ method: 'GET', path, endpoint: path, timeoutMs: listTimeoutMs }))

  const list = async (path: string): Promise<readonly JsonObject[]> => {
    const found = await read(path)
    return Array.isArray(found) ? found.filter(isObject) : []
  }

  /** 404 is gone, whoever says so: what is still there is seen by the next look. */
  const send = async (call: Omit<EngineCall, 'timeoutMs'>): Promise<WriteResult> => {
    try {
      await engine.call({ ...call, statusOnly: true, timeoutMs })
      return { kind: 'committed' }
    } catch (error) {
      if (!(error instanceof EngineError)) return { kind: 'unknown', message: messageOf(error) }
      return error.status === 404 ? { kind: 'gone' } : writeResult(error)
    }
  }

  return {
    async look() {
      const paths = ['/services', '/configs', '/secrets', '/nodes', '/networks'] as const
      const [services = [], configs = [], secrets = [], nodes = [], networks = []] = await Promise.all(
        paths.map((path) => list(path)),
      )
      const existing = new Set(networks.flatMap((network) => textAt(network, 'Name') ?? []))
      const swarm = await read('/swarm')
      const ours = services.filter(hasRole)
      const [consul] = ours.flatMap(consulOf)
      return {
        cluster: textAt(swarm, 'ID') ?? '',
        hostnames: nodes.map(hostnameOf),
        ...withoutUndefined({ consul }),
        services: ours.map(partOf),
        configs: configs.filter((config) => hasRole(config) || isOurConfig(nameOf(config))).map(partOf),
        secrets: secrets.filter(hasRole).map(partOf),
        labelled: [
          ...services.filter((service) => !hasRole(service)).flatMap((service) => labelledOf('service', service)),
          ...nodes.flatMap((node) => labelledOf('node', node)),
        ].map((one) => ({
          ...one,
          isInUse: one.isInUse || one.labels.some((label) => isIn(existing, networkOf(label))),
        })),
        volumes: [...new Set(ours.flatMap(volumesOf))].sort(),
        operatorLabels: nodes.flatMap((node) =>
          Object.keys(labelsOf(node))
            .filter((label) => label.startsWith(parentLabel('')))
            .map((label) => `${hostnameOf(node)} ${label}`),
        ),
        users: usersOf(services, networks),
        networks: existing,
      }
    },
    async running(serviceIds) {
      // The engine answers 404 to a filter that names a service which is gone.
      const tasks = serviceIds.length === 0 ? [] : await list('/tasks')
      const ours = tasks.filter((task) => serviceIds.includes(textAt(task, 'ServiceID') ?? ''))
      return ours.filter((task) => !hasEnded({ state: textAt(task, 'Status', 'State') ?? '' })).length
    },
    async remove(kind, id) {
      const path = `/${kind}s/${encodeURIComponent(id)}`
      const endpoints = { service: '/services/{id}', config: '/configs/{id}', secret: '/secrets/{id}' } as const
      return await send({ method: 'DELETE', path, endpoint: endpoints[kind] })
    },
    async unlabel({ kind, id, version, spec, labels }) {
      const endpoint = kind === 'service' ? '/services/{id}/update' : '/nodes/{id}/update'
      const kept = Object.entries(labelsAt(spec, 'Labels')).filter(([label]) => !labels.includes(label))
      return await send({
        ...{ method: 'POST', endpoint, path: endpoint.replace('{id}', encodeURIComponent(id)) },
        query: { version: String(version), ...(kind === 'service' && { registryAuthFrom: 'spec' }) },
        body: writeLossless({ ...spec, Labels: Object.fromEntries(kept) }),
      })
    },
    close: engine.close,
  }
}

const isIn = (names: ReadonlySet<string>, name: string | undefined) => name !== undefined && names.has(name)
const labelsOf = (raw: unknown) => labelsAt(raw, 'Spec', 'Labels')
const nameOf = (raw: unknown): string => textAt(raw, 'Spec', 'Name') ?? ''
const hostnameOf = (raw: unknown): string => textAt(raw, 'Description', 'Hostname') ?? ''
const hasRole = (raw: unknown): boolean => labelsOf(raw)[ROLE_LABEL] !== undefined
const isOurConfig = (name: string): boolean => OUR_CONFIGS.has(name) || name.startsWith(RECORD_PREFIX)
const partOf = (raw: unknown): Part => ({ id: textAt(raw, 'ID') ?? '', name: nameOf(raw) })

const CONSUL_VARIABLE = /^CONSUL_HTTP_ADDR=(.+)$/

function consulOf(service: unknown): string[] {
  const env = at(service, 'Spec', 'TaskTemplate', 'ContainerSpec', 'Env')
  return (Array.isArray(env) ? env : []).flatMap((line) => CONSUL_VARIABLE.exec(String(line))?.[1] ?? [])
}

/** A service names a network by its id, or by its name as it was created. */
function usersOf(services: readonly unknown[], networks: readonly unknown[]): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>()
  const names = new Map(networks.map((network) => [textAt(network, 'Id'), textAt(network, 'Name')]))
  for (const service of services) {
    const attachments = at(service, 'Spec', 'TaskTemplate', 'Networks') ?? at(service, 'Spec', 'Networks')
    for (const attachment of Array.isArray(attachments) ? attachments : []) {
      const target = textAt(attachment, 'Target') ?? ''
      const name = names.get(target) ?? target
      users.set(name, [...(users.get(name) ?? []), nameOf(service)])
    }
  }
  return users
}

function volumesOf(service: unknown): string[] {
  const mounts = at(service, 'Spec', 'TaskTemplate', 'ContainerSpec', 'Mounts')
  const volumes = (Array.isArray(mounts) ? mounts : []).filter((mount) => textAt(mount, 'Type') === 'volume')
  return volumes.flatMap((mount) => textAt(mount, 'Source') ?? [])
}

/** Empty: it has no label of ours. */
function labelledOf(kind: Labelled['kind'], raw: unknown): Labelled[] {
  const isOurs = kind === 'service' ? (label: string) => label === STATE_LABEL : networkOf
  const labels = Object.keys(labelsOf(raw)).filter((label) => isOurs(label))
  const [version, spec] = [integerAt(raw, 'Version', 'Index'), at(raw, 'Spec')]
  if (labels.length === 0 || version === undefined || !isObject(spec)) return []
  const update = textAt(raw, 'UpdateStatus', 'State')
  const name = kind === 'service' ? nameOf(raw) : hostnameOf(raw)
  const isInUse = update !== undefined && update !== '' && !SETTLED.has(update)
  return [{ ...partOf(raw), name, kind, labels, isInUse, version, spec }]
}

/** Of `orrery.network.<name>`, and the same with `.range`; `undefined`: it is none of these. */
function networkOf(label: string): string | undefined {
  const network = /^orrery\.network\.([^.]+)(\.range)?$/.exec(label)?.[1]
  return network !== undefined && [readyLabel(network), rangeLabel(network)].includes(label) ? network : undefined
}
