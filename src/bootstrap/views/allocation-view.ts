/** One node's part of a network as others see it: its figures, and every address with who has it. Pure. */
import { withoutUndefined } from '../../foundation/without-undefined.ts'
import type { HeardReport, ReportedContainer, ReportedFault } from '../../swarm/node-report.ts'
import type { SwarmNode } from '../../swarm/nodes.ts'
import type { SwarmTask } from '../../swarm/tasks.ts'
import type { AddressView, AllocationView } from '../network.ts'
import { type AddressCount, type AddressUse, addressesOn, addressUse, countAddresses } from '../record/address-count.ts'
import { type AllocationLayout, allocationLayout } from '../record/node-part.ts'
import { type NetworkRecord, type NodeAllocation, readyLabel } from '../record/record.ts'

export interface AllocationViewInput {
  readonly record: Pick<NetworkRecord, 'definition'>
  readonly allocation: NodeAllocation
  /** Absent: it left the Swarm. */
  readonly node: SwarmNode | undefined
  readonly heard: HeardReport | undefined
  /** Of this node. */
  readonly tasks: readonly SwarmTask[]
  /** Of the swarm network, where it is known. */
  readonly networkId: string | undefined
  readonly serviceName: (id: string) => string | undefined
  /** Besides what its agent says. */
  readonly faults: readonly ReportedFault[]
}

/** `undefined`: the agent was never heard. */
function useOf({ record, heard, tasks, networkId }: AllocationViewInput): AddressUse | undefined {
  if (heard === undefined) return undefined
  const { containers } = heard.report
  return addressUse({ network: record.definition.name, networkId, containers, tasks })
}

/** `adjust` may correct the figures. The addresses are put together when somebody asks for them. */
export function allocationView(
  input: AllocationViewInput,
  adjust: (count: AddressCount) => AddressCount,
): AllocationView {
  const { record, allocation, node, heard } = input
  const { name } = record.definition
  const layout = allocationLayout(record.definition, allocation)
  const use = useOf(input)
  const status = heard?.report.standings.find((one) => one.name === name)
  const isAsWanted = heard === undefined ? null : status?.isAsWanted === true && input.faults.length === 0
  const change = changeText(allocation)
  return {
    network: name,
    nodeId: allocation.nodeId,
    hostname: node?.hostname ?? allocation.hostname,
    range: allocation.range,
    parent: status?.parent?.name ?? allocation.parent,
    ...withoutUndefined({ range6: allocation.range6, shim: layout.ipv4.shim, shim6: layout.ipv6?.shim, change }),
    count: adjust(countAddresses(layout.usable, use)),
    isReady: node?.labels[readyLabel(name)] === 'ready',
    isAsWanted,
    faults: [...(status?.faults ?? []), ...input.faults],
    get addresses() {
      return [...addressesOf(input, use), ...heldBack(layout)].sort(byAddress)
    },
  }
}

function changeText({ range, parent, change }: NodeAllocation): string | undefined {
  if (change === undefined) return undefined
  const what = change.range === range && change.parent !== parent ? `the parent ${change.parent}` : change.range
  return `${change.stage} to ${what}`
}

function* addressesOf(
  { record, serviceName }: AllocationViewInput,
  use: AddressUse | undefined,
): Generator<AddressView> {
  for (const container of use?.held ?? []) yield heldBy(record.definition.name, container)
  for (const { id, serviceId, state } of use?.waiting ?? []) {
    const service = serviceName(serviceId)
    yield { use: 'task', taskId: id, containerState: state, ...(service !== undefined && { serviceName: service }) }
  }
}

function heldBy(network: string, container: ReportedContainer): AddressView {
  const { id, name, state, taskId, taskName, serviceName } = container
  const { address, address6 } = addressesOn(network, container) ?? {}
  return {
    ...(address !== undefined && { address }),
    ...(address6 !== undefined && { address6 }),
    use: taskId === undefined ? 'container' : 'task',
    containerId: id,
    containerName: name,
    containerState: state,
    ...(taskId !== undefined && { taskId }),
    ...(taskName !== undefined && { taskName }),
    ...(serviceName !== undefined && { serviceName }),
  }
}

/** The host's own address, and what the config-only network never gives away. */
function heldBack({ ipv4, ipv6 }: AllocationLayout): readonly AddressView[] {
  const isShim = (address: string) => address === ipv4.shim || address === ipv6?.shim
  const reserved = (aux: Readonly<Record<string, string>>) => Object.values(aux).filter((address) => !isShim(address))
  const shims = withoutUndefined({ address: ipv4.shim, address6: ipv6?.shim })
  return [
    ...(Object.keys(shims).length === 0 ? [] : [{ ...shims, use: 'shim' as const }]),
    ...reserved(ipv4.aux).map((address): AddressView => ({ address, use: 'reserved' })),
    ...reserved(ipv6?.aux ?? {}).map((address6): AddressView => ({ address6, use: 'reserved' })),
  ]
}

/** Reads runs of digits as numbers: far faster than parsing each, and exact for IPv4. */
const numeric = new Intl.Collator('en', { numeric: true })

/** What has no address yet comes last. */
function byAddress(one: AddressView, other: AddressView): number {
  const [a, b] = [one.address ?? one.address6, other.address ?? other.address6]
  if (a === undefined || b === undefined) return (a === undefined ? 1 : 0) - (b === undefined ? 1 : 0)
  return numeric.compare(a, b)
}
