import { describe, expect, it } from 'vitest'
import { planCluster } from '../../../../src/bootstrap/plan/plan.ts'
import { readyLabel } from '../../../../src/bootstrap/record/record.ts'
import { SILENT_AFTER_MS } from '../../../../src/swarm/node-report.ts'
import { definition, family } from '../../../support/builders/networks.ts'
import { asSet, isDue, type ModelledCluster, modelledCluster } from '../model/cluster.ts'

const three = (): ModelledCluster => {
  const cluster = modelledCluster()
  cluster.join('manager1', 'manager')
  cluster.join('worker1')
  cluster.join('worker2')
  return cluster
}
const ranges = ({ records }: ModelledCluster, name = 'vlan40') =>
  Object.fromEntries(
    [...(records.get(name)?.record.allocations.values() ?? [])].map(({ hostname, range }) => [hostname, range]),
  )
const idOf = ({ nodes }: ModelledCluster, hostname: string) =>
  [...nodes.values()].find((node) => node.hostname === hostname)?.id ?? ''
const problems = (cluster: ModelledCluster, ...args: Parameters<ModelledCluster['plan']>) =>
  cluster.plan(...args).networks.flatMap((network) => network.problems.map(({ code }) => code))

describe('a new network', () => {
  it('is put in force by auto, in the order record, agents, labels and swarm network', () => {
    const cluster = three()
    const taken = cluster.settle([definition()])
    expect(taken[0]).toMatch(/^activate vlan40: give manager1 172.80.1.0\/24/)
    expect(ranges(cluster)).toEqual({ manager1: '172.80.1.0/24', worker1: '172.80.2.0/24', worker2: '172.80.3.0/24' })
    expect(cluster.swarmNetworks.get('vlan40')).toMatchObject({ driver: 'macvlan', configFrom: 'vlan40_config' })
    for (const node of cluster.nodes.values()) expect(node.labels[readyLabel('vlan40')]).toBe('ready')
    expect(cluster.harm).toEqual([])
  })

  it('waits for every agent when nobody asked, and not when somebody did', () => {
    const cluster = three()
    expect(cluster.plan([definition()]).networks[0]?.steps[0]).toMatchObject({
      do: 'write-record',
      waitsFor: 'the agents of manager1, worker1, worker2',
    })
    const [network] = cluster.plan([definition()], 'apply').networks
    expect(network?.steps[0]).not.toHaveProperty('waitsFor')
    expect(network?.steps.map((step) => step.do)).toContain('create-network')
    expect(network?.nodes.map(({ hostname, range, action, capacity }) => [hostname, range, action, capacity])).toEqual([
      ['manager1', '172.80.1.0/24', 'create', 253],
      ['worker1', '172.80.2.0/24', 'create', 253],
      ['worker2', '172.80.3.0/24', 'create', 253],
    ])
  })

  it('is left alone by keep, which says who puts it in force', () => {
    const [network] = three().plan([definition()], 'keep').networks
    expect(network).toMatchObject({ verdict: 'not-in-force', steps: [], problems: [] })
    expect(network?.nodes[0]).toMatchObject({ action: 'none', reason: '`orrery network apply` gives it a range' })
  })

  it('is shown whole before anything is written', () => {
    const cluster = three()
    const steps = cluster.plan([definition()], 'apply').networks[0]?.steps ?? []
    expect(steps.filter(({ waitsFor }) => waitsFor === undefined).map((step) => step.do)).toEqual(['write-record'])
    expect(steps.map(({ text }) => text)).toContain('label worker1 ready')
  })
})

