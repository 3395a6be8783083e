/** The agents of a Swarm in memory: each makes what it was told of config-only networks, reports, and is told anew. */

import { wantedOf } from '../../../../src/bootstrap/record/node-part.ts'
import { configNetwork, differences } from '../../../../src/swarm/config-network.ts'
import { type EngineNetwork, NETWORK_LABEL } from '../../../../src/swarm/networks.ts'
import type { HeardReport, NetworkStatus } from '../../../../src/swarm/node-report.ts'
import type { WantedNetwork, WantedState } from '../../../../src/swarm/wanted.ts'
import { report } from '../../../support/builders/networks.ts'
import type { Swarm } from '../../../support/swarm/swarm.ts'

export interface Machine {
  /** Config-only networks. */
  configs: EngineNetwork[]
  wanted: WantedState | undefined
  isAgentUp: boolean
  /** What the agent finds wrong and cannot mend. */
  fault?: string | undefined
  /** Its code; `parent-down` if nothing is said. */
  faultCode?: string | undefined
  /** `auto` is another link than the one that the network was made on. */
  isOnOtherLink?: boolean
  /** Of its links, as CIDRs. */
  addresses?: readonly string[]
}

export function createAgents(swarm: Swarm, now: () => number) {
  const machines = new Map<string, Machine>()
  const reports = new Map<string, HeardReport>()
  /** Of nodes whose machine is not the one of their host name. */
  const others = new Map<string, string>()
  const hostOf = ({ id, hostname }: { readonly id: string; readonly hostname: string }) => others.get(id) ?? hostname

  /** What a host has outlives its place in the Swarm. */
  const machineOf = (hostname: string): Machine => {
    const machine = machines.get(hostname) ?? { configs: [], wanted: undefined, isAgentUp: true }
    machines.set(hostname, machine)
    return machine
  }

  const make = (machine: Machine, wanted: WantedNetwork, nodeId: string): NetworkStatus => {
    const attached = swarm.running(nodeId, wanted.name).length
    const current = () => machine.configs.find(({ name }) => name === wanted.configName)
    const found = current()
    const should = configNetwork(wanted, wanted.parent)
    const isOurs = found?.labels[NETWORK_LABEL] === wanted.name || wanted.isAdopted
    const isDifferent = found !== undefined && differences(found, should).length > 0
    const isAbsent = wanted.presence === 'absent'
    if (found !== undefined && isOurs && attached === 0 && (isAbsent || (isDifferent && wanted.mayRecreate))) {
      machine.configs = machine.configs.filter((one) => one !== found)
    }
    // Only with leave, and with nothing on it, is it made on the other.
    if (machine.isOnOtherLink && wanted.mayRecreate && attached === 0) machine.isOnOtherLink = false
    if (!isAbsent && current() === undefined) {
      const labels = { [NETWORK_LABEL]: wanted.name }
      machine.configs.push({
        ...{ id: `config-${swarm.nextIndex()}`, name: wanted.configName, driver: 'null', scope: 'local' },
        ...{ configOnly: true, configFrom: '', labels, options: { ...should.options }, subnets: should.subnets },
      })
    }
    const made = current()
    const isMade = isAbsent ? made === undefined : made !== undefined && differences(made, should).length === 0
    const { fault, faultCode = 'parent-down' } = machine
    const faults = fault === undefined ? [] : [{ code: faultCode, message: fault }]
    if (machine.isOnOtherLink) faults.push({ code: 'network-different', message: 'parent is eth1 and should be lan0' })
    return { name: wanted.name, isAsWanted: isMade && faults.length === 0, faults, mended: [], attached }
  }

  return {
    ...{ machineOf, reports, others, hostOf },
    /** One turn of the agent of this node. A task of a global service: a drained node runs none. */
    turn(nodeId: string): void {
      const node = swarm.nodes.get(nodeId)
      if (node?.state !== 'ready' || node.availability === 'drain') return
      // A machine is one node at a time: the last that it joined as.
      const ids = [...swarm.nodes.values()].filter((one) => hostOf(one) === hostOf(node)).map(({ id }) => id)
      if (ids.at(-1) !== nodeId) return
      const machine = machineOf(hostOf(node))
      if (!machine.isAgentUp) return
      const { revision = 0, networks = [] } = machine.wanted ?? {}
      const standings = networks.map((wanted) => make(machine, wanted, nodeId))
      const known = reports.get(nodeId)?.notAsWantedSinceMs
      const faulty = standings.filter(({ isAsWanted }) => !isAsWanted)
      reports.set(nodeId, {
        report: report(hostOf(node), {
          nodeId,
          hostname: node.hostname,
          standings,
          networks: [...machine.configs],
          hostAddresses: (machine.addresses ?? []).map((address) => ({
            link: 'eth1',
            address,
            scope: 'global',
            isDynamic: false,
          })),
          sentAtMs: now(),
          revision,
        }),
        receivedAtMs: now(),
        notAsWantedSinceMs: new Map(faulty.map(({ name }) => [name, known?.get(name) ?? now()])),
      })
      const records = new Map([...swarm.records].map(([name, { record }]) => [name, record]))
      machine.wanted = wantedOf({ nodeId, records, revision: swarm.recordRevision() })
    },
  }
}
