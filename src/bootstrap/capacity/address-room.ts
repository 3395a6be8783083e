/**
 * What is free on each node of a network, from memory. Counted when somebody asks, and anew only for nodes whose report or
 * tasks changed since: reports of a thousand agents cost nothing while nobody grows.
 */
import type { Clock } from '../../foundation/clock.ts'
import { type HeardReport, SILENT_AFTER_MS } from '../../swarm/node-report.ts'
import type { AgentReports, Nodes, SwarmNetworks, Tasks } from '../../swarm/ports.ts'
import type { Records } from '../ports.ts'
import { addressUse, countAddresses, createLeastFree, unlistedTasks } from '../record/address-count.ts'
import { allocationLayout } from '../record/node-part.ts'
import { readyLabel } from '../record/record.ts'
import { groupByNode } from './tasks-by.ts'

/** Why a node has no address to give, though Swarm may give it a task. */
export type Lack = 'no-range' | 'not-ready' | 'unheard'

export interface NodeRoom {
  readonly free: number
  readonly lack?: Lack
  /** Tasks of the service that have an address here, and started since the tasks were listed. */
  startedOf(serviceId: string): number
}

export interface AddressRoom {
  /** By name of the network: what each node that is asked for has. */
  on(network: string): (nodeId: string) => NodeRoom
}

export interface AddressRoomDeps {
  readonly nodes: Pick<Nodes, 'get' | 'onChange'>
  readonly tasks: Pick<Tasks, 'list' | 'isGone' | 'readAtMs' | 'onChange'>
  readonly records: Pick<Records, 'all' | 'onChange'>
  readonly networks: Pick<SwarmNetworks, 'current' | 'onChange'>
  readonly reports: Pick<AgentReports, 'get'>
  readonly now: Clock
}

type Counted = { readonly heard: HeardReport | undefined; readonly room: NodeRoom; readonly range?: string }

const none = () => 0
const without = (lack: Lack): NodeRoom => ({ free: 0, lack, startedOf: none })

export function createAddressRoom(deps: AddressRoomDeps): AddressRoom {
  const { nodes, tasks, records, networks, reports, now } = deps
  const counted = new Map<string, Map<string, Counted>>()
  const keepFree = createLeastFree()
  let tasksOf: ReturnType<typeof groupByNode> | undefined
  const forget = () => {
    counted.clear()
    tasksOf = undefined
  }
  for (const source of [nodes, tasks, records, networks]) source.onChange(forget)

  const count = (network: string, nodeId: string, heard: HeardReport | undefined): Counted => {
    const record = records.all().get(network)
    const allocation = record?.allocations.get(nodeId)
    if (record === undefined || allocation === undefined) return { heard, room: without('no-range') }
    if (nodes.get(nodeId)?.labels[readyLabel(network)] !== 'ready') return { heard, room: without('not-ready') }
    if (heard === undefined) return { heard, room: without('unheard') }
    tasksOf ??= groupByNode(tasks.list())
    const networkId = networks.current().find((one) => one.name === network && one.scope === 'swarm')?.id
    const listed = tasksOf(nodeId)
    const use = addressUse({ network, networkId, containers: heard.report.containers, tasks: listed })
    const free = countAddresses(allocationLayout(record.definition, allocation).usable, use).free ?? 0
    const startedOf = (serviceId: string) => unlistedTasks(serviceId, use.held, { listed, isGone: tasks.isGone })
    return { heard, room: { free, startedOf }, range: allocation.range }
  }

  const roomOf = (network: string, nodeId: string): NodeRoom => {
    const ofNetwork = counted.get(network) ?? new Map<string, Counted>()
    counted.set(network, ofNetwork)
    const heard = reports.get(nodeId)
    const before = ofNetwork.get(nodeId)
    const found = before !== undefined && before.heard === heard ? before : count(network, nodeId, heard)
    ofNetwork.set(nodeId, found)
    const { room, range } = found
    if (range === undefined || heard === undefined) return room
    const isHeard = now() - heard.receivedAtMs < SILENT_AFTER_MS
    const { free } = keepFree({ network, nodeId, range, count: { usable: 0, used: null, free: room.free } }, isHeard)
    // A newer list that does not show them: Swarm does not count them any more.
    const isNewer = heard.receivedAtMs > (tasks.readAtMs() ?? Number.POSITIVE_INFINITY)
    return { free: free ?? 0, startedOf: isNewer ? room.startedOf : none }
  }

  return {
    on(network) {
      keepFree.keepOnly([...records.all().keys()])
      return (nodeId) => roomOf(network, nodeId)
    },
  }
}
