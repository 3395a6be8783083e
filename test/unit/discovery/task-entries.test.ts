import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entriesOf } from '../../../src/discovery/desired/task-entries.ts'
import { aRunningTask, SETTINGS, type Told } from './support.ts'

const read = (told: Told, settings = SETTINGS) => entriesOf(aRunningTask(told), settings)
const names = (told: Told) => read(told).entries.map(({ name, port }) => `${name}:${port}`)
const only = (told: Told) => {
  const { entries, issues } = read(told)
  expect(entries).toHaveLength(1)
  const [entry] = entries
  if (entry === undefined) throw new Error('no entry')
  return { entry, issues }
}

describe('the entry of a task', () => {
  it('has an id, a name, its own address and a Meta that says whose it is', () => {
    expect(read({ service: 'shop_web' })).toEqual({
      entries: [
        {
          id: 'orrery:shop_web.1.t1:80',
          name: 'shop-web',
          address: '172.80.1.7',
          port: 80,
          tags: [],
          meta: {
            'managed-by': 'orrery',
            cluster: 'swarm1',
            service: 'shop_web',
            task: 't1',
            node: 'n1',
            network: 'vlan40',
          },
          checks: [],
          taskId: 't1',
          serviceName: 'shop_web',
          nodeId: 'n1',
          hostname: 'host1',
          hostAddress: '10.0.0.1',
        },
      ],
      issues: [],
    })
  })

  it('of a global service names the node where others name the slot', () => {
    expect(only({ slot: 0 }).entry.id).toBe('orrery:web.n1.t1:80')
  })

  it('of a UDP port says so in its id and its tags', () => {
    const { entry } = only({ exposed: ['53/udp'], env: { SERVICE_TAGS: 'dns' } })
    expect([entry.id, entry.tags]).toEqual(['orrery:web.1.t1:53:udp', ['dns', 'udp']])
  })

  it('has the IPv6 address where there is no other, and beside it where there is', () => {
    const six = { network: 'vlan40', address6: 'fd00::7' }
    expect(only({ addresses: [six] }).entry).toMatchObject({ address: 'fd00::7' })
    expect(only({ addresses: [{ ...six, address: '172.80.1.7' }] }).entry).toMatchObject({
      address: '172.80.1.7',
      address6: 'fd00::7',
      meta: { address6: 'fd00::7' },
    })
  })
})

