/** What becomes of nodes and networks, for the log and the event feed: each change once. */

import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logger.ts'
import type { ManagerStatus, SwarmNode } from '../../swarm/nodes.ts'
import type { AgentNews, Managers, Nodes, SwarmNetworks } from '../../swarm/ports.ts'
import type { NodesNews } from '../network.ts'
import type { Records } from '../ports.ts'
import type { NetworkRecord } from '../record/record.ts'

export interface PublishNodesDeps {
  readonly nodes: Pick<Nodes, 'list' | 'get' | 'sync' | 'onChange'>
  readonly managers: Pick<Managers, 'get' | 'onChange'>
  readonly reports: AgentNews
  readonly records: Pick<Records, 'all'>
  readonly logger: Logger
  readonly tell: (news: NodesNews) => void
  readonly now: Clock
}

/** Of one node in a minute: an agent may say what it likes, as often as it likes, and is nobody's only line. */
const MOST_TOLD = 20
const MINUTE_MS = 60_000
/** Of one fault, in a line. */
const MOST_CHARACTERS = 1000

interface Seen {
  readonly node: SwarmNode
  readonly text: string
}

interface FaultsTold {
  /** By network, of those that are active: what was told last. */
  readonly faults: Map<string, string>
  count: number
  untilMs: number
}

export function publishNodes({ nodes, managers, reports, records, logger, tell, now }: PublishNodesDeps): void {
  let seen: ReadonlyMap<string, Seen> | undefined
  const told = new Map<string, FaultsTold>()

  nodes.onChange(() => {
    if (!nodes.sync().inSync) return
    const current = new Map(
      nodes.list().map((node) => {
        const before = seen?.get(node.id)
        // Of a thousand nodes mostly one is another than before.
        return [node.id, before?.node === node ? before : { node, text: stateOf(node) }]
      }),
    )
    // Those of the start are no news.
    if (seen !== undefined) {
      for (const [id, { node, text }] of current) {
        if (seen.get(id)?.text !== text) tell({ node: named(node), text: `${node.hostname} is ${text}` })
      }
      for (const [id, { node }] of seen) {
        if (!current.has(id)) tell({ node: named(node), text: `${node.hostname} has left the Swarm` })
      }
    }
    seen = current
    for (const id of [...told.keys()]) if (!current.has(id)) told.delete(id)
  })

  const managing = new Map<string, string>()
  managers.onChange(() => {
    for (const node of nodes.list()) {
      const [before, text] = [managing.get(node.id), managerText(managers.get(node.id))]
      // What is not known is no news, and neither is what is first known.
      if (text === '' || text === before) continue
      managing.set(node.id, text)
      if (before !== undefined) tell({ node: named(node), text: `${node.hostname} is ${text}` })
    }
    for (const id of managing.keys()) if (nodes.get(id) === undefined) managing.delete(id)
  })

  /** Whether one more of this node may be told; the first that may not is told as that. */
  const mayTell = (of: FaultsTold, node: { readonly id: string; readonly hostname: string }): boolean => {
    if (now() >= of.untilMs) Object.assign(of, { count: 0, untilMs: now() + MINUTE_MS })
    of.count += 1
    if (of.count === MOST_TOLD + 1) {
      const text = `${node.hostname}: its faults come and go too often: what follows is logged again in a minute`
      logger.warn({ event: 'node-fault', node: node.hostname, nodeId: node.id }, text)
      tell({ node, text })
    }
    return of.count <= MOST_TOLD
  }

  reports.onNews(({ nodeId, standings }) => {
    const hostname = nodes.get(nodeId)?.hostname
    if (hostname === undefined) return
    const of = told.get(nodeId) ?? { faults: new Map(), count: 0, untilMs: 0 }
    told.set(nodeId, of)
    for (const name of [...of.faults.keys()]) if (!records.all().has(name)) of.faults.delete(name)
    for (const { name, isAsWanted, faults: found } of standings) {
      if (!records.all().has(name)) continue
      const fault = isAsWanted
        ? ''
        : found
            .map(({ message }) => message)
            .join(' ')
            .slice(0, MOST_CHARACTERS)
      if ((of.faults.get(name) ?? '') === fault || !mayTell(of, { id: nodeId, hostname })) continue
      of.faults.set(name, fault)
      const fields = { network: name, node: hostname, nodeId }
      const text = fault === '' ? `${hostname} has no fault in ${name} any more` : `${hostname}: ${fault}`
      if (fault === '') logger.info({ event: 'node-fault-over', ...fields }, text)
      else logger.warn({ event: 'node-fault', ...fields, code: found[0]?.code }, text)
      tell({ network: name, node: { id: nodeId, hostname }, text })
    }
  })
}

const managerText = (manager: ManagerStatus | undefined): string =>
  manager === undefined ? '' : manager.isLeader ? 'the leader' : `a manager, ${manager.reachability}`

const named = ({ id, hostname }: SwarmNode) => ({ id, hostname })

/** What a person would call a change: not every label. */
function stateOf({ state, availability, role, labels }: SwarmNode): string {
  const ready = Object.keys(labels)
    .filter((label) => label.startsWith('orrery.network.') && labels[label] === 'ready')
    .map((label) => label.slice('orrery.network.'.length))
    .sort()
  return [state, availability, role, ...(ready.length === 0 ? [] : [`ready for ${ready.join(', ')}`])].join(', ')
}

export interface PublishNetworksDeps {
  readonly records: Pick<Records, 'all' | 'onChange'>
  readonly networks: Pick<SwarmNetworks, 'current' | 'onChange'>
  readonly tell: (news: NodesNews) => void
}

export function publishNetworks({ records, networks, tell }: PublishNetworksDeps): void {
  let known: ReadonlyMap<string, NetworkRecord> | undefined
  let made: ReadonlySet<string> | undefined

  records.onChange(() => {
    const current = records.all()
    // Those of the start are no news.
    for (const [network, record] of known === undefined ? [] : current) {
      if (known?.get(network) !== record) tell({ network, text: changeOf(known?.get(network), record) })
    }
    for (const network of known?.keys() ?? []) if (!current.has(network)) tell({ network, text: 'it is removed' })
    known = new Map(current)
  })

  networks.onChange(() => {
    const current = new Set(
      networks.current().flatMap(({ name, scope }) => (scope === 'swarm' && records.all().has(name) ? [name] : [])),
    )
    for (const network of made === undefined ? [] : current) {
      if (made?.has(network) === false) tell({ network, text: 'the swarm network is there' })
    }
    for (const network of made ?? []) if (!current.has(network)) tell({ network, text: 'the swarm network is gone' })
    made = current
  })
}

function changeOf(before: NetworkRecord | undefined, after: NetworkRecord): string {
  if (before === undefined) return 'it is active'
  if (after.phase === 'removing') return before.phase === 'removing' ? 'its removal goes on' : 'its removal began'
  return 'what is active has changed'
}
