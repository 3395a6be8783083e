/** What the Consul agent beside this node's engine has to be told so that it has what is desired; nothing else is touched. Pure. */
import { CHECK_NAME, checkIdOf, type Entry, type EntryIssue, type NativeCheck } from '../entry.ts'
import type { CatalogService } from './catalog.ts'
import { entryDiffers, isOurs } from './difference.ts'

/** A service as the agent has it; its index says nothing. */
export interface AgentService extends CatalogService {
  /** By id: the status of each of its checks. */
  readonly checks: ReadonlyMap<string, string>
}

export interface AgentCheck extends NativeCheck {
  readonly CheckID: string
}

export type AgentWrite =
  | { readonly kind: 'register'; readonly entry: Entry; readonly checks: readonly AgentCheck[] }
  | { readonly kind: 'deregister'; readonly id: string }
  /** A check that an entry of ours had before. */
  | { readonly kind: 'remove-check'; readonly id: string }
  /** Swarm says that the task runs. */
  | { readonly kind: 'pass'; readonly id: string }

export interface DesiredOfNode {
  readonly cluster: string
  readonly nodeId: string
  /** By id. */
  readonly entries: ReadonlyMap<string, Entry>
  /** Tasks of which too little is known. */
  readonly kept: ReadonlySet<string>
}

/** Swarm's own word has no end: only we say that it is over. */
const NEVER = '87600h'

export const agentChecksOf = ({ id, checks }: Entry): readonly AgentCheck[] => [
  { CheckID: checkIdOf(id), Name: CHECK_NAME, TTL: NEVER, Status: 'passing' },
  ...checks.map((check, place) => ({ CheckID: `${checkIdOf(id)}:${place + 1}`, ...check })),
]

/** `isTold`: whether this process has registered the entry as it is now. What a check asks cannot be read back. */
export function agentDifference(
  { cluster, nodeId, entries, kept }: DesiredOfNode,
  actual: ReadonlyMap<string, AgentService>,
  isTold: (entry: Entry) => boolean,
): { readonly writes: readonly AgentWrite[]; readonly issues: readonly EntryIssue[] } {
  const owners = new Map([...entries.values()].map(({ address, taskId }) => [address, taskId]))
  const issues: EntryIssue[] = []
  // Deletions first: an address is free before somebody else gets it.
  const writes: AgentWrite[] = []
  const isOfNode = (service: AgentService) => isOurs(service, cluster) && service.meta.node === nodeId
  for (const service of actual.values()) {
    if (!isOfNode(service) || entries.has(service.id)) continue
    const task = service.meta.task ?? ''
    const isTaken = (owners.get(service.address) ?? task) !== task
    if (!kept.has(task) || isTaken) writes.push({ kind: 'deregister', id: service.id })
  }
  for (const entry of entries.values()) {
    const there = actual.get(entry.id)
    if (there !== undefined && !isOfNode(there)) {
      const message =
        'is there already and not ours (another managed-by, cluster or node in its Meta): it is left alone'
      issues.push({ service: entry.serviceName, key: 'id', value: entry.id, message, effect: 'refused' })
      continue
    }
    const checks = agentChecksOf(entry)
    const isWhole = there !== undefined && checks.every(({ CheckID }) => there.checks.has(CheckID))
    if (!isWhole || !isTold(entry) || entryDiffers(entry, there)) writes.push({ kind: 'register', entry, checks })
    const ids = new Set(checks.map(({ CheckID }) => CheckID))
    for (const id of there?.checks.keys() ?? [])
      if (!ids.has(id) && id.startsWith(checkIdOf(entry.id))) writes.push({ kind: 'remove-check', id })
    // One that was restarted takes it for critical until it is told again.
    const own = checkIdOf(entry.id)
    if (isWhole && there.checks.get(own) !== 'passing') writes.push({ kind: 'pass', id: own })
  }
  return { writes, issues }
}
