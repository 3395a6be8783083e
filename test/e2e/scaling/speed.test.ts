/** Times are held to ten times their figure: what this machine does besides is no fault. `npm run bench` measures them properly. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { median } from '../../../bench/statistics.ts'
import type { WireAutoscaler } from '../../../src/http/wire/autoscaler.ts'
import type { Lab } from '../../lab/lab.ts'
import { startLab } from '../../lab/start-lab.ts'
import { type Controller, endControllers, startController } from '../support/controller.ts'
import { type EngineProxy, startEngineProxy } from '../support/engine-proxy.ts'
import { createService, eventually, NOWHERE, policyLabels } from '../support/services.ts'

const SERVICES = 500
const LIMIT_MS = 100
const SLACK = 10

let lab: Lab
let proxy: EngineProxy
let controller: Controller

beforeAll(async () => {
  lab = await startLab({ nodes: 1, images: [] })
  const [manager] = lab.managers
  if (manager === undefined) throw new Error('a lab without managers')
  const idle = Array.from({ length: SERVICES - 2 }, (_, index) => ({ name: `idle-${index}`, replicas: 0, max: '9' }))
  const busy = { name: 'busy', replicas: 1, max: '9' }
  const full = { name: 'full', replicas: 1, max: '1' }
  await Promise.all(
    [...idle, busy, full].map(({ name, replicas, max }) => {
      const labels = policyLabels({ 'autoscaler.min': '0', 'autoscaler.max': max })
      return createService(manager, { name, replicas, labels, template: NOWHERE })
    }),
  )
  proxy = await startEngineProxy(manager)
  controller = await startController(proxy, { env: { LOG_LEVEL: 'info' } })
  // What was made just before is told once more to whoever begins to listen, and looked at one by one.
  await eventually('the last of the new services was looked at', async () => {
    const inspected = () => proxy.calls().get('GET /services/{id}') ?? 0
    const before = inspected()
    await sleep(500)
    return inspected() === before
  })
})
afterAll(async () => {
  endControllers()
  await proxy?.close()
  await lab?.down()
})

const list = () => controller.call<{ autoscalers: WireAutoscaler[] }>('GET', '/v1/autoscaler')

/** How often each endpoint of the engine was called meanwhile, but for the leader read of every 2 s; `/metrics` may be a second old. */
async function callsDuring(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = proxy.calls()
  await work()
  const calls = [...proxy.calls()].map(([endpoint, count]) => [endpoint, count - (before.get(endpoint) ?? 0)] as const)
  return Object.fromEntries(calls.filter(([endpoint, count]) => endpoint !== 'GET /swarm' && count > 0))
}

it(`${SERVICES} services are listed in ${LIMIT_MS} ms`, async () => {
  const tookMs: number[] = []
  for (let time = 0; time < 30; time += 1) {
    const { body, tookMs: took } = await list()
    expect(body.autoscalers).toHaveLength(SERVICES)
    tookMs.push(took)
  }
  console.log(`GET /v1/autoscaler, ${SERVICES} services: ${median(tookMs).toFixed(1)} ms, median of ${tookMs.length}`)
  expect(median(tookMs)).toBeLessThan(LIMIT_MS * SLACK)
})

describe('no list and no inspect is on the way', () => {
  it('of 200 reads and 20 refusals: the engine is not called at all', async () => {
    const ask = async () => {
      for (let time = 0; time < 200; time += 1) {
        expect((await (time % 20 === 0 ? list() : controller.get('busy'))).status).toBe(200)
      }
      for (let time = 0; time < 20; time += 1) {
        expect((await controller.up('full')).body).toMatchObject({ outcome: 'unchanged', code: 'at-max' })
      }
    }
    // What nobody asked for falls into one of them or another: the list of every minute, and on a busy machine a last look at
    // what was made at the start. What is called for an answer is called each time.
    const rounds = [await callsDuring(ask)]
    while (rounds.length < 3 && Object.keys(rounds.at(-1) ?? {}).length > 0) rounds.push(await callsDuring(ask))
    expect(rounds.at(-1), JSON.stringify(rounds)).toEqual({})
  })

  it('of an up: it is answered while the engine answers no list and no inspect, after one update', async () => {
    proxy.holdReads()
    const calls = await callsDuring(async () => {
      expect(await controller.up('busy')).toMatchObject({ status: 200, body: { outcome: 'scaled', from: 1, to: 2 } })
    })
    expect(calls).toEqual({ 'POST /services/{id}/update': 1 })
    proxy.release()
    await eventually('the version is known again', async () => (await controller.up('busy')).body.to === 3)
  })
})
