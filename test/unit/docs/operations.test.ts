import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { connectLocalEngine } from '../../../src/adapters/swarm/local/local-engine.ts'
import { connectSwarm, type Swarm } from '../../../src/adapters/swarm/swarm.ts'
import { LOG_LEVELS } from '../../../src/config/values.ts'
import { PROBLEMS } from '../../../src/http/problem.ts'
import { AutoscalerSchema } from '../../../src/http/wire/autoscaler.ts'
import { aDefinition } from '../../support/builders/network-views.ts'
import { type FakeEngine, startFakeEngine } from '../../support/fake-engine/fake-engine.ts'
import { namedInTable, read, root, tableBelow } from './markdown.ts'

const operations = read('docs/operations.md')
const endpointsBelow = (heading: string) =>
  tableBelow(operations, heading).map(([method = '', path = '']) => `${method} ${path}`.replaceAll('`', ''))
const documented = endpointsBelow('Engine endpoints').toSorted()
const ofAgents = endpointsBelow('What the agent asks').toSorted()
// The calls themselves: test/adapters/swarm/installation.
const ofUninstall = endpointsBelow('What uninstall asks')

const sources = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`${folder}/${file}`))
const quiet = () => {}

/** Nodes, tasks, the swarm network and the record of a network, from its first write to its removal. */
async function everythingOfNetworks(engine: FakeEngine, { bootstrap }: Swarm) {
  const { nodes, tasks, networks, records } = bootstrap
  const id = engine.addNode({ hostname: 'worker1' })
  engine.putNetwork({ Name: 'lan_config', ConfigOnly: true })
  bootstrap.activate()
  await vi.waitFor(() => expect(bootstrap.sync().inSync).toBe(true))
  expect(await nodes.write({ id, version: nodes.get(id)?.version ?? 0, labels: { a: 'b' } })).toEqual({
    kind: 'committed',
  })
  const record = { definition: aDefinition({ name: 'lan' }), phase: 'present', isAdopted: false, freed: [] } as const
  await records.update('lan', () => ({ ...record, allocations: new Map() }))
  expect(await networks.create({ name: 'lan', driver: 'macvlan', configFrom: 'lan_config' })).toEqual({
    kind: 'committed',
  })
  await tasks.refresh()
  const swarmNetwork = (await networks.read()).find(({ name }) => name === 'lan')
  expect(await networks.remove(swarmNetwork?.id ?? '')).toEqual({ kind: 'committed' })
  await records.update('lan', () => undefined)
}

describe('the engine endpoints of docs/operations.md', () => {
  it('are the paths that the source names, and no other', () => {
    const literals = sources('src/adapters/swarm').flatMap((text) => [...text.matchAll(/'(\/[a-z][^'\s]*)'/g)])
    const paths = new Set(literals.map(([, path]) => path))
    const named = [...documented, ...ofAgents, ...ofUninstall].map((endpoint) => endpoint.split(' ')[1])
    expect([...new Set(named)].toSorted()).toEqual([...paths].toSorted())
  })

  it('are the calls that a controller makes which does everything there is to do', async () => {
    const engine = await startFakeEngine()
    onTestFinished(() => engine.close())
    const id = engine.addService({ name: 'web', replicas: 3 })
    const called = new Set<string>()
    const swarm = connectSwarm({
      connection: { host: engine.host },
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      now: Date.now,
      hooks: { onCall: ({ method, endpoint }) => called.add(`${method} ${endpoint}`) },
    })
    onTestFinished(() => swarm.close())
    const { services, sharedState } = swarm
    const ready = new Promise<void>((resolve) => {
      services.onSync(({ inSync }) => inSync && resolve())
    })
    swarm.start()
    await ready
    const version = services.get(id)?.version ?? 0
    expect(await services.writeCount({ id, version, replicas: 4, stateLabel: '{}' })).toEqual({ kind: 'committed' })
    await services.refresh(id)
    for (const sinceMs of [1, 2]) {
      const pauses = new Map([[id, { scope: 'both' as const, sinceMs }]])
      await sharedState.update((state) => ({ ...state, pauses }))
    }
    await everythingOfNetworks(engine, swarm)
    expect([...called].toSorted()).toEqual(documented)
  })

  it('are the calls that an agent makes which does everything there is to do', async () => {
    const fake = await startFakeEngine()
    onTestFinished(() => fake.close())
    const called = new Set<string>()
    const engine = connectLocalEngine({
      connection: { host: fake.host },
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      now: Date.now,
      onCall: ({ method, endpoint }) => called.add(`${method} ${endpoint}`),
    })
    onTestFinished(() => engine.close())
    const heard = new Promise<void>((resolve) => {
      engine.onNews(() => resolve())
    })
    engine.start()
    await heard
    // The fake knows few of these; what counts is what is asked.
    const labels = { 'com.docker.swarm.task.id': 't1' }
    const NetworkSettings = { Networks: { x: { IPAddress: '10.0.0.2' } } }
    const list = [{ Id: 'c1', Names: ['/web.1.t1'], State: 'running', Labels: labels, NetworkSettings }]
    fake.inject('GET /containers/json', { body: JSON.stringify(list) })
    await Promise.allSettled([
      engine.facts(),
      engine.networks(),
      engine.containers(new Set(['x'])),
      engine.usage(['c1']),
      engine.createNetwork({ name: 'x', labels: {}, options: {}, subnets: [] }),
      engine.removeNetwork('x'),
    ])
    fake.cutEvents()
    await vi.waitFor(() => expect([...called].toSorted()).toEqual(ofAgents))
  })
})

describe('the tables of docs/operations.md', () => {
  it('name every event of the log with its levels, and no other', () => {
    const written = sources('src').flatMap((text) => [...text.matchAll(/event: ['`]([a-z-]+)['`]/g)])
    // The one that is put together: restore-keeper.ts.
    const events = new Set([...written.map(([, event]) => event), 'person-seen', 'rollback-seen'])
    expect(namedInTable(operations, 'Logs').toSorted()).toEqual([...events].toSorted())
    const words = tableBelow(operations, 'Logs').flatMap(([, levels = '']) => levels.split(', '))
    expect(words.filter((word) => !LOG_LEVELS.some((level) => level === word))).toEqual([])
  })

  it('name every condition', () => {
    const { type } = AutoscalerSchema.properties.conditions.items.properties
    expect(namedInTable(operations, 'By condition')).toEqual(type.enum)
  })

  it('name every error that speaks of the Swarm, and none that does not exist', () => {
    const named = namedInTable(operations, 'By error code')
    const swarm = Object.entries(PROBLEMS).filter(([, { status }]) => status >= 500)
    expect(named).toEqual(expect.arrayContaining(swarm.map(([code]) => code)))
    expect(named.filter((code) => !Object.hasOwn(PROBLEMS, code))).toEqual([])
  })
})
