/** A modelled host and engine behind the agent's ports, with faults to switch on. */

import type { NodeObservation, NodeStep } from '../../../../src/agent/plan/host.ts'
import type { AgentMemory, EngineFacts, EngineNews, Host, LocalEngine } from '../../../../src/agent/ports.ts'
import type { ReportedContainer } from '../../../../src/swarm/node-report.ts'
import type { WantedState } from '../../../../src/swarm/wanted.ts'
import { observation, taken } from '../modelled-host.ts'

export interface ModelledNode {
  readonly host: Host
  readonly engine: LocalEngine
  readonly memory: AgentMemory
  state: Omit<NodeObservation, 'containers'> & { readonly containers: readonly ReportedContainer[] }
  facts: EngineFacts
  /** Thrown by the engine, or by the host, while set. */
  engineError: Error | undefined
  hostError: Error | undefined
  /** Thrown by this step. */
  stepError: { readonly do: NodeStep['do']; readonly error: Error } | undefined
  /** Every step that was taken. */
  readonly steps: NodeStep['do'][]
  /** How often the engine was asked for its networks. */
  looks: number
  tell(news: EngineNews): void
}

export function modelledNode(over: Partial<NodeObservation> = {}): ModelledNode {
  const listeners = new Set<(news: EngineNews) => void>()
  let wanted: WantedState | undefined
  const ask = () => {
    if (node.engineError !== undefined) throw node.engineError
  }
  const take = (step: NodeStep) => {
    if (node.stepError?.do === step.do) throw node.stepError.error
    // What the agent remembers is the business of its memory.
    const { promiscuousByUs: _, adoptedByUs: __, proven: ___, ...rest } = taken(node.state, step)
    node.state = { ...node.state, ...rest, containers: node.state.containers }
    node.steps.push(step.do)
  }
  const node: ModelledNode = {
    state: { ...observation(over), containers: [] },
    facts: {
      version: '28.5.2',
      hostname: 'one',
      engineId: 'engine-one',
      nodeId: 'node-1',
      swarmState: 'active',
      managers: ['10.0.0.1:2377'],
      managerIds: ['manager-1'],
    },
    engineError: undefined,
    hostError: undefined,
    stepError: undefined,
    steps: [],
    looks: 0,
    tell: (news) => {
      for (const listener of listeners) listener(news)
    },
    host: {
      async observe() {
        if (node.hostError !== undefined) throw node.hostError
        return { links: node.state.links, routes: node.state.routes }
      },
      async carryOut(step) {
        take(step)
      },
    },
    engine: {
      address: 'unix:///var/run/docker.sock',
      async facts() {
        ask()
        return node.facts
      },
      async networks() {
        node.looks += 1
        ask()
        return node.state.networks
      },
      async containers() {
        ask()
        return node.state.containers
      },
      async createNetwork(network) {
        ask()
        take({ do: 'create-network', network })
      },
      async proveNetwork({ name, configFrom }) {
        ask()
        const network = name.replace('orrery-probe-', '')
        take({ do: 'prove-network', network, configFrom, driver: 'macvlan', basis: '', suspects: [] })
      },
      async removeNetwork(id) {
        ask()
        take({ do: 'remove-network', id, name: id })
      },
      async usage(ids) {
        return new Map(ids.map((id) => [id, { cpuPercent: 12.5, memoryBytes: 1024 }]))
      },
      onNews(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    memory: {
      wanted: () => wanted,
      promiscuous: () => node.state.promiscuousByUs,
      adopted: () => node.state.adoptedByUs,
      async keepWanted(next) {
        wanted = next
      },
      async keepPromiscuous(links) {
        node.state = { ...node.state, promiscuousByUs: links }
      },
      async keepAdopted(networkIds) {
        node.state = { ...node.state, adoptedByUs: networkIds }
      },
      fault: () => undefined,
    },
  }
  return node
}
