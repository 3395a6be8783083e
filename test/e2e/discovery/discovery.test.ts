/**
 * Every container in Consul with its own address: a real Consul on the nodes' LAN, a real Swarm on a macvlan network, and
 * clients that find tasks in Consul alone. What is looked at is Consul's own word.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { WireRegistrations } from '../../../src/http/wire/registration.ts'
import type { LabNode } from '../../lab/lab.ts'
import { buildImage } from '../../lab/packages/build-image.ts'
import { consulProgram, type LabConsul, startLabConsul } from '../../lab/programs/consul.ts'
import { lookUp, PAGE, passing, scaleTo, startPolling, untilPassing } from '../support/discovered.ts'
import { engines } from '../support/engines.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab } from '../support/networked.ts'
import { nodeLabels, untilReady } from '../support/observed-networks.ts'
import { repository } from '../support/product-image.ts'
import { createService, eventually, removeService, runningTasks, updateService } from '../support/services.ts'
import { DEFINITION, LAN, NETWORK } from '../support/vlan40.ts'

const TAGS = 'urlprefix-/api strip=/api,traefik.http.routers.web.rule=Host(`a.example`\\, `b.example`)'
/** Somebody else's, with names of ours: on a node of theirs, and on one of ours by the Orrery of another Swarm. */
const FOREIGN = [
  { ID: 'theirs', Meta: { 'managed-by': 'hand' } },
  { ID: 'orrery:web.1.of-another-swarm:80', Meta: { 'managed-by': 'orrery', cluster: 'another', task: 'x' } },
].map((own) => ({ ...own, Service: 'web', Address: '172.80.250.1', Port: 80 }))

