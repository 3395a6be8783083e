import { describe, expect, it } from 'vitest'
import type { ReportHandler } from '../../../../src/agent/reporting.ts'
import { Fault } from '../../../../src/foundation/errors.ts'
import { parseTokenFile } from '../../../../src/http/access/tokens.ts'
import type { NodeReport } from '../../../../src/swarm/node-report.ts'
import {
  aContainer,
  aDefinition,
  aNetwork,
  aNode,
  anAllocation,
  aReport,
  aWantedState,
  fakeNetworks,
} from '../../../support/builders/network-views.ts'
import { fakeCatalog, IN_SYNC, recordingScaler, T0 } from '../../../support/use-cases/fake-use-cases.ts'
import { server } from '../../../support/use-cases/http.ts'

const NOON = '2026-01-31T12:00:00.000Z'

const SHARE = {
  network: 'vlan40',
  nodeId: 'node-1',
  hostname: 'worker1',
  range: '172.80.2.0/24',
  parent: 'bond0.40',
  shim: '172.80.2.254',
  usable: 253,
  used: 1,
  free: 252,
  ready: true,
  asWanted: true,
  faults: [],
  addresses: [
    {
      address: '172.80.2.1',
      use: 'task',
      containerId: 'c1',
      containerState: 'running',
      taskId: 't1',
      taskName: 'web.1.t1',
      serviceName: 'web',
    },
    { address: '172.80.2.254', use: 'shim' },
  ],
}

const NETWORK = {
  name: 'vlan40',
  definition: {
    config: 'vlan40_config',
    driver: 'macvlan',
    parent: 'bond0.40',
    subnet: '172.80.0.0/16',
    gateway: '172.80.0.1',
    pool: ['172.80.1.0-172.80.200.255'],
    range: 24,
    reserve: ['172.80.9.0-172.80.9.255'],
    nodes: { manager1: '172.80.1.0/24' },
    edges: 'reserve',
    shim: true,
    onFault: 'report',
  },
  file: 'vlan40.yaml',
  inForce: true,
  networkId: 'id-vlan40',
  usable: 253,
  used: 1,
  free: 252,
  conditions: [{ type: 'Complete', status: true, reason: 'each node has a range and is ready', since: NOON }],
  issues: [],
  nodes: [SHARE],
  freed: [],
  pending: [],
}

