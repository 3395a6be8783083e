/** A task that runs, and what is known of everything around it. */
import type { RunningTask } from '../../../src/discovery/desired/task-entries.ts'
import type { ContainerFacts, NodeFacts, Settings } from '../../../src/discovery/facts.ts'

export const SETTINGS: Settings = { cluster: 'swarm1', isExplicit: false, ignored: [], nodeGraceMs: 30_000 }

export interface Told {
  readonly service?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly containerLabels?: Readonly<Record<string, string>>
  readonly exposed?: readonly string[]
  readonly addresses?: ContainerFacts['addresses']
  readonly slot?: number
  readonly task?: string
  readonly node?: Partial<NodeFacts>
}

export function aRunningTask(told: Told = {}): RunningTask {
  const { service = 'web', labels = {}, env = {}, containerLabels = {}, exposed = ['80/tcp'], task = 't1' } = told
  const node: NodeFacts = { id: 'n1', hostname: 'host1', address: '10.0.0.1', state: 'ready', labels: {}, ...told.node }
  return {
    task: {
      id: task,
      serviceId: `id of ${service}`,
      nodeId: node.id,
      desiredState: 'running',
      state: 'running',
      ...(told.slot === 0 ? {} : { slot: told.slot ?? 1 }),
    },
    service: { id: `id of ${service}`, name: service, labels },
    node,
    container: {
      id: 'c1234567890abcdef',
      state: 'running',
      addresses: told.addresses ?? [{ network: 'vlan40', address: '172.80.1.7' }],
      exposed,
      env,
      labels: containerLabels,
    },
  }
}
