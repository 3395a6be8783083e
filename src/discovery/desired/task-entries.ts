/** The entries of one task that runs: its ports, its address on the chosen network, and what its keys say. Pure. */
import { type Entry, type EntryIssue, ID_PREFIX, MANAGED_BY } from '../entry.ts'
import type { ContainerFacts, NodeFacts, ServiceFacts, Settings, TaskFacts } from '../facts.ts'
import { checksOf } from '../keys/checks.ts'
import { metaOf } from '../keys/meta.ts'
import {
  type Issue,
  isSet,
  issueOf,
  NETWORK_KEY,
  PORTS_KEY,
  readServiceKeys,
  type ServiceKeys,
  splitTags,
} from '../keys/service-keys.ts'
import { type TaskPort, taskPorts } from '../keys/task-ports.ts'

export interface RunningTask {
  readonly task: TaskFacts
  readonly service: ServiceFacts
  readonly node: NodeFacts
  readonly container: ContainerFacts
}

export interface TaskEntries {
  readonly entries: readonly Entry[]
  readonly issues: readonly EntryIssue[]
}

/** Of one task: ranges of thousands, as some images expose them, are nobody's services. */
const MOST_PORTS = 100

const DNS_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/
const DNS_RULE = '1 to 63 letters, digits and hyphens, with none of these at an end, would be right'

type Chosen = RunningTask['container']['addresses'][number]

export function entriesOf(running: RunningTask, settings: Settings): TaskEntries {
  const { service, container } = running
  if (settings.ignored.some((pattern) => matches(pattern, service.name))) return { entries: [], issues: [] }
  const keys = readServiceKeys({
    serviceLabels: service.labels,
    env: container.env,
    containerLabels: container.labels,
  })
  const own = (key: string) => container.labels[key] ?? service.labels[key]
  const { ports, issues: portIssues } = taskPorts(container.exposed, own(PORTS_KEY), keys)
  const wanted = ports.filter(
    ({ port }) => !isSet(keys.ofPort(port).get('ignore')) && (!settings.isExplicit || keys.isNamed(port)),
  )
  const issues: Issue[] = [...keys.issues, ...portIssues]
  if (ports.length === 0 && keys.isNamed()) {
    const name = keys.ofPort(0).get('name')
    const message = `no port is known of it: EXPOSE one in the image, or write ${PORTS_KEY}=80/tcp`
    issues.push(issueOf(name?.key ?? '', name?.value ?? '', message, 'refused'))
  }
  if (wanted.length > MOST_PORTS) {
    const message = `has to name the ports to register: the task has ${wanted.length}, and at most ${MOST_PORTS} are`
    return { entries: [], issues: [{ service: service.name, ...issueOf(PORTS_KEY, '', message, 'refused') }] }
  }
  const chosen = wanted.length === 0 ? undefined : choose(container.addresses, own(NETWORK_KEY))
  if (chosen !== undefined && 'key' in chosen) issues.push(chosen)
  const entries =
    chosen === undefined || 'key' in chosen
      ? []
      : wanted.flatMap((port) => {
          const made = entryOf({ port, isGroup: wanted.length > 1, chosen }, keys, running, settings)
          issues.push(...made.issues)
          return made.entry ?? []
        })
  // What is written for all ports is wrong once.
  const unique = new Map(issues.map((issue) => [`${issue.key}\n${issue.value}\n${issue.message}`, issue]))
  return { entries, issues: [...unique.values()].map((issue) => ({ service: service.name, ...issue })) }
}

/** Without a choice, the one network that there is; none yet is nothing, and no issue: it comes with the next report. */
function choose(addresses: ContainerFacts['addresses'], wanted: string | undefined): Chosen | Issue | undefined {
  const usable = addresses.filter(({ address, address6 }) => address !== undefined || address6 !== undefined)
  const names = addresses.map(({ network }) => network).toSorted()
  if (wanted !== undefined) {
    const found = usable.find(({ network }) => network === wanted)
    if (found !== undefined || addresses.some(({ network }) => network === wanted)) return found
    const known = names.length === 0 ? 'it has no address of its own on any' : `it is on ${names.join(', ')}`
    return issueOf(NETWORK_KEY, wanted, `is not a routable network of the task: ${known}`, 'refused')
  }
  if (addresses.length < 2) return usable[0]
  return issueOf(NETWORK_KEY, '', `has to name one of the networks of the task: ${names.join(', ')}`, 'refused')
}

interface OnePort {
  readonly port: TaskPort
  readonly isGroup: boolean
  readonly chosen: Chosen
}

function entryOf(
  { port: { port, protocol }, isGroup, chosen }: OnePort,
  all: ServiceKeys,
  running: RunningTask,
  settings: Settings,
) {
  const { task, service, node, container } = running
  const keys = all.ofPort(port)
  const issues: Issue[] = []
  const written = keys.get('name')
  const isWritten = written !== undefined && written.value !== ''
  const base = isWritten ? written.value : service.name.replaceAll('_', '-')
  const name = isGroup && !(isWritten && written.isOfPort) ? `${base}-${port}` : base
  if (!DNS_NAME.test(name)) {
    const key = isWritten ? written.key : 'SERVICE_NAME'
    issues.push(issueOf(key, name, `is a name that DNS cannot say: ${DNS_RULE}`, 'refused'))
    return { issues }
  }
  const id = keys.get('id')
  if (id !== undefined) {
    const message = 'is refused: all replicas would have this one id and overwrite one another; ours is used'
    issues.push(issueOf(id.key, id.value, message))
  }
  const [address, address6] = chosen.address === undefined ? [chosen.address6 ?? ''] : [chosen.address, chosen.address6]
  const { checks, issues: checkIssues } = checksOf(keys, { address, port, containerId: container.id })
  const { meta, issues: metaIssues } = metaOf(keys, {
    'managed-by': MANAGED_BY,
    cluster: settings.cluster,
    service: service.name,
    task: task.id,
    node: node.id,
    network: chosen.network,
    ...(address6 !== undefined && { address6 }),
  })
  const udp = protocol === 'udp'
  const place = task.slot ?? node.id
  const entry: Entry = {
    id: `${ID_PREFIX}${service.name}.${place}.${task.id}:${port}${udp ? ':udp' : ''}`,
    name,
    address,
    ...(address6 !== undefined && { address6 }),
    port,
    tags: [...splitTags(keys.get('tags')?.value ?? ''), ...(udp ? ['udp'] : [])],
    meta,
    checks,
    taskId: task.id,
    serviceName: service.name,
    nodeId: node.id,
    hostname: node.hostname,
    hostAddress: node.address ?? '',
  }
  return { entry, issues: [...issues, ...checkIssues, ...metaIssues] }
}

const matches = (pattern: string, name: string): boolean =>
  new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 's').test(name)
const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
