import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NetworkDefinition } from '../../../../src/bootstrap/definition/definition.ts'
import type { Step } from '../../../../src/bootstrap/plan/words.ts'
import { readyLabel } from '../../../../src/bootstrap/record/record.ts'
import type { SwarmNode } from '../../../../src/swarm/nodes.ts'
import { definition, family } from '../../../support/builders/networks.ts'
import { isDue, type ModelledCluster, modelledCluster } from '../model/cluster.ts'

const HOSTS = ['manager1', 'manager2', 'worker1', 'worker2', 'worker3', 'worker4']

/** What an operator may make of the definition while it is in force. */
const DEFINITIONS: readonly NetworkDefinition[] = [
  definition(),
  definition({ ipv4: family({ gateway: '172.80.0.2' }) }),
  definition({ ipv4: family({ pins: { worker1: '172.80.20.0/24', worker2: '172.80.21.0/24' } }) }),
  definition({ parent: 'bond1.40', onFault: 'pause' }),
  definition({ edges: 'use', shim: false }),
  definition({ ipv4: family({ pool: [{ first: '172.80.30.0', last: '172.80.60.255' }], rangeLength: 25 }) }),
]

type Happening =
  | { readonly do: 'turn'; readonly of: number }
  | { readonly do: 'everybody' | 'step' | 'stale-step' | 'schedule' | 'restart' | 'join' | 'pass' }
  | {
      readonly do: 'leave' | 'down' | 'up' | 'fault' | 'well' | 'agent-dies' | 'agent-starts'
      readonly of: number
    }
  | { readonly do: 'active' | 'drain' | 'pause'; readonly of: number }
  | { readonly do: 'tasks'; readonly of: number }
  | { readonly do: 'define'; readonly of: number }

const of = fc.nat({ max: 20 })
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('everybody' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('turn' as const), of }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('step' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('stale-step' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('schedule' as const, 'pass' as const, 'restart' as const) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('leave' as const, 'down' as const, 'up' as const), of }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('fault' as const, 'well' as const, 'agent-dies' as const, 'agent-starts' as const),
      of,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('active' as const, 'drain' as const, 'pause' as const), of }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tasks' as const), of: fc.nat({ max: 4 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('define' as const), of: fc.nat({ max: DEFINITIONS.length - 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('join' as const) }) },
)

/** Nodes by turns, so that the same number means the same node again. */
const pick = ({ nodes }: ModelledCluster, at: number) =>
  [...nodes.values()].sort((a, b) => (a.id < b.id ? -1 : 1))[at % nodes.size]

