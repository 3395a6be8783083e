/** When managers stop answering: a write without an answer, no quorum, and their return. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { LabNode } from '../../lab/lab.ts'
import { type Controller, endControllers, startController } from '../support/controller.ts'
import { engines } from '../support/engines.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { createService, eventually, NOWHERE, replicasOf } from '../support/services.ts'

describe.each(engines)('on the %s engine', (engine) => {
  const place = labForTests({ engine, nodes: 3, managers: 3 })
  let leader: LabNode
  let others: LabNode[]

  beforeAll(async () => {
    const { lab, manager } = place
    const nodes = (await manager.api.listNodes()) as { ID: string; ManagerStatus?: { Leader?: boolean } }[]
    const leading = nodes.find(({ ManagerStatus }) => ManagerStatus?.Leader)?.ID
    leader = present(lab.managers.find(({ nodeId }) => nodeId === leading))
    others = lab.managers.filter((node) => node !== leader)
  })
  afterEach(async () => {
    endControllers()
    await place.lab.mend()
  }, 240_000)

  /** Beside the leader, which goes on reading while its write cannot be committed, or beside a follower. */
  async function start(name: string, beside: LabNode): Promise<{ controller: Controller; id: string }> {
    const id = await createService(leader, { name, replicas: 3, template: NOWHERE })
    const controller = await startController(beside)
    await eventually('it is seen', async () => (await controller.get(name)).status === 200)
    await controller.up(name)
    return { controller, id }
  }

  it('a keyed up while the other two managers are frozen, repeated after they thaw, is one step', async () => {
    const { controller, id } = await start('frozen', leader)
    const headers = { 'idempotency-key': 'hot-at-noon' }
    for (const node of others) node.freeze()
    const first = await controller.up('frozen', { headers })
    expect(first.status).toBe(503)
    expect(first.body).toMatchObject({ code: 'write-unknown' })
    expect(Number(first.headers['retry-after'])).toBeGreaterThan(0)
    for (const node of others) node.thaw()
    const again = await eventually(
      'the repeated call is answered',
      async () => {
        const answer = await controller.up('frozen', { headers })
        return answer.status === 200 ? answer : undefined
      },
      { timeoutMs: 60_000, everyMs: 250 },
    )
    expect(again.body).toMatchObject({ from: 4, to: 5 })
    await sleep(2000)
    expect(await replicasOf(leader, id)).toBe(5)
    expect((await controller.up('frozen', { headers })).body).toMatchObject({
      outcome: 'held',
      code: 'duplicate',
      from: 4,
      to: 5,
    })
  })

  it('a controller killed between write and answer: the repeated call is one step', async () => {
    const { controller, id } = await start('killed', leader)
    const headers = { 'idempotency-key': 'killed-in-between' }
    for (const node of others) node.freeze()
    const lost = controller.up('killed', { headers }).catch(() => 'no answer')
    await sleep(300)
    await controller.kill()
    expect(await lost).toBe('no answer')
    for (const node of others) node.thaw()
    await place.lab.ready()
    const next = await startController(leader)
    const { status, body } = await next.up('killed', { headers })
    expect(status).toBe(200)
    expect([body.from, body.to]).toEqual([4, 5])
    expect(await replicasOf(leader, id)).toBe(5)
  })

  it('without quorum: readyz 503, decisions 503; well again within 10 s of its return', async () => {
    const [follower, frozen] = [present(others[0]), present(others[1])]
    const { controller, id } = await start('quorum', follower)
    leader.freeze()
    frozen.freeze()
    try {
      await eventually('not ready', async () => (await controller.call('GET', '/readyz')).status === 503, {
        timeoutMs: 10_000,
      })
      const refused = await controller.up('quorum')
      expect(refused.status).toBe(503)
      expect(refused.body).toMatchObject({ code: 'not-in-sync' })
      expect(refused.headers['retry-after']).toBeDefined()
      expect(refused.tookMs).toBeLessThan(1000)
      expect((await controller.call('GET', '/healthz')).status).toBe(200)
      expect((await controller.get('quorum')).body.conditions.find(({ type }) => type === 'InSync')?.status).toBe(false)
    } finally {
      leader.thaw()
      frozen.thaw()
    }
    // Electing a leader is Swarm's own time; ours begins when any manager answers through one.
    await eventually('a quorum', async () => (await follower.api.swarmInspect()) !== undefined, { timeoutMs: 60_000 })
    const returned = Date.now()
    await controller.ready(60_000)
    console.log(`ready ${Date.now() - returned} ms after the quorum's return (${engine} engine)`)
    expect(Date.now() - returned).toBeLessThan(10_000)
    expect((await controller.up('quorum')).body).toMatchObject({ outcome: 'scaled', from: 4, to: 5 })
    expect(await replicasOf(leader, id)).toBe(5)
  })
})
