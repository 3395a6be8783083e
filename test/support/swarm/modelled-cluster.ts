/**
 * A Swarm with agents in memory, for plans: writes compare versions as the Swarm does, agents make what they are told, and
 * tasks go where labels and availability let them. What must never happen is kept in `harm`.
 */

import type { DefinitionSet, NetworkDefinition } from '../../../src/bootstrap/definition/definition.ts'
import { planCluster } from '../../../src/bootstrap/plan/plan.ts'
import type { ClusterPlan, Observed, PlanMode, Step } from '../../../src/bootstrap/plan/words.ts'
import type { WritingStep } from '../../../src/bootstrap/reconcile/take-step.ts'
import { type NetworkRecord, readyLabel } from '../../../src/bootstrap/record/record.ts'
import { recordCodec } from '../../../src/bootstrap/record/record-codec.ts'
import { wantedOf } from '../../../src/bootstrap/record/wanted-of.ts'
import { blockOf, overlaps } from '../../../src/foundation/address.ts'
import { configNetwork, differences } from '../../../src/swarm/config-network.ts'
import type { EngineNetwork } from '../../../src/swarm/networks.ts'
import { NETWORK_LABEL } from '../../../src/swarm/networks.ts'
import type { HeardReport, NetworkStanding, NodeReport } from '../../../src/swarm/node-report.ts'
import type { SwarmNode } from '../../../src/swarm/nodes.ts'
import type { SwarmTask } from '../../../src/swarm/tasks.ts'
import type { WantedNetwork, WantedState } from '../../../src/swarm/wanted.ts'
import { NOW } from '../builders/autoscaling.ts'
import { report } from '../builders/networks.ts'

interface Machine {
  /** Config-only networks. */
  configs: EngineNetwork[]
  wanted: WantedState | undefined
  isAgentUp: boolean
  /** What the agent finds wrong and can not mend. */
  fault?: string | undefined
}

interface ModelledTask {
  readonly id: string
  readonly network: string
  nodeId: string | undefined
}

