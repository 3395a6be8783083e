import { describe, expect, it } from 'vitest'
import { lookAtUsage } from '../../../../src/autoscaling/evaluation/task-usage.ts'
import type { HeardReport, NodeReport, ReportedContainer } from '../../../../src/swarm/node-report.ts'
import type { SwarmNode } from '../../../../src/swarm/nodes.ts'
import type { SwarmTask } from '../../../../src/swarm/tasks.ts'
import { observation } from '../../../support/builders/autoscaling.ts'

const NOW = 1_000_000
const web = observation({ id: 'web', replicas: 2 })

const reportOf = (nodeId: string, containers: readonly Partial<ReportedContainer>[]): HeardReport => ({
  receivedAtMs: NOW,
  report: {
    nodeId,
    sentAtMs: NOW,
    containers: containers.map((container, index) => ({
      ...{ id: `${nodeId}-${index}`, name: '', state: 'running', serviceId: 'web', createdAtMs: 0, addresses: [] },
      ...container,
    })),
  } as unknown as NodeReport,
})

const task = (id: string, nodeId: string, serviceId = 'web') => ({ id, nodeId, serviceId }) as SwarmTask
const TASKS = [task('t1', 'n1'), task('t2', 'n2'), task('other', 'n2', 'api')]

function usage(reports: readonly HeardReport[], areTasksKnown = true) {
  const look = lookAtUsage(
    {
      reports: { list: () => reports },
      nodes: { list: () => ['n1', 'n2'].map((id) => ({ id, state: 'ready' }) as SwarmNode) },
      tasks: {
        get: (id) => TASKS.find((one) => one.id === id),
        sync: () => ({ inSync: areTasksKnown, reason: '' }),
      },
    },
    NOW,
  )
  const measured = look.of(web, { kind: 'cpu', each: 1e9, warmupMs: 30_000 })
  return measured.kind === 'usage' ? { used: Number(measured.used), measured: measured.measured } : measured.kind
}

describe('what the tasks of a service use', () => {
  const honest = reportOf('n1', [{ taskId: 't1', cpuPercent: 50 }])

  it('is what the agents of their nodes say', () => {
    expect(usage([honest, reportOf('n2', [{ taskId: 't2', cpuPercent: 30 }])])).toEqual({ used: 8e8, measured: 2 })
  })

  it.each<{ name: string; lie: Partial<ReportedContainer> }>([
    { name: 'a task of another node', lie: { taskId: 't1' } },
    { name: 'a task of another service', lie: { taskId: 'other' } },
    { name: 'a task that Swarm does not know', lie: { taskId: 'made-up' } },
    { name: 'no task', lie: {} },
  ])('is not what an agent says of $name', ({ lie }) => {
    const liar = reportOf('n2', Array(100).fill({ cpuPercent: 10_000, ...lie }))
    expect(usage([honest, liar])).toEqual({ used: 5e8, measured: 1 })
  })

  it('is what is reported while Swarm’s tasks are not known', () => {
    const early = reportOf('n2', [{ taskId: 'new', cpuPercent: 30 }])
    expect(usage([honest, early], false)).toEqual({ used: 8e8, measured: 2 })
  })
})
