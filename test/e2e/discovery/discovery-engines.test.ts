/**
 * Discovery in short on the older engine: the main story with Swarm's watch and without it, on a network of both address
 * families. The long one is discovery.test.ts.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type LabConsul, startLabConsul } from '../../lab/programs/consul.ts'
import { lookUp, PAGE, passing, scaleTo, startPolling, untilPassing } from '../support/discovered.ts'
import { engines } from '../support/engines.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab } from '../support/networked.ts'
import { untilReady } from '../support/observed-networks.ts'
import { repository } from '../support/product-image.ts'
import { createService, eventually, removeService, runningTasks } from '../support/services.ts'
import { DEFINITION, LAN, NETWORK } from '../support/vlan40.ts'

const BOTH = `${DEFINITION}subnet6: fd80::/64\ngateway6: fd80::1\npool6: [fd80::1:0-fd80::ff:ffff]\nrange6: 112\n`
/** Tasks are asked for each second where they are not heard (docs/operations.md). */
const POLL_MS = 1_000

describe.each(engines.slice(-1))('discovery in short, engine %s', (engine) => {
  const place = labForTests({ engine, nodes: 2, managers: 1, lan: LAN, images: ['orrery-lab/web'] })
  let consul: LabConsul
  let networked: Networked
  let controller: NodeController
  let web = ''

  const start = async (env: Readonly<Record<string, string>> = {}) => {
    const common = { ORRERY_NETWORK_AUTO: 'true', CONSUL_HTTP_ADDR: consul.inside }
    controller = await networked.startController(place.manager, { ...common, ...env })
  }
  beforeAll(async () => {
    consul = await startLabConsul(place.lab)
    networked = await networkedLab(place.lab)
    await place.lab.run(['ip', 'address', 'add', 'fd80::1/64', 'dev', 'br1', 'nodad'])
    await networked.define(NETWORK, BOTH)
    // As the page has it, but for where Consul is.
    const { environment } = await fiveMinutes()
    const file = environment.CONSUL_HTTP_TOKEN_FILE
    await place.manager.run(['sh', '-c', `mkdir -p "$(dirname ${file})" && echo any > ${file}`])
    await start({ ...environment, CONSUL_HTTP_ADDR: consul.inside })
    await Promise.all(place.lab.nodes.map((node) => networked.startAgent(node)))
    await untilReady(place.manager, NETWORK, place.lab.nodes)
    await eventually('the swarm network is there', async () => await place.manager.api.getNetwork(NETWORK).inspect())
  })
  afterAll(async () => {
    await networked?.close()
    await consul?.stop()
  })

  const registered = async () => (await passing(consul, 'web')).map(({ Meta }) => Meta.task).toSorted()
  const running = async () => (await runningTasks(place.manager, 'web')).map(({ ID }) => ID).toSorted()
  const answerOf = async (host: string) => {
    const { stdout, code } = await place.lab.run(['curl', '-gsS', '--max-time', '5', `http://${host}:80/`])
    return stdout.trim() || code
  }
  /** From one task to six and to two, while somebody lives by what Consul says. */
  const upAndDown = async (what: string, toleratedMs: number) => {
    const stop = await startPolling(place.lab, consul, 'web', toleratedMs)
    await scaleTo(place.manager, web, 6)
    await untilPassing(consul, 'web', 6)
    for (const { Address, Meta } of await passing(consul, 'web')) expect(await answerOf(Address)).toBe(Meta.task)
    const startedAt = Date.now()
    await scaleTo(place.manager, web, 2)
    await untilPassing(consul, 'web', 2)
    const tookMs = Date.now() - startedAt
    const seen = await stop()
    console.info(`${what}: 6 -> 2 took ${tookMs} ms; ${seen.calls} calls, counts ${seen.counts.join(' ')}`)
    expect(seen).toMatchObject({ violations: [], empty: 0, failedLookUps: [] })
    expect(seen.calls).toBeGreaterThan(20)
    expect(await registered()).toEqual(await running())
  }

  it('the five minutes of docs/discovery.md go as they are written', async () => {
    const { environment, create, dig } = await fiveMinutes()
    expect(Object.keys(environment)).toEqual(['CONSUL_HTTP_ADDR', 'CONSUL_HTTP_TOKEN_FILE'])
    // Another image and no registry; everything else is the text's.
    const words = create.replace(/ nginx$/, ' orrery-lab/web:good').split(' ')
    const [docker, service, made, ...rest] = words
    expect([docker, service, made]).toEqual(['docker', 'service', 'create'])
    const { stderr, code } = await place.manager.docker('service', 'create', '-d', '--no-resolve-image', ...rest)
    expect([code, stderr]).toEqual([0, ''])
    await untilPassing(consul, 'web', 1)
    const [entry] = await passing(consul, 'web')
    expect(entry?.Tags).toEqual(['front'])
    const { stdout } = await networked.orrery(place.manager, ['registrations'])
    expect(stdout).toContain(`${entry?.Address}:80`)
    expect(dig).toMatchObject({ host: '@consul.example', port: '8600' })
    expect(await lookUp(place.lab, consul, dig.name)).toEqual([entry?.Address])
    expect(dig.answer).toMatch(/^172\.80\.1\.\d+$/)
    await removeService(place.manager, 'web')
    await untilPassing(consul, 'web', 0)
  })

  it('a task is there with its own address, of both families where its network has both', async () => {
    web = await createService(place.manager, {
      name: 'web',
      replicas: 1,
      labels: {},
      template: {
        ContainerSpec: { Image: 'orrery-lab/web:good', Args: ['sh', '-c', PAGE], Env: ['TASK={{.Task.ID}}'] },
        Networks: [{ Target: NETWORK }],
        Placement: { Constraints: [`node.labels.orrery.network.${NETWORK} == ready`] },
        RestartPolicy: { Condition: 'any', Delay: 1e9 },
      },
    })
    await untilPassing(consul, 'web', 1)
    const [entry] = await passing(consul, 'web')
    const [task] = await running()
    expect(entry).toMatchObject({
      ID: `orrery:web.1.${task}:80`,
      Address: expect.stringMatching(/^172\.80\.[12]\.\d+$/),
      Meta: { task, network: NETWORK, address6: expect.stringMatching(/^fd80::/) },
    })
    for (const host of [`${entry?.Address}`, `[${entry?.Meta.address6}]`]) expect(await answerOf(host)).toBe(task)
  })

  it('heard by the watch, every passing entry answers as its task while it is scaled', async () => {
    await upAndDown('heard', 250)
  })

  it('without the watch, the same holds within the second after which tasks are asked for again', async () => {
    await controller.stop()
    await start({ ORRERY_SWARM_SOCKET: 'off' })
    await upAndDown('asked for', POLL_MS + 250)

    const [task] = await runningTasks(place.manager, 'web')
    const node = present(place.lab.nodes.find(({ nodeId }) => nodeId === task?.NodeID))
    const killedAt = Date.now()
    await node.docker('kill', '--signal', 'KILL', present(task?.Status.ContainerStatus?.ContainerID))
    await eventually('its entry is gone', async () => !(await registered()).includes(task?.ID), { everyMs: 20 })
    const tookMs = Date.now() - killedAt
    console.info(`asked for, kill -9 of a container: its entry was gone after ${tookMs} ms`)
    expect(tookMs).toBeLessThan(5_000)
  })
})

/** What its page has people write and type. */
async function fiveMinutes() {
  const page = await readFile(join(repository, 'docs/discovery.md'), 'utf8')
  const section = page.slice(page.indexOf('## Five minutes'), page.indexOf('## Keys'))
  const [yaml = '', create = '', look = ''] = [...section.matchAll(/^ *```\w*\n(.*?)^ *```$/gms)].map(
    ([, text]) => text,
  )
  const [, host, port, name = '', answer] = /dig \+short (\S+) -p (\d+) (\S+)\n\s*(\S+)/.exec(look) ?? []
  const { environment } = parse(yaml) as { environment: Record<string, string> }
  return { environment, create: create.trim(), dig: { host, port, name, answer } }
}
