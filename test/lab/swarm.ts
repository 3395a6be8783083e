import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import pRetry from 'p-retry'
import type { NodeRecord } from './state.ts'

type Member = Pick<NodeRecord, 'address' | 'role' | 'hostname'> & { api: Docker }
type SwarmNode = {
  ID: string
  Description?: { Hostname?: string }
  Status?: { State?: string }
  ManagerStatus?: { Leader?: boolean; Reachability?: string }
}

export async function formSwarm(members: Member[]): Promise<string[]> {
  const [first, ...others] = members
  if (first === undefined) throw new Error('a lab needs a node')
  await first.api.swarmInit({
    ListenAddr: `${first.address}:2377`,
    AdvertiseAddr: first.address,
    // A few old tasks a slot: enough to see why one failed, little to list.
    Spec: { Orchestration: { TaskHistoryRetentionLimit: 5 } },
  })
  const { JoinTokens } = (await first.api.swarmInspect()) as { JoinTokens: { Manager: string; Worker: string } }
  const join = ({ api, address, role }: Member) => {
    const request = {
      ListenAddr: `${address}:2377`,
      AdvertiseAddr: address,
      RemoteAddrs: [`${first.address}:2377`],
      JoinToken: role === 'manager' ? JoinTokens.Manager : JoinTokens.Worker,
    }
    // Raft takes one new manager at a time and refuses a second meanwhile.
    return pRetry(() => api.swarmJoin(request), {
      retries: 8,
      minTimeout: 200,
      factor: 1.5,
      onFailedAttempt: () => api.swarmLeave({ force: true }).catch(() => {}),
    })
  }
  await Promise.all(others.map(join))
  const infos = await Promise.all(members.map(({ api }) => api.info() as Promise<{ Swarm: { NodeID: string } }>))
  await waitUntilReady(
    members.filter(({ role }) => role === 'manager'),
    members,
  )
  return infos.map((info) => info.Swarm.NodeID)
}

export type ReadyOptions = { except?: readonly { hostname: string }[]; timeoutMs?: number }

/**
 * Asks all managers until, in one round, each says that all nodes are ready, all managers reachable, and names the same
 * leader: a manager that was cut off believes for a while what it last knew. One that comes back has a higher Raft term
 * and forces an election, which takes Swarm 1 to 60 s, and a new leader knows of no node until it has heard of it.
 */
export async function waitUntilReady(
  managers: readonly Pick<Member, 'api' | 'hostname'>[],
  nodes: readonly Pick<Member, 'hostname' | 'role'>[],
  { except = [], timeoutMs = 120_000 }: ReadyOptions = {},
): Promise<void> {
  const excepted = new Set(except.map((node) => node.hostname))
  const wanted = nodes.filter((node) => !excepted.has(node.hostname))
  const asked = managers.filter((node) => !excepted.has(node.hostname))
  if (asked.length === 0) throw new Error('ready: no manager to ask')
  for (const deadline = Date.now() + timeoutMs; ; await sleep(50)) {
    const round = await Promise.all(asked.map(({ api }) => listNodes(api)))
    const complaints = round.flatMap((listed, index) => complaintsOf(listed, wanted, asked[index]?.hostname ?? ''))
    const leaders = new Set(round.map((listed) => listed?.find((entry) => entry.ManagerStatus?.Leader)?.ID))
    if (complaints.length === 0 && leaders.size === 1) return
    if (Date.now() > deadline) {
      throw new Error(`not ready after ${timeoutMs / 1000} s: ${complaints.join('; ') || 'two leaders'}`)
    }
  }
}

function complaintsOf(
  listed: SwarmNode[] | undefined,
  wanted: readonly Pick<Member, 'hostname' | 'role'>[],
  by: string,
): string[] {
  if (listed === undefined) return [`${by} does not answer`]
  const missing = wanted.filter((node) => !listed.some((entry) => isReady(entry, node)))
  return missing.length === 0 ? [] : [`${by} misses ${missing.map((node) => node.hostname).join(', ')}`]
}

/** Undefined when this manager does not answer in time: it may be frozen, or without a leader. */
function listNodes(api: Docker): Promise<SwarmNode[] | undefined> {
  const answer = api.listNodes({ abortSignal: AbortSignal.timeout(3_000) }) as Promise<SwarmNode[]>
  return answer.catch(() => undefined)
}

function isReady(entry: SwarmNode, { hostname, role }: Pick<Member, 'hostname' | 'role'>): boolean {
  const up = entry.Description?.Hostname === hostname && entry.Status?.State === 'ready'
  return up && (role === 'worker' || entry.ManagerStatus?.Reachability === 'reachable')
}
