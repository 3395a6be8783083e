/** Agent mode: what a node's agent is told, and what it tells its Consul agent to be. */
import { describe, expect, it } from 'vitest'
import { desiredOf } from '../../../src/discovery/desired/desired.ts'
import { entriesOf } from '../../../src/discovery/desired/task-entries.ts'
import { type AgentService, agentChecksOf, agentDifference } from '../../../src/discovery/plan/agent-difference.ts'
import { wantedOfAgents, watchAgents } from '../../../src/discovery/sync/agents.ts'
import { readWanted } from '../../../src/swarm/wanted.ts'
import { aRunningTask, SETTINGS, type Told } from './support.ts'

const on = (id: string, task: string, address: string, told: Told = {}) =>
  aRunningTask({ task, addresses: [{ network: 'vlan40', address }], node: { id, hostname: `host-${id}` }, ...told })

function controller(unheard: ReadonlySet<string> = new Set()) {
  const running = [
    on('n1', 't1', '172.80.1.1', { labels: { SERVICE_CHECK_HTTP: '/', SERVICE_CHECK_TTL: '9s' } }),
    on('n1', 't2', '172.80.1.2'),
    on('n2', 't3', '172.80.2.1', { env: { SERVICE_TAGS: 'x'.repeat(40_000) } }),
  ]
  const by = <T>(of: (one: (typeof running)[number]) => readonly [string, T]) => new Map(running.map(of))
  const [services, nodes] = [by(({ service }) => [service.id, service]), by(({ node }) => [node.id, node])]
  const containers = by(({ task, container }) => [task.id, container])
  const tasks = running.map(({ task }) => task)
  const world = {
    ...{ tasks, service: (id: string) => services.get(id), node: (id: string) => nodes.get(id) },
    container: (id: string) => (unheard.has(id) ? undefined : containers.get(id)),
    notReadySinceMs: new Map(),
    rangeOwner: () => undefined,
  }
  const state = { isReadable: true }
  const desired = desiredOf(world, SETTINGS, 0)
  const deps = {
    settings: () => (state.isReadable ? SETTINGS : undefined),
    desire: { of: () => desired },
    tasks: { list: () => tasks },
  }
  return { state, deps, wanted: wantedOfAgents(deps) }
}

describe('what an agent is told', () => {
  it('is of its own node, and is read there as it was written', () => {
    const { wanted } = controller(new Set(['t2']))
    const registrations = wanted('n1')
    expect(registrations).toMatchObject({ cluster: 'swarm1', entries: [{ taskId: 't1', nodeId: 'n1' }], kept: ['t2'] })
    const sent = { v: 1, nodeId: 'n1', revision: 1, networks: [], registrations }
    expect(readWanted(JSON.parse(JSON.stringify(sent)))).toEqual(sent)
    expect(wanted('unknown')).toEqual({ cluster: 'swarm1', entries: [], kept: [] })
  })

  it('is nothing at all while the Swarm cannot be read: what is there stays', () => {
    const { state, wanted } = controller()
    state.isReadable = false
    expect(wanted('n1')).toBeUndefined()
  })

  it('leaves out an entry that would crowd out the networks, and says so', () => {
    const { deps, wanted } = controller()
    expect(wanted('n2')?.entries).toEqual([])
    const quiet = () => {}
    const watch = watchAgents({
      ...deps,
      consul: { address: '', instances: async () => [] },
      nodes: { get: () => undefined },
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      now: Date.now,
    })
    expect(watch.issues()).toMatchObject([{ value: 'orrery:web.1.t3:80', effect: 'refused' }])
  })
})

describe('what a Consul agent is told', () => {
  const node = { cluster: 'swarm1', nodeId: 'n1' }
  const entryOf = (task: string, address: string) => {
    const [entry] = entriesOf(on('n1', task, address), SETTINGS).entries
    if (entry === undefined) throw new Error('no entry')
    return entry
  }
  const [old, next] = [entryOf('old', '172.80.1.1'), entryOf('next', '172.80.1.1')]
  const as = (entry: typeof old, meta: Readonly<Record<string, string>> = {}): AgentService => ({
    ...{ id: entry.id, name: entry.name, address: entry.address, port: entry.port, tags: entry.tags, index: 0 },
    ...{
      meta: { ...entry.meta, ...meta },
      checks: new Map(agentChecksOf(entry).map(({ CheckID }) => [CheckID, 'passing'])),
    },
  })
  const actual = (...services: readonly AgentService[]) => new Map(services.map((one) => [one.id, one]))

  it('frees an address before another task gets it, also where the first is not known enough of', () => {
    const desired = { ...node, entries: new Map([[next.id, next]]), kept: new Set(['old']) }
    const { writes } = agentDifference(desired, actual(as(old)), () => false)
    expect(writes.map(({ kind }) => kind)).toEqual(['deregister', 'register'])
  })

  it('is nothing where all is as it was told', () => {
    const desired = { ...node, entries: new Map([[next.id, next]]), kept: new Set<string>() }
    expect(agentDifference(desired, actual(as(next)), () => true)).toEqual({ writes: [], issues: [] })
  })

  it.each([
    { name: 'another cluster', meta: { cluster: 'another' } },
    { name: 'another node', meta: { node: 'n2' } },
    { name: 'another hand', meta: { 'managed-by': 'hand' } },
  ])('never touches what is of $name, of the same id too', ({ meta }) => {
    const desired = { ...node, entries: new Map([[next.id, next]]), kept: new Set<string>() }
    const { writes, issues } = agentDifference(desired, actual(as(old, meta), as(next, meta)), () => false)
    expect(writes).toEqual([])
    expect(issues).toMatchObject([{ key: 'id', value: next.id, effect: 'refused' }])
  })
})
