/** Measured load without data, with several controllers, and to zero and back: on a real Swarm, with a real Prometheus. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { startConsul } from '../../lab/programs/consul.ts'
import { endMonitors, type Monitor, startPrometheus } from '../../lab/programs/monitoring.ts'
import { alert, alertmanager } from '../../support/builders/notifications.ts'
import { type Controller, startController } from '../support/controller.ts'
import { type LabForTests, labForTests } from '../support/lab-for-tests.ts'
import { createService, eventually, NOWHERE, policyLabels, removeService, replicasOf } from '../support/services.ts'
import { sideBySide } from '../support/side-by-side.ts'

const PATIENCE = { timeoutMs: 60_000 }

/**
 * What is measured, by who measures it: a number as JSON at a path of that name, and of `scraped` as an exporter's metrics too,
 * beside one whose newest value is 55 minutes old.
 */
const measured = { scraped: 30, shared: 40, stuck: 10, sleeper: 0 }
const measuredAt = (name: keyof typeof measured) => ({
  'metric.q.url': `http://${host}/${name}`,
  'metric.q.path': 'queue.depth',
  'metric.q.target': '10',
})
const OLD_MS = Date.now() - 55 * 60_000
const STARTED_MS = Date.now()
const exporter = createServer(({ url }, answer) => {
  const found = Object.entries(measured).find(([name]) => url === `/${name}`)
  if (found !== undefined) return answer.end(JSON.stringify({ queue: { depth: found[1] } }))
  answer.setHeader('content-type', 'text/plain; version=0.0.4')
  if (url === '/web') return answer.end(served(2 * (Date.now() - STARTED_MS)))
  answer.end(`old_depth 5 ${OLD_MS}\nqueue_depth ${measured.scraped}\nother_depth ${measured.scraped}\n`)
})
/** So many requests, each of which took 0.1 to 0.5 s. */
const served = (requests: number) => `\
http_requests_total ${requests}
http_request_duration_seconds_bucket{le="0.1"} 0
http_request_duration_seconds_bucket{le="0.5"} ${requests}
http_request_duration_seconds_bucket{le="+Inf"} ${requests}
queue_messages{queue="jobs"} 250
queue_messages{queue="other"} 1000
`
let host: string

