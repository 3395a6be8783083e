/** The agent's reports to controllers: the use case and its HTTP client together, against small servers. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createControllerCalls } from '../../../src/adapters/controllers/controller-calls.ts'
import { openAgentMemory } from '../../../src/adapters/files/agent-memory.ts'
import { startSync } from '../../../src/agent/sync/sync.ts'
import { createWantedKeeper } from '../../../src/agent/sync/wanted-keeper.ts'
import { type NodeReport, NodeReportSchema } from '../../../src/swarm/node-report.ts'
import type { WantedState } from '../../../src/swarm/wanted.ts'

const quiet = () => {}
/** Over plain HTTP nobody shows one. */
const certificates = { identity: () => undefined, why: () => 'there are none' }
const silentLogger = { debug: quiet, info: quiet, warn: quiet, error: quiet }

const wanted = (revision: number, over: Partial<WantedState> = {}): WantedState => ({
  v: 1,
  nodeId: 'node-1',
  revision,
  networks: [],
  ...over,
})

interface Controller {
  readonly url: string
  readonly reports: NodeReport[]
  readonly tokens: (string | undefined)[]
  answer: { status?: number; body?: unknown; delayMs?: number }
}

async function controller(answer: Controller['answer']): Promise<Controller> {
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    expect([request.method, request.url]).toEqual(['PUT', '/v1/node/node-1'])
    own.tokens.push(request.headers.authorization)
    own.reports.push(JSON.parse(Buffer.concat(chunks).toString()))
    await new Promise((resolve) => setTimeout(resolve, own.answer.delayMs ?? 0))
    const { status = 200, body } = own.answer
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const own: Controller = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reports: [],
    tokens: [],
    answer,
  }
  return own
}

/** Nobody listens there. */
async function deadUrl(): Promise<string> {
  const server = http.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'orrery-agent-'))
  onTestFinished(async () => await rm(dir, { recursive: true, force: true }))
  return dir
}

async function agent(
  controllers: readonly string[],
  options: { dir?: string; timeoutMs?: number; everyMs?: number } = {},
) {
  const { dir = await folder(), timeoutMs = 500, everyMs = 60_000 } = options
  const memory = await openAgentMemory({ dir, logger: silentLogger })
  const lines: { event: string; level: string; controller: string }[] = []
  const at = (level: string) => (fields: object) => {
    lines.push({ level, event: '', controller: '', ...fields })
  }
  const logger = { debug: quiet, info: at('info'), warn: at('warn'), error: at('error') }
  const calls = createControllerCalls({ token: 'secret', certificates, managers: () => [], timeoutMs })
  const keeper = createWantedKeeper({ memory, logger, now: Date.now, onTaken: quiet })
  const listeners = new Set<() => void>()
  const mended: { network: string; text: string; atMs: number }[] = []
  const observed = {
    facts: {
      version: '28',
      hostname: 'one',
      nodeId: 'node-1',
      swarmState: 'active',
      engineId: '',
      managers: [] as string[],
      managerIds: [],
    },
    isEngineSeen: true,
    revision: 0,
    host: { links: [], routes: [] },
    networks: [],
    containers: [] as NodeReport['containers'],
    usage: new Map(),
    standings: [{ name: 'vlan40', isAsWanted: true, faults: [], mended: [], attached: 0 }],
    faults: [],
  }
  const sync = startSync({
    ...{ calls, logger, wanted: keeper, controllers, everyMs },
    observed: () => observed,
    mendedSince: (ms) => mended.filter(({ atMs }) => atMs > ms),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    agentVersion: '0.1.0',
    startedAtMs: 1,
    now: Date.now,
  })
  onTestFinished(async () => {
    await sync.stop()
    calls.close()
  })
  const change = () => {
    for (const listener of listeners) listener()
  }
  return { keeper, lines, observed, mended, change, sync, dir, memory }
}

const until = (holds: () => unknown) =>
  vi.waitFor(
    () => {
      if (!holds()) throw new Error(`never: ${holds}`)
    },
    { timeout: 5_000, interval: 5 },
  )

