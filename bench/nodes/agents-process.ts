/**
 * A thousand agents in one process of their own, started with `fork`: each reports every 5 s on its own connection, by the
 * product's own client, and takes what is wanted. What they see of their nodes is made up: everything as defined, and
 * containers whose load is never the same.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createControllerCalls } from '../../src/adapters/controllers/controller-calls.ts'
import { configNetwork } from '../../src/swarm/config-network.ts'
import type { NodeReport } from '../../src/swarm/node-report.ts'
import type { WantedNetwork, WantedState } from '../../src/swarm/wanted.ts'
import type { AgentsOrder, AgentsTold, SimulatedNode } from './simulated-agents.ts'

const EVERY_MS = 5_000
/** Longer than an agent waits: a late answer is measured, not lost. */
const TIMEOUT_MS = 10_000
const PARENT = 'eth1'
const startedAtMs = Date.now()

interface SimulatedAgent {
  readonly node: SimulatedNode
  readonly calls: ReturnType<typeof createControllerCalls>
  wanted: WantedState | undefined
  isBusy: boolean
}

let agents: readonly SimulatedAgent[] = []
let containers: ReadonlyMap<string, NodeReport['containers']> = new Map()
let url = ''
let isReporting = false
let done: AgentsTold = { answered: 0, refused: 0, late: 0, bytes: 0, tookMs: 0, silent: '' }

async function report(agent: SimulatedAgent): Promise<void> {
  if (agent.isBusy) {
    done = { ...done, late: done.late + 1 }
    return
  }
  agent.isBusy = true
  const said = seenBy(agent)
  const sentAt = performance.now()
  const answer = await agent.calls.report(url, said)
  agent.isBusy = false
  if (answer.kind === 'wanted') {
    agent.wanted = answer.wanted
    const tookMs = done.tookMs + performance.now() - sentAt
    done = { ...done, answered: done.answered + 1, tookMs, bytes: done.bytes + JSON.stringify(said).length }
  } else done = { ...done, refused: done.refused + 1, silent: answer.reason }
}

function seenBy({ node, wanted }: SimulatedAgent): NodeReport {
  const networks = wanted?.networks ?? []
  const held = containers.get(node.id) ?? []
  return {
    v: 1,
    nodeId: node.id,
    hostname: node.hostname,
    engineVersion: '28.5.2',
    agentVersion: '0.1.0',
    sentAtMs: Date.now(),
    startedAtMs,
    revision: wanted?.revision ?? 0,
    hostAddresses: [
      { link: 'eth0', address: `${node.address}/16` },
      { link: 'docker0', address: '172.17.0.1/16' },
    ],
    networks: networks.map((network) => ({
      ...configNetwork(network, PARENT),
      ...{ id: `of-${node.id}`, driver: 'null', scope: 'local', configOnly: true, configFrom: '' },
    })),
    standings: networks.map((network) => statusOf(network, held.length)),
    containers: held.map((container) => ({
      ...container,
      cpuPercent: Math.random() * 100,
      memoryBytes: Math.round(2e8 * (1 + Math.random())),
    })),
    faults: [],
  }
}

function statusOf({ name, ipv4 }: WantedNetwork, attached: number): NodeReport['standings'][number] {
  const link = { isUp: true, isPromiscuous: true, mtu: 1500 }
  return {
    ...{ name, attached, isAsWanted: true, faults: [], mended: [] },
    parent: { ...link, name: PARENT, addresses: [], isOurs: false },
    shim: { ...link, name: `orr-${name}`, addresses: [`${ipv4.shim}/32`], isOurs: true },
  }
}

/** Evenly spread over the 5 s, each at its own moment, as agents that were started at any time. */
async function go(): Promise<void> {
  for (let round = performance.now(); ; round += EVERY_MS) {
    for (const [index, agent] of agents.entries()) {
      const dueInMs = round + (EVERY_MS * index) / agents.length - performance.now()
      if (dueInMs > 1) await sleep(dueInMs)
      if (isReporting) void report(agent)
    }
    const restMs = round + EVERY_MS - performance.now()
    if (restMs > 0) await sleep(restMs)
  }
}

process.on('message', (order: AgentsOrder) => {
  if (order.kind === 'start') {
    url = order.url
    agents = order.nodes.map((node) => ({
      ...{ node, wanted: undefined, isBusy: false },
      calls: createControllerCalls({
        ...{ token: order.token, timeoutMs: TIMEOUT_MS },
        certificates: { identity: () => node.identity, why: () => undefined },
        managers: () => [],
      }),
    }))
    isReporting = true
    void go()
  } else if (order.kind === 'containers') {
    containers = new Map(order.containers)
  } else if (order.kind === 'report') {
    isReporting = order.isReporting
  } else {
    process.send?.(done)
    done = { answered: 0, refused: 0, late: 0, bytes: 0, tookMs: 0, silent: '' }
  }
})
process.on('disconnect', () => process.exit())