describe('SERVICE_* keys', () => {
  it.each<{ name: string; told: Told; are: string[] }>([
    { name: 'name a service', told: { env: { SERVICE_NAME: 'api' } }, are: ['api:80'] },
    {
      name: 'of a service label count least',
      told: { labels: { SERVICE_NAME: 'a' }, env: { SERVICE_NAME: 'b' } },
      are: ['b:80'],
    },
    {
      name: 'of a container label count most',
      told: { env: { SERVICE_NAME: 'b' }, containerLabels: { SERVICE_NAME: 'c' } },
      are: ['c:80'],
    },
    {
      name: 'of a port count more than those of all, wherever they are written',
      told: { labels: { SERVICE_80_NAME: 'port' }, containerLabels: { SERVICE_NAME: 'all' } },
      are: ['port:80'],
    },
    {
      name: 'give each of several ports a suffix',
      told: { exposed: ['80/tcp', '443/tcp'] },
      are: ['web-80:80', 'web-443:443'],
    },
    {
      name: 'give no suffix to a port that has its own name',
      told: { exposed: ['80/tcp', '443/tcp'], env: { SERVICE_443_NAME: 'secure' } },
      are: ['web-80:80', 'secure:443'],
    },
    {
      name: 'count only ports that are not ignored for the suffix',
      told: { exposed: ['80/tcp', '443/tcp'], env: { SERVICE_443_IGNORE: 'yes' } },
      are: ['web:80'],
    },
    {
      name: 'give each of several ports a suffix after a name for all too',
      told: { exposed: ['80/tcp', '443/tcp'], env: { SERVICE_NAME: 'api', SERVICE_443_NAME: 'secure' } },
      are: ['api-80:80', 'secure:443'],
    },
    {
      name: 'of a container label count most among those of one port too',
      told: { env: { SERVICE_80_NAME: 'b' }, containerLabels: { SERVICE_80_NAME: 'c' } },
      are: ['c:80'],
    },
    { name: 'do not ignore with nothing', told: { env: { SERVICE_IGNORE: '' } }, are: ['web:80'] },
    {
      name: 'leave out a port of a protocol that Consul does not know',
      told: { exposed: ['80/tcp', '90/sctp'] },
      are: ['web:80'],
    },
    { name: 'ignore a whole service', told: { env: { SERVICE_IGNORE: '1' } }, are: [] },
    { name: 'do not ignore with false', told: { env: { SERVICE_IGNORE: 'false' } }, are: ['web:80'] },
    {
      name: 'name a port that is not exposed',
      told: { exposed: [], env: { SERVICE_8080_NAME: 'api' } },
      are: ['api:8080'],
    },
    {
      name: 'hit both protocols of a port',
      told: { exposed: ['53/tcp', '53/udp'], env: { SERVICE_53_NAME: 'dns' } },
      are: ['dns:53', 'dns:53'],
    },
    {
      name: 'leave the list of ports to orrery.ports',
      told: { exposed: ['80/tcp'], labels: { 'orrery.ports': '9000, 53/udp' } },
      are: ['web-53:53', 'web-9000:9000'],
    },
    { name: 'take an empty name for none', told: { env: { SERVICE_NAME: '' } }, are: ['web:80'] },
    {
      name: 'are upper case: another case is somebody else’s',
      told: { env: { service_name: 'x', Service_Name: 'y' } },
      are: ['web:80'],
    },
  ])('$name', ({ told, are }) => {
    expect(names(told)).toEqual(are)
  })

  it('split tags at commas that are not escaped, cut blanks and drop empty ones', () => {
    const rule = 'traefik.http.routers.web.rule=Host(`a.example`\\, `b.example`)'
    const { entry } = only({ env: { SERVICE_TAGS: ` urlprefix-/api strip=/api , ${rule},, last ` } })
    expect(entry.tags).toEqual([
      'urlprefix-/api strip=/api',
      'traefik.http.routers.web.rule=Host(`a.example`, `b.example`)',
      'last',
    ])
  })

  it('become Meta when they mean nothing else, and never replace what says whose the entry is', () => {
    const { entry, issues } = only({
      env: {
        ...{ SERVICE_REGION: 'eu', SERVICE_80_TIER: 'front', SERVICE_CLUSTER: 'mine', SERVICE_CHECK_TCP: '1' },
        ...{ SERVICE_NAME: 'web', SERVICE_TAGS: 'a', SERVICE_IGNORE: 'false', SERVICE_443_SIDE: 'of another port' },
      },
      labels: { 'orrery.ports': '80/tcp' },
      containerLabels: { SERVICE_443_IGNORE: '1' },
    })
    const own = ['cluster', 'managed-by', 'network', 'node', 'service', 'task']
    expect(Object.keys(entry.meta).toSorted()).toEqual([...own, 'region', 'tier'].toSorted())
    expect(entry.meta).toMatchObject({ region: 'eu', tier: 'front', cluster: 'swarm1' })
    expect(issues).toMatchObject([{ service: 'web', key: 'SERVICE_CLUSTER', value: 'mine', effect: 'left-out' }])
  })

  it.each<{ name: string; env: Record<string, string>; check: object }>([
    {
      name: 'HTTP',
      env: { SERVICE_CHECK_HTTP: '/hz', SERVICE_CHECK_TIMEOUT: '2s' },
      check: { Name: 'HTTP', HTTP: 'http://172.80.1.7:80/hz', Interval: '10s', Timeout: '2s' },
    },
    {
      name: 'HTTP with a method',
      env: { SERVICE_CHECK_HTTP: '/', SERVICE_CHECK_HTTP_METHOD: 'head', SERVICE_CHECK_INTERVAL: '1m30s' },
      check: { Name: 'HTTP', HTTP: 'http://172.80.1.7:80/', Method: 'HEAD', Interval: '1m30s' },
    },
    {
      name: 'HTTPS',
      env: { SERVICE_80_CHECK_HTTPS: '/', SERVICE_CHECK_TLS_SKIP_VERIFY: 'true' },
      check: { Name: 'HTTPS', HTTP: 'https://172.80.1.7:80/', TLSSkipVerify: true, Interval: '10s' },
    },
    {
      name: 'TCP',
      env: { SERVICE_CHECK_TCP: 'true', SERVICE_CHECK_INITIAL_STATUS: 'warning' },
      check: { Name: 'TCP', TCP: '172.80.1.7:80', Interval: '10s', Status: 'warning' },
    },
    {
      name: 'TTL',
      env: { SERVICE_CHECK_TTL: '30s', SERVICE_CHECK_DEREGISTER_AFTER: '1m' },
      check: { Name: 'TTL', TTL: '30s', DeregisterCriticalServiceAfter: '1m' },
    },
    {
      name: 'gRPC',
      env: { SERVICE_CHECK_GRPC: 'y', SERVICE_CHECK_GRPC_USE_TLS: 'y', SERVICE_CHECK_TLS_SKIP_VERIFY: 'y' },
      check: { Name: 'gRPC', GRPC: '172.80.1.7:80', GRPCUseTLS: true, TLSSkipVerify: true, Interval: '10s' },
    },
    {
      name: 'HTTPS with a method, and a timeout',
      env: { SERVICE_CHECK_HTTPS: '/', SERVICE_CHECK_HTTPS_METHOD: 'post', SERVICE_CHECK_TIMEOUT: '1s' },
      check: { Name: 'HTTPS', HTTP: 'https://172.80.1.7:80/', Method: 'POST', Interval: '10s', Timeout: '1s' },
    },
    {
      name: 'gRPC without TLS, where there is nothing to verify',
      env: { SERVICE_CHECK_GRPC: '1', SERVICE_CHECK_TLS_SKIP_VERIFY: '1', SERVICE_CHECK_TIMEOUT: '1s' },
      check: { Name: 'gRPC', GRPC: '172.80.1.7:80', Interval: '10s', Timeout: '1s' },
    },
    {
      name: 'TCP with an interval and a timeout',
      env: { SERVICE_CHECK_TCP: 'yes', SERVICE_CHECK_INTERVAL: '5s', SERVICE_CHECK_TIMEOUT: '1s' },
      check: { Name: 'TCP', TCP: '172.80.1.7:80', Interval: '5s', Timeout: '1s' },
    },
    {
      name: 'TTL, which has no interval',
      env: { SERVICE_CHECK_TTL: '1m', SERVICE_CHECK_INTERVAL: '5s', SERVICE_CHECK_INITIAL_STATUS: 'critical' },
      check: { Name: 'TTL', TTL: '1m', Status: 'critical' },
    },
    {
      name: 'of a port in place of that of all',
      env: { SERVICE_CHECK_HTTP: '/all', SERVICE_80_CHECK_HTTP: '/port' },
      check: { Name: 'HTTP', HTTP: 'http://172.80.1.7:80/port', Interval: '10s' },
    },
    {
      name: 'script',
      env: { SERVICE_CHECK_SCRIPT: 'nc $SERVICE_IP $SERVICE_PORT' },
      check: { Name: 'script', Args: ['sh', '-c', 'nc 172.80.1.7 80'], Interval: '10s' },
    },
    {
      name: 'command',
      env: { SERVICE_CHECK_CMD: '/x' },
      check: { Name: 'command', Args: ['check-cmd', 'c1234567890a', '80', '/x'], Interval: '10s' },
    },
  ])('make a check: $name', ({ env, check }) => {
    expect(only({ env }).entry.checks).toEqual([check])
  })

  it('make a check of every kind that is named, each with what is written for all', () => {
    const flags = ['TCP', 'GRPC'].map((kind) => [`SERVICE_CHECK_${kind}`, 'on'])
    const paths = ['HTTP', 'HTTPS', 'SCRIPT', 'CMD'].map((kind) => [`SERVICE_CHECK_${kind}`, '/x'])
    const all = { SERVICE_CHECK_DEREGISTER_AFTER: '90m', SERVICE_CHECK_INITIAL_STATUS: 'passing' }
    const env = { ...Object.fromEntries([...flags, ...paths]), SERVICE_CHECK_TTL: '1m', ...all }
    const { checks } = only({ env }).entry
    expect(checks.map(({ Name }) => Name)).toEqual(['HTTP', 'HTTPS', 'command', 'script', 'TTL', 'TCP', 'gRPC'])
    for (const check of checks)
      expect(check).toMatchObject({ Status: 'passing', DeregisterCriticalServiceAfter: '90m' })
  })

  it('make no check that is written as false or as nothing', () => {
    const env = { SERVICE_CHECK_TCP: 'false', SERVICE_CHECK_GRPC: '', SERVICE_CHECK_HTTP: '', SERVICE_CHECK_TTL: '' }
    expect(only({ env })).toMatchObject({ entry: { checks: [] }, issues: [] })
  })

  it('make several checks of one entry, with brackets around an IPv6 address', () => {
    const { entry } = only({
      addresses: [{ network: 'vlan40', address6: 'fd00::7' }],
      env: { SERVICE_CHECK_HTTP: '/', SERVICE_CHECK_TCP: '1' },
    })
    expect(entry.checks.map(({ HTTP, TCP }) => HTTP ?? TCP)).toEqual(['http://[fd00::7]:80/', '[fd00::7]:80'])
  })
})

