/** Addresses of hosts inside the range of another node, whose engine knows nothing of them: each agent tells of its own. Pure. */
import { blockOf, parseAddress, type Span } from '../../foundation/address.ts'
import type { NodeReport } from '../../swarm/node-report.ts'
import { indexSpans, type SpanIndex } from '../address/spans.ts'
import { lastOfMachines } from '../allocation/other-uses.ts'
import type { NetworkRecord, NodeAllocation } from '../record/record.ts'
import { type NetworkContext, named } from './context.ts'
import type { PlanProblem } from './words.ts'

interface Ranged {
  readonly span: Span
  readonly range: string
  readonly allocation: NodeAllocation
}

/** A plan asks several times, and mostly of the same record and reports. */
const indexed = new WeakMap<NetworkRecord['allocations'], SpanIndex<Ranged>>()
const read = new WeakMap<NodeReport, readonly HostAddress[]>()

interface HostAddress {
  readonly span: Span
  readonly text: string
  readonly link: string
}

function indexOf({ allocations }: NetworkRecord): SpanIndex<Ranged> {
  const known = indexed.get(allocations)
  if (known !== undefined) return known
  const ranges = [...allocations.values()].flatMap((allocation) =>
    [allocation.range, allocation.range6].flatMap((range) =>
      range === undefined ? [] : [{ span: blockOf(range), range, allocation }],
    ),
  )
  const index = indexSpans(ranges)
  indexed.set(allocations, index)
  return index
}

function addressesOf(report: NodeReport): readonly HostAddress[] {
  const known = read.get(report)
  if (known !== undefined) return known
  const addresses = report.hostAddresses.flatMap(({ link, address }) => {
    const [text = ''] = address.split('/')
    const span = parseAddress(text)
    return span === undefined ? [] : [{ span, text, link }]
  })
  read.set(report, addresses)
  return addresses
}

/** What the node keeps back no container is given. */
const isKeptBack = ({ aux, aux6 }: NodeAllocation, text: string): boolean =>
  [...Object.values(aux ?? {}), ...Object.values(aux6 ?? {})].includes(text)

export function hostsInRanges(context: NetworkContext, record: NetworkRecord): readonly PlanProblem[] {
  const ranges = indexOf(record)
  return lastOfMachines(context.observed).flatMap(({ report }) =>
    context.nodes.has(report.nodeId)
      ? addressesOf(report).flatMap(({ span, text, link }) =>
          ranges
            .overlapping(span)
            .filter(({ allocation }) => allocation.nodeId !== report.nodeId && !isKeptBack(allocation, text))
            .map(({ range, allocation }): PlanProblem => {
              const { hostname } = allocation
              const message = `${text}, an address of ${report.hostname} (${link}), is inside the range ${range} of ${hostname}, and a container there may be given it too: give that host another address (of a DHCP server: outside the pool), or give ${hostname} another range: \`orrery network apply --allow-drain\`.`
              return { network: context.name, node: named(allocation), code: 'address-in-range', message }
            }),
        )
      : [],
  )
}
