/** What somebody wrote wrong, on a real Consul: each is named with what would be right, and everything else goes on. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ConsulOptions } from '../../../src/adapters/consul/consul-client.ts'
import type { RunningTask } from '../../../src/discovery/desired/task-entries.ts'
import { type ConsulServer, startConsul } from '../../lab/programs/consul.ts'
import { freePorts } from '../../lab/programs/monitoring.ts'
import { aRunningTask, type Told } from '../../unit/discovery/support.ts'
import { aMadeUpSwarm, keepCatalog } from './made-up-swarm.ts'

const folder = mkdtempSync(join(tmpdir(), 'orrery-consul-tls-'))
let server: ConsulServer
let secureUrl: string

/** A certificate of its own authority, for 127.0.0.1. */
function certificate(name: string): { readonly cert: string; readonly key: string } {
  const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  const out = ['-keyout', files.key, '-out', files.cert]
  execFileSync('openssl', ['req', ...kind, ...subject, ...out], { stdio: 'ignore' })
  return files
}

beforeAll(async () => {
  const [https = 0] = await freePorts(1)
  const { cert, key } = certificate('right')
  certificate('wrong')
  secureUrl = `https://127.0.0.1:${https}`
  server = await startConsul({
    ...{ ports: { https }, cert_file: cert, key_file: key },
    acl: { enabled: true, default_policy: 'allow', tokens: { master: 'root' } },
  })
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

let made = 0
function keep(tasks: readonly RunningTask[], options: Partial<ConsulOptions> = {}) {
  made += 1
  const swarm = aMadeUpSwarm(`bad-${made}`, tasks)
  const kept = keepCatalog(swarm, { address: server.url, ...options })
  onTestFinished(kept.close)
  const ids = async () =>
    (await kept.registrations.view()).registrations
      .filter(({ state }) => state === 'registered')
      .map(({ service }) => service)
  const condition = (type: string) => kept.registrations.conditions().find((one) => one.type === type)
  return { ...kept, ids, condition }
}

/** A healthy service beside one that is told to be wrong. */
function pair(told: Told): RunningTask[] {
  const at = (last: number) => [{ network: 'vlan40', address: `172.70.${made}.${last}` }]
  const node = { id: `n${made}`, hostname: `bad-host${made}` }
  return [
    aRunningTask({ service: 'good', task: `good${made}`, node, addresses: at(1) }),
    aRunningTask({ service: 'odd', task: `odd${made}`, node, addresses: at(2), ...told }),
  ]
}
const PATIENCE = { timeout: 30_000, interval: 50 }

describe('a service that is written wrong', () => {
  const many = Object.fromEntries(Array.from({ length: 70 }, (_, place) => [`SERVICE_ATTRIBUTE${100 + place}`, 'x']))
  const left = 'left-out'
  it.each<{ name: string; told: Told; key: string; value: string; right: RegExp; effect: string; issues?: number }>([
    {
      name: 'a key that is no key',
      told: { labels: { SERVICE_CHECK_HTPP: '/health' } },
      ...{ key: 'SERVICE_CHECK_HTPP', value: '/health', right: /did you mean CHECK_HTTP\?/, effect: left },
    },
    {
      name: 'a port beyond all ports',
      told: { env: { SERVICE_99999_NAME: 'web' } },
      ...{ key: 'SERVICE_99999_NAME', value: 'web', right: /a whole number from 1 to 65535/, effect: left },
    },
    {
      name: 'no duration',
      told: { labels: { SERVICE_CHECK_HTTP: '/', SERVICE_CHECK_INTERVAL: 'soon' } },
      ...{ key: 'SERVICE_CHECK_INTERVAL', value: 'soon', right: /10s, 500ms or 1m30s/, effect: left },
    },
    {
      name: 'a value that Meta has no room for',
      told: { labels: { SERVICE_NOTE: 'é'.repeat(300) } },
      ...{ key: 'SERVICE_NOTE', value: `${'é'.repeat(120)}…`, right: /600 bytes long; at most 512/, effect: left },
    },
    {
      name: 'a name that Meta has no room for',
      told: { labels: { [`SERVICE_${'A'.repeat(129)}`]: 'x' } },
      ...{ key: `SERVICE_${'A'.repeat(112)}…`, value: 'x', right: /129 characters; at most 128/, effect: left },
    },
    {
      name: 'more attributes than Meta takes',
      told: { labels: many },
      ...{
        key: 'SERVICE_ATTRIBUTE158',
        value: 'x',
        right: /one too many: 58 attributes fit/,
        effect: left,
        issues: 12,
      },
    },
    {
      name: 'a name that DNS cannot say',
      told: { labels: { SERVICE_NAME: 'my web' } },
      ...{ key: 'SERVICE_NAME', value: 'my web', right: /1 to 63 letters, digits and hyphens/, effect: 'refused' },
    },
    {
      name: 'a network that the task is not on',
      told: { labels: { 'orrery.network': 'vlan41' } },
      ...{ key: 'orrery.network', value: 'vlan41', right: /it is on vlan40/, effect: 'refused' },
    },
  ])('$name', async ({ told, key, value, right, effect, issues = 1 }) => {
    const kept = keep(pair(told))
    const expected = effect === 'refused' ? ['good'] : ['good', 'odd']
    await vi.waitFor(async () => expect((await kept.ids()).toSorted()).toEqual(expected), PATIENCE)
    const view = await kept.registrations.view()
    expect(view.issues).toHaveLength(issues)
    const message = expect.stringMatching(right)
    expect(view.issues).toContainEqual({ service: 'odd', key, value, message, effect })
    expect(kept.condition('KeysUnderstood')).toMatchObject({ status: false, reason: expect.stringMatching(/^odd: /) })
    expect(kept.condition('ConsulReachable')).toMatchObject({ status: true })
    const line = (text: string) => text.startsWith(`odd: ${key}=${value} `) && right.test(text)
    await vi.waitFor(() => expect(kept.lines.filter(line)).toHaveLength(1), PATIENCE)
  })
})

describe('a Consul that is named wrong', () => {
  it.each([
    {
      name: 'an unknown datacenter',
      options: () => ({ datacenter: 'moon' }),
      says: /ORRERY_CONSUL_DATACENTER=moon is not a datacenter that it knows/,
    },
    {
      name: 'a token that it does not know',
      options: () => ({ token: () => '11111111-2222-3333-4444-555555555555' }),
      says: /the token of CONSUL_HTTP_TOKEN_FILE lacks a right/,
    },
    {
      name: 'another authority than that of its certificate',
      options: () => ({ address: secureUrl, tls: { ca: readFileSync(join(folder, 'wrong.crt'), 'utf8') } }),
      says: /CONSUL_CACERT has to name the file of the authority/,
    },
  ])('$name', async ({ options, says }) => {
    const kept = keep(pair({}), options())
    const reason = expect.stringMatching(says)
    await vi.waitFor(() => expect(kept.condition('ConsulReachable')).toMatchObject({ status: false, reason }), PATIENCE)
    expect(kept.lines).toContainEqual(reason)
  })

  it('and one that is named right, by HTTPS with the authority of its certificate', async () => {
    const kept = keep(pair({}), { address: secureUrl, tls: { ca: readFileSync(join(folder, 'right.crt'), 'utf8') } })
    await vi.waitFor(async () => expect((await kept.ids()).toSorted()).toEqual(['good', 'odd']), PATIENCE)
    expect(kept.condition('ConsulReachable')).toMatchObject({ status: true })
  })

  it('a token without the right over one name: that entry is refused with the reason, the other goes on', async () => {
    const all = ['key', 'session', 'node', 'service'].map((kind) => `${kind}_prefix "" { policy = "write" }`)
    const Rules = [...all, 'service "odd" { policy = "deny" }'].join('\n')
    await server.put('/v1/acl/policy', { Name: 'all-but-odd', Rules }, 'root')
    const { SecretID } = await server.put<{ SecretID: string }>(
      '/v1/acl/token',
      { Policies: [{ Name: 'all-but-odd' }] },
      'root',
    )
    const kept = keep(pair({}), { token: () => SecretID })
    await vi.waitFor(async () => expect(await kept.ids()).toEqual(['good']), PATIENCE)
    const reason = expect.stringMatching(
      /^odd: entry=orrery:odd\.\S+ is refused by Consul: .*permission denied.*no write over it/i,
    )
    expect(kept.condition('KeysUnderstood')).toMatchObject({ status: false, reason })
    await vi.waitFor(() => expect(kept.lines).toContainEqual(reason), PATIENCE)
  })
})