describe('an agent', () => {
  it('reports to every controller at once, with its token, and in the words of the contract', async () => {
    const both = [await controller({ body: wanted(1) }), await controller({ body: wanted(1) })]
    await agent(both.map(({ url }) => url))
    await until(() => both.every(({ reports }) => reports.length > 0))
    for (const { reports, tokens } of both) {
      expect(Value.Check(NodeReportSchema, reports[0])).toBe(true)
      expect(tokens[0]).toBe('Bearer secret')
    }
  })

  it('takes the highest revision of all, and is kept waiting by nobody', async () => {
    const slow = await controller({ body: wanted(99), delayMs: 10_000 })
    const behind = await controller({ body: wanted(3) })
    const ahead = await controller({ body: wanted(8) })
    const { keeper, lines } = await agent([await deadUrl(), slow.url, behind.url, ahead.url], { everyMs: 50 })
    const startedAtMs = Date.now()
    await until(() => keeper.current('node-1')?.revision === 8 && behind.reports.length > 2)
    expect(Date.now() - startedAtMs).toBeLessThan(3_000)
    expect(keeper.current('node-1')).toEqual(wanted(8))
    await until(() => lines.filter(({ event }) => event === 'controller-silent').length === 2)
    await until(() => behind.reports.length > 20)
    // Each is told once, not at each try.
    expect(lines.filter(({ event }) => event === 'controller-silent')).toHaveLength(2)
    expect(lines.filter(({ event }) => event === 'controller-answers')).toHaveLength(2)
  })

  it('keeps it on disk, so that it counts after a start without any controller', async () => {
    const one = await controller({ body: wanted(8) })
    const first = await agent([one.url])
    await until(() => first.keeper.current('node-1')?.revision === 8)
    await first.sync.stop()
    const second = await agent([await deadUrl()], { dir: first.dir })
    expect(second.keeper.current('node-1')).toEqual(wanted(8))
    const { keeper } = await agent([(await controller({ body: wanted(7) })).url], { dir: first.dir, everyMs: 20 })
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(keeper.current('node-1')?.revision).toBe(8)
  })

  it('tells a controller at once when something changed, and once for what changed while it was answering', async () => {
    const one = await controller({ body: wanted(1), delayMs: 50 })
    const { observed, change } = await agent([one.url])
    await until(() => one.reports.length === 1)
    for (const state of ['created', 'running', 'exited']) {
      observed.containers = [{ id: 'c1', name: 'web.1', state, addresses: [] }]
      change()
    }
    await until(() => one.reports.length === 2)
    expect(one.reports[1]?.containers).toMatchObject([{ state: 'exited' }])
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(one.reports).toHaveLength(2)
  })

  it('tells each controller what was mended until that one has heard it', async () => {
    const [heard, deaf] = [await controller({ body: wanted(1) }), await controller({ status: 503, body: {} })]
    const { mended, change } = await agent([heard.url, deaf.url])
    await until(() => heard.reports.length === 1 && deaf.reports.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    mended.push({ network: 'vlan40', text: 'made the shim', atMs: Date.now() })
    await new Promise((resolve) => setTimeout(resolve, 20))
    for (const count of [2, 3]) {
      change()
      await until(() => heard.reports.length === count && deaf.reports.length === count)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const told = ({ reports }: Controller) => reports.map(({ standings }) => standings[0]?.mended.length)
    expect(told(heard)).toEqual([0, 1, 0])
    expect(told(deaf)).toEqual([0, 1, 1])
  })

  it.each([
    { name: 'no JSON', answer: { body: '<html>' } },
    { name: 'another shape', answer: { body: { v: 2, nodeId: 'node-1', revision: 9, networks: [] } } },
    { name: 'what is wanted of another node', answer: { body: wanted(9, { nodeId: 'node-2' }) } },
    { name: 'an error', answer: { status: 503, body: { title: 'x', detail: 'not in sync' } } },
    { name: 'a redirection', answer: { status: 308, body: wanted(9) } },
  ])('takes nothing from a controller that answers $name', async ({ answer }) => {
    const one = await controller(answer)
    const { keeper, lines } = await agent([one.url], { everyMs: 20 })
    await until(() => one.reports.length > 3)
    expect(keeper.current('node-1')).toBeUndefined()
    expect(lines.filter(({ event }) => event === 'controller-silent')).toHaveLength(1)
  })

  it.each([
    { status: 401, says: 'ORRERY_AGENT_TOKEN_FILE' },
    { status: 403, says: 'role `agent`' },
  ])('says what to do about a $status', async ({ status, says }) => {
    const one = await controller({ status, body: { detail: 'no' } })
    const calls = createControllerCalls({ token: undefined, certificates, managers: () => [] })
    onTestFinished(() => calls.close())
    const report = { nodeId: 'node-1' } as NodeReport
    expect(await calls.report(one.url, report)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining(says),
    })
    expect(one.tokens).toEqual([undefined])
  })

  it('reports nothing of an engine that is in no swarm or was never seen', async () => {
    const one = await controller({ body: wanted(1) })
    const { observed, change } = await agent([one.url], { everyMs: 10 })
    await until(() => one.reports.length > 0)
    observed.isEngineSeen = false
    await new Promise((resolve) => setTimeout(resolve, 50))
    const before = one.reports.length
    change()
    observed.isEngineSeen = true
    observed.facts.nodeId = ''
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(one.reports).toHaveLength(before)
  })

  it('speaks to a controller that was started again, though its socket was kept', async () => {
    let answered = 0
    const server = http.createServer((request, response) => {
      request.resume().on('end', () => {
        answered += 1
        // As one that ends between two reports: the socket is closed after the answer.
        response.end(JSON.stringify(wanted(1)))
        if (answered === 1) setTimeout(() => request.socket.destroy(), 5)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const calls = createControllerCalls({ token: undefined, certificates, managers: () => [] })
    onTestFinished(() => calls.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    for (let time = 0; time < 3; time += 1) {
      expect(await calls.report(url, { nodeId: 'node-1' } as NodeReport)).toMatchObject({ kind: 'wanted' })
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })
})
