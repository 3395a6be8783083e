/** What `network adopt` would write down, or why it does not. Pure. */

import type { SwarmNode } from '../../swarm/nodes.ts'
import { fitAllocations } from '../allocation/fit.ts'
import { otherUsesOf } from '../allocation/other-uses.ts'
import type { NetworkDefinition } from '../definition/definition.ts'
import { allocationLayout } from '../record/node-part.ts'
import type { NetworkRecord, NodeAllocation } from '../record/record.ts'
import { named, networkContext, type SharedContext } from './context.ts'
import { adoptable } from './node-state.ts'
import { swarmNetworkState } from './swarm-network.ts'
import type { PlanProblem } from './words.ts'

export type Adoption =
  | { readonly record: NetworkRecord; readonly notes: readonly string[] }
  | { readonly problems: readonly PlanProblem[] }

/** Every node must be heard: what it has would else be given to another. */
export function adoption(definition: NetworkDefinition, shared: SharedContext): Adoption {
  const { name, configName } = definition
  const context = networkContext(name, shared)
  const { observed, options } = context
  const problem = (code: PlanProblem['code'], message: string, node?: SwarmNode): PlanProblem => ({
    ...{ network: name, code, message },
    ...(node === undefined ? {} : { node: named({ nodeId: node.id, hostname: node.hostname }) }),
  })
  const state = swarmNetworkState(context, definition)
  const network =
    state.kind === 'different'
      ? [problem('different-network', `The swarm network ${name} is not as defined: ${state.differences.join('; ')}.`)]
      : state.kind === 'foreign'
        ? [
            problem(
              'foreign-network',
              `This manager's engine has a network ${name} of its own, which is not a swarm network.`,
            ),
          ]
        : []
  const nodes = observed.nodes.filter(({ platform }) => platform.os === 'linux' || platform.os === '')
  const seen = nodes.map((node) => look(node))
  const problems = [...network, ...seen.flatMap((one) => one.problems)]
  if (problems.length > 0) return { problems }
  const allocations = seen.flatMap(({ allocation }) => allocation ?? [])
  if (allocations.length === 0) {
    return {
      problems: [
        problem(
          'different-network',
          `No node has a config-only network ${configName} that could be taken over: \`orrery network apply\` makes the network.`,
        ),
      ],
    }
  }
  const byId = new Map(allocations.map((allocation) => [allocation.nodeId, allocation]))
  const record: NetworkRecord = {
    definition,
    phase: 'present',
    isAdopted: state.kind === 'fitting',
    allocations: byId,
    freed: [],
  }
  const otherUses = otherUsesOf(definition, observed)
  const { misfits } = fitAllocations({
    definition,
    allocations: byId,
    freed: [],
    otherUses,
    nodes: observed.nodes,
    nowMs: options.nowMs,
  })
  const wrong = [...misfits.values()].map(({ allocation, reasons }) =>
    problem(
      'different-network',
      `${allocation.hostname}: ${reasons.join('; ')}.`,
      context.nodes.get(allocation.nodeId),
    ),
  )
  if (wrong.length > 0) return { problems: wrong }
  return { record, notes: seen.flatMap(({ note }) => note ?? []) }

  function look(node: SwarmNode): Looked {
    const report = context.reports.get(node.id)
    if (report === undefined) {
      const why =
        node.state === 'ready' ? `the agent of ${node.hostname} is not reporting` : `${node.hostname} is ${node.state}`
      return { problems: [problem('no-range', `What every node has must be known, and ${why}.`, node)] }
    }
    const found = report.networks.find((one) => one.name === configName)
    if (found === undefined)
      return {
        problems: [],
        note: `${node.hostname} has no ${configName}: \`orrery network apply\` gives it a range of its own`,
      }
    if (!found.configOnly) {
      return {
        problems: [problem('foreign-network', `${node.hostname}: ${configName} is not a config-only network.`, node)],
      }
    }
    const hostAddresses = report.hostAddresses.map(({ address }) => address)
    const { nowMs } = options
    const { allocation, differences } = adoptable(definition, node, { network: found, hostAddresses, nowMs })
    if (allocation === undefined || differences.length > 0) {
      return {
        problems: [
          problem(
            'different-network',
            `${node.hostname}: ${configName} is not as defined: ${differences.join('; ')}.`,
            node,
          ),
        ],
      }
    }
    if (isMadeByUs(found.labels)) return { problems: [], allocation: withoutMark(allocation) }
    return { problems: [], allocation, ...shimNote(allocation) }
  }

  function shimNote(allocation: NodeAllocation): { readonly note?: string } {
    if (!definition.shim || allocationLayout(definition, allocation).ipv4.shim !== undefined) return {}
    const { hostname, range } = allocation
    return {
      note: `${hostname} has no shim, since ${configName} holds back no address of ${range} for it that the host does not have yet: pin another range for ${hostname} (\`nodes\`) and run \`orrery network apply --allow-drain\` to have one`,
    }
  }

  function isMadeByUs(labels: Readonly<Record<string, string>>): boolean {
    return labels['orrery.network'] === name
  }
}

/** An agent made it: it holds back what the definition says. */
function withoutMark({ aux: _, aux6: _six, ...allocation }: NodeAllocation): NodeAllocation {
  return { ...allocation, isAdopted: false }
}

interface Looked {
  readonly problems: readonly PlanProblem[]
  readonly allocation?: NodeAllocation
  readonly note?: string
}