describe('reading networks', () => {
  it('shows everything there is to know of each', async () => {
    const app = server({ networks: fakeNetworks() })
    const list = await app.inject('/v1/network')
    expect(list.statusCode, list.body).toBe(200)
    expect(list.json()).toEqual({ networks: [NETWORK], issues: [] })
    expect((await app.inject('/v1/network/vlan40')).json()).toEqual(NETWORK)
  })

  it('shows IPv6, ranges in quarantine, a change under way, issues and what is next', async () => {
    const ipv6 = {
      subnet: 'fd00:40::/48',
      gateway: 'fd00:40::1',
      pool: [{ first: 'fd00:40:0:1::', last: 'fd00:40:0:ff:ffff:ffff:ffff:ffff' }],
      rangeLength: 64,
      reserve: [],
      pins: {},
    }
    const freed = { range: '172.80.7.0/24', nodeId: 'gone', hostname: 'worker7', freedAtMs: T0 }
    const issue = {
      file: 'vlan40.yaml',
      field: 'pool[0]',
      value: '8.8.8.0/24',
      level: 'warning',
      message: 'public',
    } as const
    const change = 'draining to 172.80.9.0/24'
    const network = aNetwork({
      definition: aDefinition({ ipv6 }),
      freed: [freed],
      issues: [issue],
      pending: ['give worker2 172.80.3.0/24'],
      allocations: [
        anAllocation({
          change,
          range6: 'fd00:40:0:2::/64',
          faults: [{ code: 'parent-down', message: 'bond0 is down' }],
        }),
      ],
    })
    const shown = (await server({ networks: fakeNetworks([network]) }).inject('/v1/network/vlan40')).json()
    expect(shown).toMatchObject({
      definition: { subnet6: 'fd00:40::/48', gateway6: 'fd00:40::1', range6: 64, reserve6: [], nodes6: {} },
      freed: [
        { range: '172.80.7.0/24', hostname: 'worker7', freedAt: NOON, givenAgainFrom: '2026-02-01T12:00:00.000Z' },
      ],
      issues: [issue],
      pending: ['give worker2 172.80.3.0/24'],
      nodes: [{ change, range6: 'fd00:40:0:2::/64', faults: [{ code: 'parent-down', message: 'bond0 is down' }] }],
    })
  })

  it('says null of what only an agent knows that was never heard', async () => {
    const count = { usable: 253, used: null, free: null }
    const network = aNetwork({ count, allocations: [anAllocation({ count, isAsWanted: null, addresses: [] })] })
    const shown = (await server({ networks: fakeNetworks([network]) }).inject('/v1/network/vlan40')).json()
    expect(shown).toMatchObject({
      usable: 253,
      used: null,
      free: null,
      nodes: [{ used: null, free: null, asWanted: null }],
    })
  })

  it('leaves the addresses out when it is asked to', async () => {
    const app = server({ networks: fakeNetworks() })
    expect((await app.inject('/v1/network?addresses=false')).json().networks[0].nodes[0]).toMatchObject({
      used: 1,
      addresses: [],
    })
    expect((await app.inject('/v1/network?addresses=maybe')).statusCode).toBe(400)
  })

  it('says what is wrong with the definitions, also of files that define nothing', async () => {
    const issue = { file: 'other.yaml', field: 'subnet', level: 'error', message: 'it has host bits' } as const
    const networks = fakeNetworks([], [], { fault: 'networks: no such folder', issues: [issue] })
    expect((await server({ networks }).inject('/v1/network')).json()).toEqual({
      networks: [],
      fault: 'networks: no such folder',
      issues: [issue],
    })
  })

  it.each(['/v1/network/vlan4', '/v1/network/VLAN40', '/v1/network/id-vlan40'])('%s is 404', async (url) => {
    const answer = await server({ networks: fakeNetworks() }).inject(url)
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'unknown-network'])
  })

  it('is empty lists on a controller without networks', async () => {
    const app = server()
    expect((await app.inject('/v1/network')).json()).toEqual({ networks: [], issues: [] })
    expect((await app.inject('/v1/node')).json()).toEqual({ at: NOON, nodes: [] })
    expect((await app.inject('/v1/network/vlan40')).json().code).toBe('unknown-network')
    expect((await app.inject('/v1/node/worker1')).json().code).toBe('unknown-node')
  })

  it.each(['/v1/network', '/v1/node'])('%s is 503 rather than empty before the Swarm was read', async (url) => {
    const sync = () => ({ inSync: false, reason: 'The swarm has not been read yet.' })
    const catalog = fakeCatalog([], { sync })
    const answer = await server({ catalog, networks: { ...fakeNetworks([], []), look: sync } }).inject(url)
    expect([answer.statusCode, answer.json().code, answer.headers['retry-after']]).toEqual([503, 'not-in-sync', '2'])
    expect((await server({ catalog, networks: fakeNetworks() }).inject(url)).statusCode).toBe(200)
  })
})

describe('the load of a node', () => {
  const measured = (cpuPercent: number | undefined) =>
    aContainer('172.80.2.1', { ...(cpuPercent !== undefined && { cpuPercent }), memoryBytes: 1_000_000 })

  it.each([
    {
      name: 'is that of its containers, per cent of all its CPUs',
      node: { cpus: 4, memoryBytes: 8e9, containers: [measured(150), measured(50), measured(undefined)] },
      says: { cpus: 4, memoryBytes: 8e9, load: { cpuPercent: 50, memoryBytes: 2_000_000 } },
    },
    {
      name: 'has no per cent where nobody knows how many CPUs there are',
      node: { containers: [measured(150)] },
      says: { load: { memoryBytes: 1_000_000 } },
    },
    {
      name: 'is not told of an agent that is silent',
      node: { containers: [measured(150)], agent: { isHeard: false, faults: [] } },
      says: { load: undefined },
    },
    {
      name: 'is not told where nothing was measured',
      node: { containers: [measured(undefined)] },
      says: { load: undefined },
    },
  ])('$name', async ({ node, says }) => {
    const { load, cpus, memoryBytes } = (
      await server({ networks: fakeNetworks([], [aNode(node)]) }).inject('/v1/node/node-1')
    ).json()
    // What is not there and what is undefined are alike here.
    expect({ load, cpus, memoryBytes }).toEqual(says)
  })
})

