import { describe, expect, it } from 'vitest'
import type { DefinitionSet } from '../../../../src/bootstrap/definition/definition.ts'
import type { NetworkConditionType } from '../../../../src/bootstrap/network.ts'
import type { ClusterPlan, NetworkPlan } from '../../../../src/bootstrap/plan/words.ts'
import type { NetworkRecord } from '../../../../src/bootstrap/record/record.ts'
import { createNetworkCatalog } from '../../../../src/bootstrap/views/network-catalog.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import type { EngineNetwork } from '../../../../src/swarm/networks.ts'
import type { HeardReport, NodeReport } from '../../../../src/swarm/node-report.ts'
import type { SwarmNode } from '../../../../src/swarm/nodes.ts'
import type { SwarmTask } from '../../../../src/swarm/tasks.ts'
import {
  aContainer,
  aDefinition,
  aNodeAllocation,
  aRecord,
  aReport,
  aSwarmNode,
  aTask,
} from '../../../support/builders/network-views.ts'
import { IN_SYNC, T0 } from '../../../support/use-cases/fake-use-cases.ts'

const SWARM_NETWORK: EngineNetwork = {
  id: 'id-vlan40',
  name: 'vlan40',
  driver: 'macvlan',
  scope: 'swarm',
  configOnly: false,
  configFrom: 'vlan40_config',
  labels: {},
  options: {},
  subnets: [],
}
const FILE = { file: 'vlan40.yaml', definition: aDefinition(), name: 'vlan40' }

/** A cluster of one node with one network, all of it as it should be; each part may be changed at any time. */
function world() {
  const state = {
    nowMs: T0,
    set: { files: [FILE], issues: [] } as DefinitionSet,
    records: new Map<string, NetworkRecord>([['vlan40', aRecord()]]),
    unreadable: new Map<string, string>(),
    nodes: [aSwarmNode()] as SwarmNode[],
    tasks: [] as SwarmTask[],
    heard: new Map<string, HeardReport>([['node-1', { report: aReport(), receivedAtMs: T0 }]]),
    networks: [SWARM_NETWORK],
    plan: undefined as ClusterPlan | undefined,
    inSync: true,
    looks: 0,
  }
  const catalog = createNetworkCatalog({
    definitions: { current: () => state.set },
    records: { all: () => state.records, unreadable: () => state.unreadable },
    nodes: {
      list: () => state.nodes,
      get: (id) => state.nodes.find((node) => node.id === id),
      sync: () => (state.inSync ? IN_SYNC : { inSync: false, reason: 'no leader' }),
    },
    tasks: { list: () => state.tasks },
    reports: { get: (id) => state.heard.get(id) },
    networks: { current: () => state.networks },
    managers: {
      get: (id) => (id === 'node-1' ? { isLeader: true, reachability: 'reachable' } : undefined),
      look: () => {
        state.looks += 1
      },
    },
    activate: () => {
      state.looks += 10
    },
    plan: () => state.plan,
    serviceName: (id) => (id === 'id-web' ? 'web' : undefined),
    now: () => state.nowMs,
  })
  const report = (change: Partial<NodeReport>, nodeId = 'node-1') =>
    state.heard.set(nodeId, { report: aReport({ nodeId, ...change }), receivedAtMs: state.nowMs })
  const condition = (type: NetworkConditionType) =>
    catalog.network('vlan40').conditions.find((found) => found.type === type)
  const planned = (change: Partial<NetworkPlan>) => {
    const plan: NetworkPlan = { name: 'vlan40', verdict: 'kept', problems: [], nodes: [], steps: [], ...change }
    state.plan = { networks: [plan], problems: [] }
  }
  return { state, catalog, report, condition, planned }
}

const code = (call: () => unknown): string => {
  try {
    call()
    return 'no fault'
  } catch (error) {
    return error instanceof Fault ? `${error.code}: ${error.message}` : String(error)
  }
}

