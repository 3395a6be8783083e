/** One network as a node is told it, what is planned for it there, and a node after all of that was done. */

import type { NodeObservation, NodeStep } from '../../../../src/agent/plan/host.ts'
import { planNode } from '../../../../src/agent/plan/node-plan.ts'
import type { WantedNetwork } from '../../../../src/swarm/wanted.ts'
import { wantedNetwork } from '../../../support/builders/networks.ts'
import { network, observation, taken } from '../modelled-host.ts'

export const six = {
  subnet: 'fd00:40::/48',
  gateway: 'fd00:40::1',
  range: 'fd00:40:0:1::/64',
  aux: { 'orrery-shim': 'fd00:40:0:1::fe' },
  shim: 'fd00:40:0:1::fe',
}

export const plan = (wanted: WantedNetwork, observed: NodeObservation) => planNode(wanted, observed, [wanted])
export const doings = ({ steps }: { steps: readonly NodeStep[] }) => steps.map((step) => step.do)

/** Plans and takes steps until nothing is left, as the agent does. */
export function kept(all: readonly WantedNetwork[], before: NodeObservation): NodeObservation {
  let observed = before
  for (let round = 0; round < 3; round += 1) {
    for (const wanted of all) for (const step of planNode(wanted, observed, all).steps) observed = taken(observed, step)
  }
  return observed
}

export const made = (wanted = wantedNetwork(), before = observation()): NodeObservation => kept([wanted], before)
/** As if `name` was made from `configFrom`, and a container is on it. */
export const withContainer = (before: NodeObservation, name = 'vlan40'): NodeObservation => ({
  ...before,
  networks: [
    ...before.networks,
    network(name, { driver: 'macvlan', scope: 'swarm', configOnly: false, configFrom: `${name}_config` }),
  ],
  containers: [{ addresses: [{ network: name, address: '172.80.1.1' }] }],
})
export const without = (before: NodeObservation, linkName: string) =>
  taken(before, { do: 'remove-link', link: linkName })
