import { describe, expect, it } from 'vitest'
import { EMPTY_SHARED_STATE, type SharedState } from '../../../../src/autoscaling/decision/shared-state.ts'
import { type AddressCapacityDeps, createAddressCapacity } from '../../../../src/bootstrap/capacity/address-capacity.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import type { HeardReport, ReportedContainer } from '../../../../src/swarm/node-report.ts'
import type { SwarmNode } from '../../../../src/swarm/nodes.ts'
import type { ServiceChange, ServiceObservation } from '../../../../src/swarm/services.ts'
import type { SwarmTask } from '../../../../src/swarm/tasks.ts'
import {
  heardReport,
  hostnameOf,
  NETWORK_ID,
  networkRecord,
  placement,
  swarmNetwork,
  swarmNode,
} from '../../../support/builders/addresses.ts'
import { NOW, observation } from '../../../support/builders/autoscaling.ts'

interface Given {
  readonly ranges?: readonly (number | undefined)[]
  readonly nodes?: readonly SwarmNode[]
  readonly tasks?: readonly SwarmTask[]
  /** `undefined`: never heard. */
  readonly reports?: readonly (HeardReport | undefined)[]
  readonly services?: readonly ServiceObservation[]
  readonly shared?: SharedState
  readonly over?: Partial<AddressCapacityDeps>
}

const onNode = (serviceId: string, index: number, slot: number, over: Partial<SwarmTask> = {}): SwarmTask => ({
  id: `${serviceId}-${slot}`,
  ...{ serviceId, slot, nodeId: `id-${hostnameOf(index)}` },
  desiredState: 'running',
  state: 'running',
  networkIds: [NETWORK_ID],
  ...over,
})

const service = (over: Partial<ServiceObservation> = {}) =>
  observation({ id: 'web', name: 'web', replicas: 0, placement: placement(), ...over })

function capacityWith(given: Given = {}) {
  const { ranges = [13, 13, 13], tasks = [], services = [] } = given
  const nodes = given.nodes ?? ranges.map((_, index) => swarmNode(index))
  const reports = given.reports ?? ranges.map((_, index) => heardReport(index))
  const record = networkRecord(ranges)
  const still = () => () => {}
  let shared = given.shared ?? EMPTY_SHARED_STATE
  return createAddressCapacity({
    services: { list: () => services, get: (id) => services.find((one) => one.id === id), onChange: still },
    nodes: { list: () => nodes, get: (id) => nodes.find((one) => one.id === id), onChange: still },
    tasks: { list: () => tasks, isGone: () => false, readAtMs: () => NOW, onChange: still },
    records: { all: () => new Map([['vlan40', record]]), unreadable: () => new Map(), onChange: still },
    networks: { current: () => [swarmNetwork()], onChange: still },
    reports: { get: (id) => reports.find((one) => one?.report.nodeId === id) },
    sharedState: {
      current: () => shared,
      async update(change) {
        shared = change(shared)
      },
    },
    sync: () => ({ inSync: true, reason: '' }),
    now: () => NOW,
    ...given.over,
  })
}

