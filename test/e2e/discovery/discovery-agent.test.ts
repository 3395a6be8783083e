/**
 * Agent mode: a Consul agent and ours on every node, a real Swarm on a macvlan network, checks that Consul runs itself. What is
 * looked at is the word of Consul's server.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WireRegistrations } from '../../../src/http/wire/registration.ts'
import type { LabNode } from '../../lab/lab.ts'
import { type ConsulServer, type LabConsul, startLabConsul, startNodeConsul } from '../../lab/programs/consul.ts'
import { lookUp, PAGE, passing, scaleTo, startPolling, untilPassing } from '../support/discovered.ts'
import { engines } from '../support/engines.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab, type Program } from '../support/networked.ts'
import { untilReady } from '../support/observed-networks.ts'
import { createService, eventually, removeService, runningTasks } from '../support/services.ts'
import { DEFINITION, LAN, NETWORK } from '../support/vlan40.ts'

const FOREIGN = { ID: 'theirs', Name: 'web', Address: '172.80.250.1', Port: 80, Meta: { 'managed-by': 'hand' } }
const BESIDE = { CONSUL_HTTP_ADDR: 'http://127.0.0.1:8500' }

interface Row {
  readonly Node: { readonly Node: string }
  readonly Service: { readonly ID: string; readonly Meta: Readonly<Record<string, string>> }
  readonly Checks: readonly { readonly Name: string; readonly Status: string; readonly Output: string }[]
}

describe.each(engines.slice(0, 1))('discovery by agents, engine %s', (engine) => {
  const place = labForTests({ engine, nodes: 3, managers: 2, lan: LAN, images: ['orrery-lab/web'] })
  let consul: LabConsul
  let networked: Networked
  const controllers = new Map<LabNode, NodeController>()
  const beside = new Map<LabNode, ConsulServer>()
  const agents = new Map<LabNode, Program>()

  const startController = async (node: LabNode) => {
    const env = { ORRERY_NETWORK_AUTO: 'true', ORRERY_CONSUL_MODE: 'agent', ...BESIDE }
    controllers.set(node, await networked.startController(node, env))
  }
  const startAgent = async (node: LabNode) => void agents.set(node, await networked.startAgent(node, BESIDE))
  beforeAll(async () => {
    consul = await startLabConsul(place.lab)
    await Promise.all(place.lab.nodes.map(async (node) => beside.set(node, await startNodeConsul(node, consul))))
    networked = await networkedLab(place.lab)
    await networked.define(NETWORK, DEFINITION)
    await Promise.all(place.lab.managers.map(startController))
    await Promise.all(place.lab.nodes.map(startAgent))
    await untilReady(place.manager, NETWORK, place.lab.nodes)
    await eventually('the swarm network is there', async () => await place.manager.api.getNetwork(NETWORK).inspect())
  })
  afterAll(async () => {
    await networked?.close()
    await Promise.all([...beside.values()].map((one) => one.stop()))
    await consul?.stop()
  })

  const ours = async () => (await passing(consul, 'web')).filter(({ Meta }) => Meta['managed-by'] === 'orrery')
  const rows = async () => await consul.get<Row[]>('/v1/health/service/web')
  const tasks = async () => (await runningTasks(place.manager, 'web')).map(({ ID }) => ID).toSorted()
  const untilTrue = async (count: number) =>
    await eventually(
      `the ${count} tasks that run are in Consul, and no other`,
      async () => {
        const [running, there] = [await tasks(), (await ours()).map(({ Meta }) => Meta.task)]
        return running.length === count && `${running}` === `${there.toSorted()}`
      },
      { timeoutMs: 60_000, everyMs: 100 },
    )
  const scale = async (replicas: number) => await scaleTo(place.manager, web, replicas)
  /** A task, its node and its container. */
  const one = async () => {
    const [task] = await runningTasks(place.manager, 'web')
    const node = present(place.lab.nodes.find(({ nodeId }) => nodeId === task?.NodeID))
    return { id: present(task).ID, node, container: present(task?.Status.ContainerStatus?.ContainerID) }
  }
  const isPassing = async (task: string) => (await ours()).some(({ Meta }) => Meta.task === task)
  let web = ''

  it('tasks are at the agents of their nodes, checked by these through the shim, in the API and in DNS', async () => {
    await beside.get(place.manager)?.put('/v1/agent/service/register', FOREIGN)
    web = await createService(place.manager, {
      name: 'web',
      replicas: 4,
      labels: { SERVICE_CHECK_HTTP: '/', SERVICE_CHECK_INTERVAL: '1s', 'orrery.ports': '80/tcp' },
      template: {
        ContainerSpec: {
          ...{ Image: 'orrery-lab/web:good', Args: ['sh', '-c', PAGE], Env: ['TASK={{.Task.ID}}'] },
          Healthcheck: { Test: ['CMD-SHELL', 'test ! -e /sick'], Interval: 5e8, Timeout: 1e9, Retries: 1 },
        },
        ...{ Networks: [{ Target: NETWORK }], RestartPolicy: { Condition: 'any', Delay: 1e9 } },
        Placement: { Constraints: [`node.labels.orrery.network.${NETWORK} == ready`] },
      },
    })
    await untilTrue(4)
    const hosts = new Map(place.lab.nodes.map(({ nodeId, hostname }) => [nodeId, `agent-${hostname}`]))
    for (const { Node, Service, Checks } of await rows()) {
      if (Service.ID === FOREIGN.ID) continue
      expect(Node.Node).toBe(hosts.get(Service.Meta.node ?? ''))
      const own = Checks.filter(({ Name }) => Name !== 'Serf Health Status')
      expect(own.map(({ Name, Status }) => `${Name} ${Status}`).toSorted()).toEqual([
        'HTTP passing',
        'Swarm task passing',
      ])
      expect(own.find(({ Name }) => Name === 'HTTP')?.Output).toContain('200 OK')
    }
    const addresses = [...(await ours()).map(({ Address }) => Address), FOREIGN.Address]
    expect((await lookUp(place.lab, consul, 'web.service.consul')).length).toBeGreaterThan(2)
    expect(addresses).toEqual(expect.arrayContaining(await lookUp(place.lab, consul, 'web.service.consul')))
    for (const controller of controllers.values()) {
      const { body } = await controller.call<WireRegistrations>('GET', '/v1/registration')
      expect(body).toMatchObject({ mode: 'agent', role: 'agents', counts: { desired: 4, registered: 4, missing: 0 } })
    }
  })

  it('checks by gRPC and by HTTPS reach the container through the shim', async () => {
    const worker = present(place.lab.workers[0])
    await worker.loadImage('orrery-lab/node')
    const script = readFileSync(join(import.meta.dirname, '../fixtures/health-server.cjs'), 'utf8')
    const { cert, key } = certificate()
    await createService(place.manager, {
      name: 'checked',
      labels: {
        ...{ 'orrery.ports': '8443/tcp,50051/tcp', SERVICE_CHECK_INTERVAL: '1s', SERVICE_50051_CHECK_GRPC: 'true' },
        ...{ SERVICE_8443_CHECK_HTTPS: '/', SERVICE_8443_CHECK_TLS_SKIP_VERIFY: 'true' },
      },
      template: {
        ContainerSpec: { Image: 'orrery-lab/node', Args: ['node', '-e', script], Env: [`CERT=${cert}`, `KEY=${key}`] },
        ...{ Networks: [{ Target: NETWORK }], Placement: { Constraints: ['node.role == worker'] } },
      },
    })
    const names = ['checked-8443', 'checked-50051']
    const states = async () => {
      const found = await Promise.all(names.map((name) => consul.get<Row[]>(`/v1/health/service/${name}`)))
      const checks = found.flat().flatMap(({ Checks }) => Checks)
      return checks.flatMap(({ Name, Status }) => (Name === 'Serf Health Status' ? [] : `${Name} ${Status}`)).toSorted()
    }
    const untilStates = async (wanted: string) =>
      await eventually(wanted, async () => `${await states()}` === wanted, { timeoutMs: 60_000, everyMs: 100 })
    await untilStates('HTTPS passing,Swarm task passing,Swarm task passing,gRPC passing')
    const [task] = await runningTasks(place.manager, 'checked')
    await worker.docker('exec', present(task?.Status.ContainerStatus?.ContainerID), 'touch', '/sick')
    await untilStates('HTTPS critical,Swarm task passing,Swarm task passing,gRPC critical')
    await removeService(place.manager, 'checked')
    await untilStates('')
  })

  it('what its own check or Swarm finds unhealthy leaves, and a killed one is gone at once', async () => {
    const { id, node, container } = await one()
    await node.docker('exec', container, 'mv', '/w/index.html', '/w/away')
    await eventually('its HTTP check fails', async () => !(await isPassing(id)), { everyMs: 100 })
    expect(await tasks()).toContain(id)
    await node.docker('exec', container, 'mv', '/w/away', '/w/index.html')
    await eventually('its HTTP check passes', async () => await isPassing(id), { everyMs: 100 })

    const killedAt = Date.now()
    await node.docker('kill', '--signal', 'KILL', container)
    await eventually('its entry is gone', async () => !(await isPassing(id)), { timeoutMs: 50_000, everyMs: 20 })
    const tookMs = Date.now() - killedAt
    console.info(`agent mode, kill -9 of a container: its entry was gone after ${tookMs} ms`)
    expect(tookMs).toBeLessThan(5_000)
    await untilTrue(4)

    const sick = await one()
    await sick.node.docker('exec', sick.container, 'touch', '/sick')
    await eventually('the unhealthy one is gone', async () => !(await isPassing(sick.id)), { everyMs: 50 })
    await untilTrue(4)
  })

  it('two controllers: entries stay while one is away and both, agents and Consul agents restart or lose everything', async () => {
    const { node } = await one()
    const [first, second] = [place.manager, present(place.lab.managers[1])]
    const before = (await ours()).map(({ ID }) => ID)
    await controllers.get(first)?.kill()
    await scale(5)
    await untilTrue(5)
    const withFive = (await ours()).map(({ ID }) => ID)
    expect(withFive).toEqual(expect.arrayContaining(before))
    await controllers.get(second)?.kill()
    await agents.get(node)?.kill()
    await startAgent(node)
    await eventually('the agent runs', async () => agents.get(node)?.output().includes('agent-started') === true)
    await beside.get(node)?.kill()
    await beside.get(node)?.start()
    await untilPassing(consul, 'web', 6)
    expect((await ours()).map(({ ID }) => ID)).toEqual(withFive)

    await Promise.all([first, second].map(startController))
    await beside.get(node)?.kill()
    await beside.get(node)?.start({ wiped: true })
    if (node === place.manager) await beside.get(node)?.put('/v1/agent/service/register', FOREIGN)
    await untilTrue(5)
  })

  it('scaled up and down, every passing entry answers as its task, and what Swarm wants to end leaves', async () => {
    // Agents hear each second what is wanted; Swarm ends a container about three after it wants that.
    const stop = await startPolling(place.lab, consul, 'web', 3_000)
    await scale(8)
    await untilTrue(8)
    const startedAt = Date.now()
    await scale(2)
    await eventually('two are left', async () => (await ours()).length === 2, { everyMs: 20 })
    const tookMs = Date.now() - startedAt
    await untilTrue(2)
    const seen = await stop()
    console.info(
      `agent mode, 8 -> 2: the entries were gone after ${tookMs} ms; ${seen.calls} calls, longest false ${seen.longestFalse.ms} ms ${seen.longestFalse.why}`,
    )
    expect(seen).toMatchObject({ violations: [], empty: 0, failedLookUps: [] })
    expect(seen.calls).toBeGreaterThan(20)
  })

  it('a node that is gone with its Consul agent passes no more within a minute, and is true again when it is back', async () => {
    const worker = present(place.lab.workers[0])
    await scale(6)
    await untilTrue(6)
    const isThere = async () => (await ours()).some(({ Meta }) => Meta.node === worker.nodeId)
    expect(await isThere()).toBe(true)
    const cutAt = Date.now()
    await worker.cut()
    await eventually('nothing of it passes', async () => !(await isThere()), { timeoutMs: 120_000, everyMs: 100 })
    const tookMs = Date.now() - cutAt
    console.info(`agent mode, a node cut off: nothing of it passed after ${tookMs} ms`)
    expect(tookMs).toBeLessThan(60_000)
    await untilTrue(6)
    await worker.heal()
    await place.lab.ready()
    await untilTrue(6)
    await scale(0)
    await untilTrue(0)
    expect((await passing(consul, 'web')).map(({ ID }) => ID)).toEqual([FOREIGN.ID])
  })
})

/** Of no authority. */
function certificate(): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-certificate-'))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...kind, '-subj', '/CN=checked', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const pair = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  rmSync(folder, { recursive: true })
  return pair
}
