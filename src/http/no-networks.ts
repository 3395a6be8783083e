/** What a controller shows that keeps no networks. */
import type { AgentDesk } from '../agent/reporting.ts'
import type { NetworkCatalog } from '../bootstrap/network.ts'
import { Fault } from '../foundation/errors.ts'

export const NO_NETWORKS: NetworkCatalog = {
  networks: () => [],
  network(name) {
    throw new Fault('unknown-network', `no network is named ${name}`)
  },
  nodes: () => [],
  node(id) {
    throw new Fault('unknown-node', `no node has the id or host name ${id}`)
  },
  issues: () => ({ issues: [] }),
}

export const NO_DESK: AgentDesk = {
  report(nodeId) {
    throw new Fault('unknown-node', `this controller keeps no networks, so it wants nothing of the node ${nodeId}`)
  },
}
