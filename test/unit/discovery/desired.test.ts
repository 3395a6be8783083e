import { describe, expect, it } from 'vitest'
import { desiredOf, type World } from '../../../src/discovery/desired/desired.ts'
import type { NodeFacts, TaskFacts } from '../../../src/discovery/facts.ts'
import { createDesire } from '../../../src/discovery/sync/desire.ts'
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
