import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import pRetry from 'p-retry'
import type { NodeRecord } from './state.ts'

type Member = Pick<NodeRecord, 'address' | 'role' | 'hostname'> & { api: Docker }
type Expected = Pick<NodeRecord, 'hostname' | 'role' | 'nodeId'>
type SwarmNode = {
  ID: string
  Status?: { State?: string }
  ManagerStatus?: { Leader?: boolean; Reachability?: string }
}
type SwarmInfo = { Swarm: { NodeID: string; LocalNodeState: string } }

/** Their node ids. */
export async function formSwarm(members: readonly Member[]): Promise<string[]> {
  const [first, ...others] = members
  if (first === undefined) throw new Error('a lab needs a node')
  await first.api.swarmInit({
    ListenAddr: `${first.address}:2377`,
    AdvertiseAddr: first.address,
    // A few old tasks a slot: enough to see why one failed, little to list.
    Spec: { Orchestration: { TaskHistoryRetentionLimit: 5 } },
  })
  await Promise.all(others.map((member) => join(member, first)))
  const nodeIds = await Promise.all(members.map(({ api }) => nodeIdOf(api)))
  const expected = members.map((member, index) => ({ ...member, nodeId: nodeIds[index] ?? '' }))
  const managers = expected.filter(({ role }) => role === 'manager')
  await waitUntilReady(managers, expected)
  return nodeIds
}

/** Has a node join the swarm of one of the managers, the first that answers, and waits until it is ready there; its id. */
export async function joinSwarm(member: Member, managers: readonly Member[]): Promise<string> {
  const via = await firstThatAnswers(managers.filter(({ hostname }) => hostname !== member.hostname))
  await join(member, via)
  const nodeId = await nodeIdOf(member.api)
  await waitUntilReady([via], [{ ...member, nodeId }])
  return nodeId
}

/** Resolves once the engine says so itself; of one that is in no swarm, at once. Throws what the engine says. */
export async function leaveSwarm(api: Docker, { force = false }: { force?: boolean } = {}): Promise<void> {
  if ((await stateOf(api)) === 'inactive') return
  await api.swarmLeave({ force })
  for (const deadline = Date.now() + 30_000; (await stateOf(api)) !== 'inactive'; await sleep(50)) {
    if (Date.now() > deadline) throw new Error('the engine has not left the swarm after 30 s')
  }
}

const swarmOf = async (api: Docker) => ((await api.info()) as SwarmInfo).Swarm
const nodeIdOf = async (api: Docker) => (await swarmOf(api)).NodeID
const stateOf = async (api: Docker) => (await swarmOf(api)).LocalNodeState

async function join({ api, address, role }: Member, via: Member): Promise<void> {
  const { JoinTokens } = (await via.api.swarmInspect()) as { JoinTokens: { Manager: string; Worker: string } }
  const request = {
    ListenAddr: `${address}:2377`,
    AdvertiseAddr: address,
    RemoteAddrs: [`${via.address}:2377`],
    JoinToken: role === 'manager' ? JoinTokens.Manager : JoinTokens.Worker,
  }
  // Raft takes one new manager at a time and refuses a second meanwhile.
  await pRetry(() => api.swarmJoin(request), {
    retries: 8,
    minTimeout: 200,
    factor: 1.5,
    onFailedAttempt: () => api.swarmLeave({ force: true }).catch(() => {}),
  })
}

async function firstThatAnswers(managers: readonly Member[]): Promise<Member> {
  for (const manager of managers) if ((await listNodes(manager.api)) !== undefined) return manager
  throw new Error('no manager of the lab answers')
}

export type ReadyOptions = { except?: readonly { hostname: string }[]; timeoutMs?: number }

/**
 * Asks all managers until, in one round, each says that all nodes are ready, all managers reachable, and names the same
 * leader: a manager that was cut off believes for a while what it last knew. One that comes back has a higher Raft term
 * and forces an election, which takes Swarm 1 to 60 s, and a new leader knows of no node until it has heard of it.
 */
export async function waitUntilReady(
  managers: readonly Pick<Member, 'api' | 'hostname'>[],
  nodes: readonly Expected[],
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

function complaintsOf(listed: SwarmNode[] | undefined, wanted: readonly Expected[], by: string): string[] {
  if (listed === undefined) return [`${by} does not answer`]
  const missing = wanted.filter((node) => !listed.some((entry) => isReady(entry, node)))
  return missing.length === 0 ? [] : [`${by} misses ${missing.map((node) => node.hostname).join(', ')}`]
}

/** Undefined when this manager does not answer in time: it may be frozen, or without a leader. */
function listNodes(api: Docker): Promise<SwarmNode[] | undefined> {
  const answer = api.listNodes({ abortSignal: AbortSignal.timeout(3_000) }) as Promise<SwarmNode[]>
  return answer.catch(() => undefined)
}

function isReady(entry: SwarmNode, { nodeId, role }: Expected): boolean {
  const up = entry.ID === nodeId && entry.Status?.State === 'ready'
  return up && (role === 'worker' || entry.ManagerStatus?.Reachability === 'reachable')
}
