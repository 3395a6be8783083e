/**
 * Agent mode: a Consul agent and ours on every node, a real Swarm on a macvlan network, checks that Consul runs itself. What is
 * looked at is the word of Consul's server.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WireRegistrations } from '../../src/http/wire/registration.ts'
import { type ConsulServer, type LabConsul, startLabConsul, startNodeConsul } from '../lab/consul.ts'
import type { LabNode } from '../lab/lab.ts'
import { lookUp, passing, untilPassing } from './support/discovered.ts'
import { engines } from './support/engines.ts'
import { labForTests, present } from './support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab, type Program } from './support/networked.ts'
import { untilReady } from './support/observed-networks.ts'
import { createService, eventually, runningTasks, updateService } from './support/services.ts'
import { DEFINITION, LAN, NETWORK } from './support/vlan40.ts'

const PAGE = 'mkdir /w; echo $TASK > /w/index.html; httpd -f -p 80 -h /w & trap "kill $!; exit" TERM; wait'
const FOREIGN = { ID: 'theirs', Name: 'web', Address: '172.80.250.1', Port: 80, Meta: { 'managed-by': 'hand' } }
const BESIDE = { CONSUL_HTTP_ADDR: 'http://127.0.0.1:8500' }

interface Row {
  readonly Node: { readonly Node: string }
  readonly Service: { readonly ID: string; readonly Meta: Readonly<Record<string, string>> }
  readonly Checks: readonly { readonly Name: string; readonly Status: string; readonly Output: string }[]
}

describe.each(engines.slice(0, 1))('discovery by agents, engine %s', (engine) => {
  const place = labForTests({ engine, nodes: 2, managers: 1, lan: LAN, images: ['orrery-lab/web'] })
  let consul: LabConsul
  let networked: Networked
  let controller: NodeController
  const beside = new Map<LabNode, ConsulServer>()
  const agents = new Map<LabNode, Program>()

  const startController = async () => {
    const env = { ORRERY_NETWORK_AUTO: 'true', ORRERY_CONSUL_MODE: 'agent', ...BESIDE }
    controller = await networked.startController(place.manager, env)
  }
  const startAgent = async (node: LabNode) => void agents.set(node, await networked.startAgent(node, BESIDE))
  beforeAll(async () => {
    consul = await startLabConsul(place.lab)
    for (const node of place.lab.nodes) beside.set(node, await startNodeConsul(node, consul))
    networked = await networkedLab(place.lab)
    await networked.define(NETWORK, DEFINITION)
    await startController()
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
  const scale = async (replicas: number) =>
    await updateService(place.manager, web, (spec) => {
      if (spec.Mode.Replicated) Object.assign(spec.Mode.Replicated, { Replicas: replicas })
    })
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
    const { body } = await controller.call<WireRegistrations>('GET', '/v1/registration')
    expect(body).toMatchObject({ mode: 'agent', role: 'agents', counts: { desired: 4, registered: 4, missing: 0 } })
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

  it('entries stay while the controller is away and an agent restarts; a Consul agent that restarts or lost all is true again', async () => {
    const { node } = await one()
    const before = (await ours()).map(({ ID }) => ID)
    await controller.kill()
    await agents.get(node)?.kill()
    await startAgent(node)
    await eventually('the agent runs', async () => agents.get(node)?.output().includes('agent-started') === true)
    await beside.get(node)?.kill()
    await beside.get(node)?.start()
    await untilPassing(consul, 'web', 5)
    expect((await ours()).map(({ ID }) => ID)).toEqual(before)

    await startController()
    await beside.get(node)?.kill()
    await beside.get(node)?.start({ wiped: true })
    if (node === place.manager) await beside.get(node)?.put('/v1/agent/service/register', FOREIGN)
    await untilTrue(4)
  })

  it('scaled down, what Swarm wants to end leaves, and what is not ours is still there', async () => {
    const startedAt = Date.now()
    await scale(1)
    await eventually('one is left', async () => (await ours()).length === 1, { everyMs: 20 })
    console.info(`agent mode, 4 -> 1: the entries were gone after ${Date.now() - startedAt} ms`)
    await untilTrue(1)
    await scale(0)
    await untilTrue(0)
    expect((await passing(consul, 'web')).map(({ ID }) => ID)).toEqual([FOREIGN.ID])
  })
})