describe('reading nodes', () => {
  const shown = {
    id: 'node-1',
    hostname: 'worker1',
    role: 'worker',
    state: 'ready',
    availability: 'active',
    engineVersion: '28.5.1',
    address: '10.0.0.12',
    ...{ os: 'linux', architecture: 'x86_64' },
    agent: { heard: true, version: '0.1.0', reportedAt: NOON, revision: 7, faults: [] },
    hostAddresses: [{ link: 'eth0', address: '10.0.0.12/24' }],
    networks: [SHARE],
    containers: [aContainer('172.80.2.1')],
  }

  it('shows what Swarm and the agent say, and each address', async () => {
    const app = server({ networks: fakeNetworks() })
    expect((await app.inject('/v1/node')).json()).toEqual({ at: NOON, nodes: [shown] })
    expect((await app.inject('/v1/node/node-1')).json()).toEqual(shown)
    expect((await app.inject('/v1/node/worker1')).json()).toEqual(shown)
  })

  it('says of a manager whether it leads and whether it is reached, as far as that is known', async () => {
    const manager = { isLeader: true, reachability: 'reachable' } as const
    const nodes = [aNode({ role: 'manager', manager }), aNode({ id: 'node-2', hostname: 'worker2', role: 'manager' })]
    const { nodes: found } = (await server({ networks: fakeNetworks([], nodes) }).inject('/v1/node')).json()
    expect(found[0].manager).toEqual({ leader: true, reachability: 'reachable' })
    expect(found[1]).not.toHaveProperty('manager')
  })

  it.each(['/v1/node', '/v1/node/node-1'])('%s has nodes and managers read from then on', async (url) => {
    let looks = 0
    const look = () => {
      looks += 1
      return IN_SYNC
    }
    expect((await server({ networks: { ...fakeNetworks(), look } }).inject(url)).statusCode).toBe(200)
    expect(looks).toBe(1)
  })

  it('leaves out what is not known of a node without an agent', async () => {
    const {
      address: _,
      report: _report,
      ...rest
    } = aNode({ agent: { isHeard: false, faults: [] }, containers: [], allocations: [] })
    const app = server({ networks: fakeNetworks([], [rest]) })
    const node = (await app.inject('/v1/node/worker1?report=true')).json()
    expect(node.agent).toEqual({ heard: false, faults: [] })
    expect(node).not.toHaveProperty('address')
    expect(node).not.toHaveProperty('report')
  })

  it('shows the report as it came when asked, without the labels of others: people keep passwords in them', async () => {
    const network = {
      id: 'n1',
      name: 'vlan40_config',
      driver: 'null',
      scope: 'local',
      configOnly: true,
      configFrom: '',
      labels: { 'orrery.network': 'vlan40', password: 'label-secret' },
      options: { parent: 'bond0.40' },
      subnets: [{ subnet: '172.80.0.0/16', range: '172.80.2.0/24', aux: { shim: '172.80.2.254' } }],
    }
    const report = aReport({ networks: [network], containers: [aContainer('172.80.2.1', { cpuPercent: 3.1 })] })
    const app = server({ networks: fakeNetworks([], [aNode({ report })]) })
    const answer = await app.inject('/v1/node?report=true')
    expect(answer.json().nodes[0].report).toEqual({
      ...report,
      networks: [{ ...network, labels: { 'orrery.network': 'vlan40' } }],
    })
    expect(answer.body).not.toContain('label-secret')
  })

  it.each(['/v1/node/worker', '/v1/node/node', '/v1/node/WORKER1'])('%s is 404', async (url) => {
    const answer = await server({ networks: fakeNetworks() }).inject(url)
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'unknown-node'])
  })

  it('describes nodes and networks by name in openapi.json', async () => {
    const { components, paths } = (await server().inject('/openapi.json')).json()
    expect(Object.keys(components.schemas)).toEqual(expect.arrayContaining(['Network', 'Node', 'Allocation']))
    const answer = paths['/v1/network/{name}'].get.responses[200].content['application/json'].schema
    expect(answer).toEqual({ $ref: '#/components/schemas/Network' })
  })
})

const recordingHandler = (answer: ReportHandler['report'] = () => aWantedState()) => {
  const reports: { nodeId: string; report: NodeReport }[] = []
  const agents: ReportHandler = {
    report(nodeId, report, provenBy) {
      reports.push({ nodeId, report })
      return answer(nodeId, report, provenBy)
    },
  }
  return { agents, reports }
}
const put = { method: 'PUT', url: '/v1/node/node-1' } as const

