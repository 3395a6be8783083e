/** Consul: from a scale-down to the last entry gone, from running to passing, and what 2000 registrations cost. */
import { createCatalog } from '../src/adapters/consul/catalog.ts'
import { connectConsul } from '../src/adapters/consul/consul-client.ts'
import { desiredOf } from '../src/discovery/desired/desired.ts'
import type { SyncRecord } from '../src/discovery/registrations.ts'
import { createCatalogKeeper } from '../src/discovery/sync/keep-catalog.ts'
import { type ConsulEntry, passing, untilPassing } from '../test/e2e/support/discovered.ts'
import { networkedLab } from '../test/e2e/support/networked.ts'
import { untilReady } from '../test/e2e/support/observed-networks.ts'
import { createService, eventually, runningTasks, updateService } from '../test/e2e/support/services.ts'
import { DEFINITION, LAN, NETWORK } from '../test/e2e/support/vlan40.ts'
import type { LabNode } from '../test/lab/lab.ts'
import type { EngineKind } from '../test/lab/packages/engines.ts'
import { type LabConsul, startConsul, startLabConsul } from '../test/lab/programs/consul.ts'
import { startLab } from '../test/lab/start-lab.ts'
import { aRunningTask, SETTINGS } from '../test/unit/discovery/support.ts'
import { atMost, exactly, type Figure } from './figure.ts'
import { ms, percentile } from './statistics.ts'

interface Options {
  readonly engine: EngineKind
  readonly quick: boolean
  readonly progress: (line: string) => void
}

const ROUNDS = { whole: 50, quick: 10 }
const [MOST, LEAST] = [8, 4]
const REGISTRATIONS = 2000
const LIMITS = { downMs: 300, upMs: 1_000 }

export async function measureDiscovery(options: Options): Promise<Figure[]> {
  options.progress(`${REGISTRATIONS} registrations in a real Consul`)
  return [...(await measureMany()), ...(await measureChanges(options))]
}

async function measureChanges({ engine, quick, progress }: Options): Promise<Figure[]> {
  const lab = await startLab({
    nodes: 1,
    managers: 1,
    engine,
    images: ['orrery-lab/web'],
    lan: LAN,
    onProgress: progress,
  })
  const networked = await networkedLab(lab)
  const consul = await startLabConsul(lab)
  const [node] = lab.managers
  try {
    if (node === undefined) throw new Error('a lab without managers')
    await networked.define(NETWORK, DEFINITION)
    const env = { LOG_LEVEL: 'info', ORRERY_NETWORK_AUTO: 'true', CONSUL_HTTP_ADDR: consul.inside }
    await networked.startController(node, env)
    await networked.startAgent(node, { LOG_LEVEL: 'info' })
    await untilReady(node, NETWORK, [node])
    const id = await createService(node, {
      name: 'web',
      replicas: MOST,
      template: { ContainerSpec: { Image: 'orrery-lab/web:good' }, Networks: [{ Target: NETWORK }] },
    })
    await untilPassing(consul, 'web', MOST)
    const rounds = quick ? ROUNDS.quick : ROUNDS.whole
    progress(`from ${MOST} to ${LEAST} and back, ${rounds} times`)
    const downs: number[] = []
    const ups: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      downs.push(await down(node, consul, id))
      ups.push(...(await up(node, consul, id)))
    }
    return [
      spread('scale down by half: from the call to the last entry gone', downs, LIMITS.downMs),
      spread('a new task: from running to passing in Consul', ups, LIMITS.upMs),
    ]
  } finally {
    await networked.close()
    await consul.stop()
    await lab.down()
  }
}

const spread = (name: string, values: readonly number[], limitMs: number): Figure => ({
  name,
  measured: `p50 ${ms(percentile(values, 50))}, p99 ${ms(percentile(values, 99))} of ${values.length}`,
  limit: atMost(percentile(values, 99), limitMs, ' ms (p99)'),
})

const scale = async (node: LabNode, id: string, replicas: number) =>
  await updateService(node, id, (spec) => {
    if (spec.Mode.Replicated) Object.assign(spec.Mode.Replicated, { Replicas: replicas })
  })

