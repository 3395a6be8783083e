/** The catalog and the lock against a real Consul on the loopback. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCatalog } from '../../../src/adapters/consul/catalog.ts'
import { type ConsulClient, type ConsulOptions, connectConsul } from '../../../src/adapters/consul/consul-client.ts'
import type { CatalogWrite } from '../../../src/discovery/plan/catalog.ts'
import { type ConsulServer, startConsul } from '../../lab/programs/consul.ts'

let server: ConsulServer
const clients: ConsulClient[] = []
beforeAll(async () => {
  server = await startConsul({ acl: { enabled: true, default_policy: 'allow', tokens: { master: 'root' } } })
})
afterAll(async () => {
  for (const client of clients) client.close()
  await server.stop()
})

const connect = (options: Partial<ConsulOptions> = {}) => {
  const client = connectConsul({ address: server.url, ...options })
  clients.push(client)
  return client
}
let made = 0
const aCatalog = (options: Partial<ConsulOptions> = {}, key = `orrery/test${++made}/writer`) =>
  createCatalog(connect(options), () => key)
async function aWriter(options: Partial<ConsulOptions> = {}) {
  const catalog = aCatalog(options)
  const session = await catalog.lock.open()
  expect(await catalog.lock.take(session)).toBe(true)
  return { catalog, session, signal: new AbortController().signal }
}
const setNode = (node: string): CatalogWrite => ({
  kind: 'set-node',
  node,
  address: '10.0.0.1',
  meta: { 'external-node': 'true' },
  index: 0,
})
const setService = (node: string, id: string, over: object = {}): CatalogWrite => ({
  kind: 'set-service',
  node,
  service: {
    id,
    name: 'web',
    address: '172.80.1.7',
    port: 80,
    tags: ['a,b'],
    meta: { cluster: 'c' },
    index: 0,
    ...over,
  },
})
const setCheck = (node: string, id: string): CatalogWrite => ({
  kind: 'set-check',
  node,
  check: { id: `service:${id}`, name: 'Swarm task', status: 'passing', serviceId: id, index: 0 },
})

describe('the catalog', () => {
  it('is read as it was written, with the index that the next write compares with', async () => {
    const { catalog, session, signal } = await aWriter()
    const service = setService('swarm-a', 'one')
    const result = await catalog.write([setNode('swarm-a'), service, setCheck('swarm-a', 'one')], session)
    expect(result.kind).toBe('done')
    const node = (await catalog.read([], signal)).get('swarm-a')
    expect(node).toMatchObject({ address: '10.0.0.1', meta: { 'external-node': 'true' } })
    const index = result.kind === 'done' ? result.indexOf(service) : 0
    expect(index).toBeGreaterThan(0)
    expect(node?.services.get('one')).toEqual({
      ...{
        id: 'one',
        name: 'web',
        address: '172.80.1.7',
        port: 80,
        tags: ['a,b'],
        meta: { cluster: 'c' },
      },
      index,
    })
    expect(node?.checks.get('service:one')).toMatchObject({ status: 'passing', serviceId: 'one' })
    const gone = await catalog.write(
      [{ kind: 'delete-service', node: 'swarm-a', id: 'one', name: 'web', index }],
      session,
    )
    expect(gone.kind).toBe('done')
    expect((await catalog.read([], signal)).get('swarm-a')?.services.size).toBe(0)
  })

  it('refuses what another has changed meanwhile, as stale, and writes nothing of the transaction', async () => {
    const { catalog, session, signal } = await aWriter()
    await catalog.write([setNode('swarm-b'), setService('swarm-b', 'one')], session)
    const result = await catalog.write(
      [setService('swarm-b', 'two'), { kind: 'delete-service', node: 'swarm-b', id: 'one', name: 'web', index: 1 }],
      session,
    )
    expect(result).toMatchObject({ kind: 'refused', failures: [{ place: 1, isStale: true }] })
    expect([...((await catalog.read([], signal)).get('swarm-b')?.services.keys() ?? [])]).toEqual(['one'])
  })

  it('names the write that Consul refuses', async () => {
    const { catalog, session } = await aWriter()
    const bad = setService('swarm-c', 'bad', { meta: { 'no blanks': 'x' } })
    const result = await catalog.write([setNode('swarm-c'), setService('swarm-c', 'good'), bad], session)
    expect(result).toMatchObject({
      kind: 'refused',
      failures: [{ place: 2, isStale: false, reason: expect.stringContaining('Meta') }],
    })
  })

  it('takes nothing from a session that does not hold the lock', async () => {
    const { catalog } = await aWriter()
    const other = await catalog.lock.open()
    expect(await catalog.lock.take(other)).toBe(false)
    expect(await catalog.write([setNode('swarm-d')], other)).toEqual({ kind: 'not-writer' })
  })

  it('is waited for: a change of a check ends the wait at once', async () => {
    const { catalog, session, signal } = await aWriter()
    await catalog.write([setNode('swarm-e')], session)
    const { index } = await catalog.watch(undefined, signal)
    const waiting = catalog.watch(index, signal)
    await catalog.write([setService('swarm-e', 'one'), setCheck('swarm-e', 'one')], session)
    expect((await waiting).checks.get('swarm-e/service:one')).toBe('passing')
  })

  it('is waited for no longer than somebody wants', async () => {
    const { catalog } = await aWriter()
    const ending = new AbortController()
    const { index } = await catalog.watch(undefined, ending.signal)
    const waiting = catalog.watch(index, ending.signal)
    ending.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'consul-unavailable' })
  })
})

describe('the lock', () => {
  it('is free at once for the next when it is given up', async () => {
    const { catalog, session } = await aWriter()
    const other = await catalog.lock.open()
    expect(await catalog.lock.take(other)).toBe(false)
    await catalog.lock.giveUp(session)
    expect(await catalog.lock.take(other)).toBe(true)
    expect(await catalog.lock.renew(other)).toBe(true)
    expect(await catalog.lock.renew(session)).toBe(false)
  })

  it('tells those that wait for it', async () => {
    const { catalog, session, signal } = await aWriter()
    const { index, isFree } = await catalog.lock.watch(undefined, signal)
    expect(isFree).toBe(false)
    const waiting = catalog.lock.watch(index, signal)
    await catalog.lock.giveUp(session)
    expect((await waiting).isFree).toBe(true)
  })
})

describe('what goes wrong says what would be right', () => {
  it.each([
    { name: 'nobody there', options: { address: 'http://127.0.0.1:1' }, says: /127\.0\.0\.1:1.*ECONNREFUSED/ },
    { name: 'an unknown datacenter', options: { datacenter: 'moon' }, says: /ORRERY_CONSUL_DATACENTER=moon/ },
    {
      name: 'an unknown token',
      options: { token: () => '11111111-2222-3333-4444-555555555555' },
      says: /CONSUL_HTTP_TOKEN_FILE/,
    },
    { name: 'no TLS there', options: { address: 'https://127.0.0.1:PORT' }, says: /Consul at https/ },
  ])('$name', async ({ options, says }) => {
    const address = options.address?.replace('PORT', new URL(server.url).port)
    const catalog = aCatalog({ ...options, ...(address !== undefined && { address }) })
    const failing = catalog.lock.open()
    await expect(failing).rejects.toMatchObject({ code: 'consul-unavailable', message: expect.stringMatching(says) })
  })

  it('a token without rights over an entry: that entry is refused, with the reason', async () => {
    const rules =
      'key_prefix "orrery/" { policy = "write" } session_prefix "" { policy = "write" } node_prefix "" { policy = "write" } service "web" { policy = "deny" } service "api" { policy = "write" }'
    await server.put('/v1/acl/policy', { Name: 'narrow', Rules: rules }, 'root')
    const { SecretID } = await server.put<{ SecretID: string }>(
      '/v1/acl/token',
      { Policies: [{ Name: 'narrow' }] },
      'root',
    )
    const { catalog, session } = await aWriter({ token: () => SecretID })
    const result = await catalog.write(
      [setNode('swarm-f'), setService('swarm-f', 'one'), setService('swarm-f', 'two', { name: 'api' })],
      session,
    )
    expect(result).toMatchObject({
      kind: 'refused',
      failures: [{ place: 1, reason: expect.stringMatching(/permission denied/i) }],
    })
  })
})