describe('a network that an agent made for proof, and that is there since it was killed', () => {
  const left = (cluster: ModelledCluster, hostname: string, range: string) => {
    const probe = { id: 'probe', name: 'orrery-probe-vlan40', driver: 'macvlan', scope: 'local', configOnly: false }
    const subnets = [{ subnet: '172.80.0.0/16', range, gateway: '172.80.0.1', aux: {} }]
    cluster
      .machineOf(hostname)
      .configs.push({ ...probe, configFrom: 'vlan40_config', labels: {}, options: {}, subnets })
  }

  it('is no reason to drain a node, to refuse a definition or to keep a network from going', () => {
    const cluster = three()
    cluster.settle([definition()])
    for (const host of ['manager1', 'worker1'])
      left(cluster, host, host === 'worker1' ? '172.80.2.0/24' : '172.80.1.0/24')
    for (const id of cluster.nodes.keys()) cluster.agent(id)
    for (const mode of ['keep', 'auto', 'apply'] as const) {
      expect(cluster.plan([definition()], mode).networks).toMatchObject([{ problems: [], steps: [], verdict: 'kept' }])
    }
    const wider = definition({ ipv4: family({ pool: [{ first: '172.80.1.0', last: '172.80.250.255' }] }) })
    expect(problems(cluster, [wider], 'apply')).toEqual([])
    expect(cluster.settle([wider], 'apply')).not.toContain('drain worker1')
  })
})

describe('what is in the way is found before anything is written', () => {
  const config = { configFrom: '', labels: {}, options: { parent: 'bond0.40' }, driver: 'null', scope: 'local' }
  const handMade = { ...config, id: 'x', name: 'vlan40_config', configOnly: true }
  const subnets = (range: string) => [{ subnet: '172.80.0.0/16', range, gateway: '172.80.0.1', aux: {} }]

  const cases = [
    {
      name: 'a swarm network of the name, made from something else',
      prepare: (cluster: ModelledCluster) =>
        cluster.swarmNetworks.set('vlan40', {
          ...handMade,
          name: 'vlan40',
          configOnly: false,
          scope: 'swarm',
          driver: 'macvlan',
          configFrom: 'other',
          subnets: [],
        }),
      code: 'foreign-network',
    },
    {
      name: 'a local network of the name on a worker',
      prepare: (cluster: ModelledCluster) =>
        cluster
          .machineOf('worker1')
          .configs.push({ ...handMade, name: 'vlan40', configOnly: false, driver: 'bridge', subnets: [] }),
      code: 'foreign-network',
    },
    {
      name: 'a config-only network made by hand that is as defined',
      prepare: (cluster: ModelledCluster) =>
        cluster.machineOf('worker1').configs.push({ ...handMade, subnets: subnets('172.80.7.0/24') }),
      code: 'can-be-adopted',
    },
    {
      name: 'a config-only network made by hand with another parent',
      prepare: (cluster: ModelledCluster) =>
        cluster
          .machineOf('worker1')
          .configs.push({ ...handMade, options: { parent: 'eth0' }, subnets: subnets('172.80.7.0/24') }),
      code: 'different-network',
    },
    {
      name: 'another macvlan network of the subnet',
      prepare: (cluster: ModelledCluster) =>
        cluster.machineOf('worker1').configs.push({
          ...handMade,
          name: 'old',
          configOnly: false,
          driver: 'macvlan',
          subnets: subnets('172.80.7.0/24'),
        }),
      code: 'same-subnet',
    },
  ]

  it.each(cases)('$name', ({ prepare, code }) => {
    const cluster = three()
    prepare(cluster)
    for (const id of cluster.nodes.keys()) cluster.agent(id)
    for (const mode of ['auto', 'apply'] as const) {
      const [network] = cluster.plan([definition()], mode).networks
      expect(network?.problems.map((problem) => problem.code)).toEqual([code])
      expect(network).toMatchObject({ verdict: 'refused', steps: [] })
    }
  })

  it('a pool too small for the nodes there are', () => {
    const small = definition({ ipv4: family({ pool: [{ first: '172.80.1.0', last: '172.80.2.255' }] }) })
    expect(problems(three(), [small], 'apply')).toEqual(['no-range'])
  })
})

