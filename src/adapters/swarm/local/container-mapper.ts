/** Containers as an engine lists them (`GET /containers/json`), and what one of them uses (`…/stats`). */
import { withoutUndefined } from '../../../foundation/without-undefined.ts'
import type { ReportedContainer } from '../../../swarm/node-report.ts'
import { EngineError } from '../engine/engine-errors.ts'
import { at, integerAt, isObject, textAt } from '../engine/engine-json.ts'

/** Swarm's tasks, and those on one of the networks, by name. Throws EngineError `malformed` when it is no list. */
export function readContainers(body: unknown, networks: ReadonlySet<string>): readonly ReportedContainer[] {
  if (!Array.isArray(body)) throw new EngineError('malformed', 'GET /containers/json did not answer with a list.')
  return body.flatMap((raw) => containerOf(raw, networks))
}

function containerOf(raw: unknown, networks: ReadonlySet<string>): ReportedContainer[] {
  const id = textAt(raw, 'Id')
  const label = (name: string) => textAt(raw, 'Labels', `com.docker.swarm.${name}`)
  const state = textAt(raw, 'State') ?? ''
  const addresses = addressesOf(at(raw, 'NetworkSettings', 'Networks'), { networks, hasEnded: ENDED.has(state) })
  const taskId = label('task.id')
  if (id === undefined || (taskId === undefined && addresses.length === 0)) return []
  const createdAtSeconds = integerAt(raw, 'Created')
  return [
    {
      id,
      name: nameOf(at(raw, 'Names')) ?? id,
      state,
      ...withoutUndefined({ taskId, taskName: label('task.name') }),
      ...withoutUndefined({ serviceId: label('service.id'), serviceName: label('service.name') }),
      addresses,
      ...(createdAtSeconds !== undefined && { createdAtMs: createdAtSeconds * 1000 }),
    },
  ]
}

/** Links of other containers to it are names too, with one more slash: `/web/db`. */
function nameOf(names: unknown): string | undefined {
  if (!Array.isArray(names)) return undefined
  const own: unknown = names.find((name) => typeof name === 'string' && name.lastIndexOf('/') === 0)
  return typeof own === 'string' ? own.slice(1) : undefined
}

const ENDED: ReadonlySet<string> = new Set(['exited', 'dead'])

interface Attachment {
  readonly networks: ReadonlySet<string>
  readonly hasEnded: boolean
}

function addressesOf(attached: unknown, { networks, hasEnded }: Attachment): ReportedContainer['addresses'] {
  if (!isObject(attached)) return []
  return Object.entries(attached).flatMap(([network, settings]) => {
    if (!networks.has(network)) return []
    // It holds none any more. One that ended together with its engine shows what it had for as long as it is there.
    if (hasEnded) return [{ network }]
    // Empty before it starts.
    const address = textAt(settings, 'IPAddress') || undefined
    const address6 = textAt(settings, 'GlobalIPv6Address') || undefined
    return [{ network, ...withoutUndefined({ address, address6 }) }]
  })
}

/** What never changes of a container, and what only an inspect says of it: what discovery reads. */
export type Announced = Required<Pick<ReportedContainer, 'exposed' | 'env' | 'labels'>>

const MOST_KEYS = 256
const MOST_VALUE = 8192

/** Of `GET /containers/{id}/json`. Nothing of the environment but `SERVICE_*` leaves this function. */
export function readAnnounced(body: unknown): Announced {
  const env = at(body, 'Config', 'Env')
  const pairs = (Array.isArray(env) ? env : []).flatMap((line: unknown): [string, string][] => {
    const cut = typeof line === 'string' ? line.indexOf('=') : -1
    return typeof line === 'string' && cut > 0 ? [[line.slice(0, cut), line.slice(cut + 1)]] : []
  })
  const labels = at(body, 'Config', 'Labels')
  const ofLabels = Object.entries(isObject(labels) ? labels : {}).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string',
  )
  const exposed = at(body, 'Config', 'ExposedPorts')
  return {
    exposed: Object.keys(isObject(exposed) ? exposed : {}).slice(0, MOST_KEYS),
    env: keysThatFit(pairs, (key) => key.startsWith('SERVICE_')),
    labels: keysThatFit(ofLabels, (key) => key.startsWith('SERVICE_') || key.startsWith('orrery.')),
  }
}

const keysThatFit = (pairs: readonly [string, string][], isWanted: (key: string) => boolean): Record<string, string> =>
  Object.fromEntries(
    pairs
      .filter(([key, value]) => isWanted(key) && key.length <= 1024 && value.length <= MOST_VALUE)
      .slice(0, MOST_KEYS),
  )

/** One look at a container's counters. */
export interface Counters {
  /** Processor time since it started, ns. */
  readonly cpuNs: number
  /** The engine's clock, ms. */
  readonly atMs: number
  readonly memoryBytes: number | undefined
}

/** `undefined`: it does not run, so nothing is counted. */
export function readCounters(body: unknown): Counters | undefined {
  const cpuNs = at(body, 'cpu_stats', 'cpu_usage', 'total_usage')
  const atMs = Date.parse(textAt(body, 'read') ?? '')
  if (typeof cpuNs !== 'number' || !(atMs > 0)) return undefined
  const usage = at(body, 'memory_stats', 'usage')
  // As `docker stats`: pages that would be given up at once do not count. The names are of cgroup v2 and v1.
  const stats = at(body, 'memory_stats', 'stats')
  const [v2, v1] = [at(stats, 'inactive_file'), at(stats, 'total_inactive_file')]
  const idle = typeof v1 === 'number' ? v1 : v2
  const memoryBytes =
    typeof usage === 'number' ? usage - (typeof idle === 'number' && idle < usage ? idle : 0) : undefined
  return { cpuNs, atMs, memoryBytes }
}

/** Per cent of one CPU between two looks. */
export function cpuPercent(before: Counters, now: Counters): number | undefined {
  const tookMs = now.atMs - before.atMs
  // Counters begin anew when a container is started again.
  if (tookMs <= 0 || now.cpuNs < before.cpuNs) return undefined
  return Math.round((now.cpuNs - before.cpuNs) / tookMs / 100) / 100
}
