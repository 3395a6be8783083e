/** The keeper of the catalog against a real Consul: tasks are made up, everything else is real. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { RunningTask } from '../../../src/discovery/desired/task-entries.ts'
import { type ConsulServer, startConsul } from '../../lab/programs/consul.ts'
import { aRunningTask, type Told } from '../../unit/discovery/support.ts'
import { aMadeUpSwarm, type Kept, keepCatalog, type MadeUpSwarm } from './made-up-swarm.ts'

let server: ConsulServer
beforeAll(async () => {
  server = await startConsul()
})
afterAll(async () => await server.stop())

const PATIENCE = { timeout: 30_000, interval: 20 }
let made = 0
const aSwarm = (tasks: readonly RunningTask[]) => {
  made += 1
  return aMadeUpSwarm(`swarm-${made}`, tasks)
}
function keep(swarm: MadeUpSwarm): Kept {
  const kept = keepCatalog(swarm, { address: server.url })
  onTestFinished(kept.close)
  return kept
}

const tasks = (count: number, told: (place: number) => Told = () => ({})): RunningTask[] =>
  Array.from({ length: count }, (_, place) =>
    aRunningTask({
      task: `t${place}`,
      slot: place + 1,
      node: { id: `n${place % 3}`, hostname: `host${made + 1}-${place % 3}` },
      addresses: [{ network: 'vlan40', address: `172.${80 + made}.${Math.floor(place / 250)}.${place % 250}` }],
      ...told(place),
    }),
  )

interface Row {
  readonly Node: { readonly Node: string }
  readonly Service: { readonly ID: string; readonly Address: string; readonly Meta: Record<string, string> }
}
const rows = async (swarm: { cluster: string }, name = 'web') =>
  (await server.get<Row[]>(`/v1/health/service/${name}?passing`)).filter(
    ({ Service }) => Service.Meta.cluster === swarm.cluster,
  )
const until = async (swarm: { cluster: string }, count: number) =>
  await vi.waitFor(async () => expect(await rows(swarm)).toHaveLength(count), PATIENCE)

describe('the keeper', () => {
  it('brings 2000 entries in step but for one that Consul refuses, then writes nothing, and for one change one transaction', async () => {
    const refused: Told = { env: { SERVICE_TAGS: 'x'.repeat(600_000) } }
    const swarm = aSwarm(tasks(2001, (place) => (place === 57 ? refused : {})))
    const { keeper, syncs } = keep(swarm)
    await until(swarm, 2000)
    await vi.waitFor(() => expect(syncs.some(({ writes }) => writes > 4000)).toBe(true), PATIENCE)
    expect(keeper.issues()).toMatchObject([{ service: 'web', value: 'orrery:web.58.t57:80', effect: 'refused' }])
    expect(keeper.fault()).toBe('')
    const first = syncs.find(({ writes }) => writes > 4000)
    keeper.nudge(true)
    const unchanged = { writes: 0, transactions: 0, isFull: true }
    await vi.waitFor(() => expect(syncs.at(-1)).toMatchObject(unchanged), PATIENCE)
    const tookMs = [first, syncs.at(-1)].map((sync) => Math.round(sync?.tookMs ?? 0))
    console.info(`2000 registrations: the first sync took ${tookMs[0]} ms, one without a change ${tookMs[1]} ms`)
    const before = syncs.length
    swarm.tasks = swarm.tasks.slice(0, 2000)
    keeper.nudge()
    await until(swarm, 1999)
    const wrote = syncs.slice(before).filter(({ transactions }) => transactions > 0)
    expect(wrote).toMatchObject([{ writes: 1, transactions: 1, isFull: false }])
  })

  it('never deletes while Swarm cannot be read, or for a task that no agent tells of', async () => {
    const swarm = aSwarm(tasks(3))
    const { keeper, syncs } = keep(swarm)
    await until(swarm, 3)
    swarm.isReadable = false
    swarm.tasks = []
    keeper.nudge()
    await sleep(600)
    expect(await rows(swarm)).toHaveLength(3)
    swarm.isReadable = true
    swarm.tasks = tasks(3)
    swarm.unheard = new Set(['t0', 't1', 't2'])
    await vi.waitFor(() => expect(keeper.isWriter()).toBe(true), { timeout: 15_000 })
    const before = syncs.length
    keeper.nudge(true)
    await vi.waitFor(() => expect(syncs.length).toBeGreaterThan(before), { timeout: 5_000 })
    expect(await rows(swarm)).toHaveLength(3)
  })

  it('mends what somebody else spoilt or removed, and leaves alone what is not ours', async () => {
    const swarm = aSwarm(tasks(3))
    keep(swarm)
    await until(swarm, 3)
    const [one, two] = await rows(swarm)
    const foreign = {
      Node: one?.Node.Node,
      Address: '10.0.0.1',
      SkipNodeUpdate: true,
      Service: { ID: 'theirs', Service: 'theirs', Address: '172.99.0.1', Port: 1 },
    }
    await server.put('/v1/catalog/register', foreign)
    // Who registers without the node's Meta writes over it.
    await server.put('/v1/catalog/register', { Node: two?.Node.Node, Address: '10.0.0.1' })
    await server.put('/v1/catalog/deregister', { Node: one?.Node.Node, ServiceID: one?.Service.ID })
    const check = { CheckID: `service:${two?.Service.ID}`, Name: 'x', Status: 'critical', ServiceID: two?.Service.ID }
    await server.put('/v1/catalog/register', {
      Node: two?.Node.Node,
      Address: '10.0.0.1',
      SkipNodeUpdate: true,
      Check: check,
    })
    await vi.waitFor(async () => expect((await rows(swarm)).map(({ Service }) => Service.ID)).toHaveLength(3), {
      timeout: 15_000,
    })
    swarm.tasks = []
    await vi.waitFor(async () => expect(await server.get<object[]>('/v1/catalog/service/theirs')).toHaveLength(1))
  })

  it('of two one writes; when it stops, the other goes on at once', async () => {
    const swarm = aSwarm(tasks(3))
    const [one, two] = [keep(swarm), keep(swarm)]
    await until(swarm, 3)
    const [first, second] = one.keeper.isWriter() ? [one, two] : [two, one]
    expect(second.keeper.isWriter()).toBe(false)
    const startedAt = performance.now()
    await first.close()
    await vi.waitFor(() => expect(second.keeper.isWriter()).toBe(true), { timeout: 15_000, interval: 10 })
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    swarm.tasks = swarm.tasks.slice(0, 1)
    second.keeper.nudge()
    await until(swarm, 1)
  })

  it('comes back after Consul was away, and after it lost everything', async () => {
    const swarm = aSwarm(tasks(5))
    const { keeper } = keep(swarm)
    await until(swarm, 5)
    await server.kill()
    swarm.tasks = swarm.tasks.slice(0, 4)
    keeper.nudge()
    await vi.waitFor(() => expect(keeper.fault()).toMatch(/ECONNREFUSED|socket hang up|ECONNRESET/), {
      timeout: 10_000,
    })
    await server.start()
    await until(swarm, 4)
    await server.kill()
    await server.start({ wiped: true })
    await until(swarm, 4)
    expect(keeper.fault()).toBe('')
  }, 60_000)
})