describe('the ceiling of a service', () => {
  it('is what even spread can address, and says so', () => {
    expect(capacityWith().ceilingOf(service())).toEqual({
      ceiling: 39,
      reason:
        'the network vlan40 has 39 free addresses on 3 nodes: at most 39 replicas spread evenly; node lab-1 has 13 left',
    })
  })

  it('is what runs where the ranges are full', () => {
    const tasks = Array.from({ length: 9 }, (_, at) => onNode('web', at % 3, at + 1))
    expect(capacityWith({ ranges: [3, 3, 3], tasks }).ceilingOf(service({ replicas: 9 }))).toEqual({
      ceiling: 9,
      reason:
        'the network vlan40 has 0 free addresses on 3 nodes: at most 9 replicas spread evenly; node lab-1 is full',
    })
  })

  describe('whose tasks have just started', () => {
    const started = (receivedAtMs: number, over: Partial<ReportedContainer> = {}) =>
      [0, 1, 2].map((index) =>
        heardReport(index, [{ taskId: `new-${index}`, serviceId: 'web', ...over }], receivedAtMs),
      )
    const ceiling = (reports: HeardReport[], tasks: SwarmTask[] = []) =>
      capacityWith({ reports, tasks }).ceilingOf(service({ replicas: 3 }))?.ceiling

    it('counts them when agents were faster than the list of tasks', () => {
      expect(ceiling(started(NOW + 1))).toBe(39)
    })

    it('counts each of them once', () => {
      const listed = [0, 1, 2].map((index) => onNode('web', index, index + 1, { id: `new-${index}` }))
      expect(ceiling(started(NOW + 1), listed)).toBe(39)
    })

    it('does not count what a newer list does not show', () => {
      expect(ceiling(started(NOW))).toBe(36)
    })

    it('does not count those of another service', () => {
      expect(ceiling(started(NOW + 1, { serviceId: 'shop' }))).toBe(36)
    })
  })

  it('of unequal ranges ends with the smallest', () => {
    expect(capacityWith({ ranges: [13, 5, 13] }).ceilingOf(service())).toMatchObject({
      ceiling: 15,
      reason: expect.stringContaining(
        '31 free addresses on 3 nodes: at most 15 replicas spread evenly; node lab-2 has 5',
      ),
    })
  })

  it.each([
    { name: 'of no network', over: { placement: undefined } },
    { name: 'of a network without ranges', over: { placement: placement({ networks: ['id-overlay'] }) } },
    { name: 'that is global', over: { mode: 'global' as const } },
  ])('$name is none', ({ over }) => {
    const { placement: given, ...rest } = { ...service(), ...over }
    expect(capacityWith().ceilingOf({ ...rest, ...(given && { placement: given }) })).toBeUndefined()
  })

  it('is found by the name of the network as well', () => {
    expect(capacityWith().ceilingOf(service({ placement: placement({ networks: ['vlan40'] }) }))?.ceiling).toBe(39)
  })

  it.each([
    {
      name: 'has no range',
      given: { ranges: [13, undefined, 13] },
      reason:
        'node lab-2 would get a task and has no range of it: constrain the service to node.labels.orrery.network.vlan40 == ready',
    },
    {
      name: 'is not ready',
      given: { nodes: [swarmNode(0), swarmNode(1, { labels: {} }), swarmNode(2)] },
      reason:
        'node lab-2 would get a task and is not ready for it: constrain the service to node.labels.orrery.network.vlan40 == ready',
    },
    {
      name: 'was never heard of',
      given: { reports: [heardReport(0), undefined, heardReport(2)] },
      reason: 'the agent of node lab-2 has never reported, so nobody knows what is free there',
    },
  ])('stops when it is the turn of a node that $name', ({ given, reason }) => {
    expect(capacityWith(given).ceilingOf(service())).toMatchObject({
      ceiling: 0,
      reason: expect.stringContaining(reason),
    })
  })

  it('passes over a node without a range that its constraints leave out', () => {
    const nodes = [swarmNode(0), swarmNode(1, { labels: {} }), swarmNode(2)]
    const constraints = ['node.labels.orrery.network.vlan40 == ready']
    const { ceilingOf } = capacityWith({ ranges: [13, undefined, 13], nodes })
    expect(ceilingOf(service({ placement: placement({ constraints }) }))?.ceiling).toBe(26)
  })

  it('relies on no node that an unknown constraint may leave out', () => {
    const given = placement({ constraints: ['node.ip == 10.0.0.0/8'] })
    expect(capacityWith().ceilingOf(service({ placement: given }))?.ceiling).toBe(13)
  })

  it('counts what containers hold, Swarm’s or not, and what is on its way', () => {
    const reports = [heardReport(0, [{}, { taskId: 'other', state: 'running' }]), heardReport(1), heardReport(2)]
    const tasks = [onNode('other', 0, 1, { id: 'other' }), onNode('other', 0, 2, { state: 'preparing' })]
    expect(capacityWith({ reports, tasks }).ceilingOf(service())?.ceiling).toBe(30)
  })

  it('counts a task that stops until its container is gone', () => {
    const stopping = { desiredState: 'remove' }
    const tasks = [onNode('web', 0, 1), onNode('web', 0, 2, stopping)]
    const held = heardReport(0, [{ taskId: 'web-1' }, { taskId: 'web-2' }])
    const gone = heardReport(0, [{ taskId: 'web-1' }, { taskId: 'web-2', state: 'exited' }])
    const ceiling = (report: HeardReport, state: string) =>
      capacityWith({
        ranges: [3],
        tasks: tasks.map((task) => (task.slot === 2 ? { ...task, state } : task)),
        reports: [report],
      }).ceilingOf(service({ replicas: 1 }))?.ceiling
    expect(ceiling(held, 'running')).toBe(2)
    expect(ceiling(held, 'shutdown')).toBe(2)
    expect(ceiling(gone, 'shutdown')).toBe(3)
  })

  it('leaves room for what other services are still to get', () => {
    const other = service({ id: 'other', name: 'other', replicas: 6, placement: placement({ networks: ['vlan40'] }) })
    expect(capacityWith({ services: [other] }).ceilingOf(service())?.ceiling).toBe(33)
    const tasks = Array.from({ length: 6 }, (_, at) => onNode('other', at % 3, at + 1))
    expect(capacityWith({ services: [other], tasks }).ceilingOf(service())?.ceiling).toBe(33)
  })

  it('leaves room for a global service on every node that lacks it', () => {
    const other = service({ id: 'agent', mode: 'global', replicas: 0 })
    expect(capacityWith({ services: [other] }).ceilingOf(service())?.ceiling).toBe(36)
    expect(capacityWith({ services: [other], tasks: [onNode('agent', 0, 1)] }).ceilingOf(service())?.ceiling).toBe(36)
  })

  it('leaves room for start-first updates, its own and others’', () => {
    const startFirst = placement({ surge: 3 })
    expect(capacityWith().ceilingOf(service({ placement: startFirst }))).toMatchObject({
      ceiling: 36,
      reason: expect.stringContaining('at most 36 replicas spread evenly, with 3 addresses kept for its updates'),
    })
    const other = service({ id: 'other', replicas: 3, placement: startFirst })
    expect(capacityWith({ services: [other] }).ceilingOf(service())?.ceiling).toBe(33)
  })

  it('lets one node get everything where Swarm may pass others over', () => {
    const uneven = 'its tasks reserve resources'
    expect(capacityWith().ceilingOf(service({ placement: placement({ uneven }) }))).toMatchObject({
      ceiling: 13,
      reason: expect.stringContaining('at most 13 replicas wherever they go, since its tasks reserve resources'),
    })
  })

  it('of two networks is the lower one', () => {
    const records = new Map([
      ['vlan40', networkRecord([13, 13, 13])],
      ['vlan50', networkRecord([2, 13, 13])],
    ])
    const still = () => () => {}
    const nodes = [0, 1, 2].map((index) =>
      swarmNode(index, { labels: { 'orrery.network.vlan40': 'ready', 'orrery.network.vlan50': 'ready' } }),
    )
    const { ceilingOf } = capacityWith({
      nodes,
      over: { records: { all: () => records, unreadable: () => new Map(), onChange: still } },
    })
    expect(ceilingOf(service({ placement: placement({ networks: ['vlan40', 'vlan50'] }) }))).toMatchObject({
      ceiling: 6,
      reason: expect.stringContaining('vlan50'),
    })
  })
})

