/** Leaving a real Consul: what is this Swarm's goes, and nothing else. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createConsulServices } from '../../../src/adapters/consul/agent-services.ts'
import { createCatalog } from '../../../src/adapters/consul/catalog.ts'
import { type ConsulClient, connectConsul } from '../../../src/adapters/consul/consul-client.ts'
import type { CatalogWrite } from '../../../src/discovery/plan/catalog.ts'
import { leaveConsul } from '../../../src/discovery/sync/leave-consul.ts'
import { type ConsulServer, startConsul } from '../../lab/programs/consul.ts'

let server: ConsulServer
let client: ConsulClient
beforeAll(async () => {
  server = await startConsul()
  client = connectConsul({ address: server.url })
})
afterAll(async () => {
  client?.close()
  await server?.stop()
})

const { signal } = new AbortController()
const ours = { 'managed-by': 'orrery', cluster: 'c1' }
const node = (name: string, meta: Record<string, string> = { 'external-node': 'true' }): CatalogWrite => ({
  ...{ kind: 'set-node', node: name, address: '10.0.0.1', index: 0, meta },
})
const entry = (on: string, id: string, meta: Record<string, string>): readonly CatalogWrite[] => [
  {
    ...{ kind: 'set-service', node: on },
    service: { id, name: 'web', address: '172.80.1.7', port: 80, tags: [], meta, index: 0 },
  },
  {
    ...{ kind: 'set-check', node: on },
    check: { id: `service:${id}`, name: 'Swarm task', status: 'passing', serviceId: id, index: 0 },
  },
]

it('takes entries, empty nodes, controllers and the key of this Swarm, and waits for the lock of the writer', async () => {
  const services = createConsulServices(client)
  for (const [node, cluster] of [
    ['n1', 'c1'],
    ['n2', 'c2'],
  ]) {
    const own = { ID: `orrery-controller-${node}`, Name: 'orrery', Port: 8000, Meta: { cluster } }
    await server.put('/v1/agent/service/register', own)
  }
  await server.put('/v1/agent/service/register', { ID: 'orrery-controller-of-somebody', Name: 'theirs', Port: 1 })
  await server.put('/v1/kv/orrery/c2/writer', '')
  const catalog = createCatalog(client, () => 'orrery/c1/writer')
  const writer = await catalog.lock.open()
  expect(await catalog.lock.take(writer)).toBe(true)
  const many = Array.from({ length: 70 }, (_, index) => entry('swarm-a', `a${index}`, ours)).flat()
  const writes = [
    ...[node('swarm-a'), node('swarm-b'), node('other')],
    ...[...entry('swarm-b', 'b1', ours), ...entry('swarm-b', 'b2', { ...ours, cluster: 'c2' })],
    ...[...entry('other', 'o1', {}), ...many],
  ]
  for (let at = 0; at < writes.length; at += 60)
    expect(await catalog.write(writes.slice(at, at + 60), writer)).toMatchObject({ kind: 'done' })
  const deps = { catalog, services, cluster: 'c1', hostnames: ['a', 'b'], now: Date.now, signal }

  await expect(leaveConsul({ ...deps, patienceMs: 100 })).rejects.toMatchObject({ code: 'consul-unavailable' })
  expect((await catalog.read([], signal)).get('swarm-a')?.services.size).toBe(70)

  await catalog.lock.giveUp(writer)
  // Of a controller that was killed, and of somebody else.
  await catalog.lock.open()
  const theirs = await server.put<{ ID: string }>('/v1/session/create', { Name: 'orrery/c2/writer', NodeChecks: [] })
  // 71 entries of tasks and a controller's, and the node that has nothing else on it.
  expect(await leaveConsul({ ...deps, patienceMs: 10_000 })).toBe(73)
  const left = await catalog.read([], signal)
  expect([...left.keys()].sort()).toEqual(['other', 'swarm-b'])
  expect([...(left.get('swarm-b')?.services.keys() ?? [])]).toEqual(['b2'])
  expect([...(left.get('other')?.services.keys() ?? [])]).toEqual(['o1'])
  expect([...(await services.list()).keys()].sort()).toEqual(['orrery-controller-n2', 'orrery-controller-of-somebody'])
  expect(await server.get('/v1/kv/?keys')).toEqual(['orrery/c2/writer'])
  expect(await server.get('/v1/session/list')).toMatchObject([theirs])
  expect(await leaveConsul({ ...deps, patienceMs: 10_000 })).toBe(0)
})
