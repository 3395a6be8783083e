/** Notifications by a real Alertmanager when something is doubled, stopped or away: each is one step, none is lost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import type { LabNode } from '../../lab/lab.ts'
import { endMonitors, freePorts, type Monitor, startAlertmanager } from '../../lab/programs/monitoring.ts'
import { type Controller, startController } from '../support/controller.ts'
import { alertmanagerFiles } from '../support/examples.ts'
import { labForTests, present } from '../support/lab-for-tests.ts'
import { createService, eventually, NOWHERE, policyLabels, replicasOf } from '../support/services.ts'

const place = labForTests({ nodes: 3 })
let first: LabNode
let second: LabNode

beforeAll(() => {
  first = place.manager
  second = present(place.lab.managers[1])
})
afterAll(endMonitors)

/** A controller, and an Alertmanager with the files of docs/examples, that end with their test. */
async function startOwn(
  { onTestFinished }: TestContext,
  node: LabNode,
  options?: Parameters<typeof startController>[1],
) {
  const controller = await startController(node, options)
  onTestFinished(() => controller.kill())
  return controller
}
async function startTelling(
  { onTestFinished }: TestContext,
  changes: Parameters<typeof alertmanagerFiles>[0],
  options: Omit<Parameters<typeof startAlertmanager>[0], 'files'> = {},
) {
  const alertmanager = await startAlertmanager({ files: alertmanagerFiles(changes), ...options })
  onTestFinished(() => alertmanager.stop())
  return alertmanager
}

/** As Prometheus tells it, to each Alertmanager that it knows: with the time at which it began. */
async function fire(
  service: string,
  instance: string,
  alertmanagers: readonly Monitor[],
  forMs = 3_600_000,
): Promise<void> {
  const labels = { alertname: 'ServiceHot', service, scale: 'up', instance }
  const [startsAt, endsAt] = [0, forMs].map((ms) => new Date(Date.now() + ms).toISOString())
  const alert = { labels, startsAt, endsAt }
  await Promise.all(alertmanagers.map((one) => one.post('/api/v2/alerts', [alert])))
}

const webhook = { integration: 'webhook' }
const sent = (one: Monitor) => one.metric('alertmanager_notification_requests_total', webhook)
const failedToSend = (one: Monitor) => one.metric('alertmanager_notification_requests_failed_total', webhook)
const notified = (one: Monitor) => one.metric('alertmanager_notifications_total', webhook)
const answered = (one: Controller, code: number) => one.metric('orrery_webhook_requests_total', { code: `${code}` })
const total = async (counts: readonly Promise<number>[]) =>
  (await Promise.all(counts)).reduce((sum, one) => sum + one, 0)

async function service(name: string, over: Readonly<Record<string, string>> = {}) {
  const labels = policyLabels({ 'autoscaler.max': '10', ...over })
  const id = await createService(first, { name, labels, template: NOWHERE })
  return { name, replicas: (node = first) => replicasOf(node, id) }
}
const isSeen = ({ name }: { name: string }, ...controllers: readonly Controller[]) =>
  Promise.all(controllers.map((one) => eventually(`${name} is seen`, async () => (await one.get(name)).status === 200)))

/** Long enough for whatever Alertmanager would send again: its group_interval is a second here. */
const SOME_INTERVALS_MS = 4_000
const LONG = { repeatInterval: '4h' }

// Each has services, controllers and Alertmanagers of its own, and mostly waits: together until the engine is stopped.
describe.concurrent('two Alertmanagers in a cluster that notify two controllers', () => {
  it('one step a notification', async (context) => {
    const web = await service('pair')
    const controllers = await Promise.all([startOwn(context, first), startOwn(context, second)])
    const [one, other] = controllers
    await isSeen(web, one, other)
    const alertmanagers = await clusterOfTwo(context, [one.url, other.url])
    const heard = () => total(controllers.map((each) => answered(each, 200)))

    for (const [index, instance] of ['a', 'b', 'c'].entries()) {
      const before = await heard()
      await fire(web.name, instance, alertmanagers)
      const wanted = index + 2
      await eventually(`notification ${index + 1} is a step`, async () => (await web.replicas()) === wanted)
      // Not two, which one of them alone would send: what is shown here is that the others are no steps.
      await eventually('both Alertmanagers have notified', async () => (await heard()) - before >= 3)
      await sleep(SOME_INTERVALS_MS)
      expect(await web.replicas()).toBe(wanted)
    }
    expect(await total(alertmanagers.map(failedToSend))).toBe(0)
  })
})

/** Neither waits for the other, so that both notify, as they do when gossip is slow or cut. */
async function clusterOfTwo(context: TestContext, urls: readonly string[]): Promise<Monitor[]> {
  const ports = await freePorts(2)
  const alertmanagers = await Promise.all(
    ports.map((port) =>
      startTelling(
        context,
        { urls, ...LONG },
        {
          cluster: { port, peers: ports.filter((peer) => peer !== port) },
          args: ['--cluster.peer-timeout=1ms'],
        },
      ),
    ),
  )
  for (const one of alertmanagers) {
    await eventually('the cluster has settled', async () => {
      const { cluster } = await one.get<{ cluster: { status: string; peers: unknown[] } }>('/api/v2/status')
      return cluster.status === 'ready' && cluster.peers.length === 2
    })
  }
  return alertmanagers
}