describe('what is written wrongly', () => {
  it.each<{ name: string; told: Told; issue: object; entries?: number }>([
    {
      name: 'a key without a word',
      told: { env: { SERVICE_: 'x' } },
      issue: { key: 'SERVICE_', value: 'x', effect: 'left-out' },
    },
    {
      name: 'a port beyond 65535',
      told: { env: { SERVICE_99999_NAME: 'x' } },
      issue: { key: 'SERVICE_99999_NAME', effect: 'left-out' },
    },
    {
      name: 'a port and nothing of it',
      told: { env: { SERVICE_80: 'x' } },
      issue: { key: 'SERVICE_80', message: expect.stringContaining('SERVICE_80_NAME') },
    },
    {
      name: 'an unknown check',
      told: { env: { SERVICE_CHECK_HTPP: '/' } },
      issue: { key: 'SERVICE_CHECK_HTPP', message: expect.stringContaining('CHECK_HTTP') },
    },
    {
      name: 'an interval',
      told: { env: { SERVICE_CHECK_TCP: '1', SERVICE_CHECK_INTERVAL: 'often' } },
      issue: { key: 'SERVICE_CHECK_INTERVAL', value: 'often', message: expect.stringContaining('10s') },
    },
    {
      name: 'a path',
      told: { env: { SERVICE_CHECK_HTTP: 'health' } },
      issue: { key: 'SERVICE_CHECK_HTTP', value: 'health', message: expect.stringContaining('slash') },
    },
    {
      name: 'a status',
      told: { env: { SERVICE_CHECK_INITIAL_STATUS: 'good' } },
      issue: { key: 'SERVICE_CHECK_INITIAL_STATUS', message: expect.stringContaining('passing') },
    },
    {
      name: 'one id for all replicas',
      told: { env: { SERVICE_ID: 'mine' } },
      issue: { key: 'SERVICE_ID', value: 'mine', message: expect.stringContaining('ours is used') },
    },
    {
      name: 'a Meta value that is too long',
      told: { env: { SERVICE_NOTE: 'é'.repeat(257) } },
      issue: { key: 'SERVICE_NOTE', message: expect.stringContaining('512') },
    },
    {
      name: 'a Meta key that is too long',
      told: { env: { [`SERVICE_${'A'.repeat(129)}`]: 'x' } },
      issue: { message: expect.stringContaining('128'), effect: 'left-out' },
    },
    {
      name: 'a Meta key with odd characters',
      told: { containerLabels: { 'SERVICE_a.b': 'x' } },
      issue: { key: 'SERVICE_a.b' },
    },
    {
      name: 'a Meta key of Consul’s',
      told: { containerLabels: { 'SERVICE_consul-x': 'x' } },
      issue: { key: 'SERVICE_consul-x' },
    },
    {
      name: 'a list of ports',
      told: { labels: { 'orrery.ports': '80/tcp,http' } },
      issue: { key: 'orrery.ports', value: 'http', message: expect.stringContaining('80/tcp') },
    },
    {
      name: 'a name that DNS cannot say',
      told: { env: { SERVICE_NAME: 'my_api' } },
      issue: { key: 'SERVICE_NAME', value: 'my_api', effect: 'refused' },
      entries: 0,
    },
    {
      name: 'a name that is too long with its port',
      told: { service: 'a'.repeat(63), exposed: ['1/tcp', '2/tcp'] },
      issue: { effect: 'refused' },
      entries: 0,
    },
    {
      name: 'a network that it is not on',
      told: { labels: { 'orrery.network': 'lan' } },
      issue: { key: 'orrery.network', value: 'lan', message: expect.stringContaining('vlan40'), effect: 'refused' },
      entries: 0,
    },
    {
      name: 'no choice between two networks',
      told: {
        addresses: [
          { network: 'a', address: '10.0.0.1' },
          { network: 'b', address: '10.0.1.1' },
        ],
      },
      issue: { key: 'orrery.network', message: expect.stringContaining('a, b'), effect: 'refused' },
      entries: 0,
    },
    {
      name: 'a name and no port',
      told: { exposed: [], env: { SERVICE_NAME: 'api' } },
      issue: { key: 'SERVICE_NAME', message: expect.stringContaining('orrery.ports'), effect: 'refused' },
      entries: 0,
    },
  ])('is an issue that says what would be right: $name', ({ told, issue, entries = 1 }) => {
    const read = entriesOf(aRunningTask(told), SETTINGS)
    expect(read.issues[0]).toMatchObject(issue)
    expect(read.issues[0]?.service).toBe(told.service ?? 'web')
    expect(read.entries).toHaveLength(entries)
  })

  it('costs the one port, and not the others', () => {
    const { entries, issues } = read({ exposed: ['80/tcp', '443/tcp'], env: { SERVICE_443_NAME: '-no-' } })
    expect(entries.map(({ port }) => port)).toEqual([80])
    expect(issues).toHaveLength(1)
  })

  it('leaves 64 pairs of Meta at most', () => {
    const env = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`SERVICE_A${index}`, 'x']))
    const { entry, issues } = only({ env })
    expect([Object.keys(entry.meta).length, issues.length]).toEqual([64, 12])
  })

  it('never throws, and every entry that comes of it is one that Consul takes', () => {
    const key = fc.oneof(
      fc.string().map((rest) => `SERVICE_${rest}`),
      fc.constantFrom(
        'SERVICE_NAME',
        'SERVICE_80_NAME',
        'SERVICE_TAGS',
        'SERVICE_CHECK_HTTP',
        'SERVICE_80_CHECK_INTERVAL',
        'orrery.ports',
        'orrery.network',
      ),
    )
    const layer = fc.dictionary(key, fc.oneof(fc.string(), fc.string({ unit: 'grapheme' })), { maxKeys: 8 })
    fc.assert(
      fc.property(layer, layer, layer, (labels, env, containerLabels) => {
        const { entries } = read({ labels, env, containerLabels })
        for (const { name, port, meta } of entries) {
          expect(name).toMatch(/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/)
          expect(port >= 1 && port <= 65535).toBe(true)
          expect(Object.keys(meta).length).toBeLessThanOrEqual(64)
          for (const [name, value] of Object.entries(meta)) {
            expect(name).toMatch(/^[A-Za-z0-9_-]{1,128}$/)
            expect(Buffer.byteLength(value)).toBeLessThanOrEqual(512)
          }
          expect(meta.cluster).toBe('swarm1')
        }
      }),
    )
  })
})

describe('what is registered at all', () => {
  it('is only what has a name, where that is asked for', () => {
    const explicit = { ...SETTINGS, isExplicit: true }
    expect(read({}, explicit).entries).toEqual([])
    const told = { exposed: ['80/tcp', '443/tcp'], env: { SERVICE_443_NAME: 'api' } }
    expect(read(told, explicit).entries.map(({ name }) => name)).toEqual(['api'])
  })

  it('is nothing of a service that is on the list of ignored ones', () => {
    const settings = { ...SETTINGS, ignored: ['infra_*'] }
    expect(read({ service: 'infra_log' }, settings).entries).toEqual([])
    expect(read({ service: 'infra' }, settings).entries).toHaveLength(1)
  })
})
