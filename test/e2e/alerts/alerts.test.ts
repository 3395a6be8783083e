/** Load, Prometheus, Alertmanager, Orrery, Swarm and back to the load: the real programs, with the files of docs/examples. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WireDecision } from '../../../src/http/wire/decision.ts'
import { execute } from '../../lab/execute.ts'
import { type Gateway, startGateway } from '../../lab/network/gateway.ts'
import {
  endMonitors,
  type Monitor,
  monitoringPackages,
  startAlertmanager,
  startPrometheus,
} from '../../lab/programs/monitoring.ts'
import { type Controller, startController } from '../support/controller.ts'
import { alertmanagerFiles, exampleFolder, prometheusFiles } from '../support/examples.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { eventually, replicasOf } from '../support/services.ts'
import { startTimeline, type Timeline } from '../support/timeline.ts'
import { createWorkload, type Load, startLoad } from '../support/workload.ts'
import { askTheNextDay, startExisting, THREE, WINDOW_MS } from './support/existing-alerting.ts'

const TOKEN = 'the-token-of-alertmanager'
const AUTHORIZED = { headers: { authorization: `Bearer ${TOKEN}` } }
/** A lab, and the way to its tasks, for the tests of the enclosing `describe`. */
function scenery() {
  const place = labForTests({ nodes: 2, managers: 1, images: ['orrery-lab/node'] })
  let gateway: Gateway | undefined
  beforeAll(async () => {
    gateway = await startGateway(place.manager)
  })
  return { place, gateway: () => present(gateway) }
}
afterAll(endMonitors)

interface Scene {
  readonly controller: Controller
  readonly alertmanager: Monitor
  readonly prometheus: Monitor
  readonly load: Load
  readonly timeline: Timeline
  replicas(): Promise<number | undefined>
  /** Whether Prometheus has the alert firing. */
  fires(alert: 'ServiceHot' | 'ServiceIdle'): Promise<boolean>
  close(title: string): Promise<void>
}

async function startScene(options: {
  readonly at: ReturnType<typeof scenery>
  readonly service: string
  readonly labels: Readonly<Record<string, string>>
  readonly repeatInterval: string
  readonly dedupWindow: string
}): Promise<Scene> {
  const { at, service, labels, repeatInterval, dedupWindow } = options
  const { lab, manager } = at.place
  const gateway = at.gateway()
  const id = await createWorkload(manager, { name: service, labels })
  const folder = manager.socketPath.replace(/\.sock$/, `-${service}`)
  await Promise.all([writeFile(`${folder}-tokens`, `scale ${TOKEN}\n`), writeFile(`${folder}-token`, TOKEN)])
  const controller = await startController(manager, {
    env: { ORRERY_TOKEN_FILE: `${folder}-tokens`, ORRERY_DEDUP_WINDOW: dedupWindow },
  })
  const alertmanager = await startAlertmanager({
    files: alertmanagerFiles({ urls: [controller.url], repeatInterval, tokenFile: `${folder}-token` }),
  })
  const reach = { alertmanagerUrl: alertmanager.url, engineSocket: manager.socketPath, proxyUrl: gateway.url, service }
  const prometheus = await startPrometheus({ files: prometheusFiles(reach) })
  const addresses = new Map(lab.nodes.map(({ nodeId, address }) => [nodeId, address]))
  const load = startLoad({ node: manager, addresses, gateway, service, forMs: 110_000 })
  const timeline = startTimeline(async () => {
    const path = `/v1/autoscaler/${service}/decisions`
    return (await controller.call<{ decisions: WireDecision[] }>('GET', path, AUTHORIZED)).body.decisions
  })
  return {
    controller,
    alertmanager,
    prometheus,
    load,
    timeline,
    replicas: () => replicasOf(manager, id),
    async fires(alert) {
      const { data } = await prometheus.get<{
        data: { alerts: { labels: Record<string, string>; state: string }[] }
      }>('/api/v1/alerts')
      return data.alerts.some(({ labels, state }) => labels.alertname === alert && state === 'firing')
    },
    async close(title) {
      await load.stop()
      timeline.note(`the load has ended: ${load.answered()} requests answered, ${load.failed()} failed`)
      await timeline.print(title)
      await Promise.all([prometheus.stop(), alertmanager.stop()])
      await controller.stop()
      await manager.api.getService(id).remove()
    },
  }
}

