import { describe, expect, it, onTestFinished } from 'vitest'
import { cpuPercent, readCounters } from '../../../../src/adapters/swarm/local/container-mapper.ts'
import { connectLocalEngine } from '../../../../src/adapters/swarm/local/local-engine.ts'
import type { EngineNews } from '../../../../src/agent/ports.ts'
import { eventually, fakeEngine, QUICK, recordingLogger } from '../swarm-fixture.ts'

async function local() {
  const fake = await fakeEngine()
  const logger = recordingLogger()
  const engine = connectLocalEngine({ connection: { host: fake.host }, logger, now: Date.now, timing: QUICK })
  onTestFinished(() => engine.close())
  /** The fake has no such endpoints of its own. */
  const answers = (endpoint: string, body: unknown) => fake.inject(endpoint, { body: JSON.stringify(body) })
  return { fake, engine, answers, logger }
}

/** As engines 20.10 and 28.5 list them, without what nobody reads. */
const CONTAINERS = [
  {
    Id: 'task',
    Names: ['/other/alias', '/web.1.nlak36631ipa98ucoesnqe5y3'],
    State: 'running',
    Labels: {
      'com.docker.swarm.node.id': 'y08r6yuic3w2j4qulstjgdios',
      'com.docker.swarm.service.id': 'u0z016q0ch1sbsavl4hb7nboq',
      'com.docker.swarm.service.name': 'web',
      'com.docker.swarm.task': '',
      'com.docker.swarm.task.id': 'nlak36631ipa98ucoesnqe5y3',
      'com.docker.swarm.task.name': 'web.1.nlak36631ipa98ucoesnqe5y3',
    },
    NetworkSettings: {
      Networks: {
        vlan40: { IPAddress: '172.80.1.1', GlobalIPv6Address: 'fd00:40:0:1::1' },
        ingress: { IPAddress: '10.0.0.5', GlobalIPv6Address: '' },
      },
    },
  },
  {
    Id: 'ended',
    Names: ['/ended'],
    State: 'exited',
    Labels: {},
    NetworkSettings: { Networks: { vlan40: { IPAddress: '', GlobalIPv6Address: '' } } },
  },
  {
    // As 20.10 lists it after it was killed or lost power.
    Id: 'ended-with-its-engine',
    Names: ['/web.2.x'],
    State: 'exited',
    Labels: { 'com.docker.swarm.task.id': 'y' },
    NetworkSettings: { Networks: { vlan40: { IPAddress: '172.80.1.2', GlobalIPv6Address: 'fd00:40:0:1::2' } } },
  },
  {
    Id: 'elsewhere',
    Names: ['/elsewhere'],
    State: 'running',
    Labels: null,
    NetworkSettings: { Networks: { bridge: { IPAddress: '172.17.0.2' } } },
  },
  {
    Id: 'task-elsewhere',
    Names: ['/db.1.x'],
    State: 'running',
    Labels: { 'com.docker.swarm.task.id': 'x' },
    NetworkSettings: { Networks: { ov: { IPAddress: '10.0.1.3' } } },
  },
  { Id: 'odd', Names: null, State: 'dead', Labels: {}, NetworkSettings: { Networks: null } },
]

