/** Services grow as far as the ranges go, wherever Swarm puts the tasks: none of them ever fails for want of an address. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { WireAutoscaler } from '../../../src/http/wire/autoscaler.ts'
import type { WireDecision } from '../../../src/http/wire/decision.ts'
import type { WireNetwork } from '../../../src/http/wire/network.ts'
import type { Lab, LabNode } from '../../lab/lab.ts'
import { engines } from '../support/engines.ts'
import { type FailedTasks, watchFailedTasks } from '../support/failed-tasks.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { type Networked, type NodeController, networkedLab } from '../support/networked.ts'
import { runningTasks, untilReady } from '../support/observed-networks.ts'
import { createService, eventually, policyLabels, removeService, replicasOf } from '../support/services.ts'
import { LAN, NETWORK } from '../support/vlan40.ts'

const SERVICES = ['web', 'shop']
/** How long a container of these services keeps its address after it was told to stop, where that matters. */
const GRACE_MS = 4000

/** 16 addresses in a /28, one of them the host's own: 15 for containers on each of three nodes. */
const equal = (range: number) => () =>
  `
name: ${NETWORK}
parent: eth1
subnet: 172.80.0.0/16
gateway: 172.80.0.1
pool: [172.80.1.0-172.80.1.255]
range: ${range}
edges: use
`

/** 7 for containers on the second node, 15 on the others. */
const unequal = ({ nodes }: Lab) => `${equal(28)()}nodes: {${present(nodes[1]).hostname}: 172.80.1.128/29}\n`

const fifteen = { ranges: 'three ranges of 15 addresses', definition: equal(28), ceiling: 45, isWhole: true }
const seven = { ranges: 'three ranges of 7 addresses', definition: equal(29), ceiling: 21, isWhole: true }
const mixed = { ranges: 'ranges of 15, 7 and 15 addresses', definition: unequal, ceiling: 21, isWhole: false }
/** How ranges are counted has nothing to do with the engine, and with each address more a container more is started. */
const stages = engines.flatMap((engine, index) =>
  (index === 0 ? [fifteen, mixed] : [seven]).map((stage) => ({ engine, ...stage })),
)

