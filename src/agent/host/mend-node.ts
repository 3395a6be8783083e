/** Brings a node to what is wanted of it: plans, takes the steps, looks again, until nothing is left or a step fails. */

import type { NetworkStanding, ReportedFault } from '../../swarm/node-report.ts'
import type { WantedNetwork } from '../../swarm/wanted.ts'
import type { NodeObservation, NodeStep } from '../plan/host.ts'
import { planNode } from '../plan/node-plan.ts'
import { standingOf } from '../plan/standing.ts'
import { type CarryOutDeps, carryOut } from './carry-out.ts'

export interface MendDeps<Seen extends NodeObservation> extends CarryOutDeps {
  /** Throws as Host and LocalEngine do. */
  readonly look: () => Promise<Seen>
  readonly onStep: (network: string, step: NodeStep) => void
}

/** A second round is for what could only be seen after the first; more than a third would be a step that does nothing. */
const ROUNDS = 3

/** Throws as `look`; what was done before that stays done. */
export async function mendNode<Seen extends NodeObservation>(
  wanted: readonly WantedNetwork[],
  first: Seen,
  deps: MendDeps<Seen>,
): Promise<{ readonly seen: Seen; readonly standings: readonly NetworkStanding[] }> {
  const failed = new Map<string, ReportedFault>()
  let seen = first
  for (let round = 0; round < ROUNDS; round += 1) {
    let hasChanged = false
    for (const network of wanted) {
      if (failed.has(network.name)) continue
      const { steps } = planNode(network, seen, wanted)
      if (steps.length === 0) continue
      const { done, fault } = await carryOut(steps, deps)
      for (const step of done) deps.onStep(network.name, step)
      if (fault !== undefined) failed.set(network.name, fault)
      // The next network is planned on what is there now.
      seen = await deps.look()
      hasChanged = true
    }
    if (!hasChanged) break
  }
  const standings = wanted.map((network) =>
    standingOf(network.name, planNode(network, seen, wanted), { host: seen, failed: failed.get(network.name) }),
  )
  return { seen, standings }
}