describe("an agent's report", () => {
  it('arrives as it was sent, and is answered with all that is wanted', async () => {
    const { agents, reports } = recordingHandler()
    const report = aReport({ containers: [aContainer('172.80.2.1'), aContainer(undefined, { state: 'exited' })] })
    const answer = await server({ agents }).inject({ ...put, payload: report })
    expect(answer.statusCode, answer.body).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(reports).toEqual([{ nodeId: 'node-1', report }])
    expect(answer.json()).toEqual(aWantedState())
  })

  it('may have fields that a newer agent knows', async () => {
    const { agents, reports } = recordingHandler()
    const answer = await server({ agents }).inject({ ...put, payload: { ...aReport(), gpu: true } })
    expect([answer.statusCode, reports.length]).toEqual([200, 1])
  })

  const wrong: { name: string; payload: object; says: string }[] = [
    { name: 'of another format', payload: { ...aReport(), v: 2 }, says: 'Body field /v: ' },
    { name: 'without containers', payload: { ...aReport(), containers: undefined }, says: 'Body field /containers: ' },
    {
      name: 'with a container without id',
      payload: { ...aReport(), containers: [{}] },
      says: 'Body field /containers/0/id: ',
    },
    { name: 'that is a list', payload: [], says: 'The body: ' },
  ]
  it.each(wrong)('$name is refused with what is wrong', async ({ payload, says }) => {
    const { agents, reports } = recordingHandler()
    const answer = await server({ agents }).inject({ ...put, payload })
    expect([answer.statusCode, answer.json().code, reports.length]).toEqual([400, 'invalid-value', 0])
    expect(answer.json().detail).toContain(says)
  })

  it('that is empty is refused, and one above 1 MiB', async () => {
    const app = server({ agents: recordingHandler().agents })
    expect((await app.inject({ ...put })).statusCode).toBe(400)
    const large = {
      ...aReport(),
      containers: Array.from({ length: 4000 }, (_, n) => aContainer(`${n}`, { name: 'x'.repeat(300) })),
    }
    expect((await app.inject({ ...put, payload: large })).statusCode).toBe(413)
  })

  const faults = [
    { code: 'unknown-node', status: 404 },
    { code: 'node-mismatch', status: 409 },
    { code: 'not-in-sync', status: 503 },
  ] as const
  it.each(faults)('$code is $status and a line only for debugging', async ({ code, status }) => {
    const lines: string[] = []
    const { agents } = recordingHandler(() => {
      throw new Fault(code, 'no')
    })
    const answer = await server({ agents, lines }).inject({ ...put, payload: aReport() })
    expect([answer.statusCode, answer.json().code]).toEqual([status, code])
    expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined)
    expect(lines.map((line) => JSON.parse(line).level)).not.toEqual(expect.arrayContaining(['info']))
    expect(lines.map((line) => JSON.parse(line).level)).not.toEqual(expect.arrayContaining(['warn']))
    expect(lines.length).toBeGreaterThan(0)
  })

  it('needs the role agent, which opens nothing else', async () => {
    const { tokens } = parseTokenFile('read r\nscale s\nadmin a\nagent g')
    const { agents } = recordingHandler()
    const { scaler } = recordingScaler()
    const app = server({ agents, scaler, networks: fakeNetworks(), access: { tokens, trustedCidrs: [] } })
    const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
    const status = async (token: string) => (await app.inject({ ...put, ...as(token), payload: aReport() })).statusCode
    expect([await status('g'), await status('r'), await status('s'), await status('a'), await status('x')]).toEqual([
      200, 403, 403, 403, 401,
    ])
    const other = async (method: 'GET' | 'POST', url: string) =>
      (await app.inject({ method, url, ...as('g') })).statusCode
    expect(await other('POST', '/v1/autoscaler/web/up')).toBe(403)
    expect(await other('GET', '/v1/node')).toBe(403)
    expect(await other('GET', '/v1/network')).toBe(403)
  })

  it('without a token file is taken from this machine and trusted networks, never from a web page', async () => {
    const { agents } = recordingHandler()
    const app = server({ agents, access: { trustedCidrs: ['10.0.0.0/8'] } })
    const from = async (remoteAddress: string, headers = {}) =>
      (await app.inject({ ...put, payload: aReport(), remoteAddress, headers })).statusCode
    expect([await from('127.0.0.1'), await from('10.1.2.3'), await from('192.0.2.1')]).toEqual([200, 200, 403])
    expect(await from('127.0.0.1', { origin: 'https://evil.example' })).toBe(403)
  })

  it('of 60 containers costs far less than a millisecond', async () => {
    const { agents } = recordingHandler()
    const containers = Array.from({ length: 60 }, (_, n) => aContainer(`172.80.2.${n + 1}`))
    const payload = JSON.stringify(aReport({ containers }))
    const app = server({ agents })
    const call = async () => await app.inject({ ...put, payload })
    for (let n = 0; n < 50; n += 1) await call()
    const startedAt = performance.now()
    for (let n = 0; n < 200; n += 1) await call()
    const tookMs = (performance.now() - startedAt) / 200
    expect(tookMs).toBeLessThan(10)
  })
})
