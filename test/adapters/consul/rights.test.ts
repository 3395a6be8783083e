/** The policy of docs/discovery.md on a real Consul that denies by default: enough for everything, and no rule too many. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createConsulAgent } from '../../../src/adapters/consul/agent.ts'
import { createConsulServices } from '../../../src/adapters/consul/agent-services.ts'
import { connectConsul } from '../../../src/adapters/consul/consul-client.ts'
import { entriesOf } from '../../../src/discovery/desired/task-entries.ts'
import { agentChecksOf } from '../../../src/discovery/plan/agent-difference.ts'
import { type ConsulServer, startConsul } from '../../lab/programs/consul.ts'
import { aRunningTask, SETTINGS } from '../../unit/discovery/support.ts'
import { aMadeUpSwarm, keepCatalog } from './made-up-swarm.ts'

const DOC = readFileSync(new URL('../../../docs/discovery.md', import.meta.url), 'utf8')
const [, POLICY = ''] = /```hcl\n(.*?)```/s.exec(DOC) ?? []
const RULES = POLICY.split('\n').filter((line) => line !== '')
const PATIENCE = { timeout: 30_000, interval: 50 }

let server: ConsulServer
beforeAll(async () => {
  server = await startConsul({
    acl: { enabled: true, default_policy: 'deny', tokens: { master: 'root', agent: 'root' } },
  })
  const Check = { Name: 'up', Status: 'passing' }
  const prometheus = { Name: 'prometheus', Address: '172.71.0.1', Port: 9090, Check: { ...Check, TTL: '1h' } }
  await server.put('/v1/agent/service/register', prometheus, 'root')
})
afterAll(async () => await server.stop())

let made = 0
/** What a controller with a token of these rules does of its work. */
async function work(rules: readonly string[]) {
  made += 1
  const name = `rules-${made}`
  await server.put('/v1/acl/policy', { Name: name, Rules: rules.join('\n') }, 'root')
  const body = { Policies: [{ Name: name }] }
  const { SecretID } = await server.put<{ SecretID: string }>('/v1/acl/token', body, 'root')
  const options = { address: server.url, token: () => SecretID }
  const addresses = [{ network: 'vlan40', address: `172.71.1.${made}` }]
  const swarm = aMadeUpSwarm(name, [aRunningTask({ task: `t${made}`, node: { id: name, hostname: name }, addresses })])
  const kept = keepCatalog(swarm, options)
  const client = connectConsul(options)
  onTestFinished(async () => {
    await kept.close()
    client.close()
  })
  const agent = createConsulAgent(client)
  const self = { id: name, name: 'orrery', address: '127.0.0.1', port: 8000, meta: {}, checkUrl: 'http://127.0.0.1:1/' }
  return { ...kept, agent, self, swarm, name }
}

const addressesOf = async (name: string): Promise<string[]> => {
  const rows = await server.get<{ ServiceAddress: string; Node: string }[]>('/v1/catalog/service/web', 'root')
  return rows.filter(({ Node }) => Node === `swarm-${name}`).map(({ ServiceAddress }) => ServiceAddress)
}
const agentHas = async (id: string) => id in (await server.get<object>('/v1/agent/services', 'root'))
const waitForFault = async ({ keeper }: Awaited<ReturnType<typeof work>>, fault: RegExp) =>
  await vi.waitFor(() => expect(keeper.fault()).toMatch(fault), PATIENCE)

