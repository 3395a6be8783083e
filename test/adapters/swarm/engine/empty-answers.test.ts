/** Lists that an engine answers empty although all is well with it, seen where a manager has just started: none drops what is known. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectLocalEngine } from '../../../../src/adapters/swarm/local/local-engine.ts'
import type { LocalEngine } from '../../../../src/agent/ports.ts'
import { eventually, fakeEngine, inSync, QUICK, recordingLogger, swarmOn } from '../swarm-fixture.ts'

const NOTHING = { body: '[]' }

async function everything() {
  const engine = await fakeEngine()
  const service = engine.addService({ name: 'web' })
  const node = engine.addNode({ hostname: 'worker1' })
  const network = engine.putNetwork({ Name: 'vlan40_config', ConfigOnly: true })
  engine.putTask({ id: 'task1', serviceId: service, nodeId: node })
  engine.setConfig('orrery-state', { [`pause.${service}`]: '{"scope":"both","since":1}' })
  engine.setConfig('orrery-network-vlan40', { definition: '{' })
  const swarm = swarmOn(engine.host, { timing: { listEveryMs: 100, tasksEveryMs: 50, tasksApartMs: 10 } })
  swarm.bootstrap.activate()
  swarm.tasks.follow(() => [service])
  await inSync(swarm)
  await eventually(() => swarm.bootstrap.sync().inSync && swarm.tasks.list().length === 1)
  return { engine, swarm, service, node, network }
}
type Everything = Awaited<ReturnType<typeof everything>>

interface Kind {
  readonly endpoint: string
  /** In one round, of different things; by default one. */
  readonly calls?: number
  readonly known: (all: Everything) => number
  /** Takes away all there is. */
  readonly remove: (all: Everything) => void
}

const KINDS: readonly Kind[] = [
  {
    endpoint: 'GET /services',
    known: ({ swarm }) => [...swarm.services.list()].length,
    remove: ({ engine, service }) => engine.services.delete(service),
  },
  {
    endpoint: 'GET /nodes',
    known: ({ swarm }) => swarm.bootstrap.nodes.list().length,
    remove: ({ engine, node }) => engine.nodes.delete(node),
  },
  {
    endpoint: 'GET /networks',
    known: ({ swarm }) => swarm.bootstrap.networks.current().length,
    remove: ({ engine, network }) => engine.removeNetwork(network),
  },
  {
    endpoint: 'GET /tasks',
    // Of the services, and of the tasks that these no longer show.
    calls: 2,
    known: ({ swarm }) => swarm.tasks.list().length,
    remove: ({ engine }) => engine.removeTask('task1'),
  },
  {
    endpoint: 'GET /configs',
    // Of orrery-state, of orrery-alerts, and of all that is ours.
    calls: 3,
    known: ({ swarm: { bootstrap, sharedState } }) =>
      Math.min(bootstrap.records.unreadable().size, sharedState.current().pauses.size),
    remove: ({ engine }) => engine.configs.clear(),
  },
]

describe.each(KINDS)('$endpoint', ({ endpoint, calls = 1, known, remove }) => {
  it('that shows nothing once drops nothing', async () => {
    const all = await everything()
    let least = known(all)
    const watch = setInterval(() => {
      least = Math.min(least, known(all))
    }, 2)
    onTestFinished(() => clearInterval(watch))
    all.engine.forgetCalls()
    all.engine.inject(endpoint, NOTHING, calls)
    await eventually(() => all.engine.count(endpoint) >= calls * 3)
    expect(least).toBe(1)
  })

  it('that shows nothing twice is believed', async () => {
    const all = await everything()
    remove(all)
    await eventually(() => known(all) === 0)
  })
})

describe('the engine beside an agent', () => {
  it.each([
    {
      endpoint: 'GET /networks',
      some: [{ Id: 'n1', Name: 'vlan40_config', Scope: 'local', Driver: 'null' }],
      read: (local: LocalEngine) => local.networks(),
    },
    {
      endpoint: 'GET /containers/json',
      some: [
        {
          Id: 'c1',
          Names: ['/web.1'],
          State: 'running',
          Labels: { 'com.docker.swarm.task.id': 't1' },
          NetworkSettings: { Networks: {} },
        },
      ],
      read: (local: LocalEngine) => local.containers(new Set()),
    },
  ])('is asked again too where $endpoint shows nothing once', async ({ endpoint, some, read }) => {
    const engine = await fakeEngine()
    const connection = { host: engine.host }
    const local = connectLocalEngine({ connection, logger: recordingLogger(), now: Date.now, timing: QUICK })
    onTestFinished(() => local.close())
    const answers = (body: unknown) => engine.inject(endpoint, { body: JSON.stringify(body) })
    const counts: number[] = []
    for (const told of [[], some, [], some, [], []]) answers(told)
    for (let n = 0; n < 4; n += 1) counts.push((await read(local)).length)
    // Nothing known: believed at once. Then some; once nothing; twice nothing.
    expect(counts).toEqual([0, 1, 1, 0])
  })
})