function live(happenings: readonly Happening[], cluster: ModelledCluster, wanted: { definition: NetworkDefinition }) {
  let seen: readonly Step[] = []
  const steps = () => cluster.plan([wanted.definition], 'apply', true).networks.flatMap((network) => network.steps)
  for (const one of happenings) {
    cluster.pass(1000)
    const node = 'of' in one ? pick(cluster, one.of) : undefined
    const machine = node === undefined ? undefined : cluster.machineOf(node.hostname)
    switch (one.do) {
      case 'turn':
        if (node !== undefined) cluster.agent(node.id)
        break
      case 'everybody':
        for (const id of cluster.nodes.keys()) cluster.agent(id)
        cluster.schedule()
        break
      case 'step': {
        seen = steps()
        const due = seen.find(isDue)
        if (due !== undefined) cluster.take(due)
        break
      }
      // Another controller, slower, with what it planned before.
      case 'stale-step':
        for (const due of seen.filter(isDue).slice(0, 3)) {
          // Before this one the engine's own networks are read once more.
          if (due.do !== 'create-network') cluster.take(due)
        }
        break
      case 'schedule':
        cluster.schedule()
        break
      case 'pass':
        cluster.pass(20_000)
        break
      case 'restart':
        cluster.forgetReports()
        break
      case 'join': {
        const present = new Set(
          [...cluster.nodes.values()].filter(({ state }) => state !== 'down').map(({ hostname }) => hostname),
        )
        const absent = HOSTS.find((hostname) => !present.has(hostname))
        if (absent !== undefined) cluster.join(absent, absent.startsWith('manager') ? 'manager' : 'worker')
        break
      }
      case 'leave':
        if (node !== undefined && !isLastManager(cluster, node)) cluster.leave(node.id)
        break
      case 'down':
      case 'up': {
        // A host that joined again under a new id is not back under the old one.
        const isTwice = [...cluster.nodes.values()].filter(({ hostname }) => hostname === node?.hostname).length > 1
        if (node !== undefined && !isTwice) cluster.change(node.id, { state: one.do === 'up' ? 'ready' : 'down' })
        break
      }
      case 'fault':
      case 'well':
        if (machine === undefined) break
        machine.fault = one.do === 'fault' ? 'bond0.40 is down' : undefined
        machine.faultCode = one.of % 2 === 0 ? 'parent-down' : 'engine-refused'
        break
      case 'agent-dies':
      case 'agent-starts':
        if (machine !== undefined) machine.isAgentUp = one.do === 'agent-starts'
        break
      // A person, whatever is under way.
      case 'active':
      case 'drain':
      case 'pause':
        if (node !== undefined) cluster.change(node.id, { availability: one.do })
        break
      case 'tasks':
        cluster.addTasks('vlan40', one.of)
        break
      case 'define':
        wanted.definition = DEFINITIONS[one.of] ?? definition()
        break
      default:
        one satisfies never
    }
    expect(cluster.harm).toEqual([])
  }
}

const isLastManager = ({ nodes }: ModelledCluster, { role }: SwarmNode) =>
  role === 'manager' && [...nodes.values()].filter((node) => node.role === 'manager').length === 1

/** Everybody is well and stays so. */
function calm(cluster: ModelledCluster) {
  for (const node of [...cluster.nodes.values()]) {
    const twins = [...cluster.nodes.values()].filter(({ hostname }) => hostname === node.hostname)
    if (twins.length > 1 && node.state === 'down' && !isLastManager(cluster, node)) {
      cluster.leave(node.id)
      continue
    }
    const isTaken = [...cluster.records.values()].some(({ record }) => {
      const allocation = record.allocations.get(node.id)
      return allocation?.change !== undefined || allocation?.pausedFrom !== undefined
    })
    cluster.change(node.id, { state: 'ready', ...(isTaken ? {} : { availability: 'active' }) })
    const machine = cluster.machineOf(node.hostname)
    machine.fault = undefined
    machine.isAgentUp = true
  }
}

/** Why it never came to an end; empty: it did. */
function untilStuck(settle: () => unknown): string {
  try {
    settle()
    return ''
  } catch (error) {
    return String(error)
  }
}

/**
 * A node whose tasks could run nowhere else is not drained, however long that takes: a person makes another node ready, or
 * scales the services to 0. False: nobody is asked for that.
 */
function helpWhatWaits(cluster: ModelledCluster, definitions: readonly NetworkDefinition[], mayJoin: boolean): boolean {
  const { steps = [] } = cluster.plan(definitions, 'apply', true).networks[0] ?? {}
  const waiting = steps.filter(({ waitsFor }) => waitsFor?.startsWith('another node that can run its tasks'))
  if (waiting.length === 0) return false
  for (const { node: { id } = { id: '' } } of waiting) {
    const others = [...cluster.nodes.values()].filter((node) => node.id !== id && node.availability === 'active')
    expect(others.filter(({ labels }) => labels[readyLabel('vlan40')] === 'ready')).toEqual([])
    expect(cluster.tasks.filter(({ nodeId }) => nodeId === id)).not.toEqual([])
  }
  const absent = HOSTS.find((name) => [...cluster.nodes.values()].every(({ hostname }) => hostname !== name))
  if (mayJoin && absent !== undefined) cluster.join(absent)
  else cluster.tasks.splice(0)
  return true
}