describe('the policy of the document', () => {
  it('is enough: entries come and go, the controller is there and leaves, Prometheus is found', async () => {
    const { agent, self, swarm, keeper, name } = await work(RULES)
    await vi.waitFor(async () => expect(await addressesOf(name)).toHaveLength(1), PATIENCE)
    expect([keeper.fault(), keeper.issues()]).toEqual(['', []])
    swarm.tasks = []
    keeper.nudge()
    await vi.waitFor(async () => expect(await addressesOf(name)).toEqual([]), PATIENCE)
    await agent.register(self)
    expect(await agent.find(self.id)).toEqual({ address: '127.0.0.1', port: 8000 })
    await agent.deregister(self.id)
    expect(await agentHas(self.id)).toBe(false)
    await vi.waitFor(
      async () => expect(await agent.passing('prometheus')).toEqual([{ address: '172.71.0.1', port: 9090 }]),
      PATIENCE,
    )
  })

  /** By the beginning of a rule: what is broken without it. */
  const BREAKS: Readonly<Record<string, (without: Awaited<ReturnType<typeof work>>) => Promise<void>>> = {
    'key_prefix "orrery/"': async (without) => await waitForFault(without, /taking the lock|waiting for the lock/),
    'session_prefix ""': async (without) => await waitForFault(without, /opening a session: .*CONSUL_HTTP_TOKEN_FILE/),
    async 'node_prefix "swarm-"'({ registrations, name }) {
      const message = expect.stringMatching(/denied.*CONSUL_HTTP_TOKEN_FILE has no write over it/i)
      const node = { service: '', key: 'entry', value: `node swarm-${name}`, message, effect: 'refused' }
      await vi.waitFor(async () => expect((await registrations.view()).issues).toContainEqual(node), PATIENCE)
      expect(await addressesOf(name)).toEqual([])
    },
    async 'node_prefix ""'({ agent, name }) {
      await vi.waitFor(async () => expect(await addressesOf(name)).toHaveLength(1), PATIENCE)
      expect(await agent.passing('prometheus')).toEqual([])
    },
    async 'service_prefix ""'({ registrations, agent, self, name }) {
      const refused = {
        service: 'web',
        message: expect.stringMatching(/denied.*CONSUL_HTTP_TOKEN_FILE has no write over it/i),
      }
      await vi.waitFor(async () => expect((await registrations.view()).issues).toMatchObject([refused]), PATIENCE)
      expect(await addressesOf(name)).toEqual([])
      await expect(agent.register(self)).rejects.toMatchObject({ code: 'consul-unavailable' })
    },
  }

  it('of an agent in agent mode is enough, and without its rule nothing is registered', async () => {
    const [, rule = ''] = /the agents' token needs `(.*?)` and nothing else/.exec(DOC) ?? []
    const [entry] = entriesOf(
      aRunningTask({ service: 'by-agent', labels: { SERVICE_CHECK_TTL: '1h' } }),
      SETTINGS,
    ).entries
    if (entry === undefined) throw new Error('no entry')
    const write = { kind: 'register', entry, checks: agentChecksOf(entry) } as const
    const services = async (rules: string) => {
      made += 1
      const Name = `agent-rules-${made}`
      await server.put('/v1/acl/policy', { Name, Rules: rules }, 'root')
      const { SecretID } = await server.put<{ SecretID: string }>('/v1/acl/token', { Policies: [{ Name }] }, 'root')
      const client = connectConsul({ address: server.url, token: () => SecretID })
      onTestFinished(async () => client.close())
      return createConsulServices(client)
    }
    const allowed = await services(rule)
    await allowed.write(write)
    const there = (await allowed.list()).get(entry.id)
    expect([...(there?.checks ?? [])].toSorted()).toEqual([
      [`service:${entry.id}`, 'passing'],
      [`service:${entry.id}:1`, 'critical'],
    ])
    const inCatalog = async () => await server.get<object[]>('/v1/catalog/service/by-agent', 'root')
    await vi.waitFor(async () => expect(await inCatalog()).toHaveLength(1), PATIENCE)
    await allowed.write({ kind: 'pass', id: `service:${entry.id}:1` })
    await allowed.write({ kind: 'remove-check', id: `service:${entry.id}:1` })
    await allowed.write({ kind: 'deregister', id: entry.id })
    await vi.waitFor(async () => expect(await inCatalog()).toEqual([]), PATIENCE)
    const refused = (await services('')).write(write)
    await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(/denied.*CONSUL_HTTP_TOKEN_FILE/i) })
  })

  it('has no rule that this test does not know', () => {
    expect(RULES.map((rule) => rule.split(' {')[0])).toEqual(Object.keys(BREAKS))
  })

  it.each(Object.keys(BREAKS))('lacks something without %s', async (rule) => {
    const left = RULES.filter((line) => !line.startsWith(`${rule} `))
    expect(left).toHaveLength(RULES.length - 1)
    await BREAKS[rule]?.(await work(left))
  })
})
