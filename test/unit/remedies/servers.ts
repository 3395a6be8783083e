/** What programs say of those that they ask: an engine, a controller, a Prometheus, as servers of the tests. */
import { chmod, chown } from 'node:fs/promises'
import { dirname } from 'node:path'
import { onTestFinished } from 'vitest'
import { createPrometheus } from '../../../src/adapters/prometheus/prometheus.ts'
import { connectEngine } from '../../../src/adapters/swarm/engine/engine-connection.ts'
import { callController } from '../../../src/commands/controller-client.ts'
import { bodyOf, listen } from '../../adapters/servers.ts'
import { startFakeEngine } from '../../support/fake-engine/fake-engine.ts'
import { fakeConsole } from '../commands/network/fake-session.ts'
import { failure, remediesOf } from './remedy.ts'

interface Engine {
  readonly role?: 'manager' | 'worker'
  /** Instead of the engine's own. */
  readonly host?: string
}
const engines = remediesOf<Engine>(
  'an engine',
  async ({ role = 'manager', host }) => {
    const fake = await startFakeEngine()
    onTestFinished(async () => await fake.close())
    fake.role = role
    return await failure(async () => {
      const engine = connectEngine({ host: host ?? fake.host })
      onTestFinished(() => engine.close())
      await engine.read({ method: 'GET', path: '/services', endpoint: 'GET /services', timeoutMs: 5000 })
    })
  },
  [
    {
      bad: { host: 'unix:///nowhere/docker.sock' },
      says: /there is no such socket: mount the engine socket, or set DOCKER_HOST/,
      mends: [() => ({})],
    },
    {
      bad: { role: 'worker' },
      says: /is not a swarm manager: point DOCKER_HOST at a manager's engine, or promote this node/,
      mends: [() => ({ role: 'manager' }), () => ({ role: 'manager' })],
    },
    { bad: { host: 'unix://docker.sock' }, says: /a path must follow unix:\/\//, mends: [() => ({})] },
  ],
)

const [NOBODY, GROUP] = [65_534, 65_533]
/** Another user where the tests are root's; else what the socket lets their own user do. */
const users = remediesOf<'nobody' | 'root' | 'in the group'>(
  'a user',
  async (who) => {
    const fake = await startFakeEngine()
    onTestFinished(async () => await fake.close())
    const path = fake.host.replace('unix://', '')
    const isRoot = process.getuid?.() === 0
    if (isRoot) for (const each of [path, dirname(path)]) await chown(each, 0, GROUP)
    if (isRoot) await chmod(dirname(path), 0o750)
    await chmod(path, isRoot || who !== 'nobody' ? 0o660 : 0)
    const become = (user: number, group: number) => {
      if (!isRoot) return
      process.seteuid?.(0)
      process.setegid?.(group)
      process.seteuid?.(user)
    }
    if (who !== 'root') become(NOBODY, who === 'nobody' ? NOBODY : GROUP)
    try {
      return await failure(async () => {
        const engine = connectEngine({ host: fake.host })
        onTestFinished(() => engine.close())
        await engine.read({ method: 'GET', path: '/services', endpoint: 'GET /services', timeoutMs: 5000 })
      })
    } finally {
      become(0, 0)
    }
  },
  [
    {
      bad: 'nobody',
      says: /no permission to use the socket: run as (root) or (in the group) that owns it/,
      mends: [(root) => root as 'root', (_, group) => group as 'in the group'],
    },
  ],
)

/** What Prometheus answers to these. */
const RESULTS: Readonly<Record<string, { readonly resultType: string; readonly length: number }>> = {
  rps: { resultType: 'vector', length: 2 },
  'rps[5m]': { resultType: 'matrix', length: 2 },
  'sum(rps)': { resultType: 'vector', length: 1 },
}
const queries = remediesOf<string>(
  'a query',
  async (query) => {
    const host = await listen(async (request, response) => {
      const { resultType = '', length = 0 } =
        RESULTS[new URLSearchParams(await bodyOf(request)).get('query') ?? ''] ?? {}
      const result = Array.from({ length }, () => ({ metric: {}, value: [Date.now() / 1000, '7'] }))
      response.end(JSON.stringify({ status: 'success', data: { resultType, result } }))
    })
    const { signal } = new AbortController()
    const measured = await createPrometheus({ url: async () => `http://${host}`, now: Date.now, signal }).ask(query)
    return measured.kind === 'missing' ? [measured.detail] : []
  },
  [
    {
      bad: 'rps',
      says: /the query finds 2 series; one is needed, by (sum\(…\)) say/,
      mends: [(how = '') => how.replace('…', 'rps')],
    },
    { bad: 'rps[5m]', says: /the query gives a matrix; one number is needed/, mends: [() => 'sum(rps)'] },
  ],
)

const controllers = remediesOf<{ readonly isServed: boolean; readonly url?: string }>(
  'a command',
  async ({ isServed, url }) => {
    const fake = await startFakeEngine({ listen: 'tcp' })
    if (!isServed) await fake.close()
    else onTestFinished(async () => await fake.close())
    const io = { ...fakeConsole().io, env: { ORRERY_URL: url ?? fake.host.replace('tcp:', 'http:') } }
    const told = await failure(() => callController(io, { path: '/services' }))
    return told.filter((text) => text.includes('no controller answers'))
  },
  [
    {
      bad: { isServed: false },
      says: /no controller answers at .*; set ORRERY_URL, or start one with `orrery serve`/,
      mends: [() => ({ isServed: true }), () => ({ isServed: true })],
    },
  ],
)

export const serverRemedies = [...engines, ...users, ...queries, ...controllers]