describe('the containers of an engine', () => {
  it("are Swarm's tasks and those on the networks that matter, each with what it holds", async () => {
    const { engine, answers } = await local()
    answers('GET /containers/json', CONTAINERS)
    expect(await engine.containers(new Set(['vlan40']))).toEqual([
      {
        id: 'task',
        name: 'web.1.nlak36631ipa98ucoesnqe5y3',
        state: 'running',
        taskId: 'nlak36631ipa98ucoesnqe5y3',
        taskName: 'web.1.nlak36631ipa98ucoesnqe5y3',
        serviceId: 'u0z016q0ch1sbsavl4hb7nboq',
        serviceName: 'web',
        addresses: [{ network: 'vlan40', address: '172.80.1.1', address6: 'fd00:40:0:1::1' }],
      },
      { id: 'ended', name: 'ended', state: 'exited', addresses: [{ network: 'vlan40' }] },
      {
        ...{ id: 'ended-with-its-engine', name: 'web.2.x', state: 'exited', taskId: 'y' },
        addresses: [{ network: 'vlan40' }],
      },
      { id: 'task-elsewhere', name: 'db.1.x', state: 'running', taskId: 'x', addresses: [] },
    ])
  })

  it('are inspected once where they have an address: their ports, and of environment and labels what is meant for Consul', async () => {
    const { engine, fake, answers } = await local()
    answers('GET /containers/json', CONTAINERS)
    const Config = {
      Env: ['SERVICE_NAME=api', 'PASSWORD=hunter2', 'SERVICE_TAGS=a=b,c', 'ODD', 'service_name=no'],
      Labels: { SERVICE_REGION: 'eu', 'orrery.ports': '80/tcp', secret: 'hunter2' },
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
    }
    answers('GET /containers/task/json', { Config })
    const [task] = await engine.containers(new Set(['vlan40']))
    expect(task).toMatchObject({
      exposed: ['80/tcp', '53/udp'],
      env: { SERVICE_NAME: 'api', SERVICE_TAGS: 'a=b,c' },
      labels: { SERVICE_REGION: 'eu', 'orrery.ports': '80/tcp' },
    })
    expect(JSON.stringify(task)).not.toContain('hunter2')
    answers('GET /containers/json', CONTAINERS)
    expect(await engine.containers(new Set(['vlan40']))).toContainEqual(task)
    expect(fake.calls.filter(({ path }) => path === '/containers/task/json')).toHaveLength(1)
  })

  it('are measured between two looks', async () => {
    const { engine, fake, answers } = await local()
    const stats = (second: number, cpuMs: number) => ({
      read: `2026-11-22T16:00:${String(second).padStart(2, '0')}.000000000Z`,
      cpu_stats: { cpu_usage: { total_usage: cpuMs * 1e6 } },
      memory_stats: { usage: 5_000, stats: { inactive_file: 1_000 } },
    })
    const path = 'GET /containers/c1/stats'
    answers(path, stats(0, 100))
    expect(await engine.usage(['c1'])).toEqual(new Map([['c1', { memoryBytes: 4_000 }]]))
    expect(fake.calls.at(-1)?.query).toEqual({ stream: 'false', 'one-shot': 'true' })
    answers(path, stats(10, 15_100))
    expect(await engine.usage(['c1'])).toEqual(new Map([['c1', { cpuPercent: 150, memoryBytes: 4_000 }]]))
    fake.inject(path, { status: 404, message: 'No such container: c1' })
    expect(await engine.usage(['c1'])).toEqual(new Map())
    expect(await engine.usage([])).toEqual(new Map())
    answers(path, stats(20, 15_100))
    // It was forgotten meanwhile, and begins anew.
    expect(await engine.usage(['c1'])).toEqual(new Map([['c1', { memoryBytes: 4_000 }]]))
  })

  it('whose link is gone are told, by what each series of engines answers', async () => {
    const { engine, answers } = await local()
    const path = 'GET /containers/c1/stats'
    const lost = new Map([['c1', { hasLostLink: true }]])
    answers(path, { message: 'failed to retrieve the statistics for eth0 in netns /x: Link not found' })
    expect(await engine.usage(['c1'])).toEqual(lost)
    answers(path, { read: '0001-01-01T00:00:00Z', cpu_stats: { cpu_usage: { total_usage: 0 } } })
    expect(await engine.usage(['c1'])).toEqual(lost)
    answers(path, { message: 'something else' })
    expect(await engine.usage(['c1'])).toEqual(new Map([['c1', {}]]))
  })

  it('that do not run are not measured, nor is one that was started again', () => {
    // What an engine says of a container that has ended.
    expect(readCounters({ read: '0001-01-01T00:00:00Z', cpu_stats: { cpu_usage: { total_usage: 0 } } })).toBeUndefined()
    const at = (atMs: number, cpuNs: number) => ({ atMs, cpuNs, memoryBytes: undefined })
    expect(cpuPercent(at(0, 5e9), at(1000, 1e9))).toBeUndefined()
    expect(cpuPercent(at(1000, 1e9), at(1000, 1e9))).toBeUndefined()
    expect(cpuPercent(at(0, 0), at(1000, 123_456_789))).toBe(12.35)
  })

  it('count memory as `docker stats` does, on both versions of cgroups', () => {
    const stats = (names: object) => ({
      read: '2026-11-22T16:00:00Z',
      cpu_stats: { cpu_usage: { total_usage: 1 } },
      memory_stats: { usage: 10, stats: names },
    })
    expect(readCounters(stats({ inactive_file: 4 }))?.memoryBytes).toBe(6)
    expect(readCounters(stats({ total_inactive_file: 3, inactive_file: 1 }))?.memoryBytes).toBe(7)
    expect(readCounters(stats({ inactive_file: 40 }))?.memoryBytes).toBe(10)
    expect(readCounters(stats({}))?.memoryBytes).toBe(10)
  })
})