beforeAll(async () => {
  await new Promise<void>((resolve) => exporter.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(exporter.address() as AddressInfo).port}`
})
afterAll(() => {
  endMonitors()
  exporter.closeAllConnections()
  exporter.close()
})

/** Services and controllers of one test, on one lab; they are gone at its end. */
function sceneOf({ manager }: LabForTests, { onTestFinished }: TestContext) {
  return {
    /** The tasks find no place: how far a count goes is to be seen, and no task is needed for it. */
    async follow(name: string, fields: Readonly<Record<string, string>>, replicas = 3): Promise<string> {
      const written = {
        ...{ max: '5', unschedulable: 'off', 'window.down': '4s', 'rate.up': '9/1s', 'rate.down': '100%/1s' },
        ...fields,
      }
      const labels = policyLabels(
        Object.fromEntries(Object.entries(written).map(([field, text]) => [`autoscaler.${field}`, text])),
      )
      const id = await createService(manager, { name, labels, replicas, template: NOWHERE })
      onTestFinished(async () => await removeService(manager, name))
      return id
    },
    async start(env: Readonly<Record<string, string>> = {}): Promise<Controller> {
      const controller = await startController(manager, { env: { ORRERY_TICK: '1s', ...env } })
      onTestFinished(() => controller.kill())
      return controller
    },
    count: async (id: string) => await replicasOf(manager, id),
  }
}

/** Of the table of recipes: the fields of each, by the metric's name. */
async function recipesOf(path: string) {
  const text = await readFile(join(import.meta.dirname, '../../..', path), 'utf8')
  const recipes = new Map<string, Record<string, string>>()
  for (const [, field = '', metric = '', value = ''] of text.matchAll(/`autoscaler\.(metric\.(\w+)\.\w+): (.+?)`/g)) {
    recipes.set(metric, { ...recipes.get(metric), [field]: value.replace(/^"(.*)"$/, '$1') })
  }
  return recipes
}

const loadOf = async (controller: Controller, name: string) => (await controller.get(name)).body.load
const scaledBy = async (controller: Controller, autoscaler: string) =>
  await controller.metric('orrery_decisions_total', { autoscaler, outcome: 'scaled' })

// All of it waits most of its time, for windows and for Swarm: three labs beside each other, in each one test after another.
sideBySide('a Prometheus', () => {
  const place = labForTests({ nodes: 1 })
  let prometheus: Monitor
  beforeAll(async () => {
    const config = [
      'global: {scrape_interval: 1s}',
      'scrape_configs:',
      `- {job_name: queue, static_configs: [{targets: ["${host}"]}]}`,
      `- {job_name: web, metrics_path: /web, static_configs: [{targets: ["${host}"]}]}`,
    ].join('\n')
    prometheus = await startPrometheus({ files: { 'prometheus.yml': config } })
    await eventually('it has scraped', async () => {
      const path = '/api/v1/query?query=queue_depth'
      return (await prometheus.get<{ data: { result: unknown[] } }>(path)).data.result.length === 1
    })
  })

  afterAll(async () => await prometheus?.stop())

  it('that has no value: each kind of that holds the count and is told apart, while a service beside them shrinks', async (context) => {
    const { follow, start, count } = sceneOf(place, context)
    measured.scraped = 5
    const queries: Readonly<Record<string, string>> = {
      nan: 'vector(0) / vector(0)',
      infinite: 'vector(1) / vector(0)',
      negative: 'vector(-1)',
      empty: 'nothing_of_this_name',
      several: '{__name__=~"queue_depth|other_depth"}',
      old: 'old_depth',
      refused: 'sum(',
      'no-number': 'queue_depth[1m]',
    }
    const target = { 'metric.q.target': '10' }
    const ids = new Map<string, string>()
    for (const [why, query] of Object.entries(queries)) {
      ids.set(why, await follow(`is-${why}`, { ...target, 'metric.q.query': query }))
    }
    // One metric with a value that asks for less, and one without: nothing shrinks on part of the data.
    const partial = await follow('is-partial', {
      ...{ ...target, 'metric.q.query': 'queue_depth', 'metric.r.query': 'nothing_else', 'metric.r.target': '10' },
    })
    const fallback = await follow('falls-back', {
      ...{ ...target, 'metric.q.query': 'nothing_of_this_name', 'fallback.after': '2' },
      ...{ 'fallback.mode': 'at-least', 'fallback.replicas': '5' },
    })
    const beside = await follow('beside', { ...target, 'metric.q.query': 'queue_depth' })
    const controller = await start({ PROMETHEUS_URL: prometheus.url })
    await eventually('the one with a value shrinks', async () => (await count(beside)) === 1, PATIENCE)
    for (const [why, id] of ids) {
      const metric = await eventually(`six evaluations of ${why}`, async () => {
        const found = (await loadOf(controller, `is-${why}`))?.metrics[0]
        return found !== undefined && found.failures >= 6 ? found : undefined
      })
      expect(metric.missing).toBe(why)
      const told = await controller.metric('orrery_load_metric_missing', { autoscaler: `is-${why}`, reason: why })
      expect(told, `metric of ${why}`).toBe(1)
      expect(await count(id), why).toBe(3)
      console.log(`${why.padEnd(9)} ${metric.failures} evaluations, 3 replicas: ${metric.reason}`)
    }
    expect((await loadOf(controller, 'is-partial'))?.reason).toContain('nothing shrinks on part of the data')
    expect(await count(partial)).toBe(3)
    const { issues } = (await controller.get('is-refused')).body
    expect(issues).toMatchObject([{ severity: 'warning', field: 'autoscaler.metric.q.query', value: 'sum(' }])
    await eventually('the fallback is taken', async () => (await count(fallback)) === 5, PATIENCE)
    const conditions = (await controller.get('falls-back')).body.conditions
    expect(conditions.find(({ type }) => type === 'LoadFallback')).toMatchObject({ status: true })
    await controller.stop()
  })

  it('is followed by each recipe of docs/metrics.md, by its own labels', async (context) => {
    const { follow, start, count } = sceneOf(place, context)
    const recipes = await recipesOf('docs/metrics.md')
    expect([...recipes.keys()]).toEqual(['rps', 'queue', 'p95'])
    const ids = new Map<string, string>()
    for (const [metric, labels] of recipes) ids.set(metric, await follow(`by-${metric}`, labels, 1))
    const controller = await start({ PROMETHEUS_URL: prometheus.url })
    // 2000 requests a second are more than the most; the percentile is 0.48 s, which more replicas do not change here.
    for (const [metric, wanted] of Object.entries({ rps: 5, queue: 3, p95: 5 })) {
      await eventually(`${wanted} by ${metric}`, async () => (await count(ids.get(metric) ?? '')) === wanted, PATIENCE)
      const found = (await loadOf(controller, `by-${metric}`))?.metrics[0]
      console.log(`${metric}: ${found?.reason}`)
      expect(found).toMatchObject({ name: metric, value: expect.any(Number) })
    }
    expect((await loadOf(controller, 'by-queue'))?.metrics[0]).toMatchObject({ value: 250, wanted: 3 })
    expect((await loadOf(controller, 'by-p95'))?.metrics[0]?.value).toBeCloseTo(0.48)
    await controller.stop()
  })

  it('is found through Consul, where it passes, and its loss there holds the count', async (context) => {
    const { follow, start, count } = sceneOf(place, context)
    const consul = await startConsul()
    context.onTestFinished(async () => await consul.stop())
    const { hostname, port } = new URL(prometheus.url)
    const entry = { Name: 'prometheus', Address: hostname, Port: Number(port) }
    const Check = { HTTP: `${prometheus.url}/-/ready`, Interval: '1s' }
    await consul.put('/v1/agent/service/register', { ...entry, Check })
    measured.scraped = 30
    const id = await follow('by-found', { 'metric.q.query': 'queue_depth', 'metric.q.target': '10' }, 1)
    const controller = await start({ CONSUL_HTTP_ADDR: consul.url, ORRERY_CONSUL_PROMETHEUS: 'prometheus' })
    await eventually('three by the query', async () => (await count(id)) === 3, PATIENCE)
    await consul.put('/v1/agent/service/deregister/prometheus')
    const missing = async (failures: number) =>
      await eventually(
        'there is none',
        async () => {
          const metric = (await loadOf(controller, 'by-found'))?.metrics[0]
          return metric?.missing === 'error' && metric.failures >= failures ? metric.reason : undefined
        },
        PATIENCE,
      )
    expect(await missing(1)).toMatch(/Prometheus is not found: no instance of prometheus passes in Consul/)
    measured.scraped = 5
    // For longer than the window.
    await missing(8)
    expect(await count(id)).toBe(3)
    await controller.stop()
  })

  it('that hangs, and one that is killed, hold the count; while it hangs, a URL is followed on time', async (context) => {
    const { follow, start, count } = sceneOf(place, context)
    measured.scraped = 30
    const target = { 'metric.q.target': '10', 'fallback.after': '2' }
    const id = await follow('by-query', { ...target, 'metric.q.query': 'queue_depth' }, 1)
    const beside = await follow('by-url', { ...measuredAt('scraped'), 'fallback.after': '2' })
    const controller = await start({ PROMETHEUS_URL: prometheus.url })
    const missing = async (why: string) =>
      await eventually(
        why,
        async () => {
          const metric = (await loadOf(controller, 'by-query'))?.metrics[0]
          return metric?.missing === why && metric.failures >= 3
        },
        PATIENCE,
      )
    await eventually('three by the query', async () => (await count(id)) === 3, PATIENCE)
    prometheus.signal('SIGSTOP')
    measured.scraped = 5
    await missing('slow')
    expect(await count(id)).toBe(3)
    await eventually('the other shrinks meanwhile', async () => (await count(beside)) === 1, PATIENCE)
    expect(await controller.metric('orrery_load_tick_late_seconds')).toBeLessThan(1)
    prometheus.signal('SIGKILL')
    await missing('error')
    expect(await count(id), 'it asks for 1, and nobody says so').toBe(3)
    await controller.stop()
  })
})

sideBySide('a URL', () => {
  const place = labForTests({ nodes: 1 })

  describe('several controllers', () => {
    it('are one: growth and shrinking are one write each; started again in mid-window, none shrinks early', async (context) => {
      const { follow, start, count } = sceneOf(place, context)
      measured.shared = 40
      const name = 'shared'
      const id = await follow(name, { ...measuredAt('shared'), 'window.down': '6s' }, 1)
      // One after another: each takes seconds of a busy machine.
      let readyMs = 0
      const startTwo = async () => {
        const first = await start()
        readyMs = Date.now()
        return [first, await start()]
      }
      const before = await startTwo()
      await eventually('four', async () => (await count(id)) === 4, PATIENCE)
      const writes = async (controllers: readonly Controller[]) =>
        (await Promise.all(controllers.map(async (one) => await scaledBy(one, name)))).reduce((sum, one) => sum + one)
      measured.shared = 10
      await eventually('both see that less is wanted', async () => {
        const seen = await Promise.all(before.map(async (one) => (await loadOf(one, name))?.metrics[0]?.wanted))
        return seen.every((wanted) => wanted === 1)
      })
      expect(await writes(before), 'growth').toBe(1)
      await Promise.all(before.map(async (one) => await one.kill()))
      const after = await startTwo()
      await eventually('one', async () => (await count(id)) === 1, PATIENCE)
      const { state } = await eventually('it is told', async () => {
        const { body } = (await after[0]?.get(name)) ?? {}
        return body?.state?.to === 1 ? body : undefined
      })
      const tookMs = Date.parse(state?.at ?? '') - readyMs
      console.log(
        `shrunk ${(tookMs / 1000).toFixed(1)} s after the first was ready in mid-window, with a window of 6 s`,
      )
      // The window begins at the first tick, which may be a moment before; a controller that remembers none shrinks at once.
      expect(tookMs).toBeGreaterThan(3_000)
      expect(await writes(after), 'shrinking').toBe(1)
      await Promise.all(after.map(async (one) => await one.stop()))
    })
  })

  describe('to zero and back', () => {
    it('by an activation metric, by a webhook, and by a schedule', async (context) => {
      const { follow, start, count } = sceneOf(place, context)
      const controller = await start()
      const byMetric = async () => {
        measured.sleeper = 0
        const id = await follow('sleeper', { ...measuredAt('sleeper'), min: '0', 'window.down': '3s' })
        await eventually('zero', async () => (await count(id)) === 0, PATIENCE)
        measured.sleeper = 1
        await eventually('woken by what there is to do', async () => (await count(id)) === 1, PATIENCE)
        measured.sleeper = 25
        await eventually('as many as that needs', async () => (await count(id)) === 3, PATIENCE)
      }
      const byWebhook = async () => {
        const called = await follow('called', { min: '0', 'on-resolved': 'down' }, 0)
        await eventually('it is known', async () => (await controller.get('called')).status === 200)
        const send = async (over: object) =>
          await controller.call('POST', '/v1/webhook/alertmanager', {
            body: alertmanager([{ ...alert(), labels: { service: 'called', scale: 'up' }, ...over }]),
          })
        const fired = await send({ status: 'firing' })
        expect(fired.body).toMatchObject({ results: [{ outcome: 'scaled', from: 0, to: 1 }] })
        expect(await count(called)).toBe(1)
        const resolved = await send({ status: 'resolved', endsAt: new Date().toISOString() })
        expect(resolved.body).toMatchObject({ results: [{ outcome: 'scaled', from: 1, to: 0 }] })
      }
      const bySchedule = async () => {
        const night = { from: '0/12 * * * * *', for: '6s', min: '0', max: '0' }
        const scheduled = Object.entries(night).map(([field, value]) => [`schedule.night.${field}`, value])
        const nightly = await follow('nightly', { min: '1', ...Object.fromEntries(scheduled) }, 1)
        await eventually('the night', async () => (await count(nightly)) === 0, PATIENCE)
        await eventually('the morning', async () => (await count(nightly)) === 1, PATIENCE)
      }
      await Promise.all([byMetric(), byWebhook(), bySchedule()])
      await controller.stop()
    })
  })
})

sideBySide('tasks that find no place', () => {
  const place = labForTests({ nodes: 1 })
  it('hold growth by load with Swarm’s words, and no call: where tasks are heard, and where they are asked for', async (context) => {
    const { follow, start, count } = sceneOf(place, context)
    measured.stuck = 10
    const name = 'stuck'
    const id = await follow(name, { ...measuredAt('stuck'), unschedulable: 'hold' }, 1)
    const sockets = { heard: `/proc/${place.manager.pid}/root/run/docker/swarm/control.sock`, asked: 'off' }
    const controllers: Controller[] = []
    for (const ORRERY_SWARM_SOCKET of Object.values(sockets)) {
      controllers.push(await start({ ORRERY_SWARM_SOCKET }))
    }
    expect(await Promise.all(controllers.map(async (one) => await one.metric('orrery_tasks_heard')))).toEqual([1, 0])
    for (const controller of controllers) {
      const { reason } = await eventually(
        'Swarm has tried for 30 s',
        async () => {
          const { conditions } = (await controller.get(name)).body
          return conditions.find(({ type, status }) => type === 'Unschedulable' && status)
        },
        PATIENCE,
      )
      expect(reason).toMatch(/1 task waits for a node: .*no suitable node/)
    }
    measured.stuck = 50
    for (const controller of controllers) {
      const held = await eventually('growth is held', async () => {
        const { lastDecision } = (await controller.get(name)).body
        return lastDecision?.code === 'unschedulable' ? lastDecision : undefined
      })
      expect(held).toMatchObject({ from: 1, wanted: 5, to: 1, reason: expect.stringContaining('no suitable node') })
      console.log(held.reason)
    }
    expect(await count(id)).toBe(1)
    expect((await controllers[0]?.up(name))?.body).toMatchObject({ outcome: 'scaled', from: 1, to: 2 })
    await Promise.all(controllers.map(async (one) => await one.stop()))
  })
})