describe('a network in force', () => {
  it('claims for no step a second time', () => {
    const cluster = three()
    cluster.settle([definition()])
    for (const mode of ['keep', 'auto', 'apply'] as const) expect(cluster.settle([definition()], mode)).toEqual([])
    expect(cluster.plan([definition()], 'apply').networks[0]).toMatchObject({ verdict: 'kept', problems: [] })
  })

  it('gives a new node a range and makes it ready, with auto and not with keep', () => {
    const cluster = three()
    cluster.settle([definition()])
    cluster.join('worker3')
    expect(cluster.settle([definition()], 'keep')).toEqual([])
    cluster.settle([definition()])
    expect(ranges(cluster)).toMatchObject({ worker3: '172.80.4.0/24' })
    expect(cluster.nodes.get(idOf(cluster, 'worker3'))?.labels).toEqual({
      'orrery.network.vlan40': 'ready',
      'orrery.network.vlan40.range': '172.80.4.0/24',
    })
  })

  it('gives a host that joined again its range back, without being asked', () => {
    const cluster = three()
    cluster.settle([definition()])
    cluster.leave(idOf(cluster, 'worker1'))
    cluster.settle([definition()], 'keep')
    expect(cluster.records.get('vlan40')?.record.freed).toMatchObject([{ range: '172.80.2.0/24', hostname: 'worker1' }])
    cluster.join('worker1')
    cluster.settle([definition()], 'keep')
    expect(ranges(cluster)).toEqual({ manager1: '172.80.1.0/24', worker1: '172.80.2.0/24', worker2: '172.80.3.0/24' })
    expect(cluster.records.get('vlan40')?.record.freed).toEqual([])
  })

  it('is kept when its definition is gone, changed or the folder cannot be read', () => {
    const cluster = three()
    cluster.settle([definition()])
    const moved = definition({ ipv4: family({ gateway: '172.80.0.2' }) })
    expect(cluster.plan([]).networks[0]).toMatchObject({
      verdict: 'orphaned',
      steps: [],
      problems: [{ code: 'orphaned' }],
    })
    expect(cluster.plan([moved]).networks[0]).toMatchObject({
      verdict: 'definition-conflict',
      steps: [],
      problems: [{ code: 'definition-conflict' }],
    })
    const unreadable = { files: [], issues: [], fault: 'the folder networks cannot be read' }
    expect(cluster.plan(unreadable).networks[0]).toMatchObject({ verdict: 'orphaned', steps: [] })
    expect(cluster.plan({ files: [{ file: 'a.yaml', name: 'vlan40' }], issues: [] }).networks[0]).toMatchObject({
      steps: [],
      problems: [{ code: 'definition-invalid' }],
    })
  })

  it('is rebuilt when its record was removed by hand, and no range moves', () => {
    const cluster = three()
    cluster.settle([definition()])
    const before = ranges(cluster)
    cluster.records.delete('vlan40')
    cluster.forgetReports()
    expect(problems(cluster, [definition()], 'auto')).toEqual(['record-lost'])
    expect(cluster.settle([definition()], 'keep')[0]).toMatch(/^rebuild the record of 3 ranges/)
    expect(ranges(cluster)).toEqual(before)
  })

  it('keeps the label of a node whose agent is silent or unwell', () => {
    const cluster = three()
    cluster.settle([definition()])
    cluster.addTasks('vlan40', 6)
    cluster.settle([definition()])
    cluster.machineOf('worker1').isAgentUp = false
    cluster.machineOf('worker1').configs = []
    cluster.settle([definition()])
    cluster.machineOf('worker1').isAgentUp = true
    cluster.settle([definition()])
    expect(cluster.harm).toEqual([])
    expect(cluster.machineOf('worker1').configs).toHaveLength(1)
  })
})

