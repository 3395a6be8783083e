/**
 * Who speaks for whom, on real Swarms: a hostile worker with its root, its certificate and its engine, a rogue at a
 * manager's address, and certificates that change under the programs' feet.
 */
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SwarmIdentity } from '../../src/swarm/identity.ts'
import type { NodeReport } from '../../src/swarm/node-report.ts'
import type { LabNode } from '../lab/lab.ts'
import { swarmCa } from '../support/swarm-ca.ts'
import { mainFile } from './support/controller.ts'
import { engines } from './support/engines.ts'
import { labForTests, present } from './support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab, type Program } from './support/networked.ts'
import { markedLinks, ranges, untilReady } from './support/observed-networks.ts'
import { eventually } from './support/services.ts'
import { DEFINITION, LAN } from './support/vlan40.ts'

const AGENT_TOKEN = 'the-agents-token'
const CERTIFICATES = '/var/lib/docker/swarm/certificates'
const AGAIN = { timeoutMs: 100_000, everyMs: 500 }
/** Ten seconds is what is wanted, and printed; three times that is a fault. */
const HEARD_WITHIN_MS = 30_000

/** Beside the controller: looks until each node has reported after that moment, or the time is over. Prints what it took, ms. */
const LOOK = `
const [url, token, sinceMs, withinMs, ...ids] = process.argv.slice(1)
const headers = { authorization: 'Bearer ' + token }
const at = async (id) => {
  const answer = await fetch(url + '/v1/node/' + id, { headers }).catch(() => undefined)
  return Date.parse((await answer?.json().catch(() => undefined))?.agent?.reportedAt ?? '')
}
const startedAtMs = Date.now()
let times = []
while (Date.now() - startedAtMs < Number(withinMs)) {
  times = await Promise.all(ids.map(at))
  if (times.every((time) => time > Number(sinceMs))) {
    console.log(Date.now() - Number(sinceMs))
    process.exit(0)
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
}
console.log('not heard', times)
process.exit(1)
`

const NO_TLS_CHECK = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' }

interface NodeSeen {
  readonly agent?: { readonly reportedAt?: string; readonly faults: readonly unknown[] }
  readonly report?: NodeReport
}

/** Sent as a program on the node can send it: with that node's own files, whatever is said. */
const SEND = `
const [url, path, body, bearer, withCertificate] = process.argv.slice(1)
const { readFileSync } = require('node:fs')
const read = (name) => readFileSync('${CERTIFICATES}/' + name, 'utf8')
const key = () => read('swarm-node.key').replace(/^(-----BEGIN [^\\n]*-----\\n)(?:[^\\n:]+:[^\\n]*\\n(?:[ \\t]+[^\\n]*\\n)*)+\\n/m, '$1')
const shown = withCertificate === 'yes' ? { cert: read('swarm-node.crt'), key: key() } : {}
const { request } = require(url.startsWith('https') ? 'node:https' : 'node:http')
const headers = { 'content-type': 'application/json', ...(bearer && { authorization: 'Bearer ' + bearer }) }
const call = request(url + path, { method: 'PUT', headers, rejectUnauthorized: false, ...shown }, (answer) => {
  answer.resume().on('end', () => console.log(answer.statusCode))
})
call.on('error', (error) => console.log(error.code))
call.end(body)
`

/** At a manager's address, as far as the agent can tell: it wants everything, of the highest revision there can be. */
const rogueProgram = (nodeId: string, { cert, key }: Pick<SwarmIdentity, 'cert' | 'key'>) => `
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
const read = (name) => readFileSync('${CERTIFICATES}/' + name, 'utf8')
const bare = (pem) => pem.replace(/^(-----BEGIN [^\\n]*-----\\n)(?:[^\\n:]+:[^\\n]*\\n(?:[ \\t]+[^\\n]*\\n)*)+\\n/m, '$1')
const wanted = { v: 1, nodeId: '${nodeId}', revision: 9007199254740991, networks: [] }
const answer = (request, response) => {
  console.log(request.method)
  response.end(JSON.stringify(wanted))
}
createServer({ cert: read('swarm-node.crt'), key: bare(read('swarm-node.key')) }, answer).listen(9001)
createServer(${JSON.stringify({ cert, key })}, answer).listen(9002, () => console.log('listening'))
`