async function down(node: LabNode, consul: LabConsul, id: string): Promise<number> {
  const startedAt = Date.now()
  await scale(node, id, LEAST)
  await untilPassing(consul, 'web', LEAST)
  return Date.now() - startedAt
}

/** Of each new task, by the clock of its node: all are this machine's. */
async function up(node: LabNode, consul: LabConsul, id: string): Promise<number[]> {
  const seenAtMs = new Map((await passing(consul, 'web')).map(({ ID }) => [ID, Number.NaN]))
  await scale(node, id, MOST)
  const isWhole = (entries: readonly ConsulEntry[]) => entries.length === MOST
  await eventually(
    'every new task passes',
    async () => {
      const entries = await passing(consul, 'web')
      for (const { ID } of entries) if (!seenAtMs.has(ID)) seenAtMs.set(ID, Date.now())
      return isWhole(entries)
    },
    { everyMs: 5 },
  )
  const tasks = await runningTasks(node, 'web')
  return [...seenAtMs].flatMap(([entry, atMs]) => {
    const task = tasks.find(({ ID }) => entry.includes(`.${ID}:`))
    const runningAt = task?.Status.Timestamp
    return Number.isNaN(atMs) || runningAt === undefined ? [] : [atMs - Date.parse(runningAt)]
  })
}

async function measureMany(): Promise<Figure[]> {
  const server = await startConsul()
  const client = connectConsul({ address: server.url })
  const ending = new AbortController()
  const all = Array.from({ length: REGISTRATIONS }, (_, place) =>
    aRunningTask({
      task: `t${place}`,
      slot: place + 1,
      node: { id: `n${place % 50}`, hostname: `host${place % 50}` },
      addresses: [{ network: NETWORK, address: `172.80.${Math.floor(place / 250)}.${place % 250}` }],
    }),
  )
  const nodes = new Map(all.map(({ node }) => [node.id, node]))
  let tasks = all
  const world = () => ({
    tasks: tasks.map(({ task }) => task),
    service: () => all[0]?.service,
    node: (id: string) => nodes.get(id),
    container: (id: string) => all[Number(id.slice(1))]?.container,
    notReadySinceMs: new Map<string, number>(),
    rangeOwner: () => undefined,
  })
  const syncs: SyncRecord[] = []
  const quiet = () => {}
  const keeper = createCatalogKeeper({
    catalog: createCatalog(client, () => 'orrery/bench/writer'),
    settings: () => SETTINGS,
    desire: { of: (settings) => desiredOf(world(), settings, Date.now()) },
    hostnames: () => Array.from({ length: 50 }, (_, place) => `host${place}`),
    listener: { changed: quiet, synced: (sync) => syncs.push(sync) },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    now: Date.now,
  })
  const running = keeper.run(ending.signal)
  const next = async (what: string, isIt: (sync: SyncRecord) => boolean): Promise<SyncRecord> => {
    let found: SyncRecord | undefined
    await eventually(
      what,
      async () => {
        found = syncs.find(isIt)
        return found !== undefined
      },
      { timeoutMs: 60_000, everyMs: 5 },
    )
    syncs.length = 0
    if (found === undefined) throw new Error(what)
    return found
  }
  try {
    const first = await next('everything is there', ({ writes }) => writes > REGISTRATIONS)
    keeper.nudge(true)
    const same = await next('a whole sync without a change', ({ isFull }) => isFull)
    tasks = all.slice(1)
    keeper.nudge()
    const one = await next('one task less', ({ writes }) => writes > 0)
    return [
      {
        name: `${REGISTRATIONS} registrations: first sync`,
        measured: `${ms(first.tookMs)}, ${first.transactions} transactions, ${first.writes} writes`,
      },
      {
        name: `${REGISTRATIONS} registrations: a whole sync where nothing changed`,
        measured: `${ms(same.tookMs)}, ${same.writes} writes`,
        limit: exactly(same.writes === 0 && same.transactions === 0, '0 writes'),
      },
      {
        name: `${REGISTRATIONS} registrations: one task less`,
        measured: `${ms(one.tookMs)}, ${one.transactions} transaction, ${one.writes} write`,
        limit: exactly(one.transactions === 1 && one.writes === 1, '1 transaction'),
      },
    ]
  } finally {
    ending.abort()
    await running
    client.close()
    await server.stop()
  }
}