describe('a network', () => {
  it('shows every address of a node with its task, service and container', () => {
    const { state, catalog, report } = world()
    const byHand = aContainer('172.80.2.30', { id: 'c30', name: 'box' })
    const { taskId: _, taskName: _name, serviceId: _id, serviceName: _service, ...box } = byHand
    report({ containers: [aContainer('172.80.2.10'), aContainer('172.80.2.9'), box] })
    state.tasks = [aTask({ id: 'task-new', state: 'preparing' })]
    const [allocation] = catalog.network('vlan40').allocations
    expect(allocation?.count).toEqual({ usable: 253, used: 3, free: 249 })
    expect(allocation?.addresses.map(({ address, use }) => [address, use])).toEqual([
      ['172.80.2.0', 'reserved'],
      ['172.80.2.1', 'shim'],
      ['172.80.2.9', 'task'],
      ['172.80.2.10', 'task'],
      ['172.80.2.30', 'container'],
      ['172.80.2.255', 'reserved'],
      [undefined, 'task'],
    ])
    expect(allocation?.addresses[2]).toEqual({
      address: '172.80.2.9',
      use: 'task',
      containerId: 'container-172.80.2.9',
      containerName: 'web.1.task-172.80.2.9',
      containerState: 'running',
      taskId: 'task-172.80.2.9',
      taskName: 'web.1.task-172.80.2.9',
      serviceName: 'web',
    })
    expect(allocation?.addresses[4]).toEqual({
      address: '172.80.2.30',
      use: 'container',
      containerId: 'c30',
      containerName: 'box',
      containerState: 'running',
    })
    expect(allocation?.addresses.at(-1)).toEqual({
      use: 'task',
      taskId: 'task-new',
      containerState: 'preparing',
      serviceName: 'web',
    })
  })

  it('has nodes and managers read when somebody looks, and says who leads', () => {
    const { state, catalog } = world()
    expect(catalog.nodes()[0]).toMatchObject({ manager: { isLeader: true }, platform: { os: 'linux' } })
    expect(state.looks).toBe(0)
    expect(catalog.look()).toEqual(IN_SYNC)
    state.inSync = false
    expect(catalog.look().reason).toBe('no leader')
    expect(state.looks).toBe(22)
  })

  it('shows its nodes by host name, those that left too, and adds their figures up', () => {
    const { state, catalog } = world()
    const gone = aNodeAllocation({ nodeId: 'node-0', hostname: 'a-gone', range: '172.80.1.0/24' })
    state.records.set('vlan40', aRecord([aNodeAllocation(), gone]))
    const network = catalog.network('vlan40')
    expect(network.allocations.map(({ hostname, isReady, isAsWanted }) => ({ hostname, isReady, isAsWanted }))).toEqual(
      [
        { hostname: 'a-gone', isReady: false, isAsWanted: null },
        { hostname: 'worker1', isReady: true, isAsWanted: true },
      ],
    )
    expect(network.count).toEqual({ usable: 506, used: 0, free: 253 })
  })

  it('that is only defined has nothing, and says how it comes in force', () => {
    const { state, catalog, condition } = world()
    state.records.clear()
    state.networks = []
    expect(catalog.network('vlan40')).toMatchObject({
      isInForce: false,
      file: 'vlan40.yaml',
      allocations: [],
      count: { usable: 0, used: 0, free: 0 },
    })
    expect(condition('Complete')).toMatchObject({
      status: false,
      reason: expect.stringContaining('orrery network apply'),
    })
    expect(condition('RecordKnown')).toMatchObject({ status: true, reason: 'nothing was ever given' })
  })

  it('in force without a definition is shown too, and a file that defines nothing is none', () => {
    const { state, catalog } = world()
    state.set = { files: [{ file: 'broken.yaml', name: 'other' }], issues: [] }
    expect(catalog.networks().map(({ name, file }) => [name, file])).toEqual([['vlan40', undefined]])
  })

  it('says what would be done next, and what that waits for', () => {
    const { catalog, planned } = world()
    const network = 'vlan40'
    planned({
      steps: [
        { do: 'create-network', network, driver: 'macvlan', configFrom: 'c', text: 'create vlan40' },
        { do: 'wait', network, text: 'label worker2 ready', waitsFor: 'its agent' },
      ],
    })
    expect(catalog.network('vlan40').pending).toEqual(['create vlan40', 'label worker2 ready (waits for its agent)'])
  })

  it.each(['vlan4', 'VLAN40', ''])('%j is unknown, but only in sync', (name) => {
    const { state, catalog } = world()
    expect(code(() => catalog.network(name))).toMatch(/^unknown-network: /)
    state.inSync = false
    expect(code(() => catalog.network(name))).toBe('not-in-sync: no leader')
  })
})

