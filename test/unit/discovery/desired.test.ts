import { describe, expect, it } from 'vitest'
import { desiredOf, type World } from '../../../src/discovery/desired/desired.ts'
import type { NodeFacts, TaskFacts } from '../../../src/discovery/facts.ts'
import { createContainers } from '../../../src/discovery/sync/containers.ts'
import { createDesire } from '../../../src/discovery/sync/desire.ts'
import type { HeardReport, NodeReport } from '../../../src/swarm/node-report.ts'
import type { Nodes, Services } from '../../../src/swarm/ports.ts'
import { aRunningTask, SETTINGS } from './support.ts'

const NOW = 1_000_000

interface Case {
  readonly task?: Partial<TaskFacts>
  readonly node?: Partial<NodeFacts>
  readonly downForMs?: number
  readonly container?: 'running' | 'exited' | 'not-reported'
  readonly serviceIsKnown?: boolean
}

function judged({ task = {}, node = {}, downForMs = 0, container = 'running', serviceIsKnown = true }: Case) {
  const running = aRunningTask({ node })
  const world: World = {
    tasks: [{ ...running.task, ...task }],
    service: () => (serviceIsKnown ? running.service : undefined),
    node: () => running.node,
    container: () => (container === 'not-reported' ? undefined : { ...running.container, state: container }),
    notReadySinceMs: new Map([['n1', NOW - downForMs]]),
    rangeOwner: () => undefined,
  }
  const { entries, kept } = desiredOf(world, SETTINGS, NOW)
  if (entries.size > 0) return 'registered'
  return kept.size > 0 ? 'left as it is' : 'gone'
}

describe('a task', () => {
  it.each<Case & { name: string; is: string }>([
    { name: 'that runs on a ready node is registered', is: 'registered' },
    { name: 'that is not healthy yet is not', task: { state: 'starting' }, is: 'gone' },
    { name: 'that Swarm wants to end is gone while it still answers', task: { desiredState: 'shutdown' }, is: 'gone' },
    { name: 'that Swarm removes is gone', task: { desiredState: 'remove' }, is: 'gone' },
    { name: 'whose container ended is gone before Swarm says so', container: 'exited', is: 'gone' },
    { name: 'that no agent tells of stays as it is', container: 'not-reported', is: 'left as it is' },
    { name: 'whose service is not known yet stays as it is', serviceIsKnown: false, is: 'left as it is' },
    {
      name: 'on a node that is down stays for the grace',
      node: { state: 'down' },
      task: { desiredState: 'shutdown' },
      downForMs: 29_999,
      is: 'left as it is',
    },
    {
      name: 'on a node that is down goes after the grace',
      node: { state: 'down' },
      task: { desiredState: 'shutdown' },
      downForMs: 30_000,
      is: 'gone',
    },
    {
      name: 'on a node that a new leader has not heard of yet stays',
      node: { state: 'unknown' },
      downForMs: 99_000,
      is: 'left as it is',
    },
  ])('$name', ({ is, name: _, ...given }) => {
    expect(judged(given)).toBe(is)
  })

  it('is looked at again when the grace of its node ends', () => {
    const running = aRunningTask({ node: { state: 'down' } })
    const world = {
      ...{ tasks: [running.task], service: () => running.service, node: () => running.node },
      container: () => undefined,
      notReadySinceMs: new Map([['n1', NOW - 10_000]]),
      rangeOwner: () => undefined,
    }
    expect(desiredOf(world, SETTINGS, NOW).dueAtMs).toBe(NOW + 20_000)
  })
})

it('one address has one owner: the other task is refused, with the reason', () => {
  const tasks = [aRunningTask(), aRunningTask({ task: 't2', node: { id: 'n2', hostname: 'host2' } })]
  const of = <T>(pick: (one: (typeof tasks)[number]) => readonly [string, T]) => new Map(tasks.map(pick))
  const containers = of((one) => [one.task.id, one.container] as const)
  const nodes = of((one) => [one.node.id, one.node] as const)
  const { entries, issues } = desiredOf(
    {
      tasks: tasks.map(({ task }) => task),
      service: () => tasks[0]?.service,
      node: (id) => nodes.get(id),
      container: (id) => containers.get(id),
      notReadySinceMs: new Map(),
      rangeOwner: () => undefined,
    },
    SETTINGS,
    NOW,
  )
  expect([...entries.keys()]).toEqual(['orrery:web.1.t1:80'])
  expect(issues).toMatchObject([{ key: 'address', value: '172.80.1.7', effect: 'refused' }])
})

