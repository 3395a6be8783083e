/** The gauges of networks, nodes and agents. */
import type { AllocationView, NetworkCatalog, NetworkView } from '../../bootstrap/network.ts'
import { type MetricsRegistry, scrapedGauges } from './registry.ts'

/** `node` is the host name: that is what people know it by. */
export function measureNetworks(metrics: MetricsRegistry, catalog: Pick<NetworkCatalog, 'networks' | 'nodes'>): void {
  const gauge = scrapedGauges(metrics)
  const addresses = gauge(
    'network_addresses',
    'Addresses of a node for containers: usable, used by containers, free for more. Absent while not known.',
    ['network', 'node', 'state'],
  )
  const counts = gauge('network_nodes', 'Nodes with a range: total, ready (labelled), as_wanted (by their agents).', [
    'network',
    'state',
  ])
  const asWanted = gauge(
    'network_node_as_wanted',
    '1 while the node matches the definition, 0 while it does not or that is not known.',
    ['network', 'node'],
  )
  const condition = gauge('network_condition', '1 while the condition of the network is true.', ['network', 'type'])
  const lastReport = gauge(
    'agent_last_report_timestamp',
    'When this controller last had a report of the agent of this node, seconds since the epoch. Absent: never.',
    ['node'],
  )

  const fillAllocation = ({ network, hostname: node, count, isAsWanted }: AllocationView) => {
    for (const state of ['usable', 'used', 'free'] as const) {
      const value = count[state]
      if (value !== null) addresses.set({ network, node, state }, value)
    }
    asWanted.set({ network, node }, isAsWanted === true ? 1 : 0)
  }

  const fillNetwork = ({ name: network, isInForce, allocations, conditions }: NetworkView) => {
    for (const { type, status } of conditions) condition.set({ network, type }, status ? 1 : 0)
    if (!isInForce) return
    for (const allocation of allocations) fillAllocation(allocation)
    counts.set({ network, state: 'total' }, allocations.length)
    counts.set({ network, state: 'ready' }, allocations.filter(({ isReady }) => isReady).length)
    counts.set({ network, state: 'as_wanted' }, allocations.filter(({ isAsWanted }) => isAsWanted === true).length)
  }

  metrics.beforeScrape(() => {
    for (const network of catalog.networks()) fillNetwork(network)
    for (const { hostname: node, agent } of catalog.nodes()) {
      if (agent.reportedAtMs !== undefined) lastReport.set({ node }, agent.reportedAtMs / 1000)
    }
  })
}
