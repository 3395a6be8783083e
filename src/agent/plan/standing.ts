/** How far a node is as one network wants it, for the report. */
import type { NetworkStanding, ReportedFault, ReportedLink } from '../../swarm/node-report.ts'
import type { HostLink, HostState } from './host.ts'
import { isOurs } from './link-names.ts'
import type { NodeNetworkPlan } from './node-plan.ts'
import { linkNamed } from './parent.ts'

/** Of a network that was planned on what was seen last; `failed`: what kept a step from being taken. */
export function standingOf(
  name: string,
  plan: NodeNetworkPlan,
  { host, failed }: { readonly host: HostState; readonly failed: ReportedFault | undefined },
): NetworkStanding {
  const faults = [...plan.faults, ...(failed === undefined ? [] : [failed])]
  const parent = plan.parent === undefined ? undefined : linkNamed(host, plan.parent)
  const shim = linkNamed(host, plan.shim)
  return {
    name,
    isAsWanted: plan.steps.length === 0 && faults.length === 0,
    faults,
    mended: [],
    ...(parent !== undefined && { parent: linkShown(parent) }),
    ...(shim !== undefined && isOurs(shim) && { shim: linkShown(shim) }),
    attached: plan.attached,
  }
}

/** Of a network about which nothing can be said now. What was seen of its links before stays as it was. */
export const unknownStanding = (
  name: string,
  fault: ReportedFault,
  before: NetworkStanding | undefined,
): NetworkStanding => ({ attached: 0, ...before, name, mended: [], isAsWanted: false, faults: [fault] })

function linkShown(link: HostLink): ReportedLink {
  const { name, isUp, isPromiscuous, mtu, addresses } = link
  return {
    name,
    isUp,
    isPromiscuous,
    ...(mtu !== undefined && { mtu }),
    addresses: addresses.filter(({ scope }) => scope === 'global').map(({ address }) => address),
    isOurs: isOurs(link),
  }
}
