/**
 * Who speaks for whom, on real Swarms: a hostile worker with its root, its certificate and its engine, a rogue at a
 * manager's address, and certificates that change under the programs' feet.
 */
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { NodeReport } from '../../../src/swarm/node-report.ts'
import type { LabNode } from '../../lab/lab.ts'
import { type SwarmCa, swarmCa } from '../../support/swarm-ca.ts'
import { mainFile } from '../support/controller.ts'
import { CERTIFICATES, LOOK, rogueProgram, SEND } from '../support/identity-programs.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab, type Program } from '../support/networked.ts'
import { markedLinks, ranges, untilReady } from '../support/observed-networks.ts'
import { createService, eventually, NOWHERE, replicasOf } from '../support/services.ts'
import { enginesSideBySide } from '../support/side-by-side.ts'
import { upAllThrough } from '../support/up-all-through.ts'
import { DEFINITION, LAN } from '../support/vlan40.ts'

const AGENT_TOKEN = 'the-agents-token'
const AGAIN = { timeoutMs: 100_000, everyMs: 500 }
/** Ten seconds is what is wanted, and printed; three times that is a fault. */
const HEARD_WITHIN_MS = 30_000

const NO_TLS_CHECK = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' }

interface NodeSeen {
  readonly agent?: { readonly reportedAt?: string; readonly faults: readonly unknown[] }
  readonly report?: NodeReport
}

enginesSideBySide('identity beside engines %s', (engine) => {
  const place = labForTests({ nodes: 3, managers: 1, engine, lan: { ...LAN, hostAddresses: true } })
  const hostile = () => present(place.lab.workers[0])
  const honest = () => present(place.lab.workers[1])
  let networked: Networked
  let controller: NodeController
  let folder: string
  let ca: SwarmCa
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

  it('an upgrade from agents with tokens to agents with certificates loses no range and no step, and touches no link', async () => {
    const id = await createService(place.manager, { name: 'web', template: NOWHERE })
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
    const calls = upAllThrough(`${controller.url}/v1/autoscaler/web/up`, networked.tokens.admin)
    await controller.stop()
    controller = await networked.startController(place.manager, old)
    await untilHeard(place.lab.nodes, 'new controller, old agents')
    expect(controller.log().filter(({ event }) => event === 'agent-by-token')).toHaveLength(3)
    for (const node of place.lab.nodes) await startAgent(node)
    await untilHeard(place.lab.nodes, 'new controller, new agents')
    await controller.stop()
    controller = await networked.startController(place.manager, auto)
    await untilHeard(place.lab.nodes, 'no agent has a token')
    const { answered, longestMs, otherwise } = await calls.end()
    const also = `the longest after ${longestMs.toFixed(0)} ms; else ${JSON.stringify(otherwise)}`
    console.log(`engine ${engine}, upgrade: ${answered} steps, ${also}`)
    expect([await replicasOf(place.manager, id), answered > 10]).toEqual([1 + answered, true])
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

  it('agents are heard again by themselves after another CA', async () => {
    const root = async (node: LabNode) => await certificateFile(node, 'swarm-root-ca.crt')
    const leaf = await certificateFile(honest(), 'swarm-node.crt')
    ca = swarmCa(present(/^O=(.+)$/m.exec(new X509Certificate(leaf).subject)?.[1]))
    const [pem, key] = [join(folder, 'ca.crt'), join(folder, 'ca.key')]
    await Promise.all([writeFile(pem, ca.pem), writeFile(key, ca.key)])
    const rotation = ['--rotate', '--detach', '--ca-cert', pem, '--ca-key', key]
    expect(await place.manager.docker('swarm', 'ca', ...rotation)).toMatchObject({ code: 0 })
    const all = async () => new Set(await Promise.all(place.lab.nodes.map(root)))
    await eventually('all nodes have the new CA', async () => isDeepStrictEqual(await all(), new Set([ca.pem])), {
      timeoutMs: 90_000,
    })
    expect(await certificateFile(honest(), 'swarm-node.crt')).not.toBe(leaf)
    await untilHeard(place.lab.nodes, 'another CA')
  })

  it("and after a certificate that was put in a file's place by hand, and one that Swarm renewed in time, of the same CA", async () => {
    const leaf = async () => await certificateFile(honest(), 'swarm-node.crt')
    /** Heard after the agent has read the one that is there now. */
    const untilHeardBy = async (what: string, changedAtMs: number) => {
      const until = new Date(new X509Certificate(await leaf()).validTo).toISOString()
      const last = () => logOf(honest()).findLast(({ event }) => event === 'certificate-read')?.msg
      await eventually(`${what} is read`, async () => String(last()).includes(until))
      await untilHeard([honest()], what)
      console.log(`engine ${engine}, ${what}: heard ${((Date.now() - changedAtMs) / 1000).toFixed(1)} s after its file`)
    }
    // Past the 80 % of its time at which Swarm renews at the latest, as the engine sees when it starts.
    const due = ca.issue({ nodeId: honest().nodeId, notAfterMs: Date.now() + 600_000 })
    for (const [name, text] of [['swarm-node.crt', due.cert] as const, ['swarm-node.key', due.key] as const]) {
      await writeFile(join(folder, name), text)
      await honest().run(['install', '-m', '600', join(folder, name), `${CERTIFICATES}/${name}`], { check: true })
    }
    await untilHeardBy('a certificate by hand', Date.now())
    await honest().restart()
    await eventually('Swarm has renewed it', async () => (await leaf()) !== due.cert, { timeoutMs: 60_000 })
    await untilHeardBy('a certificate that Swarm renewed', Date.now())
    expect(await certificateFile(honest(), 'swarm-root-ca.crt')).toBe(ca.pem)
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