/** From nothing, or with the network in force and tasks on it. */
const begin = (count: number, there: number | undefined): ModelledCluster => {
  const cluster = modelledCluster()
  for (const hostname of HOSTS.slice(0, count)) {
    cluster.join(hostname, hostname.startsWith('manager') ? 'manager' : 'worker')
  }
  if (there === undefined) return cluster
  cluster.settle([definition()])
  cluster.addTasks('vlan40', there)
  cluster.schedule()
  return cluster
}

const hosts = fc.integer({ min: 2, max: 5 })
const tasks = fc.option(fc.nat({ max: 8 }), { nil: undefined, freq: 4 })

/** A drain was allowed while there were two; the tasks of the one that is left could go nowhere. */
const lastOneStanding = (mayJoin: boolean): [number, number, Happening[], boolean] => [
  2,
  0,
  [{ do: 'define', of: 3 }, { do: 'step' }, { do: 'leave', of: 0 }, { do: 'tasks', of: 1 }],
  mayJoin,
]

describe('whatever happens, in whatever order', { timeout: 60_000 }, () => {
  it('no two nodes have one address, no task is evicted by a label, and no network is made half', () => {
    fc.assert(
      fc.property(hosts, tasks, fc.array(happening, { maxLength: 120 }), (count, there, happenings) => {
        live(happenings, begin(count, there), { definition: definition() })
      }),
      { numRuns: 60 },
    )
  })

  it('once it is calm everything comes true, and a second run has nothing to do', () => {
    fc.assert(
      fc.property(
        hosts,
        tasks,
        fc.array(happening, { maxLength: 80 }),
        fc.boolean(),
        (count, there, happenings, mayJoin) => {
          const cluster = begin(count, there)
          const wanted = { definition: definition() }
          live(happenings, cluster, wanted)
          calm(cluster)
          const definitions = [wanted.definition]
          // What a person had drained before is that person's to give back, and its turn comes last.
          for (let round = 0; round < HOSTS.length; round += 1) {
            let end = untilStuck(() => cluster.settle(definitions, 'apply', true))
            if (end !== '' && helpWhatWaits(cluster, definitions, mayJoin)) {
              end = untilStuck(() => cluster.settle(definitions, 'apply', true))
            }
            const drained = [...cluster.nodes.values()].filter(({ availability }) => availability !== 'active')
            if (drained.length === 0) expect(end).toBe('')
            for (const { id } of drained) cluster.change(id, { availability: 'active' })
          }
          cluster.settle(definitions, 'apply', true)
          expect(cluster.settle(definitions, 'auto')).toEqual([])
          expect(cluster.harm).toEqual([])
          const plan = cluster.plan(definitions, 'apply', true).networks[0]
          if (plan?.problems.length === 0) {
            expect(plan.verdict).toBe('kept')
            for (const node of cluster.nodes.values()) expect(node.labels[readyLabel('vlan40')]).toBe('ready')
            expect(cluster.swarmNetworks.has('vlan40')).toBe(true)
          }
          // Nobody is held any more.
          for (const { record } of cluster.records.values()) {
            for (const allocation of record.allocations.values()) {
              expect(allocation).not.toHaveProperty('change')
              expect(allocation).not.toHaveProperty('pausedFrom')
            }
          }
          for (const { availability } of cluster.nodes.values()) expect(availability).toBe('active')
        },
      ),
      { numRuns: 50, examples: [lastOneStanding(true), lastOneStanding(false)] },
    )
  })

  it('a record that is lost in a calm moment is rebuilt with the same ranges', () => {
    fc.assert(
      fc.property(hosts, fc.boolean(), (count, isSilent) => {
        const cluster = begin(count, 4)
        const before = [...(cluster.records.get('vlan40')?.record.allocations.values() ?? [])].map(
          ({ nodeId, range }) => [nodeId, range],
        )
        cluster.records.delete('vlan40')
        if (isSilent) cluster.forgetReports()
        cluster.settle([definition()])
        const after = [...(cluster.records.get('vlan40')?.record.allocations.values() ?? [])].map(
          ({ nodeId, range }) => [nodeId, range],
        )
        expect(after).toEqual(before)
      }),
    )
  })
})
