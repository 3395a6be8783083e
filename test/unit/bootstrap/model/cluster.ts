/** A Swarm with agents in memory, for plans: tasks go where labels and availability let them. What must never happen is kept in `harm`. */

import type { DefinitionSet, NetworkDefinition } from '../../../../src/bootstrap/definition/definition.ts'
import { planCluster } from '../../../../src/bootstrap/plan/plan.ts'
import type { ClusterPlan, Observed, PlanMode, Step } from '../../../../src/bootstrap/plan/words.ts'
import type { WritingStep } from '../../../../src/bootstrap/reconcile/steps.ts'
import { type NetworkRecord, readyLabel } from '../../../../src/bootstrap/record/record.ts'
import { blockOf, overlaps } from '../../../../src/foundation/address.ts'
import type { SwarmNode } from '../../../../src/swarm/nodes.ts'
import { NOW } from '../../../support/builders/autoscaling.ts'
import { addTask, schedule, start } from '../../../support/swarm/scheduler.ts'
import { createSwarm } from '../../../support/swarm/swarm.ts'
import { createAgents } from './agents.ts'

export function modelledCluster() {
  let nowMs = NOW
  const now = () => nowMs
  const swarm = createSwarm(now)
  const { nodes, records, tasks, networks: swarmNetworks } = swarm
  const { machineOf, hostOf, others, reports, turn: agent } = createAgents(swarm, now)
  const harm: string[] = []
  const engineNode = () => [...nodes.values()].find(({ role, state }) => role === 'manager' && state === 'ready')

  const observed = (): Observed => {
    const manager = engineNode()
    const local = manager === undefined ? [] : machineOf(hostOf(manager)).configs
    return {
      records: new Map([...records].map(([name, { record }]) => [name, record])),
      revisions: new Map([...records].map(([name, { version }]) => [name, version])),
      unreadable: new Map(),
      nodes: [...nodes.values()],
      reports: [...reports.values()],
      networks: [...local, ...swarmNetworks.values()],
      engine: { version: '28.5.1', nodeId: manager?.id ?? '' },
      tasks: swarm.taskList(),
      tasksReadAtMs: nowMs,
      serviceName: () => undefined,
    }
  }

  const writeRecord = (name: string, basis: NetworkRecord | undefined, next: NetworkRecord | undefined): boolean => {
    const isWritten = swarm.writeRecord(name, basis, next)
    const read = records.get(name)?.record
    if (isWritten && read !== undefined) look(read)
    return isWritten
  }

  const look = ({ allocations, freed }: NetworkRecord) => {
    const given = [...allocations.values()].flatMap(({ nodeId: who, range, change }) =>
      [range, ...(change === undefined ? [] : [change.range])].map((text) => ({ who, block: blockOf(text) })),
    )
    const left = freed
      .filter(({ freedAtMs }) => nowMs - freedAtMs < 86_400_000)
      .map(({ range, hostname }) => ({ who: `freed ${hostname} ${range}`, block: blockOf(range) }))
    const all = [...given, ...left]
    for (const [at, one] of all.entries()) {
      for (const other of all.slice(at + 1)) {
        if (one.who !== other.who && overlaps(one.block, other.block)) harm.push(`${one.who} and ${other.who} overlap`)
      }
    }
  }

  const evict = (nodeId: string, why: string, isHarm: boolean) => {
    for (const task of tasks) {
      if (task.nodeId !== nodeId) continue
      if (isHarm) harm.push(`${task.id} was evicted from ${nodeId}: ${why}`)
      task.nodeId = undefined
      task.state = 'pending'
    }
  }

  const writeNode = ({ write }: Extract<WritingStep, { do: 'write-node' }>): boolean => {
    if (!swarm.writeNode(write)) return false
    for (const [name, value] of Object.entries(write.labels ?? {})) {
      const network = value === null && [...swarmNetworks.keys()].find((one) => readyLabel(one) === name)
      if (network && swarm.running(write.id, network).length > 0) evict(write.id, 'its label went', true)
    }
    if (write.availability === 'drain') evict(write.id, 'drained', false)
    return true
  }

  const take = (step: WritingStep): boolean => {
    switch (step.do) {
      case 'write-record':
        return writeRecord(step.network, step.basis, step.record)
      case 'remove-record':
        return writeRecord(step.network, step.basis, undefined)
      case 'write-node':
        return writeNode(step)
      case 'create-network': {
        if (swarmNetworks.has(step.network)) return false
        const manager = engineNode()
        const hasConfig = manager && machineOf(hostOf(manager)).configs.some(({ name }) => name === step.configFrom)
        if (!hasConfig) harm.push(`${step.network} was made without its config-only network`)
        swarmNetworks.set(step.network, {
          ...{ id: `net-${swarm.nextIndex()}`, name: step.network, driver: step.driver, scope: 'swarm' },
          ...{ configOnly: false, configFrom: step.configFrom, labels: {}, options: {}, subnets: [] },
        })
        return true
      }
      case 'remove-network': {
        const found = [...swarmNetworks.values()].find(({ id }) => id === step.id)
        if (found === undefined || tasks.some(({ networks }) => networks.includes(found.name))) return false
        return swarmNetworks.delete(found.name)
      }
      default:
        return step satisfies never
    }
  }

  /** Swarm places tasks that have no node where the label and the availability allow it. */
  const place = () => {
    for (const id of new Set(tasks.map(({ serviceId }) => serviceId))) schedule(swarm, id)
    for (const node of nodes.values()) {
      const { id, hostname } = node
      const hasConfig = machineOf(hostOf(node)).configs.some(({ configOnly }) => configOnly)
      for (const task of start(swarm, id).started) {
        if (!hasConfig) harm.push(`${task.id} came to ${hostname}, which has no config-only network`)
      }
    }
  }

  const cluster = {
    ...{ harm, nodes, records, tasks, swarmNetworks, machineOf, observed, take, agent, schedule: place, now },
    pass(ms: number) {
      nowMs += ms
    },
    /** A controller starts: what agents said is not known any more. */
    forgetReports: () => reports.clear(),
    /** `machine`: another one than that of the host name. */
    join(hostname: string, role: 'manager' | 'worker' = 'worker', machine = hostname): string {
      const id = `${hostname}-${swarm.nextIndex()}`
      if (machine !== hostname) others.set(id, machine)
      const platform = { os: 'linux', architecture: 'x86_64' }
      const base = { id, hostname, role, state: 'ready', availability: 'active', engineVersion: '28.5.1' } as const
      swarm.putNode({ ...base, labels: {}, platform, engineLabels: {} })
      return id
    },
    change(id: string, change: Partial<Pick<SwarmNode, 'state' | 'availability' | 'labels'>>) {
      const node = nodes.get(id)
      if (node !== undefined) swarm.putNode({ ...node, ...change })
      if (change.state === 'down' || change.availability === 'drain') evict(id, 'by hand', false)
    },
    leave(id: string) {
      evict(id, 'left', false)
      nodes.delete(id)
      reports.delete(id)
    },
    addTasks(network: string, count: number) {
      for (let slot = 1; slot <= count; slot += 1) addTask(swarm, `service-${network}`, slot, [network])
    },
    plan(
      definitions: readonly NetworkDefinition[] | DefinitionSet,
      mode: PlanMode = 'auto',
      allowDrain = false,
    ): ClusterPlan {
      const wanted = 'files' in definitions ? definitions : asSet(definitions)
      return planCluster({ wanted, observed: observed(), options: { mode, allowDrain, nowMs } })
    },
    /** Everybody's turn, until nothing is left to do; returns the steps that were taken. */
    settle(definitions: readonly NetworkDefinition[], mode: PlanMode = 'auto', allowDrain = false): string[] {
      const taken: string[] = []
      for (let turn = 0; turn < 400; turn += 1) {
        nowMs += 1000
        for (const id of nodes.keys()) agent(id)
        place()
        const steps = cluster.plan(definitions, mode, allowDrain).networks.flatMap((network) => network.steps)
        if (steps.length === 0) return taken
        const step = steps.find(isDue)
        if (step !== undefined && take(step)) taken.push(step.text)
      }
      const left = cluster.plan(definitions, mode, allowDrain).networks.flatMap(({ steps }) => steps)
      throw new Error(`never settled: ${JSON.stringify(left.slice(0, 5))}`)
    },
  }
  return cluster
}

export type ModelledCluster = ReturnType<typeof modelledCluster>

export const asSet = (definitions: readonly NetworkDefinition[]): DefinitionSet => ({
  files: definitions.map((definition) => ({ file: `${definition.name}.yaml`, name: definition.name, definition })),
  issues: [],
})

export const isDue = (step: Step): step is WritingStep => step.do !== 'wait' && step.waitsFor === undefined