describe('a silent agent', () => {
  it('was heard until 15 s have passed; then its last figures stand and may only shrink', () => {
    const { state, catalog, report, condition } = world()
    report({ containers: [aContainer('172.80.2.9')] })
    state.tasks = [aTask()]
    const count = () => catalog.network('vlan40').allocations[0]?.count
    expect(count()).toEqual({ usable: 253, used: 1, free: 251 })
    state.nowMs = T0 + 14_999
    expect(condition('AgentsHeard')?.status).toBe(true)
    state.nowMs = T0 + 15_000
    expect(condition('AgentsHeard')).toMatchObject({ status: false, reason: 'no report in the last 15 s: worker1' })
    state.tasks = []
    expect(count()).toEqual({ usable: 253, used: 1, free: 251 })
    state.tasks = [aTask({ id: 'a' }), aTask({ id: 'b' })]
    expect(count()).toEqual({ usable: 253, used: 1, free: 250 })
    state.tasks = []
    expect(count()?.free).toBe(250)
    report({ containers: [] })
    expect(count()).toEqual({ usable: 253, used: 0, free: 253 })
  })

  it('that was never heard leaves everything unknown', () => {
    const { state, catalog } = world()
    state.heard.clear()
    const network = catalog.network('vlan40')
    expect(network.count).toEqual({ usable: 253, used: null, free: null })
    expect(network.allocations[0]).toMatchObject({ isAsWanted: null, count: { used: null, free: null } })
    expect(catalog.node('worker1').agent).toEqual({ isHeard: false, faults: [] })
  })
})