describe.concurrent('a controller that is stopped and started', () => {
  it('takes the step that it missed, once and late', async (context) => {
    const web = await service('away')
    const [port = 0] = await freePorts(1)
    const before = await startOwn(context, first, { port })
    await isSeen(web, before)
    const alertmanager = await startTelling(context, { urls: [before.url], ...LONG })
    await fire(web.name, 'a', [alertmanager])
    await eventually('the first step', async () => (await web.replicas()) === 2)

    await before.stop()
    await fire(web.name, 'b', [alertmanager])
    await eventually('Alertmanager has tried', async () => (await failedToSend(alertmanager)) >= 3)
    expect(await web.replicas()).toBe(2)

    const startedAt = Date.now()
    const after = await startOwn(context, first, { port })
    await eventually('the second step', async () => (await web.replicas()) === 3)
    console.log(`The step that was missed came ${Date.now() - startedAt} ms after the start of the controller.`)
    await sleep(SOME_INTERVALS_MS)
    expect(await web.replicas()).toBe(3)
    expect(await answered(after, 200)).toBe(1)
  })

  it('leaves a standing alert to the others', async (context) => {
    const web = await service('inherited', { 'autoscaler.on-firing': 'repeat', 'autoscaler.max': '3' })
    const [told, other] = await Promise.all([startOwn(context, first), startOwn(context, second)])
    await isSeen(web, told, other)
    const alertmanager = await startTelling(context, { urls: [told.url], ...LONG })
    await fire(web.name, 'a', [alertmanager])
    await eventually('the first step', async () => (await web.replicas()) === 2)
    const firstAt = Date.now()
    // What stands is kept beside the step, and before the answer.
    await eventually('the notification is answered', async () => (await answered(told, 200)) === 1)
    await told.kill()
    await eventually('the second step', async () => (await web.replicas()) === 3)
    const waitedMs = Date.now() - firstAt
    console.log(`The standing alert was another step after ${waitedMs} ms, by a controller that was never told of it.`)
    expect(waitedMs).toBeGreaterThan(13_000)
    expect(await answered(other, 200)).toBe(0)
  })
})

describe.concurrent('a minute', () => {
  it('at the maximum: every notification is answered, and no retries pile up', async (context) => {
    const web = await service('full', { 'autoscaler.max': '1' })
    const controller = await startOwn(context, second, { env: { ORRERY_DEDUP_WINDOW: '1s' } })
    await isSeen(web, controller)
    const alertmanager = await startTelling(context, { urls: [controller.url], repeatInterval: '1s' })
    await fire(web.name, 'a', [alertmanager])
    await sleep(60_000)
    await alertmanager.post('/api/v2/silences', silenceOf(web.name))
    await eventually('nothing is on its way', async () => {
      const [requests, answers] = await Promise.all([sent(alertmanager), answered(controller, 200)])
      return requests === answers
    })
    const notifications = await notified(alertmanager)
    console.log(`At max: ${notifications} notifications in a minute, ${await sent(alertmanager)} requests.`)
    expect(notifications).toBeGreaterThanOrEqual(20)
    expect(await sent(alertmanager)).toBe(notifications)
    expect(await failedToSend(alertmanager)).toBe(0)
    expect(await answered(controller, 200)).toBe(notifications)
    const full = { service: web.name, outcome: 'unchanged', reason: 'at-max' }
    expect(await controller.metric('orrery_decisions_total', full)).toBe(notifications)
    expect(await web.replicas()).toBe(1)
    // The label would be there if a controller had ever written.
    expect((await controller.get(web.name)).body.state).toBeUndefined()
  })

  it('is how often Alertmanager is asked: a standing alert that it has no more ends, though nobody said so', async (context) => {
    const web = await service('forgotten', { 'autoscaler.on-firing': 'repeat' })
    const [port = 0] = await freePorts(1)
    const url = `http://127.0.0.1:${port}`
    const alertmanager = await startTelling(context, { urls: [url], ...LONG, sendResolved: false })
    const controller = await startOwn(context, second, { port, env: { ALERTMANAGER_URL: alertmanager.url } })
    await isSeen(web, controller)
    await fire(web.name, 'a', [alertmanager], 20_000)
    const standing = async () => (await controller.get(web.name)).body.alerts.length
    await eventually('the alert stands', async () => (await standing()) === 1)
    const stoodAt = Date.now()
    await eventually('the second step', async () => (await web.replicas()) === 3)
    await eventually('it stands no more', async () => (await standing()) === 0, { timeoutMs: 90_000 })
    console.log(`The alert ended in Alertmanager after 20 s, and here after ${Date.now() - stoodAt} ms.`)
    expect(await answered(controller, 200)).toBe(1)
  })
})

describe('an engine that is down', () => {
  it('Alertmanager tries again, and it is one step when the engine is back', async (context) => {
    const web = await service('unreachable')
    const controller = await startOwn(context, first)
    await isSeen(web, controller)
    const alertmanager = await startTelling(context, { urls: [controller.url], ...LONG })
    context.onTestFinished(() => place.lab.mend())
    await first.stop()
    await fire(web.name, 'a', [alertmanager])
    await eventually('it is told to come again', async () => (await answered(controller, 503)) >= 2)
    expect(await failedToSend(alertmanager)).toBeGreaterThanOrEqual(2)
    expect(await web.replicas(second)).toBe(1)

    await first.start()
    await eventually('the step', async () => (await web.replicas(second)) === 2, { timeoutMs: 90_000 })
    await sleep(SOME_INTERVALS_MS)
    expect(await web.replicas(second)).toBe(2)
    expect(await answered(controller, 200)).toBe(1)
  })
})

const silenceOf = (service: string) => ({
  matchers: [{ name: 'service', value: service, isRegex: false, isEqual: true }],
  startsAt: new Date(Date.now() - 1_000).toISOString(),
  endsAt: new Date(Date.now() + 600_000).toISOString(),
  createdBy: 'the test',
  comment: 'enough',
})