export function modelledCluster() {
  const nodes = new Map<string, SwarmNode>()
  const machines = new Map<string, Machine>()
  const records = new Map<string, { record: NetworkRecord; version: number }>()
  const swarmNetworks = new Map<string, EngineNetwork>()
  const tasks: ModelledTask[] = []
  let reports = new Map<string, HeardReport>()
  let index = 10
  let revision = 0
  let nowMs = NOW
  const harm: string[] = []
  const engineNode = () => [...nodes.values()].find(({ role, state }) => role === 'manager' && state === 'ready')

  const nextIndex = () => {
    index += 1
    return index
  }

  const put = (node: Omit<SwarmNode, 'version'>) => {
    nodes.set(node.id, { ...node, version: nextIndex() })
  }

  /** What a host has outlives its place in the Swarm. */
  const machineOf = (hostname: string): Machine => {
    const machine = machines.get(hostname) ?? { configs: [], wanted: undefined, isAgentUp: true }
    machines.set(hostname, machine)
    return machine
  }

  const attachedOn = (nodeId: string, network: string) =>
    tasks.filter((task) => task.nodeId === nodeId && task.network === network)

  const observed = (): Observed => {
    const manager = engineNode()
    const local = manager === undefined ? [] : machineOf(manager.hostname).configs
    const list = tasks.flatMap((task): SwarmTask[] => {
      const id = swarmNetworks.get(task.network)?.id
      if (id === undefined) return []
      const base = { id: task.id, serviceId: `service-${task.network}`, desiredState: 'running', networkIds: [id] }
      return [
        task.nodeId === undefined ? { ...base, state: 'pending' } : { ...base, nodeId: task.nodeId, state: 'running' },
      ]
    })
    return {
      records: new Map([...records].map(([name, { record }]) => [name, record])),
      revisions: new Map([...records].map(([name, { version }]) => [name, version])),
      unreadable: new Map(),
      nodes: [...nodes.values()],
      reports: [...reports.values()],
      networks: [...local, ...swarmNetworks.values()],
      engine: { version: '28.5.1', nodeId: manager?.id ?? '' },
      tasks: list,
      tasksReadAtMs: nowMs,
      serviceNames: new Map(),
    }
  }

  const same = (one: NetworkRecord | undefined, other: NetworkRecord | undefined) =>
    JSON.stringify(one && recordCodec.encode(one, {})) === JSON.stringify(other && recordCodec.encode(other, {}))

  const writeRecord = (name: string, basis: NetworkRecord | undefined, next: NetworkRecord | undefined): boolean => {
    if (!same(records.get(name)?.record, basis)) return false
    if (next === undefined) records.delete(name)
    else {
      // What is written is what is read.
      const read = recordCodec.decode(recordCodec.encode(next, {}))
      if ('unreadable' in read) throw new Error(read.unreadable)
      records.set(name, { record: read, version: nextIndex() })
      revision = index
      look(read)
    }
    return true
  }

  const look = ({ shares, freed }: NetworkRecord) => {
    const blocks = [...shares.values()].flatMap(({ nodeId, range, change }) =>
      [range, ...(change === undefined ? [] : [change.range])].map((text) => ({ who: nodeId, block: blockOf(text) })),
    )
    const left = freed.filter(({ freedAtMs }) => nowMs - freedAtMs < 86_400_000)
    const all = [
      ...blocks,
      ...left.map(({ range, hostname }) => ({ who: `freed ${hostname} ${range}`, block: blockOf(range) })),
    ]
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
    }
  }

  const writeNode = (step: Extract<WritingStep, { do: 'write-node' }>): boolean => {
    const { id, version, labels = {}, availability } = step.write
    const node = nodes.get(id)
    if (node === undefined || node.version !== version) return false
    const next: Record<string, string> = { ...node.labels }
    for (const [name, value] of Object.entries(labels)) {
      if (value !== null) next[name] = value
      else {
        delete next[name]
        const network = [...swarmNetworks.keys()].find((one) => readyLabel(one) === name)
        if (network !== undefined && attachedOn(id, network).length > 0) evict(id, 'its label went', true)
      }
    }
    put({ ...node, labels: next, availability: availability ?? node.availability })
    if (availability === 'drain') evict(id, 'drained', false)
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
        const hasConfig = manager && machineOf(manager.hostname).configs.some(({ name }) => name === step.configFrom)
        if (!hasConfig) harm.push(`${step.network} was made without its config-only network`)
        swarmNetworks.set(step.network, {
          ...{ id: `net-${nextIndex()}`, name: step.network, driver: step.driver, scope: 'swarm', configOnly: false },
          ...{ configFrom: step.configFrom, labels: {}, options: {}, subnets: [] },
        })
        return true
      }
      case 'remove-network': {
        const found = [...swarmNetworks.values()].find(({ id }) => id === step.id)
        if (found === undefined || tasks.some(({ network }) => network === found.name)) return false
        return swarmNetworks.delete(found.name)
      }
      default:
        return step satisfies never
    }
  }

  /** One turn of the agent of this node: it makes what it was told, and reports; then it is told anew. */
  const agent = (nodeId: string) => {
    const node = nodes.get(nodeId)
    if (node === undefined || node.state !== 'ready') return
    const machine = machineOf(node.hostname)
    // A task of a global service: a drained node runs none.
    if (!machine.isAgentUp || node.availability === 'drain') return
    const standings = (machine.wanted?.networks ?? []).map((wanted) => make(machine, wanted, nodeId))
    const heard: NodeReport = report(node.hostname, {
      ...{ nodeId, standings, networks: machine.configs, sentAtMs: nowMs, revision: machine.wanted?.revision ?? 0 },
    })
    const known = reports.get(nodeId)?.notAsWantedSinceMs
    const faulty = standings.filter(({ isAsWanted }) => !isAsWanted)
    const notAsWantedSinceMs = new Map(faulty.map(({ name }) => [name, known?.get(name) ?? nowMs]))
    reports.set(nodeId, { report: heard, receivedAtMs: nowMs, notAsWantedSinceMs })
    const all = new Map([...records].map(([name, { record }]) => [name, record]))
    machine.wanted = wantedOf({ nodeId, records: all, revision })
  }

  const make = (machine: Machine, wanted: WantedNetwork, nodeId: string): NetworkStanding => {
    const attached = attachedOn(nodeId, wanted.name).length
    const found = machine.configs.find(({ name }) => name === wanted.configName)
    const without = () => machine.configs.filter((one) => one !== found)
    const should = configNetwork(wanted, wanted.parent)
    const made = (): EngineNetwork => ({
      ...{ id: `config-${nextIndex()}`, name: wanted.configName, driver: 'null', scope: 'local', configOnly: true },
      ...{ configFrom: '', labels: { [NETWORK_LABEL]: wanted.name }, options: { ...should.options } },
      subnets: should.subnets,
    })
    const isOurs = found !== undefined && (found.labels[NETWORK_LABEL] === wanted.name || wanted.isAdopted)
    const isDifferent = found !== undefined && differences(found, should).length > 0
    if (wanted.presence === 'absent') {
      if (attached === 0 && isOurs) machine.configs = without()
    } else if (found === undefined) machine.configs = [...machine.configs, made()]
    else if (isOurs && isDifferent && wanted.mayRecreate && attached === 0) machine.configs = [...without(), made()]
    const now = machine.configs.find(({ name }) => name === wanted.configName)
    const isAsWanted =
      wanted.presence === 'absent' ? now === undefined : now !== undefined && differences(now, should).length === 0
    const { fault } = machine
    const faults = fault === undefined ? [] : [{ code: 'parent-down', message: fault }]
    return { name: wanted.name, isAsWanted: isAsWanted && fault === undefined, faults, mended: [], attached }
  }

  /** Swarm places tasks that have no node where the label and the availability allow it. */
  const schedule = () => {
    for (const task of tasks) {
      if (task.nodeId !== undefined || !swarmNetworks.has(task.network)) continue
      const fit = [...nodes.values()].filter(
        ({ state, availability, labels }) =>
          state === 'ready' && availability === 'active' && labels[readyLabel(task.network)] === 'ready',
      )
      const [best] = fit.sort(
        (one, other) => attachedOn(one.id, task.network).length - attachedOn(other.id, task.network).length,
      )
      if (best === undefined) continue
      task.nodeId = best.id
      const hasConfig = machineOf(best.hostname).configs.some(({ configOnly }) => configOnly)
      if (!hasConfig) harm.push(`${task.id} came to ${best.hostname}, which has no config-only network`)
    }
  }

  const cluster = {
    harm,
    nodes,
    records,
    tasks,
    swarmNetworks,
    machineOf,
    observed,
    take,
    agent,
    schedule,
    now: () => nowMs,
    pass(ms: number) {
      nowMs += ms
    },
    /** A controller starts: what agents said is not known any more. */
    forgetReports() {
      reports = new Map()
    },
    join(hostname: string, role: 'manager' | 'worker' = 'worker'): string {
      const id = `${hostname}-${nextIndex()}`
      const platform = { os: 'linux', architecture: 'x86_64' }
      const base = {
        id,
        hostname,
        role,
        state: 'ready',
        availability: 'active',
        labels: {},
        engineVersion: '28.5.1',
      } as const
      put({ ...base, platform, engineLabels: {} })
      return id
    },
    change(id: string, change: Partial<Pick<SwarmNode, 'state' | 'availability' | 'labels'>>) {
      const node = nodes.get(id)
      if (node !== undefined) put({ ...node, ...change })
      if (change.state === 'down' || change.availability === 'drain') evict(id, 'by hand', false)
    },
    leave(id: string) {
      evict(id, 'left', false)
      nodes.delete(id)
      reports.delete(id)
    },
    addTasks(network: string, count: number) {
      for (let at = 0; at < count; at += 1) tasks.push({ id: `task-${nextIndex()}`, network, nodeId: undefined })
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
        schedule()
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
