/** Builders for tests of networks: a sound default, and what the story is about as an override. */

import type { AllocationInput, AllocationNode } from '../../../src/bootstrap/allocation/allocation.ts'
import type { FamilyDefinition, NetworkDefinition } from '../../../src/bootstrap/definition/definition.ts'
import type { FreedRange, NetworkRecord, NodeAllocation } from '../../../src/bootstrap/record/record.ts'
import { type EngineNetwork, NETWORK_LABEL } from '../../../src/swarm/networks.ts'
import type { Machine, NodeReport } from '../../../src/swarm/node-report.ts'
import type { WantedNetwork } from '../../../src/swarm/wanted.ts'
import { NOW } from './autoscaling.ts'

export const HOUR_MS = 3_600_000

export function family(over: Partial<FamilyDefinition> = {}): FamilyDefinition {
  return {
    subnet: '172.80.0.0/16',
    gateway: '172.80.0.1',
    pool: [{ first: '172.80.1.0', last: '172.80.200.255' }],
    rangeLength: 24,
    reserve: [],
    pins: {},
    ...over,
  }
}

export function family6(over: Partial<FamilyDefinition> = {}): FamilyDefinition {
  return {
    subnet: 'fd00:40::/64',
    gateway: 'fd00:40::1',
    pool: [{ first: 'fd00:40:0:0:1::', last: 'fd00:40::ffff:ffff:ffff:ffff' }],
    rangeLength: 80,
    reserve: [],
    pins: {},
    ...over,
  }
}

export function definition(over: Partial<NetworkDefinition> = {}): NetworkDefinition {
  return {
    name: 'vlan40',
    configName: 'vlan40_config',
    driver: 'macvlan',
    parent: 'bond0.40',
    ipv4: family(),
    edges: 'reserve',
    shim: true,
    onFault: 'report',
    ...over,
  }
}

/** Of the builders: one machine a host name. */
export const machine = (hostname: string): Machine => ({ engineId: `engine-${hostname}`, macs: [`mac-${hostname}`] })

/** Its id is `id-<hostname>` unless it is said. */
export function node(hostname: string, over: Partial<AllocationNode> = {}): AllocationNode {
  const platform = { os: 'linux', architecture: 'x86_64' }
  const who = { id: `id-${hostname}`, hostname, machine: machine(hostname) }
  return { ...who, state: 'ready', labels: {}, platform, ...over }
}

export function allocation(hostname: string, range: string, over: Partial<NodeAllocation> = {}): NodeAllocation {
  return {
    nodeId: `id-${hostname}`,
    hostname,
    machine: machine(hostname),
    range,
    parent: 'bond0.40',
    givenAtMs: NOW - HOUR_MS,
    isAdopted: false,
    ...over,
  }
}

export function freedRange(hostname: string, range: string, over: Partial<FreedRange> = {}): FreedRange {
  const who = { nodeId: `id-${hostname}`, hostname, machine: machine(hostname) }
  return { range, ...who, freedAtMs: NOW - HOUR_MS, ...over }
}

export const byNodeId = (allocations: readonly NodeAllocation[]): ReadonlyMap<string, NodeAllocation> =>
  new Map(allocations.map((one) => [one.nodeId, one]))

export function record(over: Partial<NetworkRecord> = {}): NetworkRecord {
  return { definition: definition(), phase: 'present', isAdopted: false, allocations: new Map(), freed: [], ...over }
}

export function allocationInput(over: Partial<AllocationInput> = {}): AllocationInput {
  return { definition: definition(), allocations: new Map(), freed: [], otherUses: [], nodes: [], nowMs: NOW, ...over }
}

/** A config-only network that an agent made. */
export function configOnly(range: string, over: Partial<EngineNetwork> = {}): EngineNetwork {
  return {
    id: `id-${range}`,
    name: 'vlan40_config',
    driver: 'null',
    scope: 'local',
    configOnly: true,
    configFrom: '',
    labels: { [NETWORK_LABEL]: 'vlan40' },
    options: { parent: 'bond0.40' },
    subnets: [{ subnet: '172.80.0.0/16', range, gateway: '172.80.0.1', aux: {} }],
    ...over,
  }
}

export function report(hostname: string, over: Partial<NodeReport> = {}): NodeReport {
  return {
    v: 1,
    nodeId: `id-${hostname}`,
    hostname,
    machine: machine(hostname),
    engineVersion: '28.5.2',
    agentVersion: '0.1.0',
    sentAtMs: NOW,
    startedAtMs: NOW - HOUR_MS,
    revision: 0,
    hostAddresses: [],
    networks: [],
    standings: [],
    containers: [],
    faults: [],
    ...over,
  }
}

/** As a node is told it. */
export const wantedNetwork = (over: Partial<WantedNetwork> = {}): WantedNetwork => ({
  name: 'vlan40',
  configName: 'vlan40_config',
  presence: 'present',
  driver: 'macvlan',
  parent: 'eth1',
  ipv4: {
    subnet: '172.80.0.0/16',
    gateway: '172.80.0.1',
    range: '172.80.1.0/24',
    aux: { 'orrery-shim': '172.80.1.254' },
    shim: '172.80.1.254',
  },
  isAdopted: false,
  mayRecreate: false,
  ...over,
})
