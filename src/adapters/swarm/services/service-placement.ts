/** Where a service's tasks may go and what they need there, from its spec as the engine sends it. */
import type { Placement } from '../../../swarm/services.ts'
import { at, integerAt, textAt } from '../engine/engine-json.ts'

/** Takes a spec parsed by `parseLossless`. `undefined`: its tasks are on no network. Never throws. */
export function placementOf(spec: unknown): Placement | undefined {
  const template = at(spec, 'TaskTemplate')
  // The engine moves networks of the old place into the task template; what an old client wrote may still have them there.
  const networks = [...networksOf(template), ...networksOf(spec)]
  if (networks.length === 0) return undefined
  const uneven = unevenBecause(spec, template)
  return {
    networks: [...new Set(networks)],
    constraints: list(at(template, 'Placement', 'Constraints')).filter((one) => typeof one === 'string'),
    maxPerNode: integerAt(template, 'Placement', 'MaxReplicas') ?? 0,
    platforms: list(at(template, 'Placement', 'Platforms')).map((one) => ({
      os: textAt(one, 'OS') ?? '',
      architecture: textAt(one, 'Architecture') ?? '',
    })),
    ...(uneven !== undefined && { uneven }),
    surge: larger(surgeOf(at(spec, 'UpdateConfig')), surgeOf(at(spec, 'RollbackConfig'))),
  }
}

function networksOf(holder: unknown): string[] {
  return list(at(holder, 'Networks')).flatMap((one) => textAt(one, 'Target') ?? [])
}

/** Only `start-first` runs more tasks than the count says; a parallelism of 0 is all at once. */
function surgeOf(config: unknown): number | 'all' {
  if (textAt(config, 'Order') !== 'start-first') return 0
  const parallelism = integerAt(config, 'Parallelism') ?? 0
  return parallelism === 0 ? 'all' : parallelism
}

function larger(one: number | 'all', other: number | 'all'): number | 'all' {
  return one === 'all' || other === 'all' ? 'all' : Math.max(one, other)
}

/** The filters of Swarm's scheduler whose answer for a node cannot be known from here, and its other way to spread. */
function unevenBecause(spec: unknown, template: unknown): string | undefined {
  const reserved = at(template, 'Resources', 'Reservations')
  const amounts = [integerAt(reserved, 'NanoCPUs'), integerAt(reserved, 'MemoryBytes')]
  if (amounts.some((amount) => amount !== 0 && amount !== undefined)) return RESERVES
  if (list(at(reserved, 'GenericResources')).length > 0) return RESERVES
  if (list(at(template, 'Placement', 'Preferences')).length > 0) return 'it has placement preferences'
  if (list(at(spec, 'EndpointSpec', 'Ports')).some(isHostPort)) return 'it publishes ports of its hosts'
  const mounts = list(at(template, 'ContainerSpec', 'Mounts'))
  if (mounts.some(needsPlugin)) return 'it mounts volumes that not every node may have'
  const logDriver = textAt(template, 'LogDriver', 'Name') ?? ''
  return BUILT_IN_LOG_DRIVERS.has(logDriver) ? undefined : 'it logs by a plugin that not every node may have'
}

const RESERVES = 'its tasks reserve resources'

const isHostPort = (port: unknown): boolean =>
  textAt(port, 'PublishMode') === 'host' && (integerAt(port, 'PublishedPort') ?? 0) !== 0

function needsPlugin(mount: unknown): boolean {
  const driver = textAt(mount, 'VolumeOptions', 'DriverConfig', 'Name') ?? ''
  return textAt(mount, 'Type') === 'cluster' || (driver !== '' && driver !== 'local')
}

/** Of an engine on Linux; without a name it is the engine's own choice. */
const BUILT_IN_LOG_DRIVERS: ReadonlySet<string> = new Set([
  ...['', 'none', 'json-file', 'local', 'journald', 'syslog', 'gelf', 'fluentd'],
  ...['awslogs', 'splunk', 'gcplogs', 'logentries', 'etwlogs'],
])

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
