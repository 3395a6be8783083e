/** Agent mode on a real Consul agent: what is wanted is made up, everything else is real. */
import { Resolver } from 'node:dns/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createConsulServices } from '../../../src/adapters/consul/agent-services.ts'
import { connectConsul } from '../../../src/adapters/consul/consul-client.ts'
import { entriesOf } from '../../../src/discovery/desired/task-entries.ts'
import type { Entry } from '../../../src/discovery/entry.ts'
import {
  createAgentKeeper,
  createWantedRegistrations,
  type WantedOfNode,
} from '../../../src/discovery/sync/keep-agent.ts'
import { type LocalConsul, startConsul } from '../../lab/programs/consul.ts'
import { aRunningTask, SETTINGS, type Told } from '../../unit/discovery/support.ts'
import { listen } from '../servers.ts'

const PATIENCE = { timeout: 30_000, interval: 50 }
let server: LocalConsul
beforeAll(async () => {
  server = await startConsul()
})
afterAll(async () => await server.stop())

let made = 0
const entries = (cluster: string, ...told: readonly Told[]): Entry[] =>
  told.flatMap((one, place) => {
    const addresses = [{ network: 'vlan40', address: '127.0.0.1' }]
    const task = aRunningTask({
      task: `${cluster}-t${place}`,
      slot: place + 1,
      addresses,
      node: { id: cluster },
      ...one,
    })
    return entriesOf(task, { ...SETTINGS, cluster }).entries
  })

function aNode(told: readonly Told[]) {
  made += 1
  const cluster = `cluster-${made}`
  const node = {
    cluster,
    wanted: { cluster, nodeId: cluster, entries: entries(cluster, ...told), kept: [] } as WantedOfNode | undefined,
    /** By the engine; nothing is said of the others. */
    ended: new Set<string>(),
  }
  return node
}

function keep(node: ReturnType<typeof aNode>) {
  const client = connectConsul({ address: server.url })
  const lines: string[] = []
  const quiet = () => {}
  const keeper = createAgentKeeper({
    services: createConsulServices(client),
    wanted: () => node.wanted,
    isRunning: (taskId) => (node.ended.has(taskId) ? false : undefined),
    logger: { debug: quiet, info: quiet, error: quiet, warn: (_fields, line) => void lines.push(line ?? '') },
    now: Date.now,
    timing: { lookEveryMs: 200 },
  })
  const ending = new AbortController()
  const running = keeper.run(ending.signal)
  const close = async () => {
    ending.abort()
    await running
    client.close()
  }
  onTestFinished(close)
  return { keeper, lines, close }
}

interface Row {
  readonly Service: { readonly ID: string; readonly Meta: Record<string, string> }
  readonly Checks: readonly { readonly CheckID: string; readonly Status: string }[]
}
const rows = async ({ cluster }: { cluster: string }, query = '?passing') =>
  (await server.get<Row[]>(`/v1/health/service/web${query}`)).filter(({ Service }) => Service.Meta.cluster === cluster)
const until = async (node: { cluster: string }, count: number) =>
  await vi.waitFor(async () => expect(await rows(node)).toHaveLength(count), PATIENCE)

async function aContainer(): Promise<{ port: number; answer(status: number): void }> {
  let status = 200
  const host = await listen((_request, response) => response.writeHead(status).end())
  return { port: Number(new URL(`http://${host}`).port), answer: (next) => (status = next) }
}

