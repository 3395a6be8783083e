/** Who is listened to as an agent, and whom an agent believes: both ends of the product, over real TLS. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { fastify } from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type SwarmCertificates,
  watchSwarmCertificates,
} from '../../../src/adapters/certificates/swarm-certificates.ts'
import { createControllerCalls } from '../../../src/adapters/controllers/controller-calls.ts'
import type { ReportHandler } from '../../../src/agent/reporting.ts'
import { listenForAgents } from '../../../src/http/agents/agents-listener.ts'
import type { TlsFiles } from '../../../src/http/listen.ts'
import type { SwarmIdentity } from '../../../src/swarm/identity.ts'
import type { NodeReport } from '../../../src/swarm/node-report.ts'
import { type NodeNames, swarmCa, writeIdentity } from '../../support/swarm-ca.ts'

const { log: logger } = fastify()
const ca = swarmCa('the-cluster')
const manager = ca.issue({ nodeId: 'manager-1', role: 'swarm-manager' })
const worker = ca.issue({ nodeId: 'worker-1' })
const OPEN = { trustedCidrs: [], tokens: [{ role: 'agent' as const, secret: 'the-agents-token' }] }

const reportOf = (nodeId: string): NodeReport => ({
  ...{
    v: 1,
    nodeId,
    hostname: nodeId,
    engineVersion: '28',
    agentVersion: '0',
    sentAtMs: 1,
    startedAtMs: 1,
    revision: 0,
  },
  ...{ hostAddresses: [], networks: [], standings: [], containers: [], faults: [] },
})

interface Folder extends SwarmCertificates {
  readonly dir: string
  write(identity: SwarmIdentity): Promise<void>
}

async function certificatesOf(identity: SwarmIdentity | undefined): Promise<Folder> {
  const dir = await mkdtemp(join(tmpdir(), 'orrery-certificates-'))
  onTestFinished(async () => await rm(dir, { recursive: true, force: true }))
  if (identity !== undefined) await writeIdentity(dir, identity)
  const watched = await watchSwarmCertificates({ dir, logger, now: Date.now, everyMs: 10 })
  onTestFinished(() => watched.close())
  return { ...watched, dir, write: async (next) => await writeIdentity(dir, next) }
}

async function controller(options: { identity?: SwarmIdentity; tls?: TlsFiles; now?: () => number } = {}) {
  const certificates = await certificatesOf(options.identity)
  const heard: string[] = []
  const agents: ReportHandler = {
    report(nodeId, _report, provenBy) {
      heard.push(`${nodeId} by ${provenBy}`)
      return { v: 1, nodeId, revision: 7, networks: [] }
    },
  }
  // A port that stays the same when the way changes.
  const probe = https.createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  const listener = await listenForAgents({
    ...{ agents, certificates, access: OPEN, tls: options.tls, logger, now: options.now ?? Date.now },
    addresses: [{ host: '127.0.0.1', port }],
  })
  onTestFinished(async () => await listener.close())
  return { url: `https://127.0.0.1:${port}`, port, heard, listener, certificates }
}

async function agent(identity: SwarmIdentity | undefined, token?: string) {
  const certificates = await certificatesOf(identity)
  /** As its engine says. */
  const swarm = { managers: ['manager-1'] }
  const calls = createControllerCalls({ token, certificates, managers: () => swarm.managers, timeoutMs: 2000 })
  onTestFinished(() => calls.close())
  return { ...calls, certificates, swarm }
}

/** What somebody with these files gets, with any client. */
const put = (
  port: number,
  identity: Partial<Pick<SwarmIdentity, 'cert' | 'key'>>,
  { id = 'worker-1', ...options }: https.RequestOptions & { id?: string } = {},
): Promise<{ status: number; code: string } | string> =>
  new Promise((resolve) => {
    const { cert, key } = identity
    const request = https.request(
      {
        ...{ method: 'PUT', host: '127.0.0.1', port, path: `/v1/node/${id}`, rejectUnauthorized: false },
        cert,
        key,
        ...options,
      },
      async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        resolve({ status: response.statusCode ?? 0, code: JSON.parse(text).code ?? 'wanted' })
      },
    )
    request.on('error', (error) => resolve(String(Reflect.get(error, 'code'))))
    request.end(JSON.stringify(reportOf('worker-1')))
  })

