/** `orrery network status`: what is active, every node and address, and what is not as it should be. */
import type {
  AddressView,
  AllocationView,
  NetworkCatalog,
  NetworkConditionType,
  NetworkView,
  NodeView,
} from '../../bootstrap/network.ts'
import { QUARANTINE_MS } from '../../bootstrap/record/record.ts'
import { visibleText } from '../../foundation/visible-text.ts'
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import { wireNetwork } from '../../http/wire/network.ts'
import type { Console, ExitCode } from '../console.ts'
import { type Cell, textTable } from '../text-table.ts'
import { areUsable, unheardLine } from './problems.ts'
import type { NetworkSession } from './session.ts'

export interface StatusOptions {
  readonly addresses?: true
  readonly json?: true
}

export async function networkStatus(
  session: NetworkSession,
  { addresses, json }: StatusOptions,
  io: Console,
): Promise<ExitCode> {
  const areDefinitionsFine = areUsable(session.definitions, io)
  const catalog = session.catalog(await session.bootstrap.plan({ mode: 'keep' }))
  const unheard = session.unheard()
  if (json) io.out(`${JSON.stringify({ ...statusJson(catalog), ...(unheard && { unknown: unheard.reason }) })}\n`)
  else {
    if (unheard !== undefined) io.out(`${unheardLine(unheard)}\n\n`)
    const agents = new Map(catalog.nodes().map(({ id, agent }) => [id, agent]))
    const shown = { areAddressesAsked: addresses === true, areAgentsUnknown: unheard !== undefined, agents }
    const networks = catalog.networks()
    io.out(networks.length === 0 ? 'No network is defined, and none is active.\n' : '')
    io.out(networks.map((network) => networkText(network, shown)).join('\n'))
  }
  return areDefinitionsFine ? 0 : 1
}

/** As `GET /v1/network`. */
function statusJson(catalog: NetworkCatalog) {
  const { fault, issues } = catalog.issues()
  return {
    networks: catalog.networks().map((view) => wireNetwork(view, { addresses: true })),
    ...withoutUndefined({ fault }),
    issues,
  }
}

/** Up to so many addresses in use are shown unasked. */
const MANY_ADDRESSES = 40

interface Shown {
  readonly areAddressesAsked: boolean
  /** Nobody says what agents report. */
  readonly areAgentsUnknown: boolean
  /** By node id. */
  readonly agents: ReadonlyMap<string, NodeView['agent']>
}

/** A network for people: a line of its figures, what is not as it should be, its nodes, its addresses. */
function networkText(network: NetworkView, shown: Shown): string {
  const { allocations, freed, pending } = network
  const lines = [
    headLine(network),
    ...network.conditions.flatMap((condition) => conditionLine(condition, shown)),
    ...freed.map(
      ({ range, range6, hostname, freedAtMs }) =>
        `  freed: ${both(range, range6)}, released by ${hostname}, reusable from ${new Date(freedAtMs + QUARANTINE_MS).toISOString()}`,
    ),
    ...pending.map((text) => `  next: ${text}`),
  ]
  const tables = allocations.length === 0 ? '' : `${nodeTable(allocations, shown)}${addressPart(allocations, shown)}`
  return `${lines.map((line) => `${visibleText(line)}\n`).join('')}${tables}`
}

function headLine({ name, definition, count, isInForce }: NetworkView): string {
  const { driver, parent, ipv4, ipv6 } = definition
  const what = `${name}: ${driver}, ${both(ipv4.subnet, ipv6?.subnet)}, parent ${parent}`
  if (!isInForce) return `${what}; not active`
  const { usable, used, free } = count
  return `${what}; ${used ?? 'unknown'} of ${usable} addresses used, ${free ?? 'unknown'} free`
}

/** True is good, but for these. */
const BAD_WHEN_TRUE: ReadonlySet<NetworkConditionType> = new Set(['DefinitionConflict', 'Orphaned', 'Removing'])
const AGENTS_SAY: ReadonlySet<NetworkConditionType> = new Set(['AsWanted', 'AgentsHeard'])

function conditionLine(
  { type, status, reason }: NetworkView['conditions'][number],
  { areAgentsUnknown }: Shown,
): readonly string[] {
  if (areAgentsUnknown && AGENTS_SAY.has(type)) return [`  ${type}: unknown`]
  const isFine = status !== BAD_WHEN_TRUE.has(type)
  return isFine ? [] : [`  ${status ? '' : 'not '}${type}: ${reason}`]
}

const both = (...texts: readonly (string | undefined)[]): string => texts.filter(Boolean).join(' and ')

const NODE_HEAD = ['NODE', 'RANGE', 'PARENT', 'SHIM', 'USED', 'FREE', 'READY', 'MATCHES', 'AGENT']

function nodeTable(allocations: readonly AllocationView[], shown: Shown): string {
  const rows = allocations.map((allocation) => {
    const { hostname, range, range6, parent, shim, shim6, count, isReady, change } = allocation
    const { usable, used, free } = count
    return [
      hostname,
      [range, range6, change],
      parent,
      [shim, shim6],
      `${used ?? 'unknown'} of ${usable}`,
      free ?? 'unknown',
      isReady ? 'yes' : 'no',
      asWanted(allocation),
      agentCell(allocation, shown),
    ]
  })
  return textTable(NODE_HEAD, rows)
}

function asWanted({ isAsWanted, faults }: AllocationView): Cell {
  if (isAsWanted === null) return 'unknown'
  return [isAsWanted ? 'yes' : 'no', ...faults.map(({ code, message }) => `${code}: ${message}`)]
}

function agentCell({ nodeId }: AllocationView, { agents, areAgentsUnknown }: Shown): Cell {
  const agent = agents.get(nodeId)
  if (areAgentsUnknown) return 'unknown'
  if (agent?.reportedAtMs === undefined) return 'never reported'
  const faults = agent.faults.map(({ code, message }) => `${code}: ${message}`)
  return [agent.isHeard ? 'reporting' : 'silent', ...faults]
}

const ADDRESS_HEAD = ['NODE', 'ADDRESS', 'USE', 'SERVICE', 'TASK', 'CONTAINER', 'STATE']

function addressPart(allocations: readonly AllocationView[], { areAddressesAsked }: Shown): string {
  const all = allocations.flatMap((allocation) =>
    allocation.addresses.map((address) => ({ hostname: allocation.hostname, ...address })),
  )
  const shown = areAddressesAsked ? all : all.filter(({ use }) => use !== 'reserved')
  if (shown.length === 0) return ''
  if (!areAddressesAsked && shown.length > MANY_ADDRESSES) {
    return `  ${shown.length} addresses are in use; --addresses lists them\n`
  }
  return textTable(ADDRESS_HEAD, shown.map(addressRow))
}

/** As in `docker ps`. */
const SHORT_ID = 12

function addressRow(one: AddressView & { readonly hostname: string }): Cell[] {
  const { hostname, address, address6, use, serviceName, taskName, taskId, containerId, containerName } = one
  const container = use === 'container' ? containerName : containerId?.slice(0, SHORT_ID)
  const task = taskName ?? taskId
  return [hostname, [address, address6], use, [serviceName], [task], [container], [one.containerState]]
}
