/** What networks and nodes are like, by the engines' and the kernels' own word, never by our program's. */
import type { LabNode } from '../../lab/lab.ts'
import { eventually } from './services.ts'

export interface NodeLabels {
  readonly [label: string]: string
}

/** By host name, as a manager knows them. */
export async function nodeLabels(manager: LabNode): Promise<Record<string, NodeLabels>> {
  const nodes = (await manager.api.listNodes()) as {
    Description?: { Hostname?: string }
    Spec?: { Labels?: NodeLabels }
  }[]
  return Object.fromEntries(nodes.map(({ Description, Spec }) => [Description?.Hostname ?? '', Spec?.Labels ?? {}]))
}

export const isReady = async (manager: LabNode, network: string, node: LabNode): Promise<boolean> =>
  (await nodeLabels(manager))[node.hostname]?.[`orrery.network.${network}`] === 'ready'

export async function untilReady(manager: LabNode, network: string, nodes: readonly LabNode[], timeoutMs = 60_000) {
  const ready = async () => {
    const labels = await nodeLabels(manager)
    return nodes.every((node) => labels[node.hostname]?.[`orrery.network.${network}`] === 'ready')
  }
  await eventually(`${network} is ready on ${nodes.map((node) => node.hostname).join(', ')}`, ready, { timeoutMs })
}

/** Range of each node by host name, as its label says. */
export async function ranges(manager: LabNode, network: string): Promise<Record<string, string>> {
  const labels = Object.entries(await nodeLabels(manager))
  return Object.fromEntries(
    labels.flatMap(([host, own]) => {
      const range = own[`orrery.network.${network}.range`]
      return range === undefined ? [] : [[host, range]]
    }),
  )
}

interface EngineNetworkSeen {
  readonly Id: string
  readonly ConfigOnly?: boolean
  readonly Labels?: Record<string, string>
  readonly Options?: Record<string, string>
  readonly IPAM?: {
    Config?: { Subnet?: string; IPRange?: string; Gateway?: string; AuxiliaryAddresses?: Record<string, string> }[]
  }
}

export async function engineNetwork(node: LabNode, name: string): Promise<EngineNetworkSeen | undefined> {
  const found = (await node.api.listNetworks()) as unknown as (EngineNetworkSeen & { Name: string })[]
  return found.find((network) => network.Name === name)
}

interface LinkSeen {
  readonly ifname: string
  readonly ifalias?: string
  readonly promiscuity?: number
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[]
}

/** Links of the node that carry an agent's mark. */
export async function markedLinks(node: LabNode): Promise<LinkSeen[]> {
  const { stdout } = await node.run(['ip', '-json', '-details', 'address', 'show'], { check: true })
  return (JSON.parse(stdout) as LinkSeen[]).filter(({ ifalias }) => ifalias?.startsWith('orrery ') === true)
}

export async function promiscuity(node: LabNode, link: string): Promise<number> {
  const { stdout } = await node.run(['ip', '-json', '-details', 'link', 'show', link], { check: true })
  return (JSON.parse(stdout) as LinkSeen[])[0]?.promiscuity ?? 0
}

/** Versions of everything that Orrery writes: nothing was written while they stay the same. */
export async function versions(manager: LabNode): Promise<Record<string, number>> {
  type Versioned = { ID: string; Version: { Index: number } }
  const lists = await Promise.all([manager.api.listNodes(), manager.api.listConfigs(), manager.api.listServices()])
  return Object.fromEntries((lists.flat() as unknown as Versioned[]).map(({ ID, Version }) => [ID, Version.Index]))
}

interface TaskSeen {
  readonly ID: string
  readonly NodeID?: string
  readonly DesiredState: string
  readonly Status: { readonly State: string; readonly Err?: string }
}

/** Every task that Swarm still knows of a service. */
export async function allTasks(manager: LabNode, service: string): Promise<TaskSeen[]> {
  return (await manager.api.listTasks({ filters: JSON.stringify({ service: [service] }) })) as TaskSeen[]
}

export async function runningTasks(manager: LabNode, service: string): Promise<TaskSeen[]> {
  const all = await allTasks(manager, service)
  return all.filter(({ DesiredState, Status }) => DesiredState === 'running' && Status.State === 'running')
}