describe('a changed definition', () => {
  it('is taken by apply at once where no node has to change', () => {
    const cluster = three()
    cluster.settle([definition()])
    const wider = definition({
      ipv4: family({ pool: [{ first: '172.80.1.0', last: '172.80.250.255' }] }),
      onFault: 'pause',
    })
    expect(cluster.settle([wider], 'apply')).toHaveLength(1)
    expect(cluster.plan([wider], 'auto').networks[0]).toMatchObject({ verdict: 'kept', steps: [] })
  })

  it('that cannot change is refused', () => {
    const cluster = three()
    cluster.settle([definition()])
    expect(problems(cluster, [definition({ driver: 'ipvlan' })], 'apply')).toEqual(['not-changeable'])
  })

  it('that moves a node takes a drain, and says so', () => {
    const cluster = three()
    cluster.settle([definition()])
    const pinned = definition({ ipv4: family({ pins: { worker1: '172.80.9.0/24' } }) })
    const [network] = cluster.plan([pinned], 'apply').networks
    expect(network).toMatchObject({ verdict: 'definition-conflict', steps: [], problems: [{ code: 'needs-drain' }] })
    expect(network?.nodes.find(({ hostname }) => hostname === 'worker1')?.action).toBe('drain-and-recreate')
  })

  it('drains one node at a time, brings its tasks elsewhere and gives it back', () => {
    const cluster = three()
    cluster.settle([definition()])
    cluster.addTasks('vlan40', 9)
    cluster.settle([definition()])
    const moved = definition({ ipv4: family({ gateway: '172.80.0.2', pins: { worker1: '172.80.9.0/24' } }) })
    const drained: string[] = []
    // Begun by the command, finished by controllers.
    cluster.settle([moved], 'apply', true)
    for (const node of cluster.nodes.values()) if (node.availability !== 'active') drained.push(node.hostname)
    expect(drained).toEqual([])
    expect(ranges(cluster)).toEqual({ manager1: '172.80.1.0/24', worker1: '172.80.9.0/24', worker2: '172.80.3.0/24' })
    const { record } = cluster.records.get('vlan40') ?? {}
    expect([...(record?.allocations.values() ?? [])].every(({ change }) => change === undefined)).toBe(true)
    expect(record?.freed).toMatchObject([{ range: '172.80.2.0/24', hostname: 'worker1' }])
    expect(cluster.machineOf('worker1').configs[0]?.subnets[0]).toMatchObject({
      range: '172.80.9.0/24',
      gateway: '172.80.0.2',
    })
    expect(cluster.harm).toEqual([])
  })

  it('is not begun where the tasks could run nowhere else', () => {
    const cluster = modelledCluster()
    cluster.join('manager1', 'manager')
    cluster.settle([definition()])
    cluster.addTasks('vlan40', 1)
    cluster.settle([definition()])
    const moved = definition({ ipv4: family({ gateway: '172.80.0.2' }) })
    expect(problems(cluster, [moved], 'apply', true)).toEqual(['nowhere-to-drain-to'])
  })
})