const steps = async ({ timeline }: Scene) =>
  (await timeline.decisions()).flatMap(({ outcome, from, to }) => (outcome === 'scaled' ? [[from, to]] : []))
const stepsUpAndDown = (max: number) => {
  const up = Array.from({ length: max - 1 }, (_, index) => [index + 1, index + 2] as const)
  return [...up, ...up.toReversed().map(([from, to]) => [to, from])]
}
const codes = async ({ timeline }: Scene) => (await timeline.decisions()).map(({ code }) => code)

// All three wait most of their time. The first two share nothing but the Swarm; where an alert stands, every controller steps.
describe.concurrent('by notifications', () => {
  const at = scenery()

  it('load drives a service up and down: one step a notification (on-firing=step), with a short repeat_interval', {
    timeout: 240_000,
  }, async ({ onTestFinished }) => {
    const scene = await startScene({
      at,
      service: 'stepper',
      labels: { 'autoscaler.max': '5', 'autoscaler.cooldown.up': '5s', 'autoscaler.cooldown.down': '2s' },
      repeatInterval: '2s',
      dedupWindow: '1s',
    })
    onTestFinished(() => scene.close('One step a notification, repeated every 3 s'))
    const { load, timeline, replicas, fires } = scene

    timeline.note('10 requests in flight')
    load.set(10)
    await eventually('three replicas have less than four each', async () => (await replicas()) === 3)
    await eventually('the alert has resolved', async () => !(await fires('ServiceHot')))
    const settled = await replicas()
    // Two have five each. A slow machine may notice after one more.
    expect([3, 4]).toContain(settled)
    await sleep(5_000)
    expect(await replicas()).toBe(settled)

    timeline.note('40 requests in flight')
    load.set(40)
    await eventually('five replicas', async () => (await replicas()) === 5)
    await eventually(
      'it is told again',
      async () => (await codes(scene)).filter((code) => code === 'at-max').length >= 3,
    )
    expect(await replicas()).toBe(5)
    await eventually('it still fires', () => fires('ServiceHot'))

    timeline.note('no requests')
    load.set(0)
    await eventually('one replica', async () => (await replicas()) === 1, { timeoutMs: 60_000 })
    await eventually('it is told again', async () => (await codes(scene)).at(-1) === 'at-min')
    expect(await steps(scene)).toEqual(stepsUpAndDown(5))
    await expectNoRetries(scene)
  })

  it('three services of one rule take one step each, by its own alert, through an Alertmanager that is there already', {
    timeout: 240_000,
  }, async ({ onTestFinished }) => {
    const scene = await startExisting(at.place.manager)
    onTestFinished(scene.close)
    const { counts, decided, told } = scene
    for (const [index, name] of THREE.entries()) {
      scene.load(name, 9)
      const wanted = THREE.map((_, at) => (at <= index ? 2 : 1))
      await eventually(`${name} has stepped`, async () => (await counts(THREE))[index] === 2)
      // By its group: what the next one brings is told of that one alone.
      expect(await counts(THREE)).toEqual(wanted)
    }
    await eventually('a page for each', async () => told('/pager').length >= 1 && told('/pager').at(-1)?.length === 3)
    for (const name of THREE) await eventually('its step is told', async () => (await decided(name)).length === 1)
    for (const name of THREE) expect(await decided(name)).toEqual([['scaled', 1, 2]])

    // The page's other way: one group for all, where the second brings another step of the first.
    const grouped = await scene.alertmanager(['alertname'])
    const fire = async (service: string) => {
      const labels = { alertname: 'ServiceHot', service, scale: 'up' }
      await grouped.post('/api/v2/alerts', [{ labels, startsAt: new Date().toISOString() }])
    }
    await fire('shop_a')
    await eventually('the first', async () => (await counts(['shop_a']))[0] === 2)
    // As long as the same notification is the same step.
    await sleep(WINDOW_MS)
    await fire('shop_b')
    await eventually('the second', async () => (await counts(['shop_b']))[0] === 2)
    expect(await counts(['shop_a'])).toEqual([3])

    await askTheNextDay(scene)
  })
})

