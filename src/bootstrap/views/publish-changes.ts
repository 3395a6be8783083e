/** What becomes of nodes and networks, for the log and the event feed: each change once. */

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
  readonly logger: Logger
  readonly tell: (news: NodesNews) => void
}

interface Seen {
  readonly node: SwarmNode
  readonly text: string
}

export function publishNodes({ nodes, managers, reports, logger, tell }: PublishNodesDeps): void {
  let seen: ReadonlyMap<string, Seen> | undefined
  /** By node and network, the fault that was told last. */
  const faults = new Map<string, string>()

  nodes.onChange(() => {
    if (!nodes.sync().inSync) return
    const current = new Map(nodes.list().map((node) => [node.id, { node, text: stateOf(node) }]))
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
    for (const key of [...faults.keys()]) if (!current.has(key.split('\n')[0] ?? '')) faults.delete(key)
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

  reports.onNews(({ nodeId, hostname, standings }) => {
    for (const { name, isAsWanted, faults: found } of standings) {
      const key = `${nodeId}\n${name}`
      const fault = isAsWanted ? '' : found.map(({ message }) => message).join(' ')
      if ((faults.get(key) ?? '') === fault) continue
      faults.set(key, fault)
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