describe('a node that is not as wanted, with onFault: pause', () => {
  const pausing = definition({ onFault: 'pause' })
  const faulty = () => {
    const cluster = three()
    cluster.settle([pausing])
    cluster.machineOf('worker1').fault = 'bond0.40 is down'
    const worker = () => cluster.nodes.get(idOf(cluster, 'worker1'))
    const pausedFrom = () => cluster.records.get('vlan40')?.record.allocations.get(idOf(cluster, 'worker1'))?.pausedFrom
    /** Seconds of everybody's turns. */
    const live = (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) cluster.settle([pausing])
    }
    return { cluster, worker, pausedFrom, live }
  }

  it('is paused after a while, and given back when it is well again', () => {
    const { cluster, worker, pausedFrom, live } = faulty()
    live(5)
    expect(worker()?.availability).toBe('active')
    live(15)
    expect([worker()?.availability, pausedFrom()]).toEqual(['pause', 'active'])
    expect(worker()?.labels[readyLabel('vlan40')]).toBe('ready')
    cluster.machineOf('worker1').fault = undefined
    live(3)
    expect([worker()?.availability, pausedFrom()]).toEqual(['active', undefined])
  })

  it('stays as somebody made it meanwhile', () => {
    const { cluster, worker, pausedFrom, live } = faulty()
    live(20)
    cluster.change(worker()?.id ?? '', { availability: 'drain' })
    cluster.machineOf('worker1').fault = undefined
    cluster.change(worker()?.id ?? '', { availability: 'drain' })
    live(3)
    expect(worker()?.availability).toBe('drain')
    cluster.change(worker()?.id ?? '', { availability: 'active' })
    live(3)
    expect([worker()?.availability, pausedFrom()]).toEqual(['active', undefined])
  })

  it('of two networks is given back when it is well in both', () => {
    const { cluster, worker } = faulty()
    const other = definition({
      ...{ name: 'vlan50', configName: 'vlan50_config', onFault: 'pause' as const },
      ipv4: family({
        subnet: '172.81.0.0/16',
        gateway: '172.81.0.1',
        pool: [{ first: '172.81.1.0', last: '172.81.9.255' }],
      }),
    })
    cluster.machineOf('worker1').fault = undefined
    cluster.settle([pausing, other])
    cluster.machineOf('worker1').fault = 'bond0 is down'
    for (let second = 0; second < 20; second += 1) cluster.settle([pausing, other])
    expect(worker()?.availability).toBe('pause')
    cluster.machineOf('worker1').fault = undefined
    for (let second = 0; second < 5; second += 1) cluster.settle([pausing, other])
    expect(worker()?.availability).toBe('active')
    for (const { record } of cluster.records.values()) {
      for (const allocation of record.allocations.values()) expect(allocation.pausedFrom).toBeUndefined()
    }
  })
})

describe('a network that is removed', () => {
  it('says of tasks on a node that is away where they are, and what ends them', () => {
    const cluster = three()
    cluster.settle([definition()])
    const { record } = cluster.records.get('vlan40') ?? {}
    const worker = [...cluster.nodes.values()].find(({ hostname }) => hostname === 'worker1')
    if (record === undefined || worker === undefined) throw new Error('nothing is settled')
    const removing = { ...record, phase: 'removing' } as const
    cluster.take({ network: 'vlan40', do: 'write-record', text: '', basis: record, record: removing })
    cluster.change(worker.id, { state: 'down' })
    // Its service is gone, and Swarm keeps it until the node is back.
    const task = { id: 'task', serviceId: 'service-1', slot: 1, networks: ['vlan40'] }
    cluster.tasks.push({ ...task, nodeId: worker.id, wanted: 'remove', state: 'running' })
    expect(cluster.plan([]).networks[0]?.steps[0]?.waitsFor).toBe(
      `the last task of service-1 on worker1, which is down: it goes on when that is back or has left the Swarm (docker node rm ${worker.id})`,
    )
  })

  it('goes in order: tasks, swarm network, what agents made, labels, record', () => {
    const cluster = three()
    cluster.settle([definition()])
    cluster.addTasks('vlan40', 3)
    cluster.settle([definition()])
    const { record } = cluster.records.get('vlan40') ?? {}
    if (record === undefined) throw new Error('no record')
    cluster.take({
      network: 'vlan40',
      do: 'write-record',
      text: '',
      basis: record,
      record: { ...record, phase: 'removing' },
    })
    expect(cluster.plan([]).networks[0]?.steps[0]).toMatchObject({
      do: 'remove-network',
      waitsFor: 'the last task of service-vlan40',
    })
    cluster.tasks.length = 0
    const taken = cluster.settle([], 'keep')
    expect(taken[0]).toBe('remove the swarm network vlan40')
    expect(taken.at(-1)).toBe('remove the record of vlan40')
    expect([...cluster.nodes.values()].map(({ labels }) => labels)).toEqual([{}, {}, {}])
    for (const hostname of ['manager1', 'worker1', 'worker2']) expect(cluster.machineOf(hostname).configs).toEqual([])
    expect(cluster.harm).toEqual([])
  })
})