describe.each(engines.slice(0, 1))('discovery, engine %s', (engine) => {
  const place = labForTests({ engine, nodes: 4, managers: 3, lan: LAN, images: ['orrery-lab/web'] })
  let consul: LabConsul
  let untouched: Awaited<ReturnType<typeof everythingInConsul>>
  let networked: Networked
  const controllers = new Map<LabNode, NodeController>()

  /** Two controllers on three managers: one of these can be lost. */
  const places = () => place.lab.managers.slice(0, 2)
  const start = async (node: LabNode, more: Readonly<Record<string, string>> = {}) => {
    const env = { ORRERY_NETWORK_AUTO: 'true', CONSUL_HTTP_ADDR: consul.inside, ...more }
    controllers.set(node, await networked.startController(node, env))
  }
  beforeAll(async () => {
    consul = await startLabConsul(place.lab)
    untouched = await everythingInConsul()
    networked = await networkedLab(place.lab)
    await networked.define(NETWORK, DEFINITION)
    await Promise.all(places().map((node) => start(node)))
    await Promise.all(place.lab.nodes.map((node) => networked.startAgent(node)))
    await untilReady(place.manager, NETWORK, place.lab.nodes)
    await eventually('the swarm network is there', async () => await place.manager.api.getNetwork(NETWORK).inspect())
  })
  afterAll(async () => {
    await networked?.close()
    await consul?.stop()
  })
  beforeEach(async () => {
    for (const node of places()) if (!controllers.has(node)) await start(node)
  })

  const create = async (name: string, replicas: number, more: { env?: string[]; healthcheck?: object } = {}) =>
    await createService(place.manager, {
      name,
      replicas,
      labels: { SERVICE_TAGS: TAGS },
      template: {
        ContainerSpec: {
          Image: 'orrery-lab/web:good',
          Args: ['sh', '-c', PAGE],
          Env: ['TASK={{.Task.ID}}', 'SECRET_PASSWORD=hunter2', ...(more.env ?? [])],
          ...(more.healthcheck !== undefined && { Healthcheck: more.healthcheck }),
        },
        Networks: [{ Target: NETWORK }],
        Placement: { Constraints: [`node.labels.orrery.network.${NETWORK} == ready`] },
        RestartPolicy: { Condition: 'any', Delay: 1e9 },
      },
    })
  const scale = async (id: string, replicas: number) => await scaleTo(place.manager, id, replicas)
  const view = async (controller: NodeController) =>
    (await controller.call<WireRegistrations>('GET', '/v1/registration')).body
  const writer = async () => {
    for (const [node, controller] of controllers)
      if ((await view(controller)).role === 'writer') return { node, controller }
    return undefined
  }
  const other = (node: LabNode) => present([...controllers].find(([one]) => one !== node))[1]
  const nodesOf = async (name: string) => {
    const tasks = await runningTasks(place.manager, name)
    return new Map(
      tasks.map(({ ID, NodeID, Status }) => [
        ID,
        { nodeId: NodeID, container: Status.ContainerStatus?.ContainerID ?? '' },
      ]),
    )
  }
  const containersOf = async (name: string) => {
    const filter = ['ps', '-q', '--filter', `label=com.docker.swarm.service.name=${name}`]
    const lists = await Promise.all(place.lab.nodes.map((node) => node.docker(...filter)))
    return lists.flatMap(({ stdout }) => stdout.split('\n')).filter((id) => id !== '').length
  }
  /** The example of the docs, its Dockerfile and entrypoint as they are, built where it is to run. */
  const consulInContainer = async (nodes: readonly LabNode[]) => {
    const folder = await mkdtemp(join(tmpdir(), 'orrery-consul-in-container-'))
    await cp(join(repository, 'docs/examples/consul-in-container'), folder, { recursive: true })
    await cp(await consulProgram(), join(folder, 'consul'))
    const [tag, BASE] = ['lab/consul-in-container:1', 'orrery-lab/node']
    for (const node of nodes) {
      await node.loadImage(BASE)
      await buildImage(node, { folder, tag, buildArgs: { BASE } })
      await place.manager.docker('node', 'update', '--label-add', 'carries=agents', node.nodeId)
    }
    await rm(folder, { recursive: true })
  }
  /** All that a Consul has, by its own word: what is there before anything of ours is, and after all of it went. */
  const everythingInConsul = async () => {
    const names = async (path: string, field: string) =>
      (await consul.get<Record<string, string>[]>(path)).map((one) => one[field]).toSorted()
    const services = await consul.get<Record<string, string[]>>('/v1/catalog/services')
    const own = await consul.get<object>('/v1/agent/services')
    return {
      nodes: await names('/v1/catalog/nodes', 'Node'),
      services: Object.keys(services).toSorted(),
      ofTheServer: Object.keys(own),
      // 404 where there is none.
      keys: await consul.get<string[]>('/v1/kv/?keys').catch(() => []),
      sessions: await names('/v1/session/list', 'Name'),
    }
  }
  /** Their checks fail, so that nobody is sent there. */
  const registerForeign = async () => {
    await consul.put('/v1/kv/orrery/another/writer', 'theirs')
    const [ours] = await consul.get<{ Node: string }[]>('/v1/catalog/service/web')
    for (const [place, Service] of FOREIGN.entries()) {
      const node = place === 0 ? { Node: 'by-hand', NodeMeta: { 'external-node': 'true' } } : { Node: ours?.Node }
      const Check = { CheckID: `service:${Service.ID}`, Name: 'theirs', Status: 'critical', ServiceID: Service.ID }
      const register = { ...node, Address: '10.9.9.9', SkipNodeUpdate: place !== 0, Service, Check }
      await consul.put('/v1/catalog/register', register)
    }
    foreign = await foreignRows()
    expect(foreign).toHaveLength(2)
  }
  /** As Consul has them, with the index of the last write of each. */
  const foreignRows = async () => {
    const rows = await consul.get<{ ServiceID: string }[]>('/v1/catalog/service/web')
    return rows.filter(({ ServiceID }) => FOREIGN.some(({ ID }) => ID === ServiceID))
  }
  let foreign: object[] = []
  const registeredTasks = async () => (await passing(consul, 'web')).map(({ Meta }) => Meta.task).toSorted()
  let web = ''

  it('a task is there with its own address, in the API, in DNS, on the command line, with its tags unbroken', async () => {
    web = await create('web', 1, { env: ['SERVICE_REGION=eu', 'SERVICE_CHECK_HTPP=/'] })
    await untilPassing(consul, 'web', 1)
    await registerForeign()
    const [entry] = await passing(consul, 'web')
    const [task] = await runningTasks(place.manager, 'web')
    expect(entry).toMatchObject({
      ID: `orrery:web.1.${task?.ID}:80`,
      Address: expect.stringMatching(/^172\.80\.[1-4]\.\d+$/),
      Port: 80,
      Tags: ['urlprefix-/api strip=/api', 'traefik.http.routers.web.rule=Host(`a.example`, `b.example`)'],
      Meta: {
        'managed-by': 'orrery',
        service: 'web',
        task: task?.ID,
        node: task?.NodeID,
        network: NETWORK,
        region: 'eu',
      },
    })
    const answer = await place.lab.run(['curl', '-s', `http://${entry?.Address}:80/`])
    expect(answer.stdout.trim() || answer.code).toBe(task?.ID)
    expect(await lookUp(place.lab, consul, 'web.service.consul')).toEqual([entry?.Address])

    for (const controller of controllers.values()) {
      const text = JSON.stringify(await view(controller))
      expect(text).not.toMatch(/hunter2|SECRET/)
      expect(JSON.parse(text)).toMatchObject({
        counts: { desired: 1, registered: 1, missing: 0, differs: 0, extra: 0 },
        issues: [{ service: 'web', key: 'SERVICE_CHECK_HTPP', value: '/', effect: 'left-out' }],
      })
    }
    const typed = await networked.orrery(place.manager, ['registrations'])
    expect(typed.stdout).toContain(`${entry?.Address}:80`)
    expect(typed.stdout).toContain('did you mean CHECK_HTTP')
  })

  it('scaled from 1 to 10 and to 3, every passing entry answers as its task at every moment', async () => {
    const stop = await startPolling(place.lab, consul, 'web')
    await scale(web, 10)
    await untilPassing(consul, 'web', 10)
    await scale(web, 3)
    await untilPassing(consul, 'web', 3)
    await eventually('three containers are left', async () => (await containersOf('web')) === 3)
    const seen = await stop()
    console.info(`1 -> 10 -> 3: ${seen.polls} polls, ${seen.calls} calls, counts ${seen.counts.join(' ')}`)
    expect(seen.violations).toEqual([])
    expect(seen.calls).toBeGreaterThan(50)
    expect(await registeredTasks()).toEqual([...(await nodesOf('web')).keys()].toSorted())
  })

  it('an update that reuses addresses at once never has two owners of one', async () => {
    const stop = await startPolling(place.lab, consul, 'web')
    const before = new Set((await nodesOf('web')).keys())
    await updateService(place.manager, web, (spec) => {
      const template = spec.TaskTemplate as { ForceUpdate?: number }
      template.ForceUpdate = (template.ForceUpdate ?? 0) + 1
      Object.assign(spec, { UpdateConfig: { Parallelism: 2, Order: 'stop-first' } })
    })
    await eventually(
      'all tasks are new, and their entries',
      async () => {
        const tasks = [...(await nodesOf('web')).keys()]
        const entries = await registeredTasks()
        return tasks.length === 3 && !tasks.some((id) => before.has(id)) && `${entries}` === `${tasks.toSorted()}`
      },
      { timeoutMs: 60_000 },
    )
    expect((await stop()).violations).toEqual([])
  })

  it('a container that is killed is gone at once, and one that turns unhealthy too', async () => {
    const [[task, { nodeId, container }]] = [present([...(await nodesOf('web'))][0])]
    const node = present(place.lab.nodes.find((one) => one.nodeId === nodeId))
    const killedAt = Date.now()
    await node.docker('kill', '--signal', 'KILL', container)
    await eventually(
      'its entry is gone',
      async () => !(await passing(consul, 'web')).some(({ Meta }) => Meta.task === task),
      { timeoutMs: 50_000, everyMs: 20 },
    )
    const tookMs = Date.now() - killedAt
    console.info(`kill -9 of a container: its entry was gone after ${tookMs} ms`)
    expect(tookMs).toBeLessThan(5_000)
    await untilPassing(consul, 'web', 3)

    const healthcheck = { Test: ['CMD-SHELL', 'test ! -e /sick'], Interval: 5e8, Timeout: 1e9, Retries: 1 }
    await create('frail', 1, { healthcheck })
    await untilPassing(consul, 'frail', 1)
    const [[sick, at]] = [present([...(await nodesOf('frail'))][0])]
    const host = present(place.lab.nodes.find((one) => one.nodeId === at.nodeId))
    await host.docker('exec', at.container, 'touch', '/sick')
    await eventually(
      'the unhealthy one is gone',
      async () => !(await passing(consul, 'frail')).some(({ Meta }) => Meta.task === sick),
      { everyMs: 50 },
    )
    await removeService(place.manager, 'frail')
  })

  it('a writer that stops, that is killed, or that loses Swarm is followed by the other; entries stay', async () => {
    const stop = await startPolling(place.lab, consul, 'web')
    const ids = async () => (await passing(consul, 'web')).map(({ ID }) => ID)
    const before = await ids()
    const takeover = async (from: LabNode, what: string, limitMs: number, act: () => Promise<unknown>) => {
      const next = other(from)
      const startedAt = Date.now()
      await act()
      const actedMs = Date.now() - startedAt
      await eventually(`${what}: the other writes`, async () => (await view(next)).role === 'writer', {
        timeoutMs: 60_000,
        everyMs: 50,
      })
      const tookMs = Date.now() - startedAt
      console.info(`${what}: the other wrote after ${tookMs} ms`)
      expect(tookMs).toBeLessThan(limitMs + actedMs)
      expect(await ids()).toEqual(before)
    }
    const first = present(await writer())
    await takeover(first.node, 'a writer that stops', 2_000, async () => await first.controller.stop())
    controllers.delete(first.node)
    await start(first.node)

    const second = present(await writer())
    expect(second.node).not.toBe(first.node)
    await takeover(second.node, 'a writer that is killed', 26_000, async () => await second.controller.kill())
    controllers.delete(second.node)
    await start(second.node)

    const third = present(await writer())
    try {
      await takeover(third.node, 'a writer that loses Swarm and not Consul', 30_000, third.node.freeze)
    } finally {
      await third.node.thaw()
    }
    await place.lab.ready()
    // Entries neither vanished nor doubled at any look.
    const seen = await stop()
    expect(seen).toMatchObject({ violations: [], counts: [before.length], failedLookUps: [] })
    expect(await foreignRows()).toEqual(foreign)
  })

  it('a Consul that restarts, that is away, or that lost everything is true again by itself', async () => {
    const before = await passing(consul, 'web')
    await consul.kill()
    await scale(web, 4)
    await eventually('four tasks run', async () => (await runningTasks(place.manager, 'web')).length === 4)
    await consul.start()
    await untilPassing(consul, 'web', 4)
    await scale(web, 3)
    await untilPassing(consul, 'web', 3)
    await consul.kill()
    await consul.start({ wiped: true })
    await untilPassing(consul, 'web', 3)
    const tasks = [...(await nodesOf('web')).keys()].toSorted()
    expect(await registeredTasks()).toEqual(tasks)
    expect(before).toHaveLength(3)
    await registerForeign()
  })

  it('what somebody else changes or removes of ours is mended, and what is theirs is never touched', async () => {
    const [entry] = await passing(consul, 'web')
    const rows = await consul.get<{ Node: string; ServiceID: string }[]>('/v1/catalog/service/web')
    const node = rows.find(({ ServiceID }) => ServiceID === entry?.ID)?.Node
    await consul.put('/v1/catalog/deregister', { Node: node, ServiceID: entry?.ID })
    await untilPassing(consul, 'web', 3)
    expect(await foreignRows()).toEqual(foreign)
    await eventually('one writes', async () => {
      const roles = await Promise.all([...controllers.values()].map(async (one) => (await view(one)).role))
      return roles.filter((role) => role === 'writer').length === 1
    })
    const current = present(await writer())
    const { body } = await current.controller.call<{ resynced: boolean; sync: { writes: number } }>(
      'POST',
      '/v1/registration/resync',
    )
    expect(body).toMatchObject({ resynced: true, sync: { writes: 0 } })
    const standby = await other(current.node).call<{ resynced: boolean }>('POST', '/v1/registration/resync')
    expect(standby.body.resynced).toBe(false)
  })

  it('a service moves over from a Consul agent in each container, side by side, and no look-up fails', async () => {
    const [first, second] = place.lab.nodes
    await consulInContainer([present(first), present(second)])
    const moved = await createService(place.manager, {
      name: 'moved',
      replicas: 2,
      labels: { 'orrery.ports': '80/tcp' },
      template: {
        ContainerSpec: {
          Image: 'lab/consul-in-container:1',
          Args: ['sh', '-c', PAGE],
          Env: ['TASK={{.Task.ID}}', 'SERVICE_NAME=moved', 'CONSUL_SUBNET=172.80.', `CONSUL_JOIN=${consul.host}`],
          StopGracePeriod: 30e9,
        },
        Networks: [{ Target: NETWORK }],
        Placement: { Constraints: ['node.labels.carries == agents'] },
      },
    })
    // Two by hand and two of ours, of the same containers.
    await untilPassing(consul, 'moved', 4)
    const both = await passing(consul, 'moved')
    expect(new Set(both.map(({ Address }) => Address)).size).toBe(2)
    const stop = await startPolling(place.lab, consul, 'moved')
    await updateService(place.manager, moved, (spec) => {
      const template = spec.TaskTemplate as { ContainerSpec: object }
      Object.assign(template.ContainerSpec, { Image: 'orrery-lab/web:good' })
      Object.assign(spec, { UpdateConfig: { Parallelism: 1, Order: 'stop-first', Delay: 1e9 } })
    })
    await eventually(
      'only ours are left',
      async () => {
        const tasks = [...(await nodesOf('moved')).keys()].toSorted()
        const ids = (await passing(consul, 'moved')).map(({ Meta }) => Meta.task ?? 'by hand').toSorted()
        return tasks.length === 2 && `${ids}` === `${tasks}` && (await containersOf('moved')) === 2
      },
      { timeoutMs: 90_000 },
    )
    const seen = await stop()
    console.info(
      `moved over: ${seen.polls} polls, ${seen.calls} calls, ${seen.lookUps} look-ups, counts ${seen.counts.join(' ')}`,
    )
    expect(seen).toMatchObject({ empty: 0, violations: [], failedLookUps: [] })
    expect(seen.lookUps).toBeGreaterThan(50)
    // Each agent left in good order: none failed, nothing of it stays.
    const nodes = await consul.get<{ Node: string }[]>('/v1/catalog/nodes')
    expect(nodes.map(({ Node }) => Node).filter((name) => /^[0-9a-f]{12}$/.test(name))).toEqual([])
    await removeService(place.manager, 'moved')
  })

  it('finds each controller in Consul itself, with a check that Consul runs', async () => {
    const found = async () =>
      (await passing(consul, 'orrery')).map(({ Address, Port, Meta }) => `${Address}:${Port} ${Meta.node}`).toSorted()
    const wanted = places()
      .map((node) => `${node.address}:8000 ${node.hostname}`)
      .toSorted()
    await eventually('both are there', async () => `${await found()}` === `${wanted}`, { timeoutMs: 40_000 })
  })

  it('an engine that dies and a node that is cut off are out of Consul within a minute', async () => {
    // Of the minute, half is the default of this alone.
    const [defaultMs, graceMs] = [30_000, 10_000]
    const restarted = [...controllers].map(async ([node, controller]) => {
      await controller.stop()
      await start(node, { ORRERY_CONSUL_NODE_GRACE: `${graceMs / 1000}s` })
    })
    await Promise.all(restarted)
    await scale(web, 8)
    await untilPassing(consul, 'web', 8)
    const [one, two] = [place.lab.workers[0], place.lab.managers[2]]
    const lost = new Set([one?.nodeId, two?.nodeId])
    const isLost = async () => (await passing(consul, 'web')).some(({ Meta }) => lost.has(Meta.node ?? ''))
    expect(await isLost()).toBe(true)
    const { ManagerStatus } = await place.manager.api.getNode(present(two).nodeId).inspect()
    const wasLeader = ManagerStatus?.Leader === true
    const lostAt = Date.now()
    await Promise.all([present(one).kill(), present(two).cut()])
    await eventually('nothing of them is there', async () => !(await isLost()), { timeoutMs: 120_000, everyMs: 250 })
    const tookMs = Date.now() - lostAt
    console.info(`an engine killed and a node cut off${wasLeader ? ', the leader' : ''}: gone after ${tookMs} ms`)
    // With the leader it takes an election, 10 to 20 s or two of them, and half a minute until the next calls anybody down.
    expect(tookMs + defaultMs - graceMs).toBeLessThan(wasLeader ? 90_000 : 60_000)
    await untilPassing(consul, 'web', 8)
    // The containers of the node that was cut off ran on: back, they are still not registered.
    await present(two).heal()
    await place.lab.ready({ except: [present(one)] })
    await untilPassing(consul, 'web', 8)
    expect(await registeredTasks()).toEqual([...(await nodesOf('web')).keys()].toSorted())
    await removeService(place.manager, 'web')
    await untilPassing(consul, 'web', 0)
    expect(await foreignRows()).toEqual(foreign)
  })

  it('uninstall leaves nothing of ours in Consul, and what is theirs as it was: everything listed before and after', async () => {
    await present(place.lab.workers[0]).start()
    await place.lab.ready()
    const carrying = (await consul.get<{ Node: string }[]>('/v1/catalog/service/web'))
      .map(({ Node }) => Node)
      .toSorted()
    const before = await everythingInConsul()
    expect(before.services).toContain('orrery')
    expect(before.keys.filter((key) => key.startsWith('orrery/'))).toHaveLength(2)
    expect(before.sessions).not.toEqual([])
    const uninstall = async (...options: string[]) =>
      await networked.orrery(place.manager, ['uninstall', ...options], { CONSUL_HTTP_ADDR: consul.inside })

    const planned = await uninstall()
    expect(planned.stdout).toContain(`1. remove the network ${NETWORK}`)
    expect(planned.stdout).toContain('take the entries of this Swarm out of Consul')
    expect(await everythingInConsul()).toEqual(before)
    // These controllers are no services of a stack: it says so, and goes on once they are stopped.
    const first = await uninstall('--yes')
    expect([first.code, first.stdout]).toEqual([1, expect.stringContaining('a controller at http://127.0.0.1:8000')])
    // One is killed, and leaves its own entry.
    const { node, controller } = present(await writer())
    await other(node).kill()
    await controller.stop()
    controllers.clear()
    const last = await uninstall('--yes')
    expect([last.code, last.stdout]).toEqual([0, expect.stringContaining("nothing of Orrery's is left in the Swarm")])

    expect(await everythingInConsul()).toEqual({
      ...{ nodes: [...untouched.nodes, ...carrying].toSorted(), services: [...untouched.services, 'web'].toSorted() },
      ...{ ofTheServer: untouched.ofTheServer, keys: ['orrery/another/writer'], sessions: untouched.sessions },
    })
    expect(await foreignRows()).toEqual(foreign)
    const configs = await place.manager.docker('config', 'ls', '--format', '{{.Name}}')
    expect(configs.stdout.trim()).toBe('')
    expect(JSON.stringify(await nodeLabels(place.manager))).not.toContain('orrery')
  })
})