describe('the networks of an engine', () => {
  it('are read as it lists them', async () => {
    const { engine, answers } = await local()
    answers('GET /networks', [
      {
        Name: 'vlan40_config',
        Id: 'ce5e',
        Scope: 'local',
        Driver: 'null',
        IPAM: {
          Config: [
            {
              Subnet: '172.80.0.0/16',
              IPRange: '172.80.1.0/24',
              Gateway: '172.80.0.1',
              AuxiliaryAddresses: { shim: '172.80.1.254' },
            },
          ],
        },
        ConfigFrom: { Network: '' },
        ConfigOnly: true,
        Options: { macvlan_mode: 'bridge', parent: 'eth1' },
        Labels: { 'orrery.network': 'vlan40' },
      },
      {
        Name: 'vlan40',
        Id: 'qsws',
        Scope: 'swarm',
        Driver: 'macvlan',
        IPAM: { Config: [] },
        ConfigFrom: { Network: 'vlan40_config' },
        ConfigOnly: false,
        Options: null,
        Labels: null,
      },
      { Name: 'none', Id: '7603', Scope: 'local', Driver: 'null', IPAM: { Config: null }, ConfigOnly: false },
    ])
    const [config, swarm, none] = await engine.networks()
    expect(config).toEqual({
      id: 'ce5e',
      name: 'vlan40_config',
      driver: 'null',
      scope: 'local',
      configOnly: true,
      configFrom: '',
      labels: { 'orrery.network': 'vlan40' },
      options: { macvlan_mode: 'bridge', parent: 'eth1' },
      subnets: [
        { subnet: '172.80.0.0/16', range: '172.80.1.0/24', gateway: '172.80.0.1', aux: { shim: '172.80.1.254' } },
      ],
    })
    expect(swarm).toMatchObject({ scope: 'swarm', configFrom: 'vlan40_config', subnets: [], options: {} })
    expect(none).toMatchObject({ driver: 'null', configOnly: false, subnets: [] })
  })

  it('are made config-only, with every family', async () => {
    const { engine, fake } = await local()
    fake.inject('POST /networks/create', { status: 201, message: '' })
    await engine.createNetwork({
      name: 'vlan40_config',
      labels: { 'orrery.network': 'vlan40' },
      options: { parent: 'eth1', macvlan_mode: 'bridge' },
      subnets: [
        { subnet: '172.80.0.0/16', range: '172.80.1.0/24', gateway: '172.80.0.1', aux: {} },
        { subnet: 'fd00:40::/48', range: 'fd00:40:0:1::/64', aux: { shim: 'fd00:40:0:1::fe' } },
      ],
    })
    expect(JSON.parse(fake.calls.at(-1)?.body ?? '')).toEqual({
      Name: 'vlan40_config',
      CheckDuplicate: true,
      ConfigOnly: true,
      EnableIPv6: true,
      IPAM: {
        Driver: 'default',
        Config: [
          { Subnet: '172.80.0.0/16', IPRange: '172.80.1.0/24', Gateway: '172.80.0.1' },
          { Subnet: 'fd00:40::/48', IPRange: 'fd00:40:0:1::/64', AuxiliaryAddresses: { shim: 'fd00:40:0:1::fe' } },
        ],
      },
      Options: { parent: 'eth1', macvlan_mode: 'bridge' },
      Labels: { 'orrery.network': 'vlan40' },
    })
  })

  it.each([
    {
      name: 'refused, in its own words',
      fault: { status: 403, message: 'configuration network "x" is in use' },
      code: 'write-rejected',
      says: 'is in use',
    },
    { name: 'not answered', fault: { hang: 'before' as const }, code: 'engine-unavailable', says: 'not answered' },
  ])('are not removed when that is $name', async ({ fault, code, says }) => {
    const { engine, fake } = await local()
    fake.inject('DELETE /networks/{id}', fault)
    await expect(engine.removeNetwork('abc')).rejects.toMatchObject({ code, message: expect.stringContaining(says) })
  })

  it('are removed when there is no such network any more', async () => {
    const { engine, fake } = await local()
    fake.inject('DELETE /networks/{id}', { status: 404, message: 'network abc not found' })
    await expect(engine.removeNetwork('abc')).resolves.toBeUndefined()
  })
})