describe('a node that was ready, and where every task would be rejected now', () => {
  const labelled = () => {
    const cluster = three()
    cluster.settle([definition()])
    const machine = cluster.machineOf('worker1')
    const label = () => cluster.nodes.get(idOf(cluster, 'worker1'))?.labels[readyLabel('vlan40')]
    const live = () => {
      for (let turn = 0; turn < 5; turn += 1) {
        for (const id of cluster.nodes.keys()) cluster.agent(id)
        const due = cluster.plan([definition()]).networks.flatMap(({ steps }) => steps.filter(isDue))[0]
        if (due !== undefined) cluster.take(due)
      }
    }
    return { cluster, machine, label, live }
  }

  it.each(['engine-refused', 'subnet-taken', 'parent-missing'])(
    'is called ready no more while that lasts (%s), unless a task is there, which that would evict',
    (code) => {
      const { cluster, machine, label, live } = labelled()
      cluster.addTasks('vlan40', 3)
      cluster.schedule()
      Object.assign(machine, { fault: 'no', faultCode: code })
      live()
      expect(label()).toBe('ready')
      cluster.tasks.length = 0
      live()
      expect(label()).toBeUndefined()
      cluster.addTasks('vlan40', 3)
      cluster.schedule()
      expect(cluster.tasks.filter(({ nodeId }) => nodeId === idOf(cluster, 'worker1'))).toEqual([])
      machine.fault = undefined
      live()
      expect(label()).toBe('ready')
      expect(cluster.harm).toEqual([])
    },
  )

  it('stays ready with any other fault, and while its agent is silent', () => {
    const { machine, label, live } = labelled()
    Object.assign(machine, { fault: 'bond0.40 is down', isAgentUp: true })
    live()
    Object.assign(machine, { faultCode: 'address-in-range' })
    live()
    machine.isAgentUp = false
    live()
    expect(label()).toBe('ready')
  })
})

describe('an address of one host in the range of another node', () => {
  const told = (cluster: ModelledCluster, mode: 'keep' | 'auto' = 'auto') =>
    cluster
      .plan([definition()], mode)
      .networks.flatMap((network) => network.problems.map(({ node, code }) => [node?.hostname, code]))

  it.each(['keep', 'auto'] as const)('is told of that node while it is there, by mode %s', (mode) => {
    const cluster = three()
    cluster.settle([definition()])
    const machine = cluster.machineOf('worker1')
    // 172.80.2.0/24 is its own, of which its agent tells; the gateway's network is nobody's range.
    machine.addresses = ['172.80.3.77/16', '172.80.2.77/16', '172.80.0.9/16', '10.1.1.1/24', 'nonsense']
    cluster.agent(idOf(cluster, 'worker1'))
    expect(told(cluster, mode)).toEqual([['worker2', 'address-in-range']])
    expect(cluster.plan([definition()], mode).networks[0]).toMatchObject({ verdict: 'kept', steps: [] })
    machine.addresses = []
    cluster.agent(idOf(cluster, 'worker1'))
    expect(told(cluster, mode)).toEqual([])
  })

  it('is told no more of a node that has left, nor of a machine under an id that it has left', () => {
    const cluster = three()
    cluster.settle([definition()])
    cluster.machineOf('worker1').addresses = ['172.80.3.77/16']
    cluster.agent(idOf(cluster, 'worker1'))
    cluster.leave(idOf(cluster, 'worker1'))
    expect(told(cluster)).toEqual([])
  })
})