describe('the conditions of a network', () => {
  const good = [
    'Valid',
    'RecordKnown',
    'NetworkCreated',
    'Complete',
    'AsWanted',
    'AgentsHeard',
    'HostNamesUnique',
    'AddressesLeft',
  ]

  it('are all good when all is well', () => {
    const { catalog } = world()
    const { conditions } = catalog.network('vlan40')
    expect(conditions.filter(({ status }) => status).map(({ type }) => type)).toEqual(good)
    expect(conditions).toHaveLength(11)
  })

  it('tell two nodes of one name, but not a machine that joined again under a new id', () => {
    const { state, condition } = world()
    state.nodes = [aSwarmNode(), aSwarmNode({ id: 'node-2', state: 'down' })]
    expect(condition('HostNamesUnique')).toMatchObject({ status: true })
    state.nodes = [aSwarmNode({ state: 'down' }), aSwarmNode({ id: 'node-2' })]
    expect(condition('HostNamesUnique')).toMatchObject({
      status: false,
      reason:
        'worker1 is the name of node-1 (down) and node-2 (ready): give one of them another host name, or if node-1 is gone for good: docker node rm node-1',
    })
  })

  it('keep the time since when they are so', () => {
    const { state, condition } = world()
    expect(condition('AsWanted')?.sinceMs).toBe(T0)
    state.nowMs = T0 + 5000
    expect(condition('AsWanted')?.sinceMs).toBe(T0)
    state.heard.clear()
    expect(condition('AsWanted')).toMatchObject({
      status: false,
      sinceMs: T0 + 5000,
      reason: 'worker1 has never reported',
    })
  })

  type World = ReturnType<typeof world>
  const stories: {
    name: string
    type: NetworkConditionType
    status: boolean
    says: RegExp
    make: (w: World) => void
  }[] = [
    {
      name: 'a definition with errors',
      type: 'Valid',
      status: false,
      says: /^vlan40.yaml subnet: it has host bits, and 1 more$/,
      make: ({ state }) => {
        const issue = { file: 'vlan40.yaml', field: 'subnet', level: 'error', message: 'it has host bits' } as const
        state.set = { files: [{ file: 'vlan40.yaml', name: 'vlan40' }], issues: [issue, { ...issue, field: 'pool' }] }
      },
    },
    {
      name: 'a file with errors is no reason to call its network orphaned',
      type: 'Orphaned',
      status: false,
      says: /definition is there/,
      make: ({ state }) => {
        state.set = { files: [{ file: 'vlan40.yaml', name: 'vlan40' }], issues: [] }
      },
    },
    {
      name: 'a definition that is gone',
      type: 'Orphaned',
      status: true,
      says: /no file defines it any more; what is active is kept/,
      make: ({ state }) => {
        state.set = { files: [], issues: [] }
      },
    },
    {
      name: 'a folder that cannot be read',
      type: 'Orphaned',
      status: true,
      says: /networks: no such folder/,
      make: ({ state }) => {
        state.set = { files: [], issues: [], fault: 'networks: no such folder' }
      },
    },
    {
      name: 'a definition that differs',
      type: 'DefinitionConflict',
      status: true,
      says: /subnet was 10/,
      make: ({ planned }) =>
        planned({
          verdict: 'definition-conflict',
          problems: [{ network: 'vlan40', code: 'definition-conflict', message: 'subnet was 10.0.0.0/8' }],
        }),
    },
    {
      name: 'a removal that began',
      type: 'Removing',
      status: true,
      says: /network remove/,
      make: ({ state }) => state.records.set('vlan40', aRecord(undefined, { phase: 'removing' })),
    },
    {
      name: 'a record that cannot be understood',
      type: 'RecordKnown',
      status: false,
      says: /newer format/,
      make: ({ state }) => state.unreadable.set('vlan40', 'it has a newer format'),
    },
    {
      name: 'a record that is lost',
      type: 'RecordKnown',
      status: false,
      says: /labels of 3 nodes/,
      make: ({ state, planned }) => {
        state.records.clear()
        planned({ problems: [{ network: 'vlan40', code: 'record-lost', message: 'labels of 3 nodes name ranges' }] })
      },
    },
    {
      name: 'no swarm network yet',
      type: 'NetworkCreated',
      status: false,
      says: /not there yet/,
      make: ({ state }) => {
        state.networks = []
      },
    },
    {
      name: 'a network of that name that is somebody else’s',
      type: 'NetworkCreated',
      status: false,
      says: /an overlay/,
      make: ({ planned }) =>
        planned({ problems: [{ network: 'vlan40', code: 'foreign-network', message: 'vlan40 is an overlay' }] }),
    },
    {
      name: 'a node without a range',
      type: 'Complete',
      status: false,
      says: /^without a range: worker2$/,
      make: ({ state }) => state.nodes.push(aSwarmNode({ id: 'node-2', hostname: 'worker2' })),
    },
    {
      name: 'a node without a range, and why it gets none',
      type: 'Complete',
      status: false,
      says: /^without a range: worker2: the pool is full$/,
      make: ({ state, planned }) => {
        state.nodes.push(aSwarmNode({ id: 'node-2', hostname: 'worker2' }))
        planned({ problems: [{ network: 'vlan40', code: 'no-range', message: 'the pool is full' }] })
      },
    },
    ...(['Complete', 'NetworkCreated'] as const).map((type): (typeof stories)[number] => ({
      name: `a definition that nothing comes of, by what is on a node: ${type}`,
      type,
      status: false,
      says: /^worker1: docker network rm other$/,
      make: ({ state, planned }) => {
        state.records.clear()
        state.networks = []
        const node = { id: 'node-1', hostname: 'worker1' }
        planned({
          verdict: 'refused',
          problems: [{ network: 'vlan40', node, code: 'same-subnet', message: 'worker1: docker network rm other' }],
        })
      },
    })),
    {
      name: 'a node that is down or no Linux need not have one',
      type: 'Complete',
      status: true,
      says: /each node/,
      make: ({ state }) =>
        state.nodes.push(
          aSwarmNode({ id: 'node-2', hostname: 'worker2', state: 'down' }),
          aSwarmNode({ id: 'node-3', hostname: 'win', platform: { os: 'windows', architecture: 'x86_64' } }),
        ),
    },
    {
      name: 'a node without the ready label',
      type: 'Complete',
      status: false,
      says: /^not ready: worker1$/,
      make: ({ state }) => {
        state.nodes = [aSwarmNode({ labels: {} })]
      },
    },
    {
      name: 'a node with a fault',
      type: 'AsWanted',
      status: false,
      says: /^worker1: bond0 is down$/,
      make: ({ report }) => {
        const faults = [{ code: 'parent-down', message: 'bond0 is down' }]
        report({ standings: [{ name: 'vlan40', isAsWanted: false, faults, mended: [], attached: 0 }] })
      },
    },
    {
      name: 'an agent that does not know of the network yet',
      type: 'AsWanted',
      status: false,
      says: /^worker1 is not done yet$/,
      make: ({ report }) => report({ standings: [] }),
    },
    {
      name: 'a node with four fifths of its addresses taken',
      type: 'AddressesLeft',
      status: false,
      says: /^worker1 80 % \(50 left\)$/,
      make: ({ report }) => report({ containers: Array.from({ length: 203 }, (_, n) => aContainer(`172.80.2.${n}`)) }),
    },
  ]
  it.each(stories)('$name: $type is $status', ({ type, status, says, make }) => {
    const made = world()
    make(made)
    expect(made.condition(type)).toMatchObject({ status, reason: expect.stringMatching(says) })
  })

  it('tell an address of another host in the range of a node, which no single agent knows', () => {
    const { condition, catalog, planned } = world()
    expect(condition('AsWanted')).toMatchObject({ status: true })
    const node = { id: 'node-1', hostname: aReport().hostname }
    const message = '172.80.1.77, an address of worker2 (eth1), is inside the range 172.80.1.0/24'
    planned({ problems: [{ network: 'vlan40', node, code: 'address-in-range', message }] })
    expect(condition('AsWanted')).toMatchObject({ status: false, reason: expect.stringContaining(message) })
    const [allocation] = catalog.network('vlan40').allocations
    expect(allocation).toMatchObject({ isAsWanted: false, faults: [{ code: 'address-in-range', message }] })
    expect(allocation?.isReady).toBe(true)
    planned({})
    expect(condition('AsWanted')).toMatchObject({ status: true })
  })

  it('name three nodes and count the others', () => {
    const { state, condition } = world()
    for (let n = 2; n < 9; n += 1) state.nodes.push(aSwarmNode({ id: `node-${n}`, hostname: `worker${n}` }))
    expect(condition('Complete')?.reason).toBe('without a range: worker2, worker3, worker4 and 4 more')
  })
})