describe('what is not known', () => {
  const at = (given: Given) => capacityWith(given).ceilingOf(service({ replicas: 4 }))
  const still = () => () => {}

  it.each([
    { name: 'tasks that were never read', readAtMs: undefined, reason: 'the tasks of the Swarm were not read' },
    { name: 'tasks that were read long ago', readAtMs: NOW - 12_000, reason: 'tasks were last read 12 s ago' },
  ])('because of $name grows nothing', ({ readAtMs, reason }) => {
    const found = at({
      over: { tasks: { list: () => [], isGone: () => false, readAtMs: () => readAtMs, onChange: still } },
    })
    expect(found).toMatchObject({ ceiling: 4, reason: expect.stringContaining(reason) })
  })

  it('because nodes and networks are being read grows nothing, whatever network it is on', () => {
    const over = {
      sync: () => ({ inSync: false, reason: 'they are being read' }),
      networks: { current: () => [], onChange: still },
    }
    expect(at({ over })).toEqual({ ceiling: 4, reason: 'what is free is not known now: they are being read' })
  })

  it('because a record cannot be understood grows nothing', () => {
    const records = { all: () => new Map(), unreadable: () => new Map([['vlan40', 'v is 9']]), onChange: still }
    expect(at({ over: { records } })).toEqual({
      ceiling: 4,
      reason: 'the record of the network vlan40 cannot be understood: v is 9',
    })
  })

  it('about a service that was removed leaves room for it until tasks were read again', () => {
    const other = service({ id: 'other', replicas: 6 })
    const listeners = new Set<(change: ServiceChange) => void>()
    let nowMs = NOW
    let readAtMs = NOW
    const { ceilingOf } = capacityWith({
      over: {
        services: {
          list: () => [],
          get: () => undefined,
          onChange(listener) {
            listeners.add(listener)
            return () => listeners.delete(listener)
          },
        },
        tasks: { list: () => [], isGone: () => false, readAtMs: () => readAtMs, onChange: still },
        now: () => nowMs,
      },
    })
    expect(ceilingOf(service())?.ceiling).toBe(39)
    nowMs += 500
    for (const tell of listeners) tell({ id: 'other', before: other, after: undefined })
    expect(ceilingOf(service())?.ceiling).toBe(33)
    nowMs += 1500
    readAtMs = nowMs
    expect(ceilingOf(service())?.ceiling).toBe(39)
  })

  it('is of no concern where no network has ranges', () => {
    const records = { all: () => new Map(), unreadable: () => new Map(), onChange: still }
    expect(at({ over: { records, sync: () => ({ inSync: false, reason: '' }) } })).toBeUndefined()
  })

  it('about a decrease grows nothing until the tasks that stop are known', () => {
    const tasks = Array.from({ length: 6 }, (_, slot) => onNode('web', 0, slot + 1))
    expect(at({ tasks })).toEqual({ ceiling: 4, reason: '2 tasks more than its count are still to be stopped' })
  })

  it('of a silent agent is what was known, and never more', () => {
    const old = (index: number) => heardReport(index, [{ taskId: 'web-1' }], NOW - 60_000)
    const waiting = onNode('web', 0, 2, { state: 'preparing' })
    let tasks = [onNode('web', 0, 1), waiting]
    const listeners = new Set<() => void>()
    const source = {
      list: () => tasks,
      isGone: () => false,
      readAtMs: () => NOW,
      onChange(listener: () => void) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
    const { ceilingOf } = capacityWith({ ranges: [4], reports: [old(0)], over: { tasks: source } })
    expect(ceilingOf(service({ replicas: 2 }))?.ceiling).toBe(4)
    tasks = [onNode('web', 0, 1), { ...waiting, state: 'failed' }]
    for (const tell of listeners) tell()
    expect(ceilingOf(service({ replicas: 2 }))?.ceiling).toBe(3)
  })
})

describe('a claim', () => {
  const other = service({ id: 'other', version: 7, replicas: 0 })

  it('counts for other services at once, until it is given back', async () => {
    const { ceilingOf, claim } = capacityWith({ services: [other] })
    const held = claim(other, 9)
    expect(await held?.granted).toBe(true)
    expect(ceilingOf(service())?.ceiling).toBe(30)
    expect(ceilingOf(other)?.ceiling).toBe(39)
    held?.release()
    expect(ceilingOf(service())?.ceiling).toBe(39)
  })

  it('ends with the version it was made on', async () => {
    const services = [other]
    const { ceilingOf, claim } = capacityWith({ services })
    await claim(other, 9)?.granted
    services[0] = { ...other, version: 8 }
    expect(ceilingOf(service())?.ceiling).toBe(39)
  })

  it('is nothing for a service that no range limits', () => {
    expect(capacityWith().claim(service({ placement: placement({ networks: ['overlay'] }) }), 9)).toBeUndefined()
  })

  const managers = [0, 1, 2].map((index) => swarmNode(index, { role: 'manager' }))
  const growths = (replicas: number, untilMs = NOW + 1000) => ({
    ...EMPTY_SHARED_STATE,
    growths: new Map([['other', { replicas, version: 7, untilMs }]]),
  })

  it('of another controller counts as long as its service and the tasks do not show it', () => {
    const at = (services: readonly ServiceObservation[], shared: SharedState) =>
      capacityWith({ nodes: managers, services, shared }).ceilingOf(service())?.ceiling
    const newer = { ...other, version: 8 }
    const madeAt = (atMs: number) => growths(9, atMs + 60_000)
    expect(at([other], madeAt(NOW - 50_000))).toBe(30)
    expect(at([newer], madeAt(NOW - 50_000))).toBe(39)
    expect(at([newer], madeAt(NOW - 1000))).toBe(30)
    expect(at([other], madeAt(NOW - 60_001))).toBe(39)
  })

  it('of another controller is kept for those who may not have seen what came of it', async () => {
    let shared: SharedState = growths(9, NOW + 55_000)
    const sharedState = {
      current: () => shared,
      async update(change: (state: SharedState) => SharedState) {
        shared = change(shared)
      },
    }
    const seen = { ...other, version: 8, replicas: 9 }
    const { claim } = capacityWith({ nodes: managers, services: [seen], over: { sharedState } })
    await claim(service({ version: 5 }), 3)?.granted
    expect([...shared.growths.keys()]).toEqual(['other', 'web'])
    shared = growths(9, NOW + 45_000)
    await claim(service({ version: 5 }), 3)?.granted
    expect([...shared.growths.keys()]).toEqual(['web'])
  })

  it('is told to other controllers where there is more than one manager, and refused if they took the addresses', async () => {
    let shared: SharedState = EMPTY_SHARED_STATE
    const sharedState = {
      current: () => EMPTY_SHARED_STATE,
      async update(change: (state: SharedState) => SharedState) {
        shared = change(shared)
      },
    }
    const { claim } = capacityWith({ nodes: managers, services: [other], over: { sharedState } })
    expect(await claim(service({ version: 5 }), 20)?.granted).toBe(true)
    expect(shared.growths.get('web')).toEqual({ replicas: 20, version: 5, untilMs: NOW + 60_000 })
    shared = growths(30)
    expect(await claim(service({ version: 5 }), 20)?.granted).toBe(false)
    expect(shared.growths.has('web')).toBe(false)
  })

  it('that cannot be told is no claim', async () => {
    const sharedState = {
      current: () => EMPTY_SHARED_STATE,
      update: async () => await Promise.reject(new Fault('engine-unavailable', 'no engine')),
    }
    const { claim, ceilingOf } = capacityWith({ nodes: managers, services: [other], over: { sharedState } })
    await expect(claim(other, 9)?.granted).rejects.toThrow('no engine')
    expect(ceilingOf(service())?.ceiling).toBe(39)
  })
})