describe('a host name is no identity', () => {
  const rangeOf = ({ records }: ModelledCluster, id: string) => records.get('vlan40')?.record.allocations.get(id)?.range

  it.each(['down', 'ready'] as const)(
    'another machine of the name gets a range of its own while the first is %s',
    (state) => {
      const cluster = three()
      cluster.settle([definition()])
      const first = idOf(cluster, 'worker1')
      // The engine is gone, and the host still answers at its shim and for the containers that it left behind.
      if (state === 'down') cluster.change(first, { state })
      const twin = cluster.join('worker1', 'worker', 'another')
      cluster.settle([definition()])
      expect(rangeOf(cluster, first)).toBe('172.80.2.0/24')
      expect(rangeOf(cluster, twin)).toBe('172.80.4.0/24')
      cluster.leave(first)
      cluster.settle([definition()])
      expect(cluster.records.get('vlan40')?.record.freed).toMatchObject([{ range: '172.80.2.0/24', nodeId: first }])
      expect(cluster.harm).toEqual([])
    },
  )

  it('nothing is given under a known name before its agent is heard, and the plan says why', () => {
    const cluster = three()
    cluster.settle([definition()])
    cluster.change(idOf(cluster, 'worker1'), { state: 'down' })
    const twin = cluster.join('worker1', 'worker', 'another')
    for (const mode of ['keep', 'auto', 'apply'] as const) {
      const [network] = cluster.plan([definition()], mode).networks
      expect(network?.steps).toEqual([])
    }
    const [network] = cluster.plan([definition()], 'apply').networks
    expect(network?.nodes.find(({ nodeId }) => nodeId === twin)?.reason).toContain('its agent has not reported yet')
  })

  it('a machine that left by force and joined at once, twice, has its range back once its old id is silent, whatever Swarm says', () => {
    const cluster = three()
    cluster.settle([definition()])
    cluster.join('worker1')
    const last = cluster.join('worker1')
    cluster.agent(last)
    cluster.settle([definition()])
    // Its old id was heard just now, and is ready: whether it is the same machine, nobody knows yet.
    expect(rangeOf(cluster, last)).toBeUndefined()
    cluster.pass(SILENT_AFTER_MS)
    cluster.settle([definition()])
    expect(rangeOf(cluster, last)).toBe('172.80.2.0/24')
    expect(cluster.harm).toEqual([])
  })

  it('a machine that Swarm calls down has its range back at once under its new id', () => {
    const cluster = three()
    cluster.settle([definition()])
    cluster.change(idOf(cluster, 'worker1'), { state: 'down' })
    const back = cluster.join('worker1')
    cluster.settle([definition()])
    expect(rangeOf(cluster, back)).toBe('172.80.2.0/24')
  })

  it.each(['keep', 'auto', 'apply'] as const)(
    'who says that it is the machine of a node that is heard takes nothing from it and gets nothing, in mode %s',
    (mode) => {
      const cluster = three()
      cluster.settle([definition()])
      const [victim, liar] = [idOf(cluster, 'worker1'), cluster.join('worker9')]
      for (const id of [victim, liar]) cluster.agent(id)
      const observed = cluster.observed()
      const machine = observed.reports.find(({ report }) => report.nodeId === victim)?.report.machine
      expect(machine).toBeDefined()
      for (const aheadMs of [-4000, 4000]) {
        const reports = observed.reports.map((heard) =>
          heard.report.nodeId === liar
            ? { ...heard, receivedAtMs: heard.receivedAtMs + aheadMs, report: { ...heard.report, machine } }
            : heard,
        )
        const options = { mode, allowDrain: true, nowMs: cluster.now() + 4000 }
        const { networks } = planCluster({
          ...{ wanted: asSet([definition()]), options },
          observed: { ...observed, reports } as typeof observed,
        })
        expect(networks.flatMap(({ steps }) => steps.filter(isDue))).toEqual([])
        expect(networks[0]?.problems).toMatchObject([
          {
            code: 'no-range',
            message: expect.stringContaining(`${liar}) says that it is the machine of another node`),
          },
        ])
        expect(networks[0]?.nodes.find(({ nodeId }) => nodeId === victim)?.range).toBe('172.80.2.0/24')
      }
    },
  )
})