describe('an engine', () => {
  it('says who it is, on a manager, on a worker and outside of any swarm', async () => {
    const { engine, answers } = await local()
    const managers = [{ NodeID: 'a', Addr: '10.211.2.11:2377' }]
    answers('GET /info', {
      ServerVersion: '28.5.2',
      Name: 'one',
      ID: 'AB:CD',
      Swarm: { NodeID: 'n1', LocalNodeState: 'active', RemoteManagers: managers },
    })
    expect(await engine.facts()).toEqual({
      version: '28.5.2',
      hostname: 'one',
      engineId: 'AB:CD',
      nodeId: 'n1',
      swarmState: 'active',
      managers: ['10.211.2.11:2377'],
      managerIds: ['a'],
    })
    answers('GET /info', {
      ServerVersion: '28.5.2',
      Name: 'one',
      Swarm: { NodeID: '', LocalNodeState: 'inactive', RemoteManagers: null },
    })
    expect(await engine.facts()).toMatchObject({ nodeId: '', swarmState: 'inactive', managers: [], managerIds: [] })
  })

  it('that is away is unavailable, whatever it is asked', async () => {
    const { engine, fake } = await local()
    await fake.close()
    const unavailable = { name: 'Fault', code: 'engine-unavailable' }
    await expect(engine.facts()).rejects.toMatchObject(unavailable)
    await expect(engine.networks()).rejects.toMatchObject(unavailable)
    await expect(engine.containers(new Set())).rejects.toMatchObject(unavailable)
    await expect(engine.createNetwork({ name: 'x', labels: {}, options: {}, subnets: [] })).rejects.toMatchObject(
      unavailable,
    )
    expect(await engine.usage(['c1'])).toEqual(new Map())
  })

  it('tells of containers, of networks and of itself, and is heard again after it was away', async () => {
    const { engine, fake } = await local()
    const news: EngineNews[] = []
    engine.onNews((one) => news.push(one))
    engine.start()
    await eventually(() => fake.openStreams() === 1)
    const event = (Type: string, Action: string) =>
      fake.sendRaw(`${JSON.stringify({ Type, Action, Actor: { ID: 'x' } })}\n`)
    event('container', 'start')
    event('network', 'connect')
    event('network', 'create')
    event('network', 'destroy')
    await eventually(() => news.length === 5)
    expect(news).toEqual(['connected', 'container', 'container', 'network', 'network'])
    fake.cutEvents()
    await eventually(() => news.length === 7)
    expect(news.slice(5)).toEqual(['disconnected', 'connected'])
    const filters = JSON.parse(fake.calls.find(({ path }) => path === '/events')?.query.filters ?? '')
    expect(filters.type).toEqual(['container', 'network'])
    // Health checks are events too, several a second on a full node.
    expect(filters.event).not.toContain('exec_start')
  })
})
