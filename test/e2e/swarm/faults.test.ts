/** Engines that go away, come back, or are not managers. */
import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { LabNode } from '../../lab/lab.ts'
import { type Controller, endControllers, startController } from '../support/controller.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { createService, eventually, NOWHERE, policyLabels, replicasOf, updateService } from '../support/services.ts'

const place = labForTests({ nodes: 3, managers: 2 })
let manager: LabNode
let other: LabNode
let worker: LabNode

beforeAll(async () => {
  manager = place.manager
  other = present(place.lab.managers[1])
  worker = present(place.lab.workers[0])
})

afterEach(endControllers)

async function service(name: string, controller: Controller): Promise<string> {
  const id = await createService(manager, { name, replicas: 3, template: NOWHERE })
  await eventually('it is seen', async () => (await controller.get(name)).status === 200)
  return id
}

describe('an engine', () => {
  it('that is a worker’s: ready says why, and what to do', async () => {
    const controller = await startController(worker, { waitReady: false })
    await eventually('the reason', async () => {
      const { status, body } = await controller.call('GET', '/readyz')
      return status === 503 && /DOCKER_HOST at a manager/.test(JSON.stringify(body))
    })
    expect((await controller.call('GET', '/healthz')).status).toBe(200)
    expect((await controller.up('anything')).status).toBe(503)
    await controller.stop()
  })

  it('that restarts: scaling is refused meanwhile, and goes on by itself', async () => {
    const controller = await startController(manager)
    const id = await service('restarted', controller)
    await controller.up('restarted')
    onTestFinished(() => place.lab.mend())
    await manager.stop()
    await eventually('not ready', async () => (await controller.call('GET', '/readyz')).status === 503)
    expect((await controller.up('restarted')).status).toBe(503)
    await manager.start()
    await controller.ready(60_000)
    expect((await controller.up('restarted')).body).toMatchObject({ outcome: 'scaled', from: 4, to: 5 })
    expect(await replicasOf(manager, id)).toBe(5)
    await controller.stop()
  })

  it('whose event stream is cut: what changed meanwhile is known as soon as the controller is ready again', async () => {
    const proxy = await startProxy(manager.socketPath)
    onTestFinished(() => proxy.close())
    const controller = await startController({ socketPath: proxy.socketPath })
    const id = await service('missed', controller)
    proxy.down()
    await updateService(manager, id, (spec) => {
      Object.assign(spec.Labels, policyLabels({ 'autoscaler.max': '4' }))
    })
    await eventually('not ready', async () => (await controller.call('GET', '/readyz')).status === 503)
    proxy.up()
    await controller.ready()
    expect((await controller.get('missed')).body.policy.max?.value).toBe('4')
    await controller.stop()
  })

  it('of another manager serves as well: one controller’s steps are known to the next', async () => {
    const [one, two] = await Promise.all([startController(manager), startController(other)])
    const id = await service('shared', one)
    await updateService(manager, id, (spec) => {
      spec.Labels['autoscaler.cooldown'] = '45s'
    })
    await eventually('the cooldown', async () => (await one.get('shared')).body.policy['cooldown.up']?.value === '45s')
    expect((await one.up('shared')).body.outcome).toBe('scaled')
    await eventually('the other knows', async () => (await two.get('shared')).body.observation.replicas === 4)
    expect((await two.up('shared')).body).toMatchObject({ outcome: 'held', code: 'cooldown' })
    await one.call('POST', '/v1/autoscaler/shared/pause', { body: { direction: 'up' } })
    await eventually('the pause', async () => (await two.up('shared')).body.code === 'paused', { timeoutMs: 1000 })
    await Promise.all([one.stop(), two.stop()])
  })
})

describe('a stop', () => {
  it('finishes what was accepted and refuses what comes after', async () => {
    const controller = await startController(manager)
    const id = await service('stopping', controller)
    const accepted = Array.from({ length: 50 }, () => controller.up('stopping').catch(() => undefined))
    await Promise.race(accepted)
    const started = Date.now()
    expect(await controller.stop()).toBe(0)
    expect(Date.now() - started).toBeLessThan(10_000)
    const answers = (await Promise.all(accepted)).filter((answer) => answer !== undefined)
    const scaled = answers.filter(({ status }) => status === 200).length
    expect(scaled).toBeGreaterThan(0)
    for (const { status, body } of answers)
      if (status !== 200) expect([status, body]).toEqual([503, expect.objectContaining({ code: 'shutting-down' })])
    expect(await replicasOf(manager, id)).toBe(3 + scaled)
  })
})

/** The engine's socket behind another one that can be taken away. */
async function startProxy(target: string) {
  const socketPath = join(tmpdir(), `orrery-proxy-${process.pid}.sock`)
  let isUp = true
  const server: Server = createServer((incoming, outgoing) => {
    if (!isUp) return void incoming.socket.destroy()
    const { method, url, headers } = incoming
    const forward = request({ socketPath: target, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      outgoing.flushHeaders()
      answer.pipe(outgoing)
      answer.on('error', () => outgoing.destroy())
    })
    forward.on('error', () => outgoing.destroy())
    incoming.pipe(forward)
    outgoing.on('close', () => forward.destroy())
  })
  server.listen(socketPath)
  await once(server, 'listening')
  return {
    socketPath,
    down() {
      isUp = false
      server.closeAllConnections()
    },
    up() {
      isUp = true
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