describe('where agents are listened to', () => {
  it('a node is the one that its certificate names', async () => {
    const { url, heard } = await controller({ identity: manager })
    const { report } = await agent(worker)
    expect(await report(url, reportOf('worker-1'))).toMatchObject({ kind: 'wanted', isProven: true })
    expect(await report(url, reportOf('manager-1'))).toMatchObject({
      ...{ kind: 'refused', status: 403 },
      reason: expect.stringContaining('is of the node worker-1'),
    })
    expect(heard).toEqual(['worker-1 by certificate'])
  })

  const other = swarmCa('the-cluster')
  const strangers: readonly { name: string; identity: Partial<SwarmIdentity>; options?: https.RequestOptions }[] = [
    { name: 'nobody', identity: {} },
    { name: 'a node of another CA with the same names', identity: other.issue({ nodeId: 'worker-1' }) },
    {
      name: 'one that is not valid yet',
      identity: ca.issue({ nodeId: 'worker-1', notBeforeMs: Date.now() + 86_400_000 }),
    },
    { name: 'one that has expired', identity: ca.issue({ nodeId: 'worker-1', notAfterMs: Date.now() - 60_000 }) },
    { name: 'TLS 1.2', identity: worker, options: { maxVersion: 'TLSv1.2' } },
    {
      name: 'a token without a certificate',
      identity: {},
      options: { headers: { authorization: 'Bearer the-agents-token' } },
    },
  ]
  it.each(strangers)('$name gets no connection', async ({ identity, options }) => {
    const { port, heard } = await controller({ identity: manager })
    expect(await put(port, identity, options)).toMatch(/^(ECONNRESET|EPROTO|EPIPE|ERR_)/)
    expect(heard).toEqual([])
  })

  it('a node of another cluster under the same CA is refused', async () => {
    const { port, heard } = await controller({ identity: manager })
    const elsewhere = ca.issue({ nodeId: 'worker-1', cluster: 'another-cluster' })
    expect(await put(port, elsewhere)).toEqual({ status: 403, code: 'wrong-credential' })
    expect(heard).toEqual([])
  })

  it.each<{ name: string; names: NodeNames }>([
    { name: 'two roles', names: { nodeId: 'worker-1', also: [['OU', 'swarm-manager']] } },
    { name: 'two nodes', names: { nodeId: 'worker-1', also: [['CN', 'worker-2']] } },
    { name: 'two clusters', names: { nodeId: 'worker-1', also: [['O', 'another-cluster']] } },
    { name: 'no role', names: { nodeId: 'worker-1', role: 'swarm-ca' as never } },
  ])('a certificate of $name is of no node', async ({ names }) => {
    const { port, heard } = await controller({ identity: manager })
    expect(await put(port, ca.issue(names))).toEqual({ status: 403, code: 'wrong-credential' })
    expect(heard).toEqual([])
  })

  it.each(['worker-1\0', 'worker-1\nCN=manager-1', '../worker-1', 'Worker-1', 'worker-1 ', 'wörker-1', ''])(
    'the name %j is that node’s alone, and never taken for another',
    async (nodeId) => {
      const { port, heard } = await controller({ identity: manager })
      const odd = ca.issue({ nodeId })
      expect(await put(port, odd)).toMatchObject({ status: 403 })
      expect(await put(port, odd, { id: 'manager-1' })).toMatchObject({ status: 403 })
      expect(heard).toEqual([])
    },
  )

  it('a report with figures that no machine has is refused, and says which', async () => {
    const { url, heard } = await controller({ identity: manager })
    const { report } = await agent(worker)
    const one = { id: 'c1', name: 'c1', state: 'running', addresses: [] }
    const odd: readonly Partial<NodeReport>[] = [
      ...[1e308, -1, 2 ** 53].map((value) => ({ containers: [{ ...one, cpuPercent: value }] })),
      ...[1e308, -1, 2 ** 53].map((value) => ({ containers: [{ ...one, memoryBytes: value }] })),
      ...[1e308, -1e308].map((value) => ({ containers: [{ ...one, createdAtMs: value }] })),
      { sentAtMs: 1e300 },
      { startedAtMs: -1e300 },
      { revision: 1e300 },
      { containers: Array(4097).fill(one) },
    ]
    for (const change of odd) {
      expect(await report(url, { ...reportOf('worker-1'), ...change })).toMatchObject({
        ...{ kind: 'refused', status: 400 },
        reason: expect.stringMatching(/Body field \/(containers|sentAtMs|startedAtMs|revision)/),
      })
    }
    expect(heard).toEqual([])
  })

  it.each(['/', '/v1/node', '/v1/autoscaler/web/up', '/metrics', '/v1/node/worker-1/x'])(
    '%s is not there',
    async (path) => {
      const { port } = await controller({ identity: manager })
      expect(await put(port, worker, { path })).toEqual({ status: 404, code: 'unknown-route' })
    },
  )

  it('a certificate that expires on an open connection counts no longer', async () => {
    let nowMs = Date.now()
    const { url } = await controller({ identity: manager, now: () => nowMs })
    const { report } = await agent(worker)
    expect(await report(url, reportOf('worker-1'))).toMatchObject({ kind: 'wanted' })
    nowMs += 91 * 86_400_000
    expect(await report(url, reportOf('worker-1'))).toMatchObject({ kind: 'refused', status: 403 })
  })

  it('survives renewed certificates, and another CA on both sides', async () => {
    const { url, certificates: own } = await controller({ identity: manager })
    const { report, certificates } = await agent(worker)
    const isHeard = async () => {
      await vi.waitFor(
        async () => expect(await report(url, reportOf('worker-1'))).toMatchObject({ kind: 'wanted' }),
        5000,
      )
    }
    await isHeard()
    await own.write(ca.issue({ nodeId: 'manager-1', role: 'swarm-manager' }))
    await certificates.write(ca.issue({ nodeId: 'worker-1' }))
    await isHeard()
    const next = swarmCa('the-cluster')
    await own.write(next.issue({ nodeId: 'manager-1', role: 'swarm-manager' }))
    await vi.waitFor(
      async () => expect(await report(url, reportOf('worker-1'))).toMatchObject({ kind: 'silent' }),
      5000,
    )
    await certificates.write(next.issue({ nodeId: 'worker-1' }))
    await isHeard()
  })

  it('a certificate that was put in the place of the old one is shown at once, and connections of before end', async () => {
    const { port, certificates } = await controller({ identity: manager })
    const meet = async () => {
      const socket = connect({ port, host: '127.0.0.1', cert: worker.cert, key: worker.key, rejectUnauthorized: false })
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => undefined)
      await once(socket, 'secureConnect')
      return socket
    }
    const serialOf = ({ cert }: SwarmIdentity) => new X509Certificate(cert).serialNumber
    const kept = await meet()
    expect(kept.getPeerCertificate().serialNumber).toBe(serialOf(manager))
    const next = ca.issue({ nodeId: 'manager-1', role: 'swarm-manager' })
    const ended = once(kept, 'close')
    // Swarm writes one file after another: with the key of before it is no certificate yet, and nobody is cut off.
    await certificates.write({ ...next, key: manager.key })
    await vi.waitFor(() => expect(certificates.why()).toMatch('the key is that of another certificate'), 5000)
    const between = await meet()
    expect([between.getPeerCertificate().serialNumber, kept.destroyed]).toEqual([serialOf(manager), false])
    await certificates.write(next)
    await ended
    expect((await meet()).getPeerCertificate().serialNumber).toBe(serialOf(next))
  })

  it('a session of before a CA was replaced opens nothing', async () => {
    const { port, certificates } = await controller({ identity: manager })
    const sessions: Buffer[] = []
    const first = connect({ port, host: '127.0.0.1', cert: worker.cert, key: worker.key, rejectUnauthorized: false })
    first.on('error', () => undefined)
    first.on('session', (session) => sessions.push(session))
    await once(first, 'secureConnect')
    first.write('PUT /v1/node/worker-1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}')
    await once(first, 'data')
    first.destroy()
    await certificates.write(swarmCa('the-cluster').issue({ nodeId: 'manager-1', role: 'swarm-manager' }))
    await vi.waitFor(async () => expect(await put(port, worker)).toMatch(/^ECONNRESET|^ERR_/), 5000)
    for (const session of sessions) {
      const again = connect({ port, host: '127.0.0.1', session, rejectUnauthorized: false })
      let isReused = false
      again.on('error', () => undefined)
      again.on('secureConnect', () => {
        isReused = again.isSessionReused()
      })
      await new Promise((resolve) => again.once('close', resolve))
      expect(isReused).toBe(false)
    }
  })
})