describe.each(stages)('on $ranges, $engine engine', ({ engine, definition, ceiling, isWhole }) => {
  const place = labForTests({
    engine,
    nodes: 3,
    managers: 2,
    lan: LAN,
    images: ['orrery-lab/web'],
  })
  let networked: Networked
  let first: NodeController
  let second: NodeController
  let failed: FailedTasks

  beforeAll(async () => {
    networked = await networkedLab(place.lab)
    await networked.define(NETWORK, definition(place.lab))
    const controllers = place.lab.managers.map((node) =>
      networked.startController(node, { ORRERY_NETWORK_AUTO: 'true' }),
    )
    const agents = place.lab.nodes.map((node) => networked.startAgent(node))
    const [one, other] = await Promise.all(controllers)
    await Promise.all(agents)
    ;[first, second] = [present(one), present(other)]
    await untilReady(place.manager, NETWORK, place.lab.nodes)
    await eventually('the swarm network is there', async () => await place.manager.api.getNetwork(NETWORK).inspect())
  })
  afterAll(async () => await networked?.close())

  beforeEach(() => {
    failed = watchFailedTasks(place.manager, SERVICES)
  })
  afterEach(async () => {
    await failed.stop()
    for (const name of SERVICES) await removeService(place.manager, name)
    await eventually('every container is gone', async () => (await containers(place.lab.nodes)) === 0)
    await eventually('both controllers know that every address is free', async () => {
      return (await Promise.all([first, second].map(isFree))).every(Boolean)
    })
  })

  async function create(name: string, graceMs = 1000): Promise<string> {
    const id = await createService(place.manager, {
      name,
      replicas: 3,
      labels: policyLabels(),
      template: {
        ContainerSpec: {
          Image: 'orrery-lab/web:good',
          Args: ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'],
          StopGracePeriod: graceMs * 1e6,
        },
        Networks: [{ Target: NETWORK }],
        Placement: { Constraints: [`node.labels.orrery.network.${NETWORK} == ready`] },
      },
    })
    for (const controller of [first, second]) {
      await eventually(`${name} is seen`, async () => {
        const { status } = await controller.call('GET', `/v1/autoscaler/${name}`)
        return status === 200
      })
    }
    await untilRunning(name, 3)
    return id
  }

  const untilRunning = async (name: string, count: number) =>
    await eventually(
      `${count} tasks of ${name} run`,
      async () => (await runningTasks(place.manager, name)).length === count,
      { timeoutMs: 90_000, everyMs: 250 },
    )

  const sum = async (ids: readonly string[]) => {
    const counts = await Promise.all(ids.map(async (id) => (await replicasOf(place.manager, id)) ?? 0))
    return counts.reduce((all, count) => all + count, 0)
  }

  const untilSettled = async () => {
    for (const name of SERVICES) {
      const { body } = await first.call<WireAutoscaler>('GET', `/v1/autoscaler/${name}`)
      await untilRunning(name, body.observation.replicas)
    }
  }

  const expectNoFailures = async () => {
    await failed.stop()
    expect(failed.seen()).toEqual([])
  }

  it('one service grows to exactly what they address, and is told why no further', async () => {
    const id = await create('web')
    const answer = await put(first, 'web', 100)
    expect(answer).toMatchObject({
      outcome: 'scaled',
      to: ceiling,
      limits: [{ stage: 'capacity', before: 100, after: ceiling }],
    })
    await untilRunning('web', ceiling)
    const full = await up(first, 'web')
    expect(full).toMatchObject({ outcome: 'unchanged', code: 'at-capacity', to: ceiling })
    expect(full.reason).toMatch(new RegExp(`the network ${NETWORK} has .* at most ${ceiling} replicas`))
    const { body } = await first.call<WireAutoscaler>('GET', '/v1/autoscaler/web')
    expect(body.conditions).toContainEqual(expect.objectContaining({ type: 'AtCapacity', status: true }))
    await sleep(2000)
    expect(await replicasOf(place.manager, id)).toBe(ceiling)
    await expectNoFailures()
  })

  it('two services that take the last addresses through two controllers at one moment get exactly all of them', async () => {
    const ids = await Promise.all([create('web'), create('shop')])
    await Promise.all([put(first, 'web', 100), put(second, 'shop', 100)])
    await untilSettled()
    // What one of them was promised too much of while tasks were on their way, the other may have.
    await eventually('nobody gets any more', async () => {
      const answers = await Promise.all([put(first, 'web', 100), put(second, 'shop', 100)])
      return answers.every(({ code }) => code === 'at-capacity') && (await sum(ids)) === ceiling
    })
    await untilSettled()
    await expectNoFailures()
  })

  if (!isWhole) return

  it('60 calls for one more each end there too', async () => {
    const id = await create('web')
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => await up(index % 2 === 0 ? first : second, 'web')),
    )
    expect(new Set(answers.map(({ outcome, code }) => code ?? outcome))).toEqual(new Set(['scaled', 'at-capacity']))
    expect(await replicasOf(place.manager, id)).toBe(ceiling)
    await untilRunning('web', ceiling)
    await expectNoFailures()
  })

  it('down to less than half and up again within 2 s waits for the containers that stop, and no longer', async () => {
    const few = Math.floor((ceiling * 4) / 9)
    await create('web', GRACE_MS)
    await eventually('it is full', async () => (await put(first, 'web', ceiling)).to === ceiling)
    await untilRunning('web', ceiling)
    expect(await put(first, 'web', few)).toMatchObject({ outcome: 'scaled', to: few })
    await sleep(1000)
    const soon = await put(second, 'web', ceiling)
    expect(soon.to).toBeLessThan(ceiling)
    expect(soon.limits.map(({ stage }) => stage)).toEqual(['capacity'])
    const asked = Date.now()
    await eventually('all of it is back', async () => (await put(first, 'web', ceiling)).to === ceiling, {
      everyMs: 100,
    })
    console.log(
      `${few} to ${ceiling} again: ${Date.now() - asked} ms after it was first asked for (grace ${GRACE_MS} ms)`,
    )
    await untilRunning('web', ceiling)
    await expectNoFailures()
  })
})

const put = (controller: NodeController, name: string, replicas: number) =>
  answer(controller, 'PUT', `/v1/autoscaler/${name}/replicas`, { body: { replicas } })
const up = (controller: NodeController, name: string) => answer(controller, 'POST', `/v1/autoscaler/${name}/up`)

/** Asked until it is answered: short of processor time a controller says 503 for a while, since it cannot read the Swarm. */
const answer = async (controller: NodeController, ...call: Parameters<NodeController['call']>) =>
  await eventually(`${call.slice(0, 2).join(' ')} is answered`, async () => {
    const { status, body } = await controller.call<WireDecision>(...call)
    if (status === 503) return undefined
    expect(status).toBe(200)
    return body
  })

const isFree = async (controller: NodeController): Promise<boolean> => {
  const { body } = await controller.call<WireNetwork>('GET', `/v1/network/${NETWORK}?addresses=false`)
  return body.free === body.usable
}

/** On all nodes, of any network. */
async function containers(nodes: readonly LabNode[]): Promise<number> {
  const lists = await Promise.all(nodes.map(async ({ api }) => await api.listContainers()))
  return lists.flat().length
}