describe.each(engines)('identity beside engines %s', (engine) => {
  const place = labForTests({ nodes: 3, managers: 1, engine, lan: { ...LAN, hostAddresses: true } })
  const hostile = () => present(place.lab.workers[0])
  const honest = () => present(place.lab.workers[1])
  let networked: Networked
  let controller: NodeController
  let folder: string
  const agents = new Map<LabNode, Program>()
  const auto = { ORRERY_NETWORK_AUTO: 'true' }

  const startAgent = async (node: LabNode, env: Readonly<Record<string, string>> = {}) => {
    await agents.get(node)?.stop()
    agents.set(node, await networked.startAgent(node, env))
  }
  const logOf = (node: LabNode) => present(agents.get(node)).log()
  /** As the controller shows it, asked from beside it. */
  const seen = async (node: LabNode): Promise<NodeSeen> => {
    const url = `http://127.0.0.1:8000/v1/node/${node.nodeId}?report=true`
    const headers = { authorization: `Bearer ${networked.tokens.admin}` }
    const script = `fetch('${url}', ${JSON.stringify({ headers })}).then(async (a) => console.log(await a.text()), () => console.log('{}'))`
    return JSON.parse((await place.manager.run([process.execPath, '-e', script], { env: NO_TLS_CHECK })).stdout)
  }
  /** A report that came after this was asked. */
  const untilHeard = async (nodes: readonly LabNode[], what: string, scheme = 'http') => {
    const ids = nodes.map(({ nodeId }) => nodeId)
    const args = [`${scheme}://127.0.0.1:8000`, networked.tokens.admin, `${Date.now()}`, `${HEARD_WITHIN_MS}`, ...ids]
    const look = [process.execPath, '--input-type=module', '-e', LOOK, '--', ...args]
    const { code, stdout } = await place.manager.run(look, { env: NO_TLS_CHECK, timeoutMs: HEARD_WITHIN_MS + 20_000 })
    expect([what, code, stdout]).toEqual([what, 0, expect.stringMatching(/^\d+\n$/)])
    const names = nodes.map(({ hostname }) => hostname).join(', ')
    console.log(`engine ${engine}, ${what}: ${names} heard after ${(Number(stdout) / 1000).toFixed(1)} s`)
  }
  const send = async (
    from: LabNode,
    options: { readonly url?: string; path: string; body: unknown; bearer?: string; shows?: boolean },
  ): Promise<string> => {
    const { url = `https://${place.manager.address}:8001`, path, body, bearer = '', shows = true } = options
    const args = [url, path, JSON.stringify(body), bearer, shows ? 'yes' : 'no']
    return (await from.run([process.execPath, '-e', SEND, '--', ...args], { timeoutMs: 15_000 })).stdout.trim()
  }
  const certificateFile = async (node: LabNode, name: string) =>
    (await node.run(['cat', `${CERTIFICATES}/${name}`])).stdout
  const isManagers = async (node: LabNode) =>
    new X509Certificate(await certificateFile(node, 'swarm-node.crt')).subject.includes('OU=swarm-manager')

  beforeAll(async () => {
    networked = await networkedLab(place.lab)
    folder = await mkdtemp(join(tmpdir(), 'orrery-identity-'))
    await writeFile(join(folder, 'tokens'), `admin ${networked.tokens.admin}\nagent ${AGENT_TOKEN}\n`)
    await writeFile(join(folder, 'agent'), AGENT_TOKEN)
    await networked.define('vlan40', `${DEFINITION}onFault: pause\n`)
  })
  afterAll(async () => {
    await networked?.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('an upgrade from agents with tokens to agents with certificates loses no range and touches no link', async () => {
    const without = { ORRERY_SWARM_CERT_DIR: '/nowhere' }
    const old = { ORRERY_TOKEN_FILE: join(folder, 'tokens'), ...auto }
    controller = await networked.startController(place.manager, { ...old, ...without })
    const oldAgent = {
      ...{ ...without, ORRERY_AGENT_TOKEN_FILE: join(folder, 'agent') },
      ORRERY_CONTROLLERS: `http://${place.manager.address}:8000`,
    }
    for (const node of place.lab.nodes) await startAgent(node, oldAgent)
    await untilReady(place.manager, 'vlan40', place.lab.nodes)
    const found = async () => ({
      ranges: await ranges(place.manager, 'vlan40'),
      links: await Promise.all(place.lab.nodes.map(markedLinks)),
    })
    const before = await found()
    await controller.stop()
    controller = await networked.startController(place.manager, old)
    await untilHeard(place.lab.nodes, 'new controller, old agents')
    expect(controller.log().filter(({ event }) => event === 'agent-by-token')).toHaveLength(3)
    for (const node of place.lab.nodes) await startAgent(node)
    await untilHeard(place.lab.nodes, 'new controller, new agents')
    await controller.stop()
    controller = await networked.startController(place.manager, auto)
    await untilHeard(place.lab.nodes, 'no agent has a token')
    expect(await found()).toEqual(before)
  })

  it('a hostile worker speaks for itself alone, pauses nobody and takes no range', async () => {
    const before = { ranges: await ranges(place.manager, 'vlan40'), links: await markedLinks(honest()) }
    const fault = { code: 'parent-missing', message: 'forged' }
    const forged = {
      ...present((await seen(honest())).report),
      ...{ startedAtMs: 9e15, sentAtMs: 9e15, faults: [fault] },
      standings: [{ name: 'vlan40', isAsWanted: false, faults: [fault], mended: [], attached: 0 }],
    }
    const path = `/v1/node/${honest().nodeId}`
    const own = `/v1/node/${hostile().nodeId}`
    const plain = `http://${place.manager.address}:8000`
    expect({
      "another's, with its own certificate": await send(hostile(), { path, body: forged }),
      "another's, under its own name": await send(hostile(), { path: own, body: forged }),
      'without a certificate': await send(hostile(), { path, body: forged, shows: false }),
      'on the port of callers': await send(hostile(), { url: plain, path, body: forged }),
      'there, with the token of before': await send(hostile(), { url: plain, path, body: forged, bearer: AGENT_TOKEN }),
    }).toEqual({
      "another's, with its own certificate": '403',
      "another's, under its own name": '409',
      'without a certificate': expect.stringMatching(/CERTIFICATE_REQUIRED|ECONNRESET/),
      'on the port of callers': '401',
      'there, with the token of before': '401',
    })
    await untilHeard([honest()], 'beside forged reports')
    expect((await seen(honest())).agent?.faults).toEqual([])
    expect(await ranges(place.manager, 'vlan40')).toEqual(before.ranges)
    expect(await markedLinks(honest())).toEqual(before.links)
    const nodes = (await place.manager.api.listNodes()) as { ID: string; Spec: { Availability: string } }[]
    expect(nodes.find(({ ID }) => ID === honest().nodeId)?.Spec.Availability).toBe('active')
  })

  it("a rogue controller is told nothing and obeyed in nothing, with a worker's certificate or of another CA", async () => {
    const before = await markedLinks(honest())
    const file = join(folder, 'rogue.mjs')
    const stranger = swarmCa('x').issue({ nodeId: 'rogue', role: 'swarm-manager' })
    await writeFile(file, rogueProgram(honest().nodeId, stranger))
    const rogue = await hostile().spawn([process.execPath, file])
    try {
      await eventually('the rogue listens', async () => rogue.output().includes('listening'))
      const urls = [`${hostile().address}:9001`, `${hostile().address}:9002`, `${place.manager.address}:8001`]
      await startAgent(honest(), { ORRERY_CONTROLLERS: urls.map((url) => `https://${url}`).join(',') })
      await untilHeard([honest()], 'beside rogues')
      const refused = () => logOf(honest()).filter(({ event }) => event === 'controller-silent')
      await eventually('both rogues are refused', async () => refused().length >= 2)
      expect(refused().map(({ msg }) => msg)).toContainEqual(expect.stringContaining('no manager of this Swarm'))
      expect(rogue.output()).not.toContain('PUT')
      expect(logOf(honest()).filter(({ event }) => event === 'wanted-taken')).toEqual([])
      expect(await markedLinks(honest())).toEqual(before)
    } finally {
      rogue.kill('SIGKILL')
      await startAgent(honest())
    }
  })

  it('agents are heard again by themselves after another CA, and renewed certificates', async () => {
    const root = async (node: LabNode) => await certificateFile(node, 'swarm-root-ca.crt')
    const [before, leaf] = [await root(place.manager), await certificateFile(honest(), 'swarm-node.crt')]
    await place.manager.docker('swarm', 'ca', '--rotate', '--detach')
    await eventually(
      'all nodes have the same new CA',
      async () => {
        const all = new Set(await Promise.all(place.lab.nodes.map(root)))
        return all.size === 1 && !all.has(before)
      },
      { timeoutMs: 90_000 },
    )
    expect(await certificateFile(honest(), 'swarm-node.crt')).not.toBe(leaf)
    await untilHeard(place.lab.nodes, 'another CA')
  })

  it('a worker that is promoted goes on, and so when it is demoted', async () => {
    await place.manager.docker('node', 'promote', honest().hostname)
    await eventually("its certificate is a manager's", async () => await isManagers(honest()), { timeoutMs: 60_000 })
    await untilHeard([honest()], 'promoted')
    await place.manager.docker('node', 'demote', honest().hostname)
    await eventually("it is a worker's again", async () => !(await isManagers(honest())), { timeoutMs: 60_000 })
    await untilHeard([honest()], 'demoted')
  })

  it('a node that was removed is refused, and heard under its new name when it joined again', async () => {
    const gone = hostile().nodeId
    const { report } = await seen(hostile())
    await hostile().leave()
    const isRemoved = async () => (await place.manager.docker('node', 'rm', '--force', gone)).code === 0
    await eventually('it is removed', isRemoved, AGAIN)
    await place.lab.rejoin(hostile())
    expect(hostile().nodeId).not.toBe(gone)
    await untilHeard([hostile()], 'joined again')
    expect(await send(hostile(), { path: `/v1/node/${gone}`, body: report })).toBe('403')
  })

  it('in a locked Swarm a controller that starts says so, and hears agents by a token over its own TLS', async () => {
    const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')]
    const names = ['-subj', '/CN=orrery', '-addext', `subjectAltName=IP:${place.manager.address}`]
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...names, '-out', cert, '-keyout', key]
    expect((await place.manager.run(['openssl', ...made])).code).toBe(0)
    await place.manager.docker('swarm', 'update', '--autolock=true')
    const isLocked = async () => (await certificateFile(place.manager, 'swarm-node.key')).includes('ENCRYPTED')
    await eventually('the key is locked', isLocked, AGAIN)
    await controller.stop()
    const env = {
      ...{ ...auto, ORRERY_NETWORK_DIR: networked.networkDir, ORRERY_TOKEN_FILE: join(folder, 'tokens') },
      ...{ ORRERY_TLS_CERT_FILE: cert, ORRERY_TLS_KEY_FILE: key },
    }
    const second = await place.manager.spawn([process.execPath, mainFile, 'serve'], { env })
    try {
      const listening = (by: string) => second.output().includes(`"event":"agents-listening","by":"${by}"`)
      await eventually('it listens, by tokens', async () => listening('token'))
      expect(second.output()).toContain('autolock')
      const token = { ORRERY_AGENT_TOKEN_FILE: join(folder, 'agent'), NODE_EXTRA_CA_CERTS: cert }
      for (const node of place.lab.nodes) await startAgent(node, token)
      await untilHeard(place.lab.nodes, 'by the second way', 'https')
      await place.manager.docker('swarm', 'update', '--autolock=false')
      await eventually('the first way is back', async () => listening('certificate'), AGAIN)
      await untilHeard(place.lab.nodes, 'by their certificates again', 'https')
    } finally {
      second.kill('SIGKILL')
    }
  })
})