describe('whom an agent believes', () => {
  /** Somebody at a manager's address who takes whatever comes and wants everything. */
  const rogue = async (identity: SwarmIdentity) => {
    const asked: unknown[] = []
    const server = https.createServer({ cert: identity.cert, key: identity.key }, (request, response) => {
      asked.push(request.headers.authorization)
      response.end(JSON.stringify({ v: 1, nodeId: 'worker-1', revision: 9_007_199_254_740_991, networks: [] }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
  }
  const impostors: readonly { name: string; identity: SwarmIdentity; says: string }[] = [
    { name: 'a worker of its own Swarm', identity: ca.issue({ nodeId: 'worker-2' }), says: 'no manager of this Swarm' },
    {
      name: 'a manager of another CA',
      identity: swarmCa('the-cluster').issue({ nodeId: 'manager-1', role: 'swarm-manager' }),
      says: 'self-signed|verify|issuer|signature',
    },
    {
      name: 'a manager of another cluster under the same CA',
      identity: ca.issue({ nodeId: 'manager-1', role: 'swarm-manager', cluster: 'another-cluster' }),
      says: 'O=another-cluster',
    },
    {
      name: 'a worker that found a certificate with a manager’s name in it',
      identity: ca.issue({ nodeId: 'worker-2', names: ['swarm-manager', 'worker-2'] }),
      says: 'OU=swarm-worker',
    },
    {
      name: 'a node that is worker and manager',
      identity: ca.issue({ nodeId: 'manager-1', role: 'swarm-manager', also: [['OU', 'swarm-worker']] }),
      says: 'no manager of this Swarm',
    },
    {
      name: 'a node of two names',
      identity: ca.issue({ nodeId: 'manager-1', role: 'swarm-manager', also: [['CN', 'worker-2']] }),
      says: 'no longer a manager of this Swarm',
    },
    {
      name: 'a manager without a manager’s name',
      identity: ca.issue({ nodeId: 'manager-1', role: 'swarm-manager', names: ['manager-1'] }),
      says: 'altnames',
    },
    {
      name: 'a manager of tomorrow',
      identity: ca.issue({ nodeId: 'manager-1', role: 'swarm-manager', notBeforeMs: Date.now() + 86_400_000 }),
      says: 'not yet valid',
    },
    {
      name: 'one that was a manager once, and kept its certificate',
      identity: ca.issue({ nodeId: 'worker-2', role: 'swarm-manager' }),
      says: 'is of worker-2, which is no longer a manager of this Swarm',
    },
    {
      name: 'a manager whose certificate has expired',
      identity: ca.issue({ nodeId: 'manager-1', role: 'swarm-manager', notAfterMs: Date.now() - 60_000 }),
      says: 'expired',
    },
  ]
  it.each(impostors)('not $name, and neither report nor token goes there', async ({ identity, says }) => {
    const { url, asked } = await rogue(identity)
    for (const token of [undefined, 'the-agents-token']) {
      const { report } = await agent(worker, token)
      expect(await report(url, reportOf('worker-1'))).toMatchObject({
        kind: 'silent',
        reason: expect.stringMatching(says),
      })
    }
    expect(asked).toEqual([])
  })
})

it('an agent leaves a manager that is none any more, also on a connection of before, and comes back to it', async () => {
  const { url, heard } = await controller({ identity: manager })
  const { report, swarm } = await agent(worker)
  expect(await report(url, reportOf('worker-1'))).toMatchObject({ kind: 'wanted' })
  swarm.managers = ['manager-2']
  expect(await report(url, reportOf('worker-1'))).toMatchObject({
    kind: 'silent',
    reason: expect.stringContaining('is of manager-1, which is no longer a manager of this Swarm'),
  })
  swarm.managers = ['manager-2', 'manager-1']
  expect(await report(url, reportOf('worker-1'))).toMatchObject({ kind: 'wanted' })
  // The engine says nothing: the certificate alone counts.
  swarm.managers = []
  expect(await report(url, reportOf('worker-1'))).toMatchObject({ kind: 'wanted' })
  expect(heard).toHaveLength(3)
})

describe('the second way', () => {
  const { ca: _, ...operators } = swarmCa('no-swarm').issue({ nodeId: 'orrery.example', role: 'swarm-manager' })

  it('is by token over the TLS of the operator, where there are no certificates', async () => {
    const { port, heard, listener } = await controller({ tls: operators })
    expect(listener.proof()).toBe('token')
    expect(listener.reason()).toContain('cannot be read')
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
    expect(await put(port, {}, bearer('the-agents-token'))).toEqual({ status: 200, code: 'wanted' })
    expect(await put(port, {}, bearer('a-guess'))).toEqual({ status: 401, code: 'wrong-credential' })
    expect(await put(port, {})).toEqual({ status: 401, code: 'no-credential' })
    expect(heard).toEqual(['worker-1 by token'])
  })

  it('ends as soon as there are certificates', async () => {
    const { url, listener, certificates } = await controller({ tls: operators })
    await certificates.write(manager)
    await vi.waitFor(() => expect(listener.proof()).toBe('certificate'), 5000)
    const { report } = await agent(worker, 'the-agents-token')
    expect(await report(url, reportOf('worker-1'))).toMatchObject({ kind: 'wanted', isProven: true })
  })

  it('is not there without such files, and what is missing is said', async () => {
    const { port, listener } = await controller()
    expect(listener.proof()).toBe('none')
    expect(listener.reason()).toContain('ORRERY_TLS_CERT_FILE')
    expect(await put(port, worker)).toBe('ECONNREFUSED')
  })
})