it('the half minute for which a new leader calls a node unknown counts for its grace', () => {
  const { task, service, node, container } = aRunningTask()
  let [nowMs, state]: [number, NodeFacts['state']] = [NOW, 'unknown']
  const current = () => ({ ...node, state }) as ReturnType<Nodes['list']>[number]
  const desire = createDesire({
    tasks: { list: () => [{ ...task, networkIds: [] }] },
    services: { get: () => service as ReturnType<Services['get']> },
    nodes: { list: () => [current()], get: current },
    containers: { get: () => container, read: () => false },
    now: () => nowMs,
  })
  const isKept = () => {
    desire.changed()
    return desire.of(SETTINGS).kept.has(task.id)
  }
  expect(isKept()).toBe(true)
  nowMs += 29_999
  expect(isKept()).toBe(true)
  state = 'down'
  expect(isKept()).toBe(true)
  nowMs += 1
  expect(isKept()).toBe(false)
})

describe('an agent that lies', () => {
  const LABELS = {
    n1: { 'orrery.network.vlan40.range': '172.80.1.0/24,fd00:40:1::/64', 'orrery.network.vlan40': 'ready' },
    n2: { 'orrery.network.vlan40.range': '172.80.2.0/24', 'orrery.network.vlan41.range': '10.41.0.0/24' },
    n3: {},
  }
  type NodeId = keyof typeof LABELS
  /** One task on each node; `said` is what each node's agent reports, by task. */
  const registered = (said: Readonly<Partial<Record<NodeId, Readonly<Record<string, string>>>>>) => {
    const running = (['n1', 'n2', 'n3'] as const).map((id, index) =>
      aRunningTask({ task: `t${index + 1}`, node: { id, hostname: `host-${id}`, labels: LABELS[id] } }),
    )
    const nodes = running.map(({ node }) => node as ReturnType<Nodes['list']>[number])
    const reports = Object.entries(said).map(([nodeId, addresses]) => {
      const containers = Object.entries(addresses).map(([taskId, address]) => ({
        ...{ id: `c-${taskId}`, name: taskId, state: 'running', taskId, exposed: ['80/tcp'] },
        addresses: [{ network: 'vlan40', [address.includes(':') ? 'address6' : 'address']: address }],
      }))
      return { receivedAtMs: NOW, report: { nodeId, containers } as unknown as NodeReport } satisfies HeardReport
    })
    const desire = createDesire({
      tasks: { list: () => running.map(({ task }) => ({ ...task, networkIds: [] })) },
      services: { get: () => running[0]?.service as ReturnType<Services['get']> },
      nodes: { list: () => nodes, get: (id) => nodes.find((node) => node.id === id) },
      containers: createContainers({ list: () => reports }),
      now: () => NOW,
    })
    const { entries, issues, kept } = desire.of(SETTINGS)
    const addresses = Object.fromEntries([...entries.values()].map(({ taskId, address }) => [taskId, address]))
    return { addresses, kept: [...kept], issues: issues.map(({ value, message }) => `${value} ${message}`) }
  }

  it('speaks for no task of another node, whoever reports last', () => {
    const honest = { n1: { t1: '172.80.1.7' } }
    expect(registered({ ...honest, n2: { t1: '172.80.2.66' } }).addresses).toEqual({ t1: '172.80.1.7' })
    expect(registered({ n2: { t1: '172.80.2.66' } })).toMatchObject({ addresses: {}, kept: ['t1', 't2', 't3'] })
  })

  it.each([
    { name: 'an address of its own range', address: '172.80.2.9', is: true },
    { name: 'one of its range in another network', address: '10.41.0.9', is: true },
    { name: 'one that is in nobody’s range', address: '192.0.2.9', is: true },
    { name: 'one of another node’s range', address: '172.80.1.7', is: false },
    { name: 'one of another node’s range in IPv6', address: 'fd00:40:1::7', is: false },
  ])('may say that its task has $name: $is', ({ address, is }) => {
    const { addresses, issues } = registered({ n2: { t2: address } })
    expect(addresses).toEqual(is ? { t2: address } : {})
    expect(issues).toEqual(
      is ? [] : [`${address} is in the range of host-n1, and the agent of host-n2 says that it is its task's`],
    )
  })

  it('keeps no honest task out by naming its address first', () => {
    const { addresses } = registered({ n3: { t3: '172.80.1.7' }, n1: { t1: '172.80.1.7' } })
    expect(addresses).toEqual({ t1: '172.80.1.7' })
  })
})