describe.concurrent('load drives a service up and down, by the files of docs/examples/alertmanager', () => {
  const at = scenery()

  it('as long as an alert stands (on-firing=repeat), with the usual repeat_interval', {
    timeout: 180_000,
  }, async ({ onTestFinished }) => {
    const scene = await startScene({
      at,
      service: 'standing',
      labels: { 'autoscaler.max': '3', 'autoscaler.cooldown': '1s', 'autoscaler.on-firing': 'repeat' },
      repeatInterval: '4h',
      dedupWindow: '60s',
    })
    onTestFinished(() => scene.close('One step every 15 s while the alert stands, told once'))
    const { load, timeline, replicas, fires, alertmanager } = scene

    timeline.note('30 requests in flight')
    load.set(30)
    await eventually('three replicas', async () => (await replicas()) === 3, { timeoutMs: 60_000 })
    await eventually('it still fires', () => fires('ServiceHot'))
    const told = await alertmanager.metric('alertmanager_notifications_total', { integration: 'webhook' })
    timeline.note(`Alertmanager has sent ${told} notification${told === 1 ? '' : 's'} so far`)

    timeline.note('no requests')
    load.set(0)
    await eventually('one replica', async () => (await replicas()) === 1, { timeoutMs: 60_000 })
    // The engine shows a count before its answer has reached the controller.
    await eventually('every step is told', async () => (await steps(scene)).length >= 4)
    expect(await steps(scene)).toEqual(stepsUpAndDown(3))
    // The cooldown is a second: these are no notifications' own steps.
    const times = (await timeline.decisions()).flatMap(({ outcome, at }) =>
      outcome === 'scaled' ? Date.parse(at) : [],
    )
    for (const [index, at] of times.slice(1).entries()) expect(at - (times[index] ?? 0)).toBeGreaterThan(14_000)
    await expectNoRetries(scene)
  })
})

/** Every request of Alertmanager was a notification of its own, answered 200. */
async function expectNoRetries({ alertmanager, controller }: Scene): Promise<void> {
  const webhook = { integration: 'webhook' }
  const count = (name: string) => alertmanager.metric(`alertmanager_${name}_total`, webhook)
  await eventually('nothing is on its way', async () => {
    return (await count('notification_requests')) === (await count('notifications'))
  })
  expect(await count('notifications')).toBeGreaterThan(0)
  expect(await count('notification_requests_failed')).toBe(0)
  expect(await count('notifications_failed')).toBe(0)
  const { body } = await controller.call<string>('GET', '/metrics')
  const answered = [...body.matchAll(/^orrery_webhook_requests_total\{code="(\d+)"\} (\d+)/gm)]
  expect(answered.map(([, code, times]) => [code, Number(times)])).toEqual([['200', await count('notifications')]])
}

describe('the files of docs/examples/alertmanager, as they are', () => {
  it.each([
    ['promtool', 'check', 'config', 'prometheus.yml'],
    ['promtool', 'check', 'rules', 'rules.yml'],
    ['amtool', 'check-config', 'alertmanager.yml'],
  ] as const)('are valid to %s %s %s', async (tool, ...args) => {
    const file = join(exampleFolder, args.at(-1) ?? '')
    const { [tool]: program } = await monitoringPackages()
    const { code, stdout, stderr } = await execute(program, [...args.slice(0, -1), file], { check: false })
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: expect.stringContaining('SUCCESS') })
  })
})