describe('the keeper of one agent', () => {
  it("registers with checks that Consul runs itself: HTTP, TCP and TTL, beside Swarm's own word", async () => {
    const { port, answer } = await aContainer()
    const labels = {
      ...{ 'orrery.ports': String(port), SERVICE_CHECK_HTTP: '/health', SERVICE_CHECK_INTERVAL: '1s' },
      ...{ SERVICE_CHECK_TCP: 'true', SERVICE_CHECK_TTL: '1h', SERVICE_CHECK_INITIAL_STATUS: 'passing' },
    }
    const node = aNode([{ labels }])
    keep(node)
    await until(node, 1)
    const [row] = await rows(node)
    const id = `service:${row?.Service.ID}`
    const own = row?.Checks.map(({ CheckID }) => CheckID)
      .filter((one) => one.startsWith(id))
      .toSorted()
    expect(own).toEqual([id, `${id}:1`, `${id}:2`, `${id}:3`])
    answer(500)
    await until(node, 0)
    const [sick] = await rows(node, '')
    expect(sick?.Checks.filter(({ Status }) => Status === 'critical').map(({ CheckID }) => CheckID)).toEqual([
      `${id}:1`,
    ])
    answer(200)
    await until(node, 1)
    // Without its keys the checks go, and the entry stays.
    node.wanted = {
      ...(node.wanted as WantedOfNode),
      entries: entries(node.cluster, { labels: { 'orrery.ports': String(port) } }),
    }
    await vi.waitFor(async () => {
      const [plain] = await rows(node)
      expect(plain?.Checks.filter(({ CheckID }) => CheckID.startsWith(id)).map(({ CheckID }) => CheckID)).toEqual([id])
    }, PATIENCE)
  })

  it('registers the addresses of both families, and Consul answers with each in its DNS', async () => {
    const [addresses, labels] = [
      [{ network: 'vlan40', address: '127.0.0.1', address6: 'fd80::7' }],
      { SERVICE_NAME: 'both' },
    ]
    keep(aNode([{ addresses, labels }]))
    const resolver = new Resolver()
    resolver.setServers([server.dns])
    const found = async () => [
      await resolver.resolve4('both.service.consul'),
      await resolver.resolve6('both.service.consul'),
    ]
    await vi.waitFor(async () => expect(await found()).toEqual([['127.0.0.1'], ['fd80::7']]), PATIENCE)
  })

  it('is back to true after the Consul agent restarted, and after it lost everything', async () => {
    const node = aNode([{}, {}])
    const { keeper } = keep(node)
    await until(node, 2)
    await server.kill()
    await vi.waitFor(() => expect(keeper.faults()).toHaveLength(1), PATIENCE)
    await server.start()
    await until(node, 2)
    await server.kill()
    await server.start({ wiped: true })
    await until(node, 2)
    await vi.waitFor(() => expect(keeper.faults()).toEqual([]), PATIENCE)
  }, 60_000)

  it('removes nothing before it knows what is wanted, and after its own restart an entry never fails', async () => {
    const { port } = await aContainer()
    const node = aNode([
      { labels: { 'orrery.ports': String(port), SERVICE_CHECK_HTTP: '/', SERVICE_CHECK_INTERVAL: '1s' } },
      {},
    ])
    const { close } = keep(node)
    await until(node, 2)
    await close()
    await server.kill()
    await server.start()
    // Nobody says anything of them now: the word of before is kept.
    await until(node, 2)
    const { wanted } = node
    node.wanted = undefined
    keep(node)
    const seen: number[] = []
    const look = async () => seen.push((await rows(node)).length)
    for (let time = 0; time < 10; time += 1) await look()
    node.wanted = wanted
    for (let time = 0; time < 100; time += 1) await look()
    expect(new Set(seen)).toEqual(new Set([2]))
  })

  it('takes away a task that ended here before any controller says so; what is kept stays, and what is not ours too', async () => {
    const node = aNode([{}, {}, {}])
    const theirs = { ID: `theirs-${made}`, Name: 'web', Meta: { cluster: node.cluster, 'managed-by': 'hand' } }
    const another = {
      ...{ ID: `another-${made}`, Name: 'web' },
      Meta: { cluster: node.cluster, 'managed-by': 'orrery', node: 'another', task: 't9' },
    }
    for (const service of [theirs, another]) await server.put('/v1/agent/service/register', service)
    keep(node)
    await until(node, 5)
    node.ended.add(`${node.cluster}-t0`)
    await until(node, 4)
    // Of the two that are left one is not known enough of, the other has gone.
    node.wanted = { ...(node.wanted as WantedOfNode), entries: [], kept: [`${node.cluster}-t1`] }
    await until(node, 3)
    const ids = (await rows(node)).map(({ Service }) => Service.ID.split('.')[2] ?? Service.ID)
    expect(ids.toSorted()).toEqual([another.ID, `${node.cluster}-t1:80`, theirs.ID].toSorted())
  })

  it('says what Consul refuses and what would be there, and goes on with the others', async () => {
    const node = aNode([{ labels: { SERVICE_CHECK_SCRIPT: 'true' } }, {}])
    const { keeper, lines } = keep(node)
    await until(node, 1)
    const reason = expect.stringMatching(/^web: entry=orrery:web\.1\.\S+-t0:80 is refused by Consul: .*[Ss]cript/)
    await vi.waitFor(() => expect(keeper.faults()).toEqual([reason]), PATIENCE)
    expect(lines).toEqual([reason])
  })
})

describe('what controllers say of a node', () => {
  it('is what one of them says until it falls silent; one with a certificate is heard before one without', () => {
    let nowMs = 0
    const wanted = createWantedRegistrations(() => nowMs)
    const of = (cluster: string) => ({ cluster, nodeId: 'n1', entries: [], kept: [] })
    expect(wanted.current('n1')).toBeUndefined()
    expect(wanted.offer(of('a'), { url: 'a', isProven: false })).toBe(true)
    expect(wanted.offer(of('b'), { url: 'b', isProven: false })).toBe(false)
    expect(wanted.offer(of('c'), { url: 'c', isProven: true })).toBe(true)
    nowMs = 15_000
    expect(wanted.offer(of('d'), { url: 'd', isProven: true })).toBe(false)
    expect(wanted.current('n1')?.cluster).toBe('c')
    nowMs = 15_001
    expect(wanted.offer(of('d'), { url: 'd', isProven: true })).toBe(true)
    expect(wanted.offer(of('d'), { url: 'd', isProven: true })).toBe(false)
    expect([wanted.current('n1')?.cluster, wanted.current('n2')]).toEqual(['d', undefined])
  })
})