describe('a node', () => {
  it('is found by id, and by host name where only one has it', () => {
    const { state, catalog } = world()
    expect(catalog.node('node-1').hostname).toBe('worker1')
    expect(catalog.node('worker1').id).toBe('node-1')
    expect(code(() => catalog.node('worker'))).toMatch(/^unknown-node: /)
    state.nodes.push(aSwarmNode({ id: 'node-2' }))
    expect(code(() => catalog.node('worker1'))).toMatch(
      /^unknown-node: 2 nodes have the host name worker1; .*node-1, node-2/,
    )
    expect(catalog.node('node-2').id).toBe('node-2')
  })

  it('shows what its agent said and its part of each network', () => {
    const { catalog, report } = world()
    report({
      revision: 9,
      faults: [{ code: 'engine-away', message: 'no answer' }],
      containers: [aContainer('172.80.2.9')],
    })
    expect(catalog.nodes()).toMatchObject([
      {
        id: 'node-1',
        role: 'worker',
        agent: { isHeard: true, version: '0.1.0', revision: 9, reportedAtMs: T0, faults: [{ code: 'engine-away' }] },
        hostAddresses: [{ link: 'eth0', address: '10.0.0.12/24' }],
        allocations: [{ network: 'vlan40', range: '172.80.2.0/24' }],
        containers: [{ name: 'web.1.task-172.80.2.9' }],
        report: { v: 1, nodeId: 'node-1' },
      },
    ])
  })
})

it('a thousand nodes with sixty containers each are counted in a tenth of a second', () => {
  const { state, catalog } = world()
  const ids = Array.from({ length: 1000 }, (_, n) => `node-${n}`)
  state.nodes = ids.map((id) => aSwarmNode({ id, hostname: id }))
  const range = (n: number) => `172.${80 + (n >> 8)}.${n & 255}.0/24`
  state.records.set(
    'vlan40',
    aRecord(ids.map((nodeId, n) => aNodeAllocation({ nodeId, hostname: nodeId, range: range(n) }))),
  )
  const containers = Array.from({ length: 60 }, (_, n) => aContainer(`172.80.2.${n}`))
  for (const nodeId of ids) state.heard.set(nodeId, { report: aReport({ nodeId, containers }), receivedAtMs: T0 })
  catalog.networks()
  const startedAt = performance.now()
  expect(catalog.networks()[0]?.count.used).toBe(60_000)
  expect(performance.now() - startedAt).toBeLessThan(1000)
})
