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
const read = new WeakMap<NodeReport, Read>()

interface Read {
  readonly addresses: readonly HostAddress[]
  /** What was asked last. */
  ranges?: SpanIndex<Ranged>
  inside: readonly Inside[]
}

interface Inside {
  readonly address: HostAddress
  readonly ranged: Ranged
}

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

/** Addresses of this host inside ranges of others. */
function insideOf(report: NodeReport, ranges: SpanIndex<Ranged>): readonly Inside[] {
  const known = read.get(report) ?? { addresses: addressesOf(report), inside: [] }
  read.set(report, known)
  if (known.ranges === ranges) return known.inside
  known.ranges = ranges
  known.inside = known.addresses.flatMap((address) =>
    ranges
      .overlapping(address.span)
      .filter(({ allocation }) => allocation.nodeId !== report.nodeId && !isKeptBack(allocation, address.text))
      .map((ranged) => ({ address, ranged })),
  )
  return known.inside
}

const addressesOf = ({ hostAddresses }: NodeReport): readonly HostAddress[] =>
  hostAddresses.flatMap(({ link, address }) => {
    const [text = ''] = address.split('/')
    const span = parseAddress(text)
    return span === undefined ? [] : [{ span, text, link }]
  })

/** What the node keeps back no container is given. */
const isKeptBack = ({ aux, aux6 }: NodeAllocation, text: string): boolean =>
  [...Object.values(aux ?? {}), ...Object.values(aux6 ?? {})].includes(text)

export function hostsInRanges(
  { name, nodes, observed }: NetworkContext,
  record: NetworkRecord,
): readonly PlanProblem[] {
  const ranges = indexOf(record)
  const found = observed.reports.flatMap((heard) =>
    insideOf(heard.report, ranges).map((inside) => ({ heard, ...inside })),
  )
  // Mostly there is none.
  if (found.length === 0) return []
  const present = new Set(lastOfMachines(observed).filter(({ report }) => nodes.has(report.nodeId)))
  return found
    .filter(({ heard }) => present.has(heard))
    .map(({ heard, address: { text, link }, ranged: { range, allocation } }): PlanProblem => {
      const { hostname } = allocation
      const message = `${text}, an address of ${heard.report.hostname} (${link}), is inside the range ${range} of ${hostname}, and a container there may be given it too: give that host another address (of a DHCP server: outside the pool), or give ${hostname} another range: \`orrery network apply --allow-drain\`.`
      return { network: name, node: named(allocation), code: 'address-in-range', message }
    })
}
